"""How well spans cover the marks of hand-marked testimonies: recall, precision, safe documents.

A mention counts as found only if every word character in it is masked; a document is safe if no direct mention is
missed. Precision is counted over masked words.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from app.deidentify.marked import Mark, Marked

_WORD: Final = re.compile(r"\w+")
_UNKNOWN: Final = "-"
_LEVELS: Final = {True: "D", False: "Q"}


@dataclass(slots=True)
class Evaluation:
    """Counts by group: ``all``, each style, each language, each type. Texts are added one by one."""

    counts: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, marked: Marked, spans: Iterable[tuple[int, int]]) -> None:
        """Count one testimony and the spans an engine gave for its text."""
        words = [match.span() for match in _WORD.finditer(marked.text)]
        masked = _cover(len(marked.text), spans)
        groups = [
            "all",
            "style " + marked.header.get("style", _UNKNOWN),
            "lang " + (marked.language or _UNKNOWN),
        ]
        missed = sum(self._mention(mark, words, masked, groups) for mark in marked.marks)
        wanted = _cover(len(marked.text), ((mark.start, mark.end) for mark in marked.marks))
        hidden = [(start, end) for start, end in words if any(masked[start:end])]
        right = sum(any(wanted[start:end]) for start, end in hidden)
        for group in groups:
            self.counts[group].update(docs=1, safe=missed == 0, masked=len(hidden), right=right)

    def _mention(self, mark: Mark, words: Sequence[tuple[int, int]], masked: bytearray, groups: Iterable[str]) -> bool:
        """Count one mention; whether it is direct and missed."""
        inside = [(max(a, mark.start), min(b, mark.end)) for a, b in words if a < mark.end and b > mark.start]
        found = all(all(masked[a:b]) for a, b in inside)
        level = _LEVELS[mark.direct]
        for group in (*groups, "type " + mark.kind):
            self.counts[group].update({level: 1, level + "+": found})
        return mark.direct and not found

    def table(self) -> str:
        """The counts as lines of text, one group a line."""
        lines = [f"{'':20}{'direct':>8}{'quasi':>8}{'precision':>10}{'safe docs':>11}   mentions D/Q"]
        for group, counts in sorted(self.counts.items()):
            direct, quasi = _share(counts["D+"], counts["D"]), _share(counts["Q+"], counts["Q"])
            precision, safe = _share(counts["right"], counts["masked"]), _share(counts["safe"], counts["docs"])
            lines.append(f"{group:20} {direct} {quasi}  {precision}    {safe}   {counts['D']}/{counts['Q']}")
        return "\n".join(lines)


def _cover(length: int, spans: Iterable[tuple[int, int]]) -> bytearray:
    covered = bytearray(length)
    for start, end in spans:
        covered[start:end] = b"\1" * (min(end, length) - start)
    return covered


def _share(part: int, whole: int) -> str:
    return f"{part / whole:7.3f}" if whole else "      -"
