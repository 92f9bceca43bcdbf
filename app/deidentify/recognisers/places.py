"""Streets, camps, schools, mosques, units: a kind of place or body together with its name."""

from __future__ import annotations

from collections.abc import Iterator

from app.deidentify.document import Document
from app.deidentify.recognisers.people import extend
from app.deidentify.spans import Kind, Level, Span

_NAME = 4  # words before the kind of place
_ADDRESS = 6  # words after the street
_ONE_OR_TWO = 2  # letters: too short for a name


def recognise(document: Document) -> Iterator[Span]:
    """Named places and bodies found by the word that says what they are."""
    for at, word in enumerate(document.words):
        known = word.lexicon.words
        if word.low in known["street"]:
            yield from _street(document, at)
        if word.low in known["org_tail"]:
            yield from _before(document, at, Kind.ORG, "body")
        elif word.low in known["place_tail"]:
            yield from _before(document, at, Kind.LOC, "place")
        if word.low in known["org_head"] or any(s in known["org_head"] for s in word.lexicon.stems(word.low)):
            yield from _after(document, at, Kind.ORG, "body")
        if word.lexicon.phrases["place_head"].behind(document.lows, at):
            yield from _named(document, at)


def _usable(document: Document, at: int) -> bool:
    """Whether word ``at`` can be the name of a place: in text without case, any word that is no function word."""
    if not 0 <= at < len(document.words):
        return False
    word = document.words[at]
    if document.suspect[at]:
        return True
    if word.cased and word.language != "ar":
        return (
            word.capital
            and not word.initial
            and not document.stay[at]
            and word.low not in word.lexicon.words["org_stop"]
        )
    stop = word.low in word.lexicon.function_words or word.low in word.lexicon.words["org_stop"] or document.stay[at]
    return not stop and len(word.low) > _ONE_OR_TWO and word.low not in word.lexicon.numbers


def _before(document: Document, at: int, kind: Kind, reason: str) -> Iterator[Span]:
    """``al-Safa mosque``: the name stands before the word at ``at``."""
    first = at
    while at - first < _NAME and first and document.linked(first - 1) and _usable(document, first - 1):
        strict = document.suspect[first - 1] or document.words[first - 1].cased
        first -= 1
        if not strict:
            break
    if first < at:
        if first and document.lows[first - 1] in ("al", "el") and document.linked(first - 1):
            first -= 1
        yield document.span(first, at, kind, Level.QUASI, 0.7, reason)


def _after(document: Document, at: int, kind: Kind, reason: str) -> Iterator[Span]:
    """``katibat usud al-wadi``: the name stands after the word at ``at``."""
    if not document.linked(at):
        return
    last = at + 1
    if document.lows[last] in document.words[last].lexicon.words["particles"] and document.linked(last):
        last += 1
    if _usable(document, last):
        last = extend(document, last, 4)
        if document.words[at].language == "ar" and document.linked(last) and document.lows[last + 1].startswith("ال"):
            last += _usable(document, last + 1)
        yield document.span(at, last, kind, Level.QUASI, 0.7, reason)


def _named(document: Document, at: int) -> Iterator[Span]:
    if document.linked(at - 1) and _usable(document, at):
        yield document.span(at, extend(document, at, 3), Kind.LOC, Level.QUASI, 0.7, "place")


def _street(document: Document, at: int) -> Iterator[Span]:
    """A street with its number on either side: an address, so direct."""
    first = last = at
    while (
        at - first < _NAME
        and first
        and document.linked(first - 1)
        and (_part(document, first - 1) or (first == at and _usable(document, first - 1)))
    ):
        first -= 1
    while (
        last - at < _ADDRESS
        and last + 1 < len(document.words)
        and _near(document, last)
        and (_part(document, last + 1) or (last == at and _usable(document, last + 1)))
    ):
        last += 1
    while first < at and document.lows[first] in _SMALL:
        first += 1
    while last > at and document.lows[last] in _SMALL:
        last -= 1
    numbered = any(_number(document, i) for i in range(first, last + 1))
    if last > first and (numbered or any(document.suspect[first : last + 1])):
        direct = Level.DIRECT if numbered else Level.QUASI
        yield document.span(first, last, Kind.LOC, direct, 0.8, "address" if numbered else "street")


def _near(document: Document, at: int) -> bool:
    return document.linked(at) or document.gap(at) in (", ", " № ")


def _number(document: Document, at: int) -> bool:
    word = document.words[at]
    return word.low.isdigit() or (word.low in word.lexicon.numbers and len(word.low) > _ONE_OR_TWO)


_INSIDE = frozenset(
    [
        "nummer",
        "number",
        "no",
        "nr",
        "numara",
        "kat",
        "daire",
        "floor",
        "дом",
        "квартира",
        "кв",
        "д",
        "numéro",
        "رقم",
        "apartment",
        "flat",
        "bloc",
        "blok",
        "block",
        "lot",
        "bis",
    ]
)
_SMALL = frozenset(["des", "de", "du", "la", "le"])


def _part(document: Document, at: int) -> bool:
    if document.lows[at] in _SMALL:
        return True
    return document.suspect[at] or _number(document, at) or document.lows[at] in _INSIDE
