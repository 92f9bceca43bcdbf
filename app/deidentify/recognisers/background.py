"""What tells who somebody is without a name: trade, schooling, health, order of birth, people and faith."""

from __future__ import annotations

from collections.abc import Iterator

from app.deidentify.document import Document, Word
from app.deidentify.spans import Kind, Level, Span

_LISTS = {"occupations": 0.6, "health": 0.6, "birth_order": 0.5, "minorities": 0.5}


def recognise(document: Document) -> Iterator[Span]:
    """Words of the lists, and what follows 'I worked as'."""
    for at, word in enumerate(document.words):
        for key, score in _LISTS.items():
            if listed(word, key) and not document.speaker[at]:
                yield document.span(at, at, Kind.DEM, Level.QUASI, score, key)
        kind = word.lexicon.marked.get(word.low)
        if document.speaker[at]:
            continue
        if kind is Kind.DEM:
            yield document.span(at, at, Kind.DEM, Level.QUASI, 0.5, "listed")
        elif (
            kind in (Kind.MISC, Kind.QUANTITY, Kind.ORG, Kind.LOC)
            and not document.suspect[at]
            and not document.stay[at]
        ):
            yield document.span(at, at, kind, Level.QUASI, 0.3, "listed")


def listed(word: Word, key: str) -> bool:
    """Whether a word, inflected or in the plural, belongs to a list of the cues."""
    known = word.lexicon
    listed_words = known.words[key]
    if word.low in listed_words:
        return True
    if word.language in ("ar", "tr", "ru"):
        return any(f in listed_words for f in known.forms(word.low) if len(f) > 3)  # noqa: PLR2004
    return key != "minorities" and word.low.endswith("s") and word.low[:-1] in listed_words
