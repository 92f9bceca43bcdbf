from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from app.deidentify import model
from app.deidentify.pieces import CONTEXT, WINDOW, cut, marks_of, windows

FOLDER = Path(model.__file__).parent / "models"


@pytest.fixture(scope="module", params=["en", "xx"])
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    """The tokenizer of each model."""
    return Tokenizer.from_file(str(FOLDER / request.param / "tokenizer.json"))


@given(st.integers(0, 10_000), st.integers(0, 2**31))
def test_windows_count_every_piece_once_with_context(count: int, seed: int) -> None:
    """No piece is judged twice or never, and none without its neighbors."""
    plan = windows(np.random.default_rng(seed).integers(0, 30_000, count))

    assert [plan[0][2], plan[-1][3]] == [0, count]
    assert all(before[3] == after[2] for before, after in pairwise(plan))
    assert all(0 <= start <= first <= upto <= end <= count for start, end, first, upto in plan)
    assert all(end in (start + WINDOW - 2, count) for start, end, _, _ in plan)
    assert all(first - start >= CONTEXT for start, _, first, _ in plan[1:])
    assert all(end - upto >= CONTEXT for _, end, _, upto in plan[:-1])


def test_a_change_leaves_windows_elsewhere_as_they_were() -> None:
    """After masking one name, most of a long text need not be read again."""
    ids = np.random.default_rng(1).integers(0, 30_000, 20_000)
    changed = np.concatenate([ids[:5000], [7], ids[5009:]])
    before, after = ({text[a:b].tobytes() for a, b, _, _ in windows(text)} for text in (ids, changed))

    assert len(after - before) < len(after) / 10


@pytest.mark.parametrize(
    "text", ["Abu Hamza al-Tunisi left.", "Меня зовут Руслан.", "اسمي خالد من حلب", "a\ufeffb 🙂 ÿ"]
)
def test_pieces_cover_every_letter_in_order(tokenizer: Tokenizer, text: str) -> None:
    """A letter without a piece could not be masked."""
    pieces = cut(tokenizer, text, 0, len(text))
    covered = {i for a, b in zip(pieces.starts, pieces.ends, strict=True) for i in range(a, b)}

    assert {i for i, letter in enumerate(text) if letter.isalpha()} <= covered
    assert sorted(pieces.starts) == list(pieces.starts)
    assert sorted(pieces.ends) == list(pieces.ends)


def test_a_hidden_stretch_is_one_piece(tokenizer: Tokenizer) -> None:
    """How long a masked name was must not show."""
    short, long = (cut(tokenizer, f"I met {hidden} there", 0, 12 + len(hidden)) for hidden in ("\f\f", "\f" * 40))

    assert short.ids.tolist() == long.ids.tolist()
    assert short.ids.tolist().count(marks_of(tokenizer).hidden) == 1


def test_a_part_of_a_text_keeps_its_offsets(tokenizer: Tokenizer) -> None:
    """Pieces say where they stand in the whole text."""
    text = "first line\nsecond line"
    pieces = cut(tokenizer, text, 11, len(text))

    assert pieces.starts[0] == 11
    assert pieces.ends[-1] == len(text)
