"""A fingerprint as words, for two people who compare it aloud.

Each byte is one word of the PGP word list (Juola and Zimmermann, 1995): bytes at even places take words of two
syllables, bytes at odd places words of three, so a word left out, doubled or swapped with its neighbor is heard.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from app.crypto.encoding import check_digest

__all__ = ["fingerprint_words"]


def fingerprint_words(digest: bytes) -> list[str]:
    """Write a fingerprint of 32 bytes as 32 words, in lower case; no two fingerprints give the same words.

    Raises:
        BadEncoding: it has not 32 bytes.
    """
    lists = _word_lists()
    return [lists[at % 2][byte] for at, byte in enumerate(check_digest(digest))]


@cache
def _word_lists() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words of even and of odd places, each by the byte that they stand for."""
    text = files("app.accounts").joinpath("data", "pgp-words.txt").read_text(encoding="ascii")
    even, odd = zip(*(line.split() for line in text.splitlines()), strict=True)
    return even, odd
