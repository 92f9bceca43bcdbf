"""What every provider of custody can do: verbs on named keys, never the keys.

A key is made inside custody and stays there; callers hand in bytes and get bytes. A provider is chosen by the scheme of
its URL (see ``registry``) and must pass the contract tests in ``tests/unit/custody``.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from app.crypto.sealed import Sealed
from app.crypto.secrets import Secret

__all__ = ["Custody", "KeyKind"]


class KeyKind(StrEnum):
    """What a key may be used for; a key has one use."""

    MAC = "mac"
    SIGN = "sign"
    WRAP = "wrap"


class Custody(Protocol):
    """The server's own secrets, by name.

    A name is a purpose and a number, such as ``pepper-1``. Every verb raises ``CustodyUnavailable`` when the key is not
    here, is of another kind, or the provider does not answer.
    """

    def create(self, name: str, kind: KeyKind) -> None:
        """Make a key, durably. Raises ``Conflict`` for a name in use; an interrupted creation is completed."""
        ...

    def public(self, name: str) -> bytes:
        """The 32-byte Ed25519 public half of a signing key; it outlives the private half."""
        ...

    def mac(self, name: str, data: bytes) -> bytes:
        """HMAC-SHA256 of the data, 32 bytes."""
        ...

    def sign(self, name: str, data: bytes) -> bytes:
        """Ed25519 signature (RFC 8032), 64 bytes."""
        ...

    def wrap(self, name: str, plaintext: Secret, context: bytes) -> Sealed:
        """Seal a secret under a wrapping key, bound to its context."""
        ...

    def unwrap(self, name: str, blob: bytes, context: bytes) -> Secret:
        """Open what ``wrap`` made. Raises ``Tampered`` or ``Malformed`` for anything else."""
        ...

    def destroy(self, name: str) -> None:
        """Forget a key for good; destroying an absent key is no error."""
        ...

    def has(self, name: str) -> bool:
        """Whether this process can use the key."""
        ...
