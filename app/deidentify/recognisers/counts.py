"""Exact ages, counts of children, sums, distances and head counts."""

from __future__ import annotations

from collections.abc import Iterator

from app.deidentify.document import Document
from app.deidentify.recognisers.numerals import Run, runs
from app.deidentify.spans import Kind, Level, Span

_FEW = 13  # up to here a number without a unit says little by itself
_AGES = range(1, 100)
_ENDS = frozenset(["at", "in", "and", "i", "all", "we", "et", "à", "je", "und", "zu", "en", "bij", "и"])


def recognise(document: Document) -> Iterator[Span]:
    """Numbers that pin a person or an event."""
    for run in runs(document):
        found = _age(document, run) or _children(document, run) or _amount(document, run) or _bare(document, run)
        if found:
            yield found


def _after(document: Document, run: Run) -> str:
    near = run.last + 1 < len(document.words) and document.linked(run.last)
    return document.lows[run.last + 1] if near else ""


def _cue(document: Document, run: Run, key: str) -> bool:
    phrases = document.words[run.first].lexicon.phrases[key]
    if run.first and document.gap(run.first - 1).strip(" ,…'"):
        return False
    back = (
        2 if document.lows[max(0, run.first - 1)] in ("only", "just", "then", "about", "uh", "um", "now", "were") else 1
    )
    return any(phrases.behind(document.lows, run.first - i) for i in range(back) if run.first - i > 0)


def _age(document: Document, run: Run) -> Span | None:
    known = document.words[run.first].lexicon
    if run.value not in _AGES:
        return None
    size = known.phrases["age_after"].ahead(document.lows, run.last + 1)
    before = _cue(document, run, "age_before")
    alone = size > 1 or document.words[run.first].language in ("tr", "ru")
    unit = _after(document, run) in known.words["vague_units"] and not size
    if unit or not (before or (size and (alone or run.value >= 5))):  # noqa: PLR2004 - 'two years' is a duration
        return None
    if not before and not alone:
        return None if document.words[run.first].language in ("en", "de", "nl") else _dem(document, run, 0.5, "age")
    return _dem(document, run, 0.7, "age")


def _dem(document: Document, run: Run, score: float, reason: str) -> Span:
    return document.span(run.first, run.last, Kind.DEM, Level.QUASI, score, reason)


def _children(document: Document, run: Run) -> Span | None:
    known = document.words[run.first].lexicon
    near = {_after(document, run), *(document.lows[run.last + 2 : run.last + 3] if document.linked(run.last) else ())}
    if 1 < run.value < 20 and near <= {""} | _ENDS and _cue(document, run, "children_before"):  # noqa: PLR2004
        return _dem(document, run, 0.4, "children")
    if run.value < 20 and near & known.words["children"]:  # noqa: PLR2004 - children of one family
        return _dem(document, run, 0.7, "children")
    return None


def _round(run: Run) -> bool:
    """Two significant figures at most: 'a few hundred', '2,000'."""
    return run.value >= 100 and len(str(run.value).rstrip("0")) <= 1  # noqa: PLR2004


def _amount(document: Document, run: Run) -> Span | None:
    known = document.words[run.first].lexicon.words
    after = _after(document, run)
    stems = {after, *document.words[run.first].lexicon.forms(after)} if after else set()
    before = document.lows[run.first - 1] if run.first else ""
    if stems & known["currencies"] or before in known["currencies"]:
        if _round(run):
            return None
        last = run.last + (1 if stems & known["currencies"] else 0)
        first = run.first - (0 if stems & known["currencies"] else 1)
        return document.span(first, last, Kind.QUANTITY, Level.QUASI, 0.7, "sum")
    if stems & known["measures"] and not _round(run):
        return document.span(run.first, run.last + 1, Kind.QUANTITY, Level.QUASI, 0.6, "distance")
    if stems & known["heads"] and run.value > 2 and not _round(run):  # noqa: PLR2004 - 'two men' are many men
        return document.span(run.first, run.last + 1, Kind.QUANTITY, Level.QUASI, 0.5, "head_count")
    if _cue(document, run, "heads_before") and run.value > 1 and not stems & known["vague_units"]:
        return _heads(document, run)
    return None


def _heads(document: Document, run: Run) -> Span:
    last = run.last + 2 if document.lows[run.last + 1 : run.last + 3] in (["of", "us"], ["of", "them"]) else run.last
    return document.span(run.first, last, Kind.QUANTITY, Level.QUASI, 0.5, "head_count")


def _bare(document: Document, run: Run) -> Span | None:
    """A number above a dozen without a unit that makes it vague: most are ages, counts or codes."""
    known = document.words[run.first].lexicon.words
    after = _after(document, run)
    if run.year or run.value < _FEW or _round(run) or after in known["vague_units"] or after in known["months"]:
        return None
    if run.value % 10 == 0 and run.value < 100:  # noqa: PLR2004 - 'fifty' is a guess
        return None
    return _dem(document, run, 0.4, "number")
