"""The public key of a passkey at rest: an envelope under a key that only the person's bundle gives.

    key = HKDF-SHA512(private, info = enc("testimony/1/passkey", D, user, SHA-256(credential id)), 32)

A public key needs no secrecy; the seal says that it was put there in a session of the person. A row that somebody else
plants, or that is moved to another person or credential, does not open.
"""

from __future__ import annotations

from app.crypto import envelope
from app.crypto.kdf import derive
from app.crypto.passwords import Bundle
from app.crypto.sealed import Sealed
from app.crypto.secrets import Secret

__all__ = ["open_public_key", "seal_public_key"]


def seal_public_key(bundle: Bundle, context: bytes, public_key: bytes) -> Sealed:
    """Seal a credential's public key (COSE) for its row."""
    return envelope.seal(_key(bundle, context), context, public_key)


def open_public_key(bundle: Bundle, context: bytes, sealed: Sealed) -> bytes:
    """Open what ``seal_public_key`` made.

    Raises:
        TamperedField: it was made for another person or credential, or by nobody who held this bundle.
        BadEncoding: it is no envelope.
    """
    return envelope.unseal(_key(bundle, context), context, sealed)


def _key(bundle: Bundle, context: bytes) -> Secret:
    return Secret(derive(bundle.private.reveal(), info=context))
