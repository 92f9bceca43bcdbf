"""A codebook: the names under which researchers code passages, in two levels.

The parents only group; what can be applied is a code under one of them, named ``PARENT/CODE``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from app.errors import InstrumentRefused
from app.studies.reader import Reader

DEFAULT: Final = "defector-narratives.v1"
FORMAT: Final = "testimony-codebook/1"

_KEYS: Final = frozenset({"format", "id", "version", "title", "parents"})
_PARENT: Final = frozenset({"name", "label", "codes"})
_CODE: Final = frozenset({"name", "label", "description"})
_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]{0,31}", re.ASCII)


@dataclass(frozen=True, slots=True, eq=False)
class Code:
    """One code that can be applied to a passage."""

    name: str
    parent: str
    label: Mapping[str, str]
    description: str

    @property
    def path(self) -> str:
        """Return the name by which a coding stores it, such as ``LEAVE/CORRUPT``."""
        return f"{self.parent}/{self.name}"


@dataclass(frozen=True, slots=True, eq=False)
class Codebook:
    """One version of a codebook: labels of the parents, and the codes by path."""

    id: str
    version: str
    title: Mapping[str, str]
    parents: Mapping[str, Mapping[str, str]]
    codes: Mapping[str, Code]

    @classmethod
    def load(cls, obj: object) -> Codebook:
        """Parse a codebook.

        Raises InstrumentRefused with every flaw at once.
        """
        reader = Reader()
        raw = reader.mapping(obj, "", _KEYS, frozenset())
        reader.one_of(raw.get("format"), "/format", (FORMAT,))
        parents: dict[str, Mapping[str, str]] = {}
        codes: list[Code] = []
        for i, item in enumerate(reader.items(raw.get("parents"), "/parents", least=1)):
            parent = reader.mapping(item, f"/parents/{i}", _PARENT, frozenset())
            name = _name(reader, parent.get("name"), f"/parents/{i}/name")
            parents[name] = reader.texts(parent.get("label"), f"/parents/{i}/label")
            codes += _codes(reader, parent.get("codes"), f"/parents/{i}/codes", name)
        by_path = {code.path: code for code in codes}
        if len(by_path) != len(codes):
            reader.refuse("/parents", "Names must differ.")
        identifier, version = (reader.words(raw.get(key), f"/{key}") for key in ("id", "version"))
        title = reader.texts(raw.get("title"), "/title")
        if reader.flaws:
            raise InstrumentRefused(reader.flaws)
        return cls(identifier, version, title, MappingProxyType(parents), MappingProxyType(by_path))


@cache
def bundled_codebook(name: str = DEFAULT) -> Codebook:
    """Return a codebook that the project ships, by the stem of its file."""
    return Codebook.load(json.loads(files("app.studies").joinpath("data", f"{name}.json").read_text(encoding="utf-8")))


def _codes(reader: Reader, value: object, at: str, parent: str) -> list[Code]:
    codes = []
    for i, item in enumerate(reader.items(value, at, least=1)):
        raw = reader.mapping(item, f"{at}/{i}", _CODE, frozenset())
        name = _name(reader, raw.get("name"), f"{at}/{i}/name")
        label = reader.texts(raw.get("label"), f"{at}/{i}/label")
        codes.append(Code(name, parent, label, reader.words(raw.get("description"), f"{at}/{i}/description")))
    return codes


def _name(reader: Reader, value: object, at: str) -> str:
    if isinstance(value, str) and _NAME.fullmatch(value):
        return value
    reader.refuse(at, "Give a name of capital letters, digits and underscores.")
    return ""
