"""Shares at rest in the keystore, sealed under the keystore key version KK_n.

    info = enc("testimony/1/share", D, share, record, n)
    blob = AES-256-GCM(HKDF-SHA512(KK_n, salt = share id, info, 32), nonce 0^12, value, aad = info)

Each share id has a key of its own, used once: a share id never takes a second value under one KK_n. Share ids are
fresh per attempt; a record's idem secret is sealed the same way, once, under the record's id.
"""

from __future__ import annotations

from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.crypto import contexts
from app.crypto.kdf import derive
from app.crypto.sealed import Sealed
from app.crypto.secrets import Secret
from app.errors import BadEncoding, TamperedShare

__all__ = ["open_share", "seal_share"]

SHARE_BYTES = 32
SEALED_BYTES = SHARE_BYTES + 16
NONCE = bytes(12)


def seal_share(kk: Secret, *, deployment: UUID, share: UUID, record: UUID, version: int, value: Secret) -> Sealed:
    """Seal a share of 32 bytes under key version ``version``.

    Raises:
        BadEncoding: the value has not 32 bytes.
    """
    if len(value) != SHARE_BYTES:
        raise BadEncoding
    aead, info = _aead(kk, deployment, share, record, version)
    return Sealed(aead.encrypt(NONCE, value.reveal(), info))


def open_share(kk: Secret, *, deployment: UUID, share: UUID, record: UUID, version: int, blob: bytes) -> Secret:
    """Open a share.

    Raises:
        TamperedShare: another key version, share, record or deployment, or changed bytes.
    """
    if len(blob) != SEALED_BYTES:
        raise TamperedShare
    aead, info = _aead(kk, deployment, share, record, version)
    try:
        return Secret(aead.decrypt(NONCE, blob, info))
    except InvalidTag:
        raise TamperedShare from None


def _aead(kk: Secret, deployment: UUID, share: UUID, record: UUID, version: int) -> tuple[AESGCM, bytes]:
    info = contexts.share(deployment, share=share, record=record, version=version)
    return AESGCM(derive(kk.reveal(), salt=share.bytes, info=info)), info
