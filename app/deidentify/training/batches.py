"""From marked texts to arrays of pieces, tags and marks of masking."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from app.deidentify.normalise import view
from app.deidentify.pieces import KINDS, WINDOW, cut, marks_of
from app.deidentify.spans import Kind
from app.deidentify.training.texts import Marked, Part
from app.deidentify.training.variation import vary

UNSURE: Final = -100  # the label that no loss is counted for
_BORROWED: Final = 3  # letters that a borrowed name has at least

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Labelled:
    """Pieces with a tag each, and whether each is to be masked and whether as direct."""

    ids: Ints
    tags: Ints
    direct: Ints


@dataclass(frozen=True, slots=True)
class Source:
    """Texts and what share of them an epoch reads."""

    texts: Sequence[Marked]
    share: float = 1.0


def label(tokenizer: Tokenizer, marked: Marked) -> Labelled:
    """The pieces of a text. A piece that begins a mark says so; one that only touches it is inside."""
    seen = view(marked.text)
    number, begins = _per_character(marked.parts, np.asarray(seen.starts, dtype=np.int64))
    pieces = cut(tokenizer, seen.spelt, 0, len(seen.spelt))
    tags = np.zeros(len(pieces.ids), dtype=np.int64)
    direct = np.zeros(len(pieces.ids), dtype=np.int64)
    before = -1
    for i, (start, end) in enumerate(zip(pieces.starts, pieces.ends, strict=True)):
        inside = number[start:end]
        at = int(inside.max(initial=-1))
        if at >= 0:
            part = marked.parts[at]
            if part.unsure:
                tags[i] = direct[i] = UNSURE
            elif part.kind is not None:
                tags[i] = tag(part.kind, first=at != before and bool(begins[start:end].any()))
                direct[i] = part.direct
        before = at
    return Labelled(pieces.ids, tags, direct)


def tag(kind: Kind, *, first: bool) -> int:
    """The number of a tag; 0 means nothing."""
    return 1 + 2 * KINDS.index(kind) + (not first)


def _per_character(parts: Iterable[Part], starts: Ints) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """For each character of the view, the number of its marked or unsure part (-1: none) and whether it opens it."""
    number: list[int] = []
    opens: list[bool] = []
    for i, part in enumerate(parts):
        counts = part.kind is not None or part.unsure
        number += [i if counts else -1] * len(part.text)
        opens += [counts] + [False] * (len(part.text) - 1) if part.text else []
    if not len(starts):
        return np.empty(0, np.int64), np.empty(0, np.bool_)
    return np.asarray(number, dtype=np.int64)[starts], np.asarray(opens, dtype=np.bool_)[starts]


def borrowed(texts: Iterable[Marked]) -> dict[str, list[str]]:
    """For each language, the words of its texts' names."""
    found: dict[str, set[str]] = {}
    for marked in texts:
        words = (w for p in marked.parts if p.kind is Kind.PERSON for w in p.text.lower().split())
        found.setdefault(marked.language, set()).update(w for w in words if w.isalpha() and len(w) >= _BORROWED)
    return {language: sorted(words) for language, words in found.items()}


def epoch(tokenizer: Tokenizer, sources: Sequence[Source], seed: str) -> Iterator[Labelled]:
    """Full windows of varied texts in random order; a text is divided from the next by the closing mark."""
    draw = Random(seed)  # noqa: S311 - variation of training texts
    known = borrowed(m for s in sources for m in s.texts)
    chosen = [m for s in sources for m in s.texts if draw.random() < s.share]
    draw.shuffle(chosen)
    marks = marks_of(tokenizer)
    held = [np.empty(0, np.int64)] * 3
    skip = draw.randrange(WINDOW)
    for marked in chosen:
        new = label(tokenizer, vary(marked, draw, known[marked.language]))
        end = np.array([marks.last]), np.array([UNSURE]), np.array([UNSURE])
        held = [np.concatenate(p) for p in zip(held, (new.ids, new.tags, new.direct), end, strict=True)]
        held, skip = [h[skip:] for h in held], max(0, skip - len(held[0]))
        while len(held[0]) >= WINDOW - 2:
            yield _framed([h[: WINDOW - 2] for h in held], marks.first, marks.last)
            held = [h[WINDOW - 2 :] for h in held]


def _framed(rows: Sequence[Ints], first: int, last: int) -> Labelled:
    ids, tags, direct = (np.concatenate([[a], row, [b]]) for row, a, b in
                         zip(rows, (first, UNSURE, UNSURE), (last, UNSURE, UNSURE), strict=True))  # fmt: skip
    return Labelled(ids, tags, direct)


def batches(windows: Iterable[Labelled], size: int) -> Iterator[tuple[Ints, Ints, Ints]]:
    """Stacked windows: ids, tags, direct; the last, incomplete batch is left out."""
    rows: list[Labelled] = []
    for window in windows:
        rows.append(window)
        if len(rows) == size:
            yield np.stack([r.ids for r in rows]), np.stack([r.tags for r in rows]), np.stack([r.direct for r in rows])
            rows = []
