"""How a text is cut into the pieces that a model reads, and into windows of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from app.deidentify.spans import Kind

WINDOW: Final = 256  # pieces a model reads at once, the two marks at its ends included
CONTEXT: Final = 16  # pieces on both sides that are read for their neighbours' sake only
_LEAST: Final = 200  # pieces that count in a window, at least
_SCRAMBLE: Final = 2_654_435_761
_MODULUS: Final = 2**32
KINDS: Final = tuple(Kind)
TAGS: Final = 1 + 2 * len(KINDS)  # nothing; then for each kind its first piece and its further ones
_READABLE = re.compile(r"[^\f]+")

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, repr=False)
class Pieces:
    """Numbers of pieces, and where each stands in the text; a hidden stretch is one piece."""

    ids: Ints
    starts: Ints
    ends: Ints


@dataclass(frozen=True, slots=True)
class Marks:
    """The tokenizer's own pieces: at the start and end of a window, and for what is hidden."""

    first: int
    last: int
    hidden: int


def marks_of(tokenizer: Tokenizer) -> Marks:
    """The marks of an uncased English or a multilingual tokenizer; ValueError if it has none."""
    for names in (("[CLS]", "[SEP]", "[MASK]"), ("<s>", "</s>", "<mask>")):
        found = [number for name in names if (number := tokenizer.token_to_id(name)) is not None]
        if len(found) == len(names):
            return Marks(*found)
    raise ValueError("a tokenizer without marks")


def cut(tokenizer: Tokenizer, text: str, start: int, end: int) -> Pieces:
    """The pieces of ``text[start:end]``; form feeds stand for what is hidden."""
    parts = [(m.start(), m.end()) for m in _READABLE.finditer(text, start, end)]
    encodings = tokenizer.encode_batch([text[a:b] for a, b in parts], add_special_tokens=False)
    hidden = marks_of(tokenizer).hidden
    rows: list[tuple[int, int, int]] = []
    at = start
    for (first, last), encoding in zip(parts, encodings, strict=True):
        if first > at:
            rows.append((hidden, at, first))
        for number, (a, b) in zip(encoding.ids, encoding.offsets, strict=True):
            lead = len(text[first + a : first + b]) - len(text[first + a : first + b].lstrip())
            rows.append((number, first + a + lead, first + b))
        at = last
    if at < end:
        rows.append((hidden, at, end))
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return Pieces(table[:, 0], table[:, 1], table[:, 2])


def windows(ids: Ints) -> list[tuple[int, int, int, int]]:
    """Where to read the pieces: from, to, and between which two the answers count.

    Each piece counts once, with CONTEXT pieces around it. What stands there decides where a window ends, so that after
    a change in one place of a text the windows elsewhere are as before.
    """
    count, size = len(ids), WINDOW - 2
    edges = [0]
    while count - edges[-1] > size - CONTEXT:
        first = edges[-1] + _LEAST
        scrambled = ids[first : edges[-1] + size - 2 * CONTEXT + 1] * _SCRAMBLE % _MODULUS
        edges.append(first + int(scrambled.argmin()))
    starts = [max(0, edge - CONTEXT) for edge in edges]
    return [
        (start, min(count, start + size), first, upto)
        for start, (first, upto) in zip(starts, pairwise([*edges, count]), strict=True)
    ]
