"""Runs of words that look like names although nothing announces them; neighbours tell what they name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from app.deidentify.document import Document
from app.deidentify.recognisers.people import extend
from app.deidentify.spans import Kind, Level, Span

_LEVELS = {Kind.PERSON: Level.DIRECT, Kind.CODE: Level.DIRECT}
_ADJECTIVES = frozenset(
    [
        "little",
        "big",
        "small",
        "old",
        "tall",
        "fat",
        "long",
        "black",
        "red",
        "petit",
        "petite",
        "grand",
        "gros",
        "kleine",
        "grote",
        "dikke",
        "küçük",
        "büyük",
        "deli",
        "kara",
        "маленький",
        "большой",
    ]
)


def level(kind: Kind) -> Level:
    """The level of a kind where nothing else is known."""
    return _LEVELS.get(kind, Level.QUASI)


def recognise(document: Document) -> Iterator[Span]:
    """Persons, places and bodies, by capitals, by word lists and by what is no common word."""
    at = 0
    while at < len(document.words):
        if not document.suspect[at]:
            at += 1
            continue
        first, last = _with_article(document, at), extend(document, at, 8)
        kind, score, reason = _classify(document, first, last)
        yield document.span(first, last, kind, level(kind), score, reason)
        if first and _house_number(document, first - 1, last):
            yield document.span(first - 1, last, Kind.LOC, Level.DIRECT, 0.6, "address")
        at = last + 1


def _house_number(document: Document, before: int, last: int) -> bool:
    """``11 Glynn Row``: a small number in digits before two capitals."""
    low = document.lows[before]
    pair = last - before > 1 and document.words[last].cased and document.words[last].language != "de"
    return pair and low.isdigit() and len(low) < 4 and document.linked(before)  # noqa: PLR2004 - four digits are a year


def _with_article(document: Document, at: int) -> int:
    """``at``, or the particle before it that belongs to the name."""
    before = at - 1
    if before >= 0 and document.linked(before) and not document.suspect[before]:
        word = document.words[before]
        articles = ("al", "el", "ad", "ash", "an", "ar", "as", "az", "at", "аль", "ас", "аш", "ад", "ан", "эль")
        if word.low in _ADJECTIVES and (word.capital or not word.cased) and not word.initial:
            return before
        if word.low in ("al", "el") or (document.gap(before) == "-" and word.low in articles):
            return before
    return at


def _classify(document: Document, first: int, last: int) -> tuple[Kind, float, str]:
    words = document.words[first : last + 1]
    known = words[0].lexicon
    before, after = document.lows[max(0, first - 1) : first], document.lows[last + 1 : last + 2]
    inside = {w.low for w in words}
    if inside & known.words["org_tail"] or inside & known.words["org_head"] or known.words["org_tail"] & set(after):
        return Kind.ORG, 0.6, "org_word"
    if inside & known.words["street"] or known.words["place_tail"] & {*after, *inside}:
        return Kind.LOC, 0.6, "place_word"
    if known.phrases["place_head"].behind(document.lows, first) or known.words["place_after"] & set(after):
        return Kind.LOC, 0.6, "place_word"
    listed = Counter(kind for w in words if (kind := known.marked.get(w.low)) is not None)
    if listed:
        return listed.most_common(1)[0][0], 0.6, "listed"
    if all(document.town[first : last + 1]):
        return Kind.LOC, 0.6, "gazetteer"
    if known.words["place_before"] & set(before):
        return Kind.LOC, 0.5, "place_cue"
    return Kind.PERSON, 0.4, "capital" if words[0].cased else "uncommon"
