"""Bodies that a phone seals to the server's intake key, so that from then on the phone cannot open them.

    body = "TS" 01 01 | study 16 | key id 16 | HPKE enc 32 | ciphertext and tag
    plaintext = pad(JSON of the submission), info = enc("testimony/1/intake", D, study, key id, client uuid), AAD empty

A file that goes with it has a head of the same make, with its key in it (``intake_files``):

    head = "TH" 01 01 | study 16 | key id 16 | HPKE enc 32 | ciphertext and tag
    info = enc("testimony/1/intake-file", D, study, key id, client uuid, file)

HPKE (RFC 9180) in base mode with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and AES-256-GCM: what WebCrypto has, so not
post-quantum.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from app.crypto import contexts
from app.crypto.encoding import sha256
from app.crypto.padding import FLOOR, pad, unpad
from app.crypto.secrets import Secret
from app.errors import BadEncoding, BadPublicKey

__all__ = ["FILE_HEADER", "PUBLIC_BYTES", "SealedBody", "new_private", "public_of", "seal", "unseal"]

PUBLIC_BYTES = 32
PRIVATE_BYTES = 32
HEADER, FILE_HEADER = b"TS\x01\x01", b"TH\x01\x01"
STUDY_END = len(HEADER) + 16
BOX_START = STUDY_END + 16
ENC_BYTES, TAG_BYTES = 32, 16
SHORTEST = BOX_START + ENC_BYTES + FLOOR + TAG_BYTES

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


@dataclass(frozen=True, slots=True)
class SealedBody:
    """A sealed body, or the head of a file, taken apart; ``digest`` is the SHA-256 of the whole, as it came."""

    study: UUID
    key_id: UUID
    box: bytes = field(repr=False)
    digest: bytes

    @classmethod
    def parse(cls, raw: bytes, header: bytes = HEADER) -> Self:
        """Take a body apart; with ``FILE_HEADER`` the head of a file.

        Raises:
            BadEncoding: it is none of this version, or too short to be one.
        """
        if len(raw) < SHORTEST or not raw.startswith(header):
            raise BadEncoding
        study, key_id = UUID(bytes=raw[len(header) : STUDY_END]), UUID(bytes=raw[STUDY_END:BOX_START])
        return cls(study, key_id, raw[BOX_START:], sha256(raw))


def new_private() -> Secret:
    """Make a fresh private key: 32 random bytes."""
    return Secret.random(PRIVATE_BYTES)


def public_of(private: Secret) -> bytes:
    """Give the public half of a private key, 32 bytes.

    Raises:
        BadEncoding: the private key has not 32 bytes.
    """
    return _handle(private).public_key().public_bytes_raw()


def seal(public: bytes, *, deployment: UUID, study: UUID, key_id: UUID, client_uuid: UUID, plaintext: bytes) -> bytes:
    """Seal a submission to an intake key; the whole body.

    Raises:
        BadPublicKey: it has not 32 bytes, or gives no shared secret.
    """
    info = contexts.intake(deployment, study=study, key_id=key_id, client_uuid=client_uuid)
    try:
        box = _SUITE.encrypt(pad(plaintext), X25519PublicKey.from_public_bytes(public), info)
    except ValueError:
        raise BadPublicKey from None
    return b"".join((HEADER, study.bytes, key_id.bytes, box))


def unseal(
    private: Secret, body: SealedBody, *, deployment: UUID, client_uuid: UUID, file: UUID | None = None
) -> bytes:
    """Open a sealed body, or the head of a file, with the private half of the key it names.

    Raises:
        BadEncoding: it was sealed for another deployment, study, key, client uuid or file, was changed, or its padding
            is not canonical. It came from outside, so it is not well formed rather than tampered with.
    """
    named = {"study": body.study, "key_id": body.key_id, "client_uuid": client_uuid}
    info = contexts.intake(deployment, **named)
    if file is not None:
        info = contexts.intake_file(deployment, **named, file=file)
    try:
        padded = _SUITE.decrypt(body.box, _handle(private), info)
    except (InvalidTag, ValueError):
        raise BadEncoding from None
    return unpad(padded)


def _handle(private: Secret) -> X25519PrivateKey:
    try:
        return X25519PrivateKey.from_private_bytes(private.reveal())
    except ValueError:
        raise BadEncoding from None
