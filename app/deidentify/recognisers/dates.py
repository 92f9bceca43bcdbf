"""Dates finer than a year, feasts, clock times and durations counted in days."""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.deidentify.document import Document
from app.deidentify.recognisers.numerals import Run, runs
from app.deidentify.spans import Kind, Level, Span

_NUMERIC = re.compile(
    r"(?<![\w/.-])(?:\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})|\d{4}[./-]\d{1,2}[./-]\d{1,2}|\d{1,2}/\d{4})(?![\w/]|[.-]\d)"
)
_CLOCK = re.compile(
    r"(?<![\w:.])\d{1,2}(?::\d{2}(?::\d{2})?| ?h ?\d{2}| ?[ap]\.?m\b\.?| o'clock| ?uhr(?: \d{2})?| uur)(?![\w:])",
    re.IGNORECASE,
)
_HOPS = 3  # little words between the parts of a date
_AROUND = 6  # words to either side in which a cue for birth or death counts
_LINKS = frozenset(
    [
        "of",
        "the",
        "de",
        "du",
        "des",
        "di",
        "van",
        "der",
        "den",
        "des",
        "von",
        "le",
        "el",
        "al",
        "before",
        "after",
        "avant",
        "après",
        "vor",
        "nach",
        "voor",
        "na",
        "قبل",
        "بعد",
        "после",
        "до",
        "to",
        "und",
        "en",
        "et",
    ]
) | frozenset(
    [
        "أول",
        "ثاني",
        "الأول",
        "الثاني",
        "الاول",
        "الآخر",
        "الآخرة",
        "الأولى",
        "اول",
        "من",
        "في",
        "thani",
        "thaani",
        "awwal",
        "akhir",
        "qada",
        "qidah",
        "hijja",
        "ль",
        "авваль",
        "аль",
        "сани",
        "года",
        "г",
    ]
)


def recognise(document: Document) -> Iterator[Span]:
    """Everything that pins a day, a month or an hour."""
    for pattern, reason in ((_NUMERIC, "date"), (_CLOCK, "clock")):
        for m in pattern.finditer(document.text):
            yield Span(m.start(), m.end(), Kind.DATETIME, Level.QUASI, 0.9, reason)
    numbers = list(runs(document))
    starts = {r.first: r for r in numbers}
    ends = {r.last: r for r in numbers}
    for at, word in enumerate(document.words):
        known = word.lexicon.words
        if _is(document, at, "months"):
            yield from _month(document, at, starts, ends)
        if _is(document, at, "weekdays") and not _recurring(document, at):
            yield from _dated(document, at, at, starts, ends, "weekday")
        size = word.lexicon.phrases["feasts"].ahead(document.lows, at)
        if size:
            yield from _dated(document, at, at + size - 1, starts, ends, "feast")
        if word.low in known["seasons"] or any(s in known["seasons"] for s in word.lexicon.stems(word.low)):
            yield from _season(document, at, starts)
    for run in numbers:
        yield from _duration(document, run)
        yield from _hour(document, run)


def _is(document: Document, at: int, key: str) -> bool:
    word = document.words[at]
    listed = word.lexicon.words[key]
    return word.low in listed or (
        word.language in ("ar", "tr") and any(f in listed for f in word.lexicon.forms(word.low))
    )


def _month(document: Document, at: int, starts: dict[int, Run], ends: dict[int, Run]) -> Iterator[Span]:
    word = document.words[at]
    loose = word.low in word.lexicon.words["loose_months"] or not _exact(document, at)
    first, last = _reach(document, at, at, starts, ends)
    if loose and first == last and not (word.capital and not word.initial and word.language == "en"):
        return
    if loose and word.low in ("ramadan", "ramadhan", "ramazan", "رمضان") and first == last:
        return
    yield _span(document, first, last, 0.9, "date")


def _exact(document: Document, at: int) -> bool:
    return document.lows[at] in document.words[at].lexicon.words["months"]


def _dated(
    document: Document, at: int, end: int, starts: dict[int, Run], ends: dict[int, Run], reason: str
) -> Iterator[Span]:
    first, last = _reach(document, at, end, starts, ends)
    yield _span(document, first, last, 0.8, reason)


def _reach(document: Document, first: int, last: int, starts: dict[int, Run], ends: dict[int, Run]) -> tuple[int, int]:
    """Widen first..last over day numbers, years, parts of the day and the little words between them."""
    for _ in range(4):
        step = _left(document, first, ends)
        if step is None:
            break
        first = step
    for _ in range(4):
        if document.lows[last + 1 : last + 2] in (["года"], ["году"], ["год"]) and document.linked(last):
            last += 1
        further = _right(document, last, starts)
        if further is None:
            break
        last = further
    return first, last


def _left(document: Document, first: int, ends: dict[int, Run]) -> int | None:
    at = first - 1
    hops = 0
    while at >= 0 and hops < _HOPS and "\n" not in document.gap(at) and not document.gap(at).strip(" .,-'"):
        word = document.words[at]
        if at in ends and ends[at].value < 60:  # noqa: PLR2004 - days, and minutes before an hour
            return ends[at].first
        if word.low in word.lexicon.words["day_parts"] or _is(document, at, "months") or _is(document, at, "weekdays"):
            return at
        if word.lexicon.phrases["feasts"].behind(document.lows, at + 1):
            return at
        if word.low not in _LINKS:
            return None
        at, hops = at - 1, hops + 1
    return None


def _right(document: Document, last: int, starts: dict[int, Run]) -> int | None:
    at = last + 1
    hops = 0
    while at < len(document.words) and hops < _HOPS - 1 and not document.gap(at - 1).strip(" .,-'"):
        word = document.words[at]
        if at in starts and (starts[at].value < 60 or starts[at].year):  # noqa: PLR2004 - days
            return starts[at].last
        if _is(document, at, "months") or (word.language == "tr" and word.low in word.lexicon.words["day_parts"]):
            return at
        size = word.lexicon.phrases["feasts"].ahead(document.lows, at)
        if size:
            return at + size - 1
        if word.low not in _LINKS:
            return None
        at, hops = at + 1, hops + 1
    return None


def _recurring(document: Document, at: int) -> bool:
    return (
        at > 0
        and document.lows[at - 1]
        in ("every", "jeden", "jede", "chaque", "elke", "her", "каждый", "каждую", "كل", "on")[:-1]
    )


def _season(document: Document, at: int, starts: dict[int, Run]) -> Iterator[Span]:
    after = _right(document, at, starts)
    run = starts.get(at + 1) or starts.get(at + 2)
    if after is not None and run is not None and run.year:
        yield _span(document, at, after, 0.8, "season")


def _duration(document: Document, run: Run) -> Iterator[Span]:
    """``after 43 days``: a count of days or nights, two or more."""
    at = run.last + 1
    if at < len(document.words) and document.linked(run.last):
        word = document.words[at]
        if word.low in word.lexicon.words["day_units"] and (run.value > 1 or run.parts[-1] > 1):
            yield _span(document, run.first, at, 0.8, "duration")
        elif word.low in word.lexicon.words["day_parts"] and word.lexicon.words["ordinals"] & set(
            document.lows[run.first : at]
        ):
            yield _span(document, run.first, at, 0.6, "ordinal_day")
    before = document.words[max(0, run.first - 1)]
    listed = before.lexicon.words
    if run.first and before.low in listed["day_parts"] and document.lows[run.last] in listed["ordinals"]:
        yield _span(document, run.first - 1, run.last, 0.6, "ordinal_day")


def _hour(document: Document, run: Run) -> Iterator[Span]:
    """``ten past five``, ``saat üç``, ``um fünf Uhr``, ``à trois heures``."""
    low = document.lows
    after = low[run.last + 1 : run.last + 3]
    before = low[max(0, run.first - 1) : run.first]
    if after[:1] in (["past"], ["o"], ["am"], ["pm"], ["uhr"], ["uur"], ["voor"], ["vor"]) and run.value < 61:  # noqa: PLR2004
        last = min(run.last + 2, len(low) - 1) if after[0] in ("past", "o", "voor", "vor") else run.last + 1
        if after[0] not in ("voor", "vor") or last in {r for r in range(last, last + 1) if low[r].isdigit()}:
            yield _span(document, run.first, last, 0.7, "clock")
    elif before in (["saat"], ["الساعة"], ["الساعه"]) or (after[:1] == ["heures"] and before in (["à"], ["vers"])):
        yield _span(document, run.first, run.last + (after[:1] == ["heures"]), 0.7, "clock")


def _span(document: Document, first: int, last: int, score: float, reason: str) -> Span:
    """A dated span; the day of a birth or a death is direct."""
    low, high = max(0, first - _AROUND), min(len(document.words), last + _AROUND)
    known = document.words[first].lexicon.phrases
    fateful = any(
        known[key].ahead(document.lows, i)
        for key in ("birth", "death")
        for i in range(low, high)
        if not first <= i <= last
    )
    return document.span(first, last, Kind.DATETIME, Level.DIRECT if fateful else Level.QUASI, score, reason)
