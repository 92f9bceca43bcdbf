"""Chooses from which probability on a word is masked, for each kind of thing, on texts that were held out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations, product
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from app.deidentify.document import Document
from app.deidentify.engine import analyse
from app.deidentify.model import SPREAD, Models
from app.deidentify.pieces import KINDS, Ints
from app.deidentify.scores import Flags, neighbours, spread
from app.deidentify.training.texts import Marked

Limits = Mapping[str, float]
RATIOS: Final = (1.0, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05)
GRID: Final = (
    0.005,
    0.007,
    0.01,
    0.015,
    0.02,
    0.03,
    0.04,
    0.05,
    0.07,
    0.1,
    0.14,
    0.2,
    0.3,
    0.4,
    0.5,
    0.6,
    0.7,
    0.8,
    0.9,
)
_ROUNDS: Final = 6
_STARTS: Final = 4
_APART: Final = 6  # ranks between two starts
_STEPS: Final = (1, 2, 3)
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Goal:
    """What a mode must reach at least; beyond that, precision counts."""

    direct: float
    quasi: float
    safe: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Recall of direct and quasi-identifiers, precision, share of texts without a direct miss."""

    direct: float
    quasi: float
    precision: float
    safe: float

    def worth(self, goal: Goal) -> float:
        """Precision, less a heavy price for what lacks to the goal."""
        lack = max(0.0, goal.direct - self.direct) * 30 + max(0.0, goal.quasi - self.quasi) * 20
        return self.precision - lack - max(0.0, goal.safe - self.safe) * 2


@dataclass(frozen=True, slots=True, repr=False)
class Evidence:
    """All words of some texts, one text after the other: model scores, rule hits, and the marks as ranges of words."""

    score: npt.NDArray[np.float32]
    kind: Ints
    near: Flags
    ruled: Flags
    wanted: Flags
    first: Ints
    last: Ints
    direct: Flags
    text: Ints  # of each mark, the number of its text
    texts: int

    def figures(self, limits: Limits) -> Figures:
        """What these limits reach together with the rules."""
        limit = np.array([limits[kind] for kind in KINDS], np.float32)[self.kind]
        ratio = np.full(1, limits[SPREAD], np.float32)
        masked = self.ruled | spread(self.score, self.kind, self.near[:-1], limit, ratio)
        pairs = np.stack([self.first, self.last], axis=1).ravel()
        found = np.logical_and.reduceat(np.append(masked, [True, True]), pairs)[::2]
        unsafe = np.unique(self.text[self.direct & ~found])
        right = int((masked & self.wanted).sum())
        return Figures(
            float(found[self.direct].mean()),
            float(found[~self.direct].mean()),
            right / max(1, int(masked.sum())),
            1 - len(unsafe) / self.texts,
        )


def gather(models: Models, texts: Sequence[Marked]) -> Evidence:
    """Read the texts with the models and with the rules."""
    parts = [_one(models, marked) for marked in texts]
    before = np.cumsum([0, *(len(p.score) for p in parts)])

    def all_of(name: str) -> npt.NDArray[Any]:
        return np.concatenate([getattr(part, name) for part in parts])

    return Evidence(
        score=all_of("score"),
        kind=all_of("kind"),
        near=all_of("near"),
        ruled=all_of("ruled"),
        wanted=all_of("wanted"),
        first=np.concatenate([p.first + n for p, n in zip(parts, before, strict=False)]),
        last=np.concatenate([p.last + n for p, n in zip(parts, before, strict=False)]),
        direct=all_of("direct"),
        text=np.concatenate([p.text + i for i, p in enumerate(parts)]),
        texts=len(texts),
    )


def _one(models: Models, marked: Marked) -> Evidence:
    document = Document(marked.text, marked.language)
    scores = models.scores(document)
    starts, ends = np.array([m.span() for m in _WORD.finditer(marked.text)], dtype=np.int64).T
    score, kind = np.zeros(len(starts), np.float32), np.zeros(len(starts), np.int64)
    for a, b, new, k in zip(scores.starts, scores.ends, scores.mask, scores.kinds, strict=True):
        start, end = document.view.original(a, b)
        for i in range(*_range(starts, ends, start, end)):
            if new > score[i]:
                score[i], kind[i] = new, k
    marks = list(_marks(marked))
    ranges = np.array([_range(starts, ends, start, end) for start, end, _ in marks], dtype=np.int64).reshape(-1, 2)
    rules = [(s.start, s.end) for s in analyse(marked.text, language=marked.language)]
    ruled, wanted = (_touched(spans, starts, ends) for spans in (rules, [m[:2] for m in marks]))
    direct = np.array([d for _, _, d in marks], dtype=np.bool_)
    near = np.append(neighbours(marked.text, starts, ends), [False])
    return Evidence(
        score, kind, near, ruled, wanted, ranges[:, 0], ranges[:, 1], direct, np.zeros(len(marks), np.int64), 1
    )


def _range(starts: Ints, ends: Ints, start: int, end: int) -> tuple[int, int]:
    """The words that ``start:end`` touches."""
    return int(np.searchsorted(ends, start, side="right")), int(np.searchsorted(starts, end, side="left"))


def _touched(spans: Iterable[tuple[int, int]], starts: Ints, ends: Ints) -> Flags:
    touched = np.zeros(len(starts), np.bool_)
    for start, end in spans:
        touched[slice(*_range(starts, ends, start, end))] = True
    return touched


def _marks(marked: Marked) -> Iterator[tuple[int, int, bool]]:
    at = 0
    for part in marked.parts:
        if part.kind is not None and _WORD.search(part.text):
            yield at, at + len(part.text), part.direct
        at += len(part.text)


def choose(evidence: Evidence, goal: Goal, most: Limits | None = None) -> dict[str, float]:
    """The limits that are worth most: from several common limits on, kind by kind; none above ``most``."""

    def worth(limits: Limits) -> float:
        return evidence.figures(limits).worth(goal)

    common = [_capped(dict.fromkeys(KINDS, limit) | {SPREAD: ratio}, most) for limit in GRID for ratio in RATIOS]
    starts = sorted(common, key=worth, reverse=True)[: _STARTS * _APART : _APART]
    return max((_climbed(start, worth, most) for start in starts), key=worth)


def _climbed(best: dict[str, float], worth: Callable[[Limits], float], most: Limits | None) -> dict[str, float]:
    """The limits that no change of one kind, nor of two against each other, betters."""
    value = worth(best)
    for _ in range(_ROUNDS):
        before = value
        for change in (*_single(), *_pairs(best)):
            tried = _capped(best | change, most)
            new = worth(tried)
            if new > value:
                best, value = tried, new
        if value == before:
            break
    return best


def _single() -> Iterator[dict[str, float]]:
    for name in (*KINDS, SPREAD):
        yield from ({name: value} for value in (RATIOS if name == SPREAD else GRID))


def _pairs(limits: Limits) -> Iterator[dict[str, float]]:
    """One kind's limit up, another's down, by a few steps of the grid."""
    at = {kind: min(range(len(GRID)), key=lambda i: abs(GRID[i] - limits[kind])) for kind in KINDS}
    for raised, lowered in permutations(KINDS, 2):
        for up, down in product(_STEPS, _STEPS):
            if at[raised] + up < len(GRID) and at[lowered] >= down:
                yield {raised: GRID[at[raised] + up], lowered: GRID[at[lowered] - down]}


def _capped(limits: Limits, most: Limits | None) -> dict[str, float]:
    return {name: min(value, most[name]) if most else value for name, value in limits.items()}
