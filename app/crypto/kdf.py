"""HKDF with SHA-512 (RFC 5869), the one way in which keys are made from keys."""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

__all__ = ["derive"]

_SHA512 = SHA512()


def derive(key: bytes, *, info: bytes, salt: bytes | None = None, length: int = 32) -> bytes:
    """HKDF-SHA512(key, salt, info, length); no salt means a block of zeros, as RFC 5869 says."""
    return HKDF(_SHA512, length, salt, info).derive(key)
