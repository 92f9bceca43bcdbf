"""ODK's encrypted forms, from the receiving side (getodk.github.io/xforms-spec/encryption).

    key        32 random bytes, wrapped by RSA-OAEP (RFC 8017: SHA-256, MGF1 with SHA-256, empty label)
    seed       MD5(utf8(instanceID) | key), which counts: before file i (from 0) its byte i mod 16 grows by one
    file       AES-256-CFB128 (NIST SP 800-38A) under the key, IV = the seed as it then is, PKCS#7 padding
    signature  RSA-OAEP of MD5 over form, version, wrapped key, instanceID, and the name and MD5 of each file

The signature is made with the public key: it shows that the parts belong together, not who sent them.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import load_der_private_key

from app.crypto.secrets import Secret
from app.errors import BadEncoding, BadSignature, TamperedBox

__all__ = ["FileOpener", "Signed", "check_signature", "enketo_ivs", "ivs", "unwrap_key"]

KEY_BYTES, BLOCK_BYTES, WORD_BYTES = 32, 16, 4
PADDING = OAEP(MGF1(SHA256()), SHA256(), None)


@dataclass(frozen=True, slots=True)
class Signed:
    """What the signature covers; texts as they stand in the envelope, ``version`` empty where it has none."""

    form: str = field(repr=False)
    version: str = field(repr=False)
    wrapped_key: str = field(repr=False)
    instance_id: str = field(repr=False)

    def digest(self, files: Sequence[tuple[str, bytes]]) -> bytes:
        """The MD5 that is signed; each file by its name without ``.enc`` and the MD5 of its plaintext, in order."""
        lines = [self.form, *([self.version] if self.version else []), self.wrapped_key, self.instance_id]
        lines += [f"{name}::{digest.hex()}" for name, digest in files]
        return _md5("".join(f"{line}\n" for line in lines).encode())


def unwrap_key(private: Secret, wrapped: bytes) -> Secret:
    """Open the key of one submission with the form's private key (PKCS #8, DER).

    Raises:
        TamperedBox: it was wrapped for another key or is no key.
        BadEncoding: the private key is none of RSA.
    """
    key = _decrypt(private, wrapped)
    if len(key) != KEY_BYTES:
        raise TamperedBox
    return Secret(key)


def check_signature(private: Secret, signature: bytes, digest: bytes) -> None:
    """Compare the digest that was signed.

    Raises:
        BadSignature: it was another one.
        TamperedBox, BadEncoding: as ``unwrap_key``.
    """
    if not hmac.compare_digest(_decrypt(private, signature), digest):
        raise BadSignature


def ivs(instance_id: str, key: Secret) -> Iterator[bytes]:
    """The IV of each file in turn, without end."""
    return map(_running_round, _seeds(instance_id, key))


def enketo_ivs(instance_id: str, key: Secret) -> Iterator[bytes]:
    """The IVs as Enketo makes them: its bytes count beyond 255, and that carries into the byte before.

    It puts them together as big-endian words by exclusive or, so the first byte of a word carries nowhere.
    """
    return map(_carrying, _seeds(instance_id, key))


class FileOpener:
    """Decrypts one file piece by piece."""

    def __init__(self, key: Secret, iv: bytes) -> None:
        self._cipher = Cipher(AES256(key.reveal()), CFB(iv)).decryptor()
        self._padding = PKCS7(8 * BLOCK_BYTES).unpadder()

    def update(self, piece: bytes) -> bytes:
        """Some more plaintext; the last block is held back."""
        return self._padding.update(self._cipher.update(piece))

    def finish(self) -> bytes:
        """The rest of the plaintext.

        Raises:
            BadEncoding: the file is cut, or the padding is not PKCS#7.
        """
        try:
            return self._padding.update(self._cipher.finalize()) + self._padding.finalize()
        except ValueError:
            raise BadEncoding from None


def _seeds(instance_id: str, key: Secret) -> Iterator[list[int]]:
    seed = list(_md5(instance_id.encode() + key.reveal()))
    count = 0
    while True:
        seed[count % BLOCK_BYTES] += 1
        count += 1
        yield seed


def _running_round(seed: Sequence[int]) -> bytes:
    return bytes(byte & 0xFF for byte in seed)


def _carrying(seed: Sequence[int]) -> bytes:
    return b"".join(_word(seed[at : at + WORD_BYTES]) for at in range(0, BLOCK_BYTES, WORD_BYTES))


def _word(seed: Sequence[int]) -> bytes:
    first, second, third, fourth = seed
    word = first << 24 ^ second << 16 ^ third << 8 ^ fourth
    return (word & 0xFFFFFFFF).to_bytes(WORD_BYTES, "big")


def _decrypt(private: Secret, box: bytes) -> bytes:
    try:
        key = load_der_private_key(private.reveal(), None)
    except ValueError:
        raise BadEncoding from None
    if not isinstance(key, RSAPrivateKey):
        raise BadEncoding
    try:
        return key.decrypt(box, PADDING)
    except ValueError:
        raise TamperedBox from None


def _md5(data: bytes) -> bytes:
    """MD5 is what the format names; nothing here rests on it against somebody who has the key."""
    return hashlib.md5(data, usedforsecurity=False).digest()
