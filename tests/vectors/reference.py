"""The formats written a second time, straight from the specification, so that no vector is made by the code it judges.

Only Python's own hashes and the bare primitives of ``cryptography`` stand here; nothing of ``app`` is imported.
"""

from __future__ import annotations

import hashlib
import hmac
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

Part = UUID | int | str | bytes
HEADER = b"TM\x01\x01"


def enc(label: str, *parts: Part) -> bytes:
    """Encode by the book: u8 count, then u32be length and bytes of each."""
    raw = [label.encode()]
    for part in parts:
        if isinstance(part, UUID):
            raw.append(part.bytes)
        elif isinstance(part, int):
            raw.append(part.to_bytes(8, "big"))
        else:
            raw.append(part.encode() if isinstance(part, str) else part)
    return bytes([len(raw)]) + b"".join(len(one).to_bytes(4, "big") + one for one in raw)


def hkdf(key: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """HKDF-SHA512 by the text of RFC 5869, section 2."""
    prk = hmac.digest(salt or bytes(64), key, "sha512")
    okm, block = b"", b""
    while len(okm) < length:
        block = hmac.digest(prk, block + info + bytes([len(okm) // 64 + 1]), "sha512")
        okm += block
    return okm[:length]


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """HMAC by the text of FIPS 198-1."""
    block = key.ljust(64, bytes(1))
    inner = hashlib.sha256(bytes(each ^ 0x36 for each in block) + message).digest()
    return hashlib.sha256(bytes(each ^ 0x5C for each in block) + inner).digest()


def padded_size(size: int) -> int:
    """Padme of the marked plaintext by counting up: the first size whose mantissa fits, never under 256."""
    size += 1
    while size > 256:
        exponent = size.bit_length() - 1
        low_bits = exponent - exponent.bit_length()
        if size % 2**low_bits == 0:
            return size
        size += 1
    return 256


def pad(plaintext: bytes) -> bytes:
    """Add the mark and zeros."""
    size = padded_size(len(plaintext))
    return plaintext + b"\x80" + bytes(size - len(plaintext) - 1)


def envelope(key: bytes, context: bytes, plaintext: bytes, salt: bytes) -> bytes:
    """Seal with a given salt."""
    okm = hkdf(key, salt, HEADER + context, 64)
    body = AESGCM(okm[32:]).encrypt(bytes(12), pad(plaintext), HEADER + context)
    return HEADER + salt + okm[:32] + body


def pack(fields: dict[str, bytes]) -> bytes:
    """Join fields by name."""
    out = b""
    for name in sorted(fields):
        for one in (name.encode(), fields[name]):
            out += len(one).to_bytes(4, "big") + one
    return out


def share(kk: bytes, info: bytes, share_id: UUID, value: bytes) -> bytes:
    """Seal a share."""
    return AESGCM(hkdf(kk, share_id.bytes, info, 32)).encrypt(bytes(12), value, info)


def content(idem: bytes, canonical: bytes) -> bytes:
    """Digest content under a record's secret."""
    return hmac.digest(hkdf(idem, b"", b"testimony/1/content", 32), canonical, hashlib.sha256)


def hpke_private(private: bytes) -> MLKEM768X25519PrivateKey:
    """Read a private key of 96 bytes."""
    return MLKEM768X25519PrivateKey(
        MLKEM768PrivateKey.from_seed_bytes(private[:64]), X25519PrivateKey.from_private_bytes(private[64:])
    )


def public_of(private: bytes) -> bytes:
    """Give the public key of 1,216 bytes."""
    mlkem = MLKEM768PrivateKey.from_seed_bytes(private[:64]).public_key().public_bytes_raw()
    return mlkem + X25519PrivateKey.from_private_bytes(private[64:]).public_key().public_bytes_raw()


def hpke_seal(private: bytes, plaintext: bytes, info: bytes) -> bytes:
    """Wrap to the public half of a private key; random, so a box once made is kept."""
    mlkem = MLKEM768PrivateKey.from_seed_bytes(private[:64]).public_key()
    x25519 = X25519PrivateKey.from_private_bytes(private[64:]).public_key()
    return suite().encrypt(plaintext, MLKEM768X25519PublicKey(mlkem, x25519), info)


def suite() -> Suite:
    """X-Wing with HKDF-SHA256 and AES-256-GCM."""
    return Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
