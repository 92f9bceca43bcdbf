"""The formats written a second time, straight from the specification, so that no vector is made by the code it judges.

Only Python's own hashes and the bare primitives of ``cryptography`` stand here; nothing of ``app`` is imported.
"""

from __future__ import annotations

import hashlib
import hmac
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.hashes import SHA256
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


def segment(
    key: bytes, name: UUID, salt: bytes, context: bytes, chunks: list[bytes], first: int, *, last: bool
) -> bytes:
    """Seal chunks that are cut already; ``last`` marks the last of them."""
    magic = b"TF\x01\x01"
    cipher = AESGCM(hkdf(key, salt, magic + enc("testimony/1/segment", name), 32))
    sealed = magic + salt
    for number, plaintext in enumerate(chunks):
        ends = last and number == len(chunks) - 1
        sealed += cipher.encrypt((first + number).to_bytes(11, "big") + bytes([ends]), plaintext, context)
    return sealed


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


def x25519_public(private: bytes) -> bytes:
    """Give the public key of 32 bytes."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def hpke_seal(private: bytes, plaintext: bytes, info: bytes) -> bytes:
    """Wrap to the public half of a private key; random, so a box once made is kept."""
    mlkem = MLKEM768PrivateKey.from_seed_bytes(private[:64]).public_key()
    x25519 = X25519PrivateKey.from_private_bytes(private[64:]).public_key()
    return suite().encrypt(plaintext, MLKEM768X25519PublicKey(mlkem, x25519), info)


def suite() -> Suite:
    """X-Wing with HKDF-SHA256 and AES-256-GCM."""
    return Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def hpke_x25519(
    ephemeral: bytes, public: bytes, info: bytes, plaintext: bytes, *, aad: bytes = b"", aead: int = 2
) -> bytes:
    """HPKE by the text of RFC 9180, base mode, with a given ephemeral key; ``aead`` 1 is AES-128-GCM, 2 AES-256-GCM."""
    kem, suite_id = b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01" + aead.to_bytes(2, "big")
    private = X25519PrivateKey.from_private_bytes(ephemeral)
    enc_ = private.public_key().public_bytes_raw()
    shared = private.exchange(X25519PublicKey.from_public_bytes(public))
    shared = _expand(_extract(kem, b"", b"eae_prk", shared), kem, b"shared_secret", enc_ + public, 32)
    hashes = [_extract(suite_id, b"", label, value) for label, value in ((b"psk_id_hash", b""), (b"info_hash", info))]
    context, secret = b"\0" + b"".join(hashes), _extract(suite_id, shared, b"secret", b"")
    key = _expand(secret, suite_id, b"key", context, 16 * aead)
    nonce = _expand(secret, suite_id, b"base_nonce", context, 12)
    return enc_ + AESGCM(key).encrypt(nonce, plaintext, aad)


def _extract(suite_id: bytes, salt: bytes, label: bytes, key: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite_id + label + key, "sha256")


def _expand(prk: bytes, suite_id: bytes, label: bytes, info: bytes, length: int) -> bytes:
    labeled = length.to_bytes(2, "big") + b"HPKE-v1" + suite_id + label + info
    return hmac.digest(prk, labeled + b"\x01", "sha256")[:length]


def odk_ivs(instance_id: str, key: bytes, count: int, *, wraps: bool = True) -> list[bytes]:
    """The IVs of ODK's encrypted forms; ``wraps=False`` as Enketo's code makes them in its 32-bit words."""
    seed, made = list(hashlib.md5(instance_id.encode() + key).digest()), []  # noqa: S324  the format's own
    for number in range(count):
        seed[number % 16] += 1
        if wraps:
            seed[number % 16] %= 256
        word = b""
        for a, b, c, d in (seed[at : at + 4] for at in (0, 4, 8, 12)):
            word += ((a << 24 ^ b << 16 ^ c << 8 ^ d) % 2**32).to_bytes(4, "big")
        made.append(word)
    return made


def odk_file(key: bytes, iv: bytes, plaintext: bytes) -> bytes:
    """CFB128 by the book, block by block, with PKCS#7 padding."""
    size = 16 - len(plaintext) % 16
    padded, before, out = plaintext + bytes([size]) * size, iv, b""
    block = Cipher(AES256(key), ECB()).encryptor()  # noqa: S305  the bare block, to build the mode from
    for at in range(0, len(padded), 16):
        before = bytes(a ^ b for a, b in zip(padded[at : at + 16], block.update(before), strict=True))
        out += before
    return out


def odk_digest(form: str, version: str, wrapped: str, instance_id: str, files: list[tuple[str, bytes]]) -> bytes:
    """What the client signs."""
    lines = [form] + ([version] if version else []) + [wrapped, instance_id]
    lines += [f"{name}::{hashlib.md5(plaintext).hexdigest()}" for name, plaintext in files]  # noqa: S324  as above
    return hashlib.md5("".join(line + "\n" for line in lines).encode()).digest()  # noqa: S324  as above


def rsa_seal(public: RSAPublicKey, secret: bytes) -> bytes:
    """RSA-OAEP with SHA-256 throughout."""
    return public.encrypt(secret, OAEP(MGF1(SHA256()), SHA256(), None))
