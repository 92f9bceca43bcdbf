"""Padding that hides how long an answer is.

One byte 0x80, then zeros up to max(256, Padme). Padme (Nikitin et al., PETS 2019) rounds a length so that it leaks only
O(log log n) bits, for at most 12 % more bytes. Opening accepts the one padding that sealing makes and no other.
"""

from __future__ import annotations

from app.errors import BadEncoding

__all__ = ["MARK", "pad", "padded_size", "unpad"]

# Short answers (yes, a year, a sentinel) all look alike.
FLOOR = 256
MARK = b"\x80"


def padded_size(size: int) -> int:
    """Give the length in bytes that ``size`` bytes of plaintext have once padded."""
    need = size + 1
    if need <= FLOOR:
        return FLOOR
    exponent = need.bit_length() - 1
    mask = (1 << (exponent - exponent.bit_length())) - 1
    return (need + mask) & ~mask


def pad(plaintext: bytes) -> bytes:
    """Pad to the size class of the plaintext."""
    return (plaintext + MARK).ljust(padded_size(len(plaintext)), b"\0")


def unpad(padded: bytes) -> bytes:
    """Take the padding off.

    Raises:
        BadEncoding: it is not the padding that ``pad`` makes.
    """
    end = len(padded.rstrip(b"\0")) - 1
    if end < 0 or padded[end] != MARK[0] or len(padded) != padded_size(end):
        raise BadEncoding
    return padded[:end]
