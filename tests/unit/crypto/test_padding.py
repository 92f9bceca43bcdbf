from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.crypto.padding import pad, padded_size, unpad
from app.errors import BadEncoding


@given(st.binary(max_size=3000))
def test_unpads_what_it_padded(plaintext: bytes) -> None:
    """Whatever the plaintext ends in, zeros and marks too, comes back."""
    assert unpad(pad(plaintext)) == plaintext


@given(st.integers(0, 255), st.integers(0, 255))
def test_short_answers_look_alike(one: int, two: int) -> None:
    """Up to 255 bytes, no length can be told from another."""
    assert len(pad(bytes(one))) == len(pad(bytes(two))) == 256


@given(st.integers(256, 10_000_000))
def test_wastes_at_most_an_eighth(size: int) -> None:
    """Padme costs at most 12 % and always leaves room for the mark."""
    assert size < padded_size(size) <= (size + 1) * 1.12


@given(st.integers(0, 10_000_000))
def test_a_class_is_its_own_class(size: int) -> None:
    """A full class is not rounded further, and sizes grow with the plaintext."""
    whole = padded_size(size)

    assert padded_size(whole - 1) == whole
    assert padded_size(size + 1) >= whole


def test_hides_lengths_in_few_classes() -> None:
    """A hundred thousand lengths fall into a few hundred classes."""
    assert len({padded_size(size) for size in range(100_000)}) < 250


@pytest.mark.parametrize(
    "padded",
    [
        b"",
        bytes(256),
        b"\x80",
        b"\x80" + bytes(254),
        b"\x80" + bytes(256),
        b"\x80" + bytes(511),
        b"a" * 256,
        b"a\x81" + bytes(254),
        b"a" * 300 + b"\x80" + bytes(255),
        b"\x80" + bytes(254) + b"\x01",
    ],
)
def test_refuses_padding_it_would_not_make(padded: bytes) -> None:
    """There is one padding per plaintext: longer, shorter or unmarked ones are refused."""
    with pytest.raises(BadEncoding):
        unpad(padded)
