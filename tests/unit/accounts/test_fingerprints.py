"""Fingerprints as words: nothing of them is lost, and a slip of the tongue is heard."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.accounts.fingerprints import fingerprint_words
from app.errors import BadEncoding

EVERY_BYTE = [bytes([byte]) * 32 for byte in range(256)]
EVEN = [fingerprint_words(digest)[0] for digest in EVERY_BYTE]
ODD = [fingerprint_words(digest)[1] for digest in EVERY_BYTE]


@given(st.binary(min_size=32, max_size=32))
def test_words_give_the_fingerprint_back(digest: bytes) -> None:
    """One word for each byte: whoever hears the words knows every bit."""
    words = fingerprint_words(digest)

    assert bytes((ODD if at % 2 else EVEN).index(word) for at, word in enumerate(words)) == digest


def test_no_word_stands_at_both_kinds_of_places() -> None:
    """A word that was left out, doubled or swapped stands at a place where it cannot stand."""
    assert len({*EVEN, *ODD}) == 512


@pytest.mark.parametrize(
    ("byte", "even", "odd"),
    [(0x00, "aardvark", "adroitness"), (0xE5, "topmost", "travesty"), (0xFF, "zulu", "yucatan")],
)
def test_words_are_those_of_the_published_list(byte: int, even: str, odd: str) -> None:
    """Another program that knows the list says the same words."""
    assert (EVEN[byte], ODD[byte]) == (even, odd)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_only_a_whole_fingerprint_has_words(length: int) -> None:
    """Half a fingerprint compared is none."""
    with pytest.raises(BadEncoding):
        fingerprint_words(bytes(length))
