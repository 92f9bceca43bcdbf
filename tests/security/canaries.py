"""Canaries: one random word in every text of a testimony, and a search that knows the ways it could be written down."""

from __future__ import annotations

import base64
import bz2
import gzip
import lzma
import random
import string
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from app.studies.fields import Field
from app.studies.instrument import Instrument, bundled

STEM_LETTERS = 14
# Days and half-years that stand nowhere else: a coded field can hold no word of ours.
DAY, HALF_YEAR, OTHER_HALF_YEAR, YEAR = "1917-03-29", "1921-H2", "1922-H1", 1931
LONGEST_UNPACKED = 16 << 20
ALIGNMENTS = range(3)
Unpack = Callable[[memoryview], bytes]


class Canary:
    """A random word; ``number`` in it tells which text it was in."""

    def __init__(self, seed: str | None = None) -> None:
        self.stem = "zq" + "".join(random.Random(seed).choices(string.ascii_lowercase, k=STEM_LETTERS))
        self._next = 0
        self._forms = dict(_forms(self.stem))

    def word(self) -> str:
        """The stem with a fresh number."""
        self._next += 1
        return f"{self.stem}{self._next:05d}"

    def found(self, data: bytes) -> list[str]:
        """In which ways of writing the stem, or one of the days, is in these bytes; packed parts are unpacked."""
        return self.found_unpacked(data) + [
            f"{kind} {hit}" for kind, inner in _unpacked(data) for hit in self.found_unpacked(inner)
        ]

    def found_unpacked(self, data: bytes) -> list[str]:
        """The same without looking into packed parts."""
        hits = [name for name, form in self._forms.items() if form in data]
        hits += ["any case"] if self.stem.encode() in data.lower() else []
        return hits + [day for day in (DAY, HALF_YEAR, OTHER_HALF_YEAR) if day.encode() in data]

    def answers(self, instrument: Instrument | None = None, **changed: Any) -> dict[str, Any]:
        """Answers to every question of an interview; each text that can hold one has a canary of its own."""
        form = instrument or bundled()
        answers = {name: {"value": self._value(field)} for name, field in form.fields.items()}
        for name in ("ethics_reference", "citation"):
            del answers[name]
        return answers | changed

    def public_account(self) -> dict[str, Any]:
        """Answers taken from a public account: those questions that only such a one has are in it."""
        answers = self.answers() | {"source_type": {"value": "public_account"}}
        for name in CONSENT:
            answers.pop(name, None)
        answers["ethics_reference"] = answers["citation"] = {"value": self.word()}
        return answers

    def _value(self, field: Field) -> Any:
        made = FIXED.get(field.name)
        if made is not None:
            return made
        if field.type in {"string", "staff_ref"}:
            return self.word()
        if field.type == "strings":
            return [f"Abu {self.word()}", self.word()]
        if field.type == "text":
            return self._story()
        if field.type == "object":
            return self._object(field)
        if field.type == "objects":
            return [self._object(field), self._object(field)]
        if field.type == "many":
            return [next(choice.name for choice in field.choices if not choice.exclusive and not choice.effect)]
        return next(choice.name for choice in field.choices if not choice.effect and not choice.needs)

    def _story(self) -> str:
        # Some where the rules look for names, some where they do not, so that some come through to the release.
        return (
            f"They called me {self.word()}, and my cousin Mr. {self.word().capitalize()} came along. "
            f"The word for it was {self.word()} in our street.\nWe left in 2014 by the road to {self.word()}."
        )

    def _object(self, field: Field) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for member in field.members:
            if member.type == "bool":
                values[member.name] = True
            elif member.type == "one":
                values[member.name] = member.choices[0].name
            else:
                values[member.name] = self.word()
        return values


FIXED: Mapping[str, Any] = {
    "source_type": "first_hand_interview",
    "interview_date": DAY,
    "interview_language": "en",
    "interpreter": "professional",
    "consent_given": True,
    "confidentiality_limits_explained": True,
    "consent_comprehension": "teach_back_passed",
    "consent_scopes": ["team_analysis", "vetted_researchers", "recontact"],
    "age_status": "adult",
    "birth_year": YEAR,
    "nationality": ["GB"],
    "joined_period": HALF_YEAR,
    "left_period": OTHER_HALF_YEAR,
    "third_parties_named": True,
    "withdrawal_preference": "erase_identity_keep_anonymised",
}
CONSENT = (
    "consent_given",
    "consent_mode",
    "consent_scopes",
    "consent_comprehension",
    "confidentiality_limits_explained",
    "withdrawal_preference",
    "age_status",
    "safe_contact",
)


def _forms(stem: str) -> Iterator[tuple[str, bytes]]:
    for cased in (stem, stem.upper(), stem.capitalize()):
        for name in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le"):
            raw = cased.encode(name)
            yield f"{name} {cased}", raw
            yield f"hex {name} {cased}", raw.hex().encode()
            yield f"HEX {name} {cased}", raw.hex().upper().encode()
            for at in ALIGNMENTS:
                yield f"base64 {at} {name} {cased}", _base64_core(raw, at)
            yield f"base32 {name} {cased}", base64.b32encode(raw)[: len(raw) * 8 // 5 - 1]
    yield "reversed", stem[::-1].encode()
    yield "json escapes", _escaped(stem)


def _escaped(text: str) -> bytes:
    return "".join(f"\\u{ord(letter):04x}" for letter in text).encode()


def _base64_core(raw: bytes, at: int) -> bytes:
    """The characters of a base64 text that depend on ``raw`` alone, when it begins ``at`` bytes into a group."""
    whole = base64.b64encode(bytes(at) + raw + bytes(-(at + len(raw)) % 3))
    first, last = -(-at * 8 // 6), (at + len(raw)) * 8 // 6
    return whole[first:last]


PACKED: tuple[tuple[str, tuple[bytes, ...], Unpack], ...] = (
    ("gzip", (b"\x1f\x8b\x08",), lambda data: zlib.decompressobj(31).decompress(data, LONGEST_UNPACKED)),
    (
        "zlib",
        (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda"),
        lambda data: zlib.decompressobj().decompress(data, LONGEST_UNPACKED),
    ),
    ("bzip2", (b"BZh",), lambda data: bz2.BZ2Decompressor().decompress(data, LONGEST_UNPACKED)),
    ("xz", (b"\xfd7zXZ\0",), lambda data: lzma.LZMADecompressor().decompress(data, LONGEST_UNPACKED)),
)


def _unpacked(data: bytes) -> Iterator[tuple[str, bytes]]:
    for kind, magics, unpack in PACKED:
        for magic in magics:
            at = data.find(magic)
            while at >= 0:
                try:
                    inner = unpack(memoryview(data)[at:])
                except (zlib.error, OSError, EOFError, lzma.LZMAError):
                    inner = b""
                if inner:
                    yield kind, inner
                at = data.find(magic, at + 1)


def written_in_every_way(text: str) -> Iterator[tuple[str, bytes]]:
    """The same text in every way that the search must find: what proves that it can."""
    raw = text.encode()
    yield "plain", raw
    yield "utf-16", text.encode("utf-16-le")
    yield "utf-16 big", text.encode("utf-16-be")
    yield "upper", raw.upper()
    yield "hex", raw.hex().encode()
    for at in ALIGNMENTS:
        yield f"base64 {at}", base64.b64encode(bytes(at) + raw)
        yield f"urlsafe {at}", base64.urlsafe_b64encode(b"\xff" * at + raw)
    yield "json escapes", _escaped(text)
    yield "base64 utf-16", base64.b64encode(text.encode("utf-16-le"))
    yield "gzip", gzip.compress(raw, mtime=0)
    yield "zlib", zlib.compress(raw)
    yield "bzip2", bz2.compress(raw)
    yield "xz", lzma.compress(raw)
