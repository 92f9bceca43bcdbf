"""A questionnaire, parsed once and frozen: what is asked, who may hold each answer, what of it is released.

An instrument that would be unsafe does not exist: ``Instrument.load`` refuses it with every flaw at once. It must not
release a direct field, hold one outside ``identity``, release a narrative without redaction or an identifying value
without a rule, or lack a text in one of the five languages.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from app.crypto.encoding import canonical_json, sha256
from app.errors import Flaw, InstrumentRefused
from app.studies.definition import read_sections
from app.studies.reader import Reader
from app.studies.safety import judge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.studies.fields import Field, Section

DEFAULT: Final = "defector-testimony.v1"
FORMAT: Final = "testimony-instrument/1"

_ID: Final = re.compile(r"[a-z][a-z0-9-]{0,63}", re.ASCII)
_VERSION: Final = re.compile(r"(0|[1-9]\d{0,5})(\.(0|[1-9]\d{0,5})){2}", re.ASCII)
_KEYS: Final = frozenset({"format", "id", "version", "title", "prompt", "sections"})


@dataclass(frozen=True, slots=True, eq=False)
class Instrument:
    """One version of a questionnaire. ``sha256`` is the raw digest of its canonical JSON (RFC 8785)."""

    id: str
    version: str
    sha256: bytes
    title: Mapping[str, str]
    prompt: Mapping[str, str]
    sections: tuple[Section, ...]
    fields: Mapping[str, Field]

    @classmethod
    def load(cls, obj: object) -> Instrument:
        """Parse and judge a questionnaire.

        Raises InstrumentRefused with every flaw at once; pointers are into the questionnaire.
        """
        reader = Reader()
        raw = reader.mapping(obj, "", _KEYS, frozenset())
        reader.one_of(raw.get("format"), "/format", (FORMAT,))
        sections = read_sections(reader, raw.get("sections"), "/sections")
        judge(reader, sections, "/sections")
        title, prompt = (reader.texts(raw.get(key), f"/{key}") for key in ("title", "prompt"))
        identifier = _match(reader, raw, "id", _ID)
        version = _match(reader, raw, "version", _VERSION)
        if reader.flaws:
            raise InstrumentRefused(_distinct(reader.flaws))
        fields = MappingProxyType({field.name: field for section in sections for field in section.fields})
        return cls(identifier, version, sha256(canonical_json(raw)), title, prompt, sections, fields)

    @property
    def numbers(self) -> tuple[int, ...]:
        """Return the version as numbers: major, minor, patch."""
        return tuple(int(part) for part in self.version.split("."))

    @property
    def extensions(self) -> tuple[Field, ...]:
        """Return the fields that are off unless the study switches them on."""
        return tuple(field for field in self.fields.values() if field.status == "extension")

    @property
    def narratives(self) -> tuple[Field, ...]:
        """Return the fields whose text the redaction turns into a release."""
        return tuple(field for field in self.fields.values() if field.rule == "redact")

    def in_compartment(self, compartment: str) -> tuple[Field, ...]:
        """Return the fields whose answers belong to one compartment, in the order of the form."""
        return tuple(field for field in self.fields.values() if field.compartment == compartment)


@cache
def bundled(name: str = DEFAULT) -> Instrument:
    """Return an instrument that the project ships, by the stem of its file."""
    return Instrument.load(bundled_definition(name))


def bundled_definition(name: str = DEFAULT) -> dict[str, object]:
    """Return the JSON of an instrument that the project ships; the caller may change its copy."""
    text = files("app.studies").joinpath("data", f"{name}.json").read_text(encoding="utf-8")
    definition: dict[str, object] = json.loads(text)
    return definition


def _match(reader: Reader, raw: Mapping[str, object], key: str, pattern: re.Pattern[str]) -> str:
    value = raw.get(key)
    if isinstance(value, str) and pattern.fullmatch(value):
        return value
    reader.refuse(f"/{key}", f"Give {'a name such as my-form' if key == 'id' else 'a version such as 1.0.0'}.")
    return ""


def _distinct(flaws: list[Flaw]) -> list[Flaw]:
    return list(dict.fromkeys(flaws))
