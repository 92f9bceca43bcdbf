"""Spans: what a recogniser found, and how many of them become one disjoint list.

Offsets count code points of the text that was analysed, end exclusive.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum


class Kind(StrEnum):
    """What a span names, after the annotation guidelines."""

    PERSON = "PERSON"
    CODE = "CODE"
    LOC = "LOC"
    ORG = "ORG"
    DATETIME = "DATETIME"
    DEM = "DEM"
    QUANTITY = "QUANTITY"
    MISC = "MISC"


class Level(StrEnum):
    """How much a miss costs: a direct identifier may kill, a quasi-identifier adds up."""

    DIRECT = "direct"
    QUASI = "quasi"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """One thing to mask: ``text[start:end]``, found by the detector ``reason`` with a score from 0 to 1."""

    start: int
    end: int
    kind: Kind
    level: Level
    score: float
    reason: str


def _rank(span: Span) -> tuple[bool, float, int, int, str, str]:
    return (span.level is not Level.DIRECT, -span.score, span.start - span.end, span.start, span.kind, span.reason)


def resolve(spans: Iterable[Span]) -> list[Span]:
    """Sorted, disjoint spans that cover every character of ``spans``.

    Direct beats quasi, then the higher score, then the longer span; what a loser covers beyond the winners stays
    covered under the loser's own name. The result does not depend on the order of the input.
    """
    taken: list[Span] = []
    for span in sorted({s for s in spans if s.end > s.start}, key=_rank):
        for start, end in _free(span.start, span.end, taken):
            bisect.insort(taken, Span(start, end, span.kind, span.level, span.score, span.reason))
    return _joined(taken)


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Neighbors that touch and name the same kind are one thing: its pieces would tell how it is built."""
    joined: list[Span] = []
    for span in spans:
        last = joined[-1] if joined else None
        if last is not None and last.end == span.start and last.kind is span.kind:
            stronger = min(last, span, key=_rank)
            joined[-1] = replace(stronger, start=last.start, end=span.end)
        else:
            joined.append(span)
    return joined


def _free(start: int, end: int, taken: list[Span]) -> list[tuple[int, int]]:
    """The parts of start..end that no span of the sorted, disjoint ``taken`` covers."""
    gaps: list[tuple[int, int]] = []
    at = bisect.bisect_left(taken, start, key=lambda s: s.end)
    while start < end and at < len(taken) and taken[at].start < end:
        if taken[at].start > start:
            gaps.append((start, taken[at].start))
        start = max(start, taken[at].end)
        at += 1
    if start < end:
        gaps.append((start, end))
    return gaps
