"""What the models say of each word, and which words are masked by it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from app.deidentify.pieces import KINDS, Ints
from app.deidentify.spans import Kind, Level, Span

_STOP = re.compile(r"[.!?;:\n\f]")
_LINK = re.compile(r"[^\w\s\f]{0,3}[ \t]?[^\w\s\f]{0,2}")
_ALWAYS_DIRECT: Final = (Kind.PERSON, Kind.CODE)
_SOMETIMES_DIRECT: Final = (Kind.LOC, Kind.DATETIME)
_DIRECT: Final = 0.5

Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, repr=False)
class Scores:
    """What the models say of each word of a document's view, in the order of the text.

    ``mask`` is the probability that the word must go, ``direct`` that it does as a direct identifier; ``kinds`` holds
    the likeliest kind as a number in ``KINDS``, ``opens`` whether the word begins a name, ``english`` which model read
    it.
    """

    starts: Ints
    ends: Ints
    mask: Floats
    direct: Floats
    kinds: Ints
    opens: Flags
    english: Flags


def neighbours(text: str, starts: Ints, ends: Ints) -> Flags:
    """For each word but the last, whether no end of a sentence or line lies between it and the next."""
    gaps = zip(ends[:-1].tolist(), starts[1:].tolist(), strict=True)
    return np.array([_STOP.search(text, end, start) is None for end, start in gaps], np.bool_)


def spread(score: Floats, kinds: Ints, near: Flags, limit: Floats, ratio: Floats) -> Flags:
    """Which words are masked: those that reach the ``limit``, and from there on their neighbors of the same kind.

    For a neighbor ``ratio`` of the limit is enough: half an address or half an alias tells the whole.
    """
    masked, enough = score >= limit, score >= limit * ratio
    joined = near & (kinds[1:] == kinds[:-1]) & enough[1:] & enough[:-1]
    runs = np.concatenate([np.zeros(1, np.int64), np.cumsum(~joined)])[: len(score)]
    reached: Flags = enough & (np.bincount(runs, weights=masked, minlength=1) > 0)[runs]
    return reached


def spans_of(text: str, scores: Scores, masked: Flags) -> Iterator[Span]:
    """Masked words, those of one name joined."""
    held: list[int] = []
    for i in np.flatnonzero(masked).tolist():
        if held and not _joined(text, scores, held[-1], i):
            yield _span(scores, held)
            held = []
        held.append(i)
    if held:
        yield _span(scores, held)


def _joined(text: str, scores: Scores, before: int, after: int) -> bool:
    if after != before + 1 or scores.kinds[before] != scores.kinds[after] or scores.opens[after]:
        return False
    return _LINK.fullmatch(text, scores.ends[before], scores.starts[after]) is not None


def _span(scores: Scores, held: list[int]) -> Span:
    kind = KINDS[scores.kinds[held[0]]]
    sure = bool(scores.direct[held].max() >= _DIRECT)
    level = Level.DIRECT if kind in _ALWAYS_DIRECT or (kind in _SOMETIMES_DIRECT and sure) else Level.QUASI
    score = round(float(scores.mask[held].max()), 4)
    return Span(int(scores.starts[held[0]]), int(scores.ends[held[-1]]), kind, level, score, "model")
