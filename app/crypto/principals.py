"""Principals: the key pair of a user, of a team's epoch or of the worker.

X-Wing: ML-KEM-768 (FIPS 203) joined with X25519 (RFC 7748), so a box stays shut unless both are broken.
    public = ML-KEM-768 1184 | X25519 32.   private = ML-KEM seed 64 | X25519 32.   fingerprint = SHA-256(public).
"""

from __future__ import annotations

from typing import Self

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey

from app.crypto.encoding import check_digest, sha256
from app.crypto.secrets import Guarded, Secret
from app.errors import BadEncoding, BadPublicKey

__all__ = ["MLKEM_PUBLIC_BYTES", "PRIVATE_BYTES", "PUBLIC_BYTES", "KeyPair", "fingerprint", "fingerprint_text"]

SEED_BYTES = 64
PRIVATE_BYTES = SEED_BYTES + 32
MLKEM_PUBLIC_BYTES = 1184
PUBLIC_BYTES = MLKEM_PUBLIC_BYTES + 32

# 60 digits carry 199 of the fingerprint's 256 bits: still no second key of the same text, and short enough to read.
SPOKEN_DIGITS = 60
SPOKEN_GROUP = 5


class KeyPair(Guarded):
    """An X-Wing key pair; shows its fingerprint and nothing else."""

    __slots__ = ("fingerprint", "handle", "private", "public")
    fingerprint: bytes
    handle: MLKEM768X25519PrivateKey
    private: Secret
    public: bytes

    def __init__(self, private: Secret) -> None:
        raw = private.reveal()
        if len(raw) != PRIVATE_BYTES:
            raise BadEncoding
        mlkem = MLKEM768PrivateKey.from_seed_bytes(raw[:SEED_BYTES])
        x25519 = X25519PrivateKey.from_private_bytes(raw[SEED_BYTES:])
        public = mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()
        for name, value in (
            ("private", private),
            ("public", public),
            ("fingerprint", sha256(public)),
            ("handle", MLKEM768X25519PrivateKey(mlkem, x25519)),
        ):
            object.__setattr__(self, name, value)

    @classmethod
    def generate(cls) -> Self:
        """Make a fresh pair: 96 random bytes are a private key."""
        return cls(Secret.random(PRIVATE_BYTES))

    @classmethod
    def from_private(cls, private: Secret) -> Self:
        """Give the pair of a private key of 96 bytes.

        Raises:
            BadEncoding: another length.
        """
        return cls(private)

    def __repr__(self) -> str:
        """Show the beginning of the fingerprint."""
        return f"KeyPair({self.fingerprint[:4].hex()}…)"

    __str__ = __repr__


def fingerprint(public: bytes) -> bytes:
    """SHA-256 of a public key, 32 bytes.

    Raises:
        BadPublicKey: it has not 1,216 bytes.
    """
    if len(public) != PUBLIC_BYTES:
        raise BadPublicKey
    return sha256(public)


def fingerprint_text(digest: bytes) -> str:
    """Write a fingerprint as twelve groups of five digits, to be read aloud and compared.

    Raises:
        BadEncoding: it has not 32 bytes.
    """
    number = int.from_bytes(check_digest(digest), "big") % 10**SPOKEN_DIGITS
    digits = f"{number:0{SPOKEN_DIGITS}d}"
    return " ".join(digits[at : at + SPOKEN_GROUP] for at in range(0, SPOKEN_DIGITS, SPOKEN_GROUP))
