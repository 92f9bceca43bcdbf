"""HPKE (RFC 9180), base mode: wraps a secret to a principal's public key.

Suite: X-Wing (ML-KEM-768 with X25519), HKDF-SHA256, AES-256-GCM; info is the context, the AAD is empty.
"""

from __future__ import annotations

from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PublicKey, Suite

from app.crypto.principals import MLKEM_PUBLIC_BYTES, PUBLIC_BYTES, KeyPair
from app.crypto.sealed import Sealed
from app.crypto.secrets import Secret
from app.errors import BadPublicKey, TamperedBox

__all__ = ["unwrap", "wrap"]

_SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)

# Parsing a public key costs about as much as using it; the epochs in use are few.
CACHED_KEYS = 256


def wrap(public: bytes, secret: Secret, info: bytes) -> Sealed:
    """Seal a secret to a public key of 1,216 bytes, for one context.

    Raises:
        BadPublicKey: it is no X-Wing public key, or one that gives no shared secret.
    """
    try:
        return Sealed(_SUITE.encrypt(secret.reveal(), _parsed(public), info))
    except ValueError:
        raise BadPublicKey from None


def unwrap(pair: KeyPair, box: bytes, info: bytes) -> Secret:
    """Open a box with the key pair it was made for, under the same context.

    Raises:
        TamperedBox: another pair, another context or changed bytes.
    """
    try:
        return Secret(_SUITE.decrypt(box, pair.handle, info))
    except (InvalidTag, ValueError):
        raise TamperedBox from None


@lru_cache(maxsize=CACHED_KEYS)
def _parsed(public: bytes) -> MLKEM768X25519PublicKey:
    if len(public) != PUBLIC_BYTES:
        raise BadPublicKey
    return MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(public[:MLKEM_PUBLIC_BYTES]),
        X25519PublicKey.from_public_bytes(public[MLKEM_PUBLIC_BYTES:]),
    )
