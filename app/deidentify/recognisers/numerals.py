"""Numbers in digits and words: where they are and what they are worth."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from app.deidentify.document import Document
from app.deidentify.lexicon import lexicon

_YEARS = range(1900, 2100)
_HIJRI = range(1380, 1480)
_LONGEST_WORD = 48
_MOST_WORDS = 40  # a run of number words is cut here


@dataclass(frozen=True, slots=True)
class Run:
    """Words ``first`` to ``last`` are one number; ``parts`` are the values of its words."""

    first: int
    last: int
    parts: tuple[int, ...]
    digits: bool

    @property
    def value(self) -> int:
        """What the run says as a count."""
        total = 0
        for part in self.parts:
            if part in (100, 1000, 1_000_000) and total:
                low = total % (1000 if part == 100 else part)  # noqa: PLR2004 - hundreds
                total = total - low + (low or 1) * part
            else:
                total += part
        return total

    @property
    def year(self) -> int | None:
        """The year the run names, if it can be one: 2015, 'twenty fifteen', 'nineteen ninety'."""
        pair = self.parts
        if len(pair) > 1 and pair[0] in (19, 20, 18, 14) and 10 <= sum(pair[1:]) < 100:  # noqa: PLR2004 - century, years
            return pair[0] * 100 + sum(pair[1:])
        return self.value if self.value in _YEARS or (self.value in _HIJRI) else None


@lru_cache(maxsize=8192)
def value(word: str, language: str) -> int | None:
    """What a folded number word is worth; None for other words."""
    known = lexicon(language)
    if word in known.numbers:
        return known.numbers[word]
    if language in ("de", "nl"):
        return _compound(word, language)
    if language == "ar" and len(word) > 3:  # noqa: PLR2004 - clitic and a word
        return next((known.numbers[s] for s in known.stems(word) if s in known.numbers), None) or _teen(word)
    if language == "tr":
        return next((known.numbers[f] for f in known.forms(word) if f in known.numbers and len(f) > 1), None)
    return None


_TEENS = re.compile(
    r"و?(?:(حد|احد|اثن|اتن|اطن|طن)|(ثلث|تلت|تلات|تلط|ثلاث)|(اربع|ربع)|(خمس)|(ست|س)|(سبع)|(تمن|تمان|ثمن|ثمان)|(تسع))[طت]?[عا]?[عا]?شر?ه?"
)


def _teen(word: str) -> int | None:
    """Eleven to nineteen as the dialects contract them."""
    match = _TEENS.fullmatch(word)
    return 10 + (match.lastindex or 0) if match else None


def _compound(word: str, language: str) -> int | None:
    """German and Dutch number words written as one, such as ``einundzwanzigste``."""
    if len(word) > _LONGEST_WORD:
        return None
    known = lexicon(language)
    glue = {"de": ("und", "te", "ten", "ter", "ste", "sten"), "nl": ("en", "ën", "de", "ste")}[language]
    atoms = [*known.numbers.items(), *((g, 0) for g in glue)]
    reach: list[tuple[int, ...] | None] = [(), *[None] * len(word)]
    for end in range(1, len(word) + 1):
        for atom, worth in atoms:
            before = reach[end - len(atom)] if end >= len(atom) else None
            if before is not None and word.endswith(atom, 0, end):
                reach[end] = (*before, worth) if worth else before
                break
    parts = reach[-1]
    return Run(0, 0, parts, digits=False).value if parts else None


def runs(document: Document) -> Iterator[Run]:
    """All numbers of the document, in order."""
    at = 0
    while at < len(document.words):
        run = _run(document, at)
        if run is None:
            at += 1
        else:
            yield run
            at = run.last + 1


def _run(document: Document, at: int) -> Run | None:
    word = document.words[at]
    if word.low.isdigit():
        return _digits(document, at)
    worth = value(word.low, word.language)
    if worth is None:
        return None
    parts, last = [worth], at
    while last - at < _MOST_WORDS and last + 1 < len(document.words) and document.gap(last) in (" ", "-", " - ", ""):
        after = document.words[last + 1]
        more = value(after.low, after.language)
        if more is None and after.low in after.lexicon.words["joiners"] and document.linked(last + 1):
            third = document.words[last + 2]
            more = value(third.low, third.language)
            last += more is not None
        if more is None:
            break
        parts.append(more)
        last += 1
    return Run(at, last, tuple(parts), digits=False)


def _digits(document: Document, at: int) -> Run:
    """Digits, with the groups of a large number joined: ``4,300``, ``18 700``, ``1.640``."""
    joined, last = document.lows[at], at
    while last + 1 < len(document.words) and document.gap(last) in (",", ".", " ", "'") and len(joined) < 12:  # noqa: PLR2004
        after = document.lows[last + 1]
        if not (after.isdigit() and len(after) == 3 and len(document.lows[last]) <= 3):  # noqa: PLR2004 - groups of three
            break
        joined += after
        last += 1
    return Run(at, last, (int(joined[:15]),), digits=True)
