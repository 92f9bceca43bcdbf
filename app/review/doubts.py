"""What in the clean texts still looks identifying: a second look that shares nothing with the first pass."""

from __future__ import annotations

from collections.abc import Mapping

from app.deidentify.second_look import Doubt, doubts
from app.errors import DoubtsOpen

Doubts = dict[str, list[Doubt]]


def look(texts: Mapping[str, str]) -> Doubts:
    """The doubts of each clean text, by its name; offsets are code points of the clean text."""
    return {name: doubts(text) for name, text in texts.items()}


def count(found: Doubts) -> int:
    """How many there are."""
    return sum(map(len, found.values()))


def check_answered(texts: Mapping[str, str], answered: int) -> None:
    """Raise DoubtsOpen unless whoever releases says how many doubts they looked at and let stay."""
    if count(look(texts)) != answered:
        raise DoubtsOpen
