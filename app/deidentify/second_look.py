"""A second, independent look at a clean text: does anything in it still look identifying?

It shares no recogniser and no model with the first pass. It reads the word lists more suspiciously: whatever is neither
common speech nor known to stay is a doubt, which a person answers by masking it or by saying that it may stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from app.deidentify.document import BARRIER, Document, Word
from app.deidentify.lexicon import LANGUAGES, lexicon, names

_ADDRESS: Final = re.compile(r"\S*(?:@|https?://|www\.|\w_\w)\S*")
_INITIAL: Final = re.compile(r"(?<![\w.\n])(?<!^)[A-ZÀ-ÞА-Я]\.(?!\w)")
_FIGURES: Final = re.compile(r"(?<![\w/-])[\w/-]{0,12}\d[\w./:,-]*")
_YEARS: Final = range(1900, 2100)
_EXACT: Final = 2  # figures before the zeros of a number that is more than a guess
_TEN: Final = 10
_SAID: Final = 3  # figures said in a row that are no count
_SHORT: Final = 3  # letters of a word that tells too little
_CUES: Final = frozenset(
    [
        *("months", "weekdays", "seasons", "day_units", "hour_units", "vague_units", "day_parts", "ordinals"),
        *("currencies", "measures", "children", "heads", "kin", "titles", "place_tail", "org_tail", "birth_order"),
    ]
)
_PARENTS: Final = frozenset(["abu", "abou", "aboo", "ebu", "umm", "oum", "абу", "умм", "ابو", "ابي", "ابا"])
_COMPOUNDING: Final = ("de", "nl", "tr")  # languages that make new words out of ordinary ones


@dataclass(frozen=True, slots=True, order=True)
class Doubt:
    """Something in a clean text, in code points, that may identify somebody, and why."""

    start: int
    end: int
    reason: str


def doubts(text: str, language: str | None = None) -> list[Doubt]:
    """What in a clean text may still identify somebody, in order and disjoint; labels raise no doubt."""
    document = Document(text, language)
    found = [*_written(document), *_spoken(document), *_words(document)]
    ordered = sorted((_original(document, each) for each in found), key=lambda each: (each.start, -each.end))
    return list(_disjoint(ordered))


def _original(document: Document, doubt: Doubt) -> Doubt:
    return Doubt(*document.view.original(doubt.start, doubt.end), doubt.reason)


def _disjoint(ordered: list[Doubt]) -> Iterator[Doubt]:
    """Overlapping doubts are one, under the reason of the one that starts first."""
    held: Doubt | None = None
    for doubt in ordered:
        if held is not None and doubt.start < held.end:
            held = replace(held, end=max(held.end, doubt.end))
            continue
        if held is not None:
            yield held
        held = doubt
    if held is not None:
        yield held


def _written(document: Document) -> Iterator[Doubt]:
    """Addresses, initials, and exact numbers in figures; years and round numbers may stay."""
    for pattern, reason in ((_ADDRESS, "address"), (_INITIAL, "initial")):
        for match in pattern.finditer(document.text):
            if match[0].strip(BARRIER):
                yield Doubt(match.start(), match.end(), reason)
    for match in _FIGURES.finditer(document.text):
        if not _harmless(re.sub(r"\D", "", match[0])):
            yield Doubt(match.start(), match.end(), "number")


def _harmless(figures: str) -> bool:
    year = len(figures) == len(str(_YEARS.start)) and int(figures) in _YEARS
    return year or len(figures.strip("0")) < _EXACT


def _spoken(document: Document) -> Iterator[Doubt]:
    """Figures said one by one."""
    first = 0
    for at, word in enumerate(document.words):
        if not 0 <= word.lexicon.numbers.get(word.low, _TEN) < _TEN:
            if at - first >= _SAID:
                yield Doubt(document.words[first].start, document.words[at - 1].end, "number")
            first = at + 1


def _words(document: Document) -> Iterator[Doubt]:
    for at, word in enumerate(document.words):
        if word.low == "\n" or not word.low.isalpha() or document.stay[at] or document.speaker[at]:
            continue
        reason = _reason(document, at, word)
        if reason:
            yield Doubt(word.start, word.end, reason)


def _reason(document: Document, at: int, word: Word) -> str:
    known = word.lexicon
    if at and document.lows[at - 1] in _PARENTS and document.linked(at - 1):
        return "kunya"
    if word.low in known.words["months"] and _counted(document, at):
        return "date"
    if len(word.low) < _SHORT or word.low in known.function_words or _cue(word):
        return ""
    if _beside_label(document, word):
        return "beside a label"
    if word.cased and word.language not in ("ar", "de") and word.capital and not word.initial:
        return "" if word.low in known.common else "capital"
    if word.low in known.ordinary:
        return "name" if not word.cased and word.low in names() and word.low not in known.common else ""
    if word.low in names() or any(form in names() for form in known.forms(word.low)[1:]):
        return "name"
    return "" if _familiar(word) else "rare"


def _counted(document: Document, at: int) -> bool:
    """Whether a number of a day stands before or after the month."""
    near = [document.words[i] for i in (at - 1, at + 1) if 0 <= i < len(document.words)]
    return any(w.low in w.lexicon.numbers or (w.low.isdigit() and int(w.low[:4]) not in _YEARS) for w in near)


def _cue(word: Word) -> bool:
    """Whether the word only announces something: a number, a title, a unit, a month."""
    known = word.lexicon
    return word.low in known.numbers or any(word.low in listed for key, listed in known.words.items() if key in _CUES)


def _beside_label(document: Document, word: Word) -> bool:
    """Whether a hyphen or nothing joins the word to a label: a name may have been masked by half."""
    before, after = document.text[max(0, word.start - 2) : word.start], document.text[word.end : word.end + 2]
    clitic = word.language in ("ar", "tr")  # written on to the name that the label stands for
    return not clitic and (before in (BARRIER + "-", "-" + BARRIER) or before[-1:] == BARRIER or after == "-" + BARRIER)


def _familiar(word: Word) -> bool:
    """Whether the word, inflected or compounded, is ordinary in some language of its script."""
    if any(word.low in lexicon(code).ordinary for code in LANGUAGES):
        return True
    known = word.lexicon
    if any(form in known.ordinary for form in known.forms(word.low)):
        return True
    return word.language in _COMPOUNDING and _compound(word.low, known.ordinary)


def _compound(low: str, ordinary: frozenset[str]) -> bool:
    """Whether two ordinary words, with or without a joint, make the word."""
    return any(
        low[:at] in ordinary and (low[at:] in ordinary or low[at:].lstrip("sen") in ordinary)
        for at in range(_SHORT, len(low) - _SHORT + 1)
    )
