"""The envelope: how every field, bundle and box is sealed.

    H = "TM" 01 01; salt = 32 random bytes; okm = HKDF-SHA512(key, salt, info = H | context, 64)
    blob = H | salt | commitment okm[0:32] | AES-256-GCM(okm[32:64], nonce 0^12, pad(plaintext), aad = H | context)

The random salt makes each key single-use, so the zero nonce (NIST SP 800-38D) never repeats under one key. The
commitment binds the blob to one key and one context, which GCM alone does not. A blob moved elsewhere does not open.
"""

from __future__ import annotations

import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.crypto.kdf import derive
from app.crypto.padding import FLOOR, pad, unpad
from app.crypto.sealed import Sealed
from app.crypto.secrets import Secret
from app.errors import BadEncoding, TamperedField

__all__ = ["seal", "unseal"]

HEADER = b"TM\x01\x01"
SALT_END = len(HEADER) + 32
COMMITMENT_END = SALT_END + 32
TAG_BYTES = 16
SHORTEST = COMMITMENT_END + FLOOR + TAG_BYTES
NONCE = bytes(12)


def seal(key: Secret, context: bytes, plaintext: bytes) -> Sealed:
    """Seal a plaintext under a key for one context (bytes made by ``contexts``)."""
    salt = os.urandom(32)
    bound = HEADER + context
    okm = derive(key.reveal(), salt=salt, info=bound, length=64)
    body = AESGCM(okm[32:]).encrypt(NONCE, pad(plaintext), bound)
    return Sealed(b"".join((HEADER, salt, okm[:32], body)))


def unseal(key: Secret, context: bytes, blob: bytes) -> bytes:
    """Open what ``seal`` made under the same key and context.

    Raises:
        BadEncoding: no envelope of this version, too short, or its padding is not canonical.
        TamperedField: another key, another context or changed bytes.
    """
    if len(blob) < SHORTEST or not blob.startswith(HEADER):
        raise BadEncoding
    bound = HEADER + context
    okm = derive(key.reveal(), salt=blob[len(HEADER) : SALT_END], info=bound, length=64)
    if not hmac.compare_digest(okm[:32], blob[SALT_END:COMMITMENT_END]):
        raise TamperedField
    try:
        padded = AESGCM(okm[32:]).decrypt(NONCE, blob[COMMITMENT_END:], bound)
    except InvalidTag:
        raise TamperedField from None
    return unpad(padded)
