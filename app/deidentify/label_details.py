"""What a label may say of what it hides: a relation, a region, a year, an age band, a magnitude.

Each is coarser than the text, and nothing is said where the text leaves doubt.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from app.deidentify.document import Document
from app.deidentify.label_forms import COUNT, DETAILS, LabelWords, Table, age_band, label_words, magnitude
from app.deidentify.lexicon import lexicon, regions
from app.deidentify.normalise import fold
from app.deidentify.recognisers import counts
from app.deidentify.recognisers.background import listed
from app.deidentify.recognisers.numerals import Run, runs
from app.deidentify.spans import Kind, Span

_YEAR: Final = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_GREGORIAN: Final = range(1900, 2100)
_BETWEEN: Final = " ,:'\"“«„-"  # what may stand between a relation and a name
_LONGEST: Final = 3  # words of a relation
_CLITICS: Final = ("و", "ف", "ل", "ب", "ك")
_PARTS: Final = re.compile(r"[^\W\d_]+")


@dataclass(slots=True)
class Details:
    """Reads the details of one text's spans."""

    document: Document
    _runs: list[Run] = field(init=False)
    _ages: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self._runs = list(runs(self.document))
        ages = (span for span in counts.recognise(self.document) if span.reason == "age")
        self._ages = sorted(self.document.view.starts[span.start] for span in ages)

    def of(self, span: Span, surface: str) -> str:
        """The detail of one mention; nothing where there is none."""
        words = self.document.indices(span.start, span.end)
        match span.kind:
            case Kind.PERSON:
                return self._relation(words)
            case Kind.LOC:
                return region_of(surface)
            case Kind.DATETIME:
                return self._years(words, surface)
            case Kind.ORG:
                return self._body(words)
            case Kind.QUANTITY:
                return self._magnitude(words)
            case Kind.DEM:
                return self._category(words)
            case _:
                return ""

    def age(self, span: Span) -> str:
        """The band of an age that the span hides; nothing if it hides none."""
        at = bisect_left(self._ages, span.start)
        if span.kind is not Kind.DEM or not (at < len(self._ages) and self._ages[at] < span.end):
            return ""
        found = self._inside(self.document.indices(span.start, span.end))
        return age_band(found[0].value) if len(found) == 1 else ""

    def _inside(self, words: range) -> list[Run]:
        first = bisect_left(self._runs, words.start, key=lambda run: run.first)
        last = bisect_left(self._runs, words.stop, key=lambda run: run.first)
        return self._runs[first:last]

    def _relation(self, words: range) -> str:
        if not words:
            return ""
        known = self._known(words.start)
        own = known.roles.get((self.document.lows[words.start],)) if len(words) > 1 else None
        at = words.start
        if own or not at or self.document.gap(at - 1).strip(_BETWEEN):
            return own or ""
        size, relation = _phrase(self.document.lows, at, known.relations)
        if relation and self._owned(at - size, known):
            return relation
        return "" if relation else _phrase(self.document.lows, at, known.roles)[1]

    def _known(self, at: int) -> LabelWords:
        return label_words()[self.document.words[at].language]

    def _owned(self, at: int, known: LabelWords) -> bool:
        """Whether the relation at ``at`` is somebody's: fighters call each other brother."""
        before = self.document.lows[max(0, at - 2) : at]
        if not known.owners:
            return True
        return before[-1:] != [] and (
            before[-1] in known.owners or (before[-1] in known.between and before[0] in known.owners)
        )

    def _years(self, words: range, surface: str) -> str:
        """The year, or for a Hijri year the two it can be; nothing if there are several."""
        written = {int(year) for year in _YEAR.findall(fold(surface))}
        found = written or {run.year for run in self._inside(words) if run.year is not None}
        if len(found) != 1:
            return ""
        year = found.pop()
        return str(year) if year in _GREGORIAN else f"{_gregorian(year)}-{_gregorian(year) + 1}"

    def _body(self, words: range) -> str:
        if not words:
            return ""
        lows, bodies = self.document.lows, self._known(words.start).bodies
        around = range(max(0, words.start - 1), min(len(lows), words.stop + 1))
        found = {_phrase(lows, at + 1, bodies)[1] for at in around} - {""}
        return found.pop() if len(found) == 1 else ""

    def _magnitude(self, words: range) -> str:
        found = self._inside(words)
        return magnitude(found[0].value) if len(found) == 1 else ""

    def _category(self, words: range) -> str:
        inside = [self.document.words[at] for at in words]
        found = {name for key, name in DETAILS.items() if any(listed(word, key) for word in inside if word.low != "\n")}
        if len(found) == 1:
            return found.pop()
        return COUNT if not found and len(self._inside(words)) == 1 else ""


def region_of(surface: str) -> str:
    """``town in northern Syria`` for a town of the gazetteer, inflected or not, whose name leaves no doubt."""
    words = _PARTS.findall(fold(surface))
    told = regions().get(" ".join(words))
    if told is None and len(words) == 1 and not surface.isascii():
        bare = {regions()[form] for form in _uninflected(words[0]) if form in regions()}
        told = bare.pop() if len(bare) == 1 else None
    return f"town in {told}" if told else ""


def _uninflected(word: str) -> Iterator[str]:
    """What a word without its clitics and case endings can be."""
    if "\u0400" <= word[0] <= "\u04ff":
        yield from (stem + ending for stem in lexicon("ru").forms(word) for ending in ("", "а", "я", "ь", "о"))
    else:
        yield from lexicon("ar" if "\u0600" <= word[0] <= "\u06ff" else "tr").forms(word)


def _phrase(lows: Sequence[str], at: int, table: Table) -> tuple[int, str]:
    """The longest phrase of the table that ends just before ``at``, Arabic clitics taken off: its size and name."""
    for size in range(min(_LONGEST, at), 0, -1):
        words = tuple(lows[at - size : at])
        name = table.get(words)
        if name is None and words[0].startswith(_CLITICS):
            name = table.get((words[0][1:], *words[1:]))
        if name:
            return size, name
    return 0, ""


def _gregorian(hijri: int) -> int:
    """The Gregorian year in which a Hijri year begins."""
    return int(hijri * 0.970224 + 621.5774)
