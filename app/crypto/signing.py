"""Checks of Ed25519 signatures (RFC 8032). The signing keys live in custody and never come here."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.errors import BadSignature

__all__ = ["verify"]


def verify(public: bytes, message: bytes, signature: bytes) -> None:
    """Return if the signature (64 bytes) of the message verifies under the public key (32 bytes).

    Raises:
        BadSignature: it does not, or the key is none.
    """
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise BadSignature from None
