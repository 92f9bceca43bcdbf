"""From a password to the key of a user's bundle.

    a   = Argon2id(NFC password, salt 16, 32 bytes)                    (RFC 9106)
    mac = custody.mac(pepper, enc("testimony/1/pepper", D, user, key id, a))
    key = HKDF-SHA512(a | mac, salt = argon salt, info = "testimony/1/unlock", 32)

The custodian's MAC stands between the two, so each guess costs a call to it. No password hash is kept: opening the
bundle is the check.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import ClassVar, NoReturn, Self

from argon2.low_level import Type, hash_secret_raw

from app.crypto.encoding import check_digest, dec, enc
from app.crypto.kdf import derive
from app.crypto.principals import PRIVATE_BYTES
from app.crypto.secrets import Secret
from app.errors import BadEncoding

__all__ = ["SALT_BYTES", "Argon2Params", "Bundle", "stretch", "unlock_key"]

SALT_BYTES = 16
BUNDLE_LABEL = "testimony/1/bundle"


@dataclass(frozen=True, slots=True)
class Argon2Params:
    """Cost of Argon2id: memory in KiB, passes, lanes; BadEncoding outside the limits.

    They come back from a database row, so the upper limits keep a changed row from exhausting the server and the lower
    ones (the smallest memory OWASP lists) from making passwords cheap to guess.
    """

    m_kib: int
    t: int
    p: int

    MIN: ClassVar[tuple[int, int, int]] = (7_168, 1, 1)
    MAX: ClassVar[tuple[int, int, int]] = (1_048_576, 16, 8)
    DEFAULT: ClassVar[Argon2Params]

    def __post_init__(self) -> None:
        """Refuse what is outside the limits."""
        chosen = (self.m_kib, self.t, self.p)
        if not all(low <= one <= high for low, one, high in zip(self.MIN, chosen, self.MAX, strict=True)):
            raise BadEncoding


Argon2Params.DEFAULT = Argon2Params(65_536, 3, 1)


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a password unlocks: the private key (96 bytes) and the TOTP secret (empty while there is none)."""

    private: Secret
    totp: Secret

    def encode(self) -> bytes:
        """Encode for sealing; the bytes are plaintext."""
        return enc(BUNDLE_LABEL, self.private.reveal(), self.totp.reveal())

    @classmethod
    def decode(cls, plaintext: bytes) -> Self:
        """Give back what ``encode`` wrote.

        Raises:
            BadEncoding: it is no bundle.
        """
        private, totp = dec(BUNDLE_LABEL, 2, plaintext)
        if len(private) != PRIVATE_BYTES:
            raise BadEncoding
        return cls(Secret(private), Secret(totp))

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        """Refuse pickling and copying."""
        raise TypeError("a Bundle is neither pickled nor copied")


def stretch(password: str, salt: bytes, params: Argon2Params) -> Secret:
    """Argon2id over the NFC form of the password: 32 bytes, slow on purpose.

    Raises:
        BadEncoding: the salt has not 16 bytes, or the password is no Unicode text (a lone surrogate).
    """
    if len(salt) != SALT_BYTES:
        raise BadEncoding
    try:
        raw = unicodedata.normalize("NFC", password).encode()
    except UnicodeEncodeError:
        raise BadEncoding from None
    return Secret(hash_secret_raw(raw, salt, params.t, params.m_kib, params.p, 32, Type.ID))


def unlock_key(argon: Secret, mac: bytes, salt: bytes) -> Secret:
    """Join Argon2's output with the custodian's MAC of it into the envelope key of the bundle.

    Raises:
        BadEncoding: output, MAC or salt of another length (32, 32 and 16 bytes).
    """
    if len(salt) != SALT_BYTES:
        raise BadEncoding
    both = check_digest(argon.reveal()) + check_digest(mac)
    return Secret(derive(both, salt=salt, info=b"testimony/1/unlock"))
