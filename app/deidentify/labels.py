"""Labels that stand where a name stood: ``[PERSON-01]``, ``[DATE-01: 2015]``.

A label tells what kind of thing was there and which mentions are the same thing. It tells nothing else: no length, no
initial. Numbers count from one in every record, so labels cannot be compared across records.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from rapidfuzz import fuzz

from app.deidentify.document import LABEL
from app.deidentify.lexicon import words_of
from app.deidentify.normalise import ascii_form, fold, skeleton
from app.deidentify.spans import Kind, Span

PREFIXES: Final = {
    Kind.PERSON: "PERSON",
    Kind.LOC: "PLACE",
    Kind.DATETIME: "DATE",
    Kind.CODE: "CODE",
    Kind.ORG: "ORG",
    Kind.QUANTITY: "NUMBER",
    Kind.DEM: "DETAIL",
}
CUT: Final = "[CUT]"
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_SURE_BONES: Final = 3  # consonants that make two spellings one name
_ALIKE: Final = 70.0  # rapidfuzz ratio of Latin forms with equal consonants: Sufian and Sofian, not Safwan
_PARENT = re.compile(r"^(?:abu|abou|aboo|ebu|abo|abi|umm|oum|um|абу|умм|ابو|ابي|ابا|ام|بو)$")
_KUNYA = re.compile(rf"{_PARENT.pattern}|^(?:al|el|ال)$")


class Labeller:
    """Gives the labels of one record; use one for all its texts, in their order, and then drop it.

    It remembers the surfaces it replaced, so it holds plaintext and must not be stored.
    """

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], int] = {}
        self._count: dict[str, int] = {}
        self._sounds: dict[tuple[str, str], list[tuple[int, str]]] = {}
        self._taken: set[str] = set()

    def __repr__(self) -> str:
        return f"Labeller({sum(self._count.values())} labels)"

    def reserve(self, text: str) -> None:
        """Keep the labels that ``text`` already holds from being given again."""
        self._taken.update(m[0].strip("[]").partition(":")[0] for m in LABEL.finditer(text))

    def replace(self, text: str, spans: Iterable[Span]) -> str:
        """``text`` with every span replaced by its label. The spans are sorted, disjoint and inside ``text``.

        Raises ValueError if they are not; the message holds no text.
        """
        self.reserve(text)
        out: list[str] = []
        at = 0
        for span in spans:
            if not at <= span.start < span.end <= len(text):
                raise ValueError("spans must be sorted, disjoint and inside the text")
            out += [text[at : span.start], self.label(span, text[span.start : span.end])]
            at = span.end
        return "".join([*out, text[at:]])

    def label(self, span: Span, surface: str) -> str:
        """The label of one mention; the same surface, or another spelling of it, has the same label."""
        prefix = PREFIXES.get(span.kind)
        if prefix is None:
            return CUT
        year = _YEAR.search(fold(surface)) if span.kind is Kind.DATETIME else None
        number = self._number(prefix, surface)
        return f"[{prefix}-{number:02}: {year[0]}]" if year else f"[{prefix}-{number:02}]"

    def _number(self, prefix: str, surface: str) -> int:
        keys = [(prefix, key) for key in _keys(prefix, surface)]
        number = next((self._numbers[k] for k in keys if k in self._numbers), 0)
        bones, form = _sound(surface) if prefix in ("PERSON", "PLACE") else ("", "")
        alike = self._sounds.setdefault((prefix, bones), []) if len(bones) >= _SURE_BONES else []
        number = number or next((n for n, other in alike if fuzz.ratio(form, other) >= _ALIKE), 0) or self._next(prefix)
        alike.append((number, form))
        for key in keys:
            self._numbers.setdefault(key, number)
        return number

    def _next(self, prefix: str) -> int:
        number = self._count.get(prefix, 0) + 1
        while f"{prefix}-{number:02}" in self._taken:
            number += 1
        self._count[prefix] = number
        return number


def _keys(prefix: str, surface: str) -> list[str]:
    """What makes two mentions the same: the folded surface; for names also their Latin form and consonants."""
    exact = [fold(surface)]
    if prefix not in ("PERSON", "PLACE"):
        return exact
    form = _sound(surface)[1]
    return [*exact, form] if form else exact


def _sound(surface: str) -> tuple[str, str]:
    """The consonants of a name and its Latin form, both with a mark for a kunya: Abu Hamid is not Hamid."""
    words = words_of(surface)
    names = [w for w in words if not _KUNYA.match(w)]
    kunya = "kunya " if any(_PARENT.match(w) for w in words) else ""
    bones, form = (" ".join(filter(None, map(read, names))) for read in (skeleton, ascii_form))
    return kunya + bones, kunya + form
