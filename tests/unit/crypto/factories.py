"""Plain functions that make what the tests of cryptography need."""

from __future__ import annotations

from functools import cache
from typing import Any
from uuid import UUID

from app.crypto import contexts
from app.crypto.passwords import Argon2Params
from app.crypto.principals import KeyPair

# The cheapest cost that is accepted: tests of what happens around Argon2 need not wait for it.
CHEAP = Argon2Params(*Argon2Params.MIN)


def uid(number: int) -> UUID:
    """Give the UUID of a small number."""
    return UUID(int=number)


@cache
def pair(number: int = 0) -> KeyPair:
    """Give a key pair, the same for the same number within one run."""
    del number
    return KeyPair.generate()


def field_parts(**changed: Any) -> dict[str, Any]:
    """Give the parts of a field's context, the deployment among them."""
    parts = {"deployment": uid(1), "study": uid(2), "case": uid(3), "record": uid(4)}
    return parts | {"compartment": "source", "name": "reason_left", "version": 1} | changed


def grant_parts(**changed: Any) -> dict[str, Any]:
    """Give the parts of a grant's context, the deployment among them."""
    parts = {"deployment": uid(1), "study": uid(2), "record": uid(4), "grant": uid(5), "scope": "identity.g"}
    return parts | {"epoch": uid(6), "fingerprint": bytes(32)} | changed


def field_context(**changed: Any) -> bytes:
    """Give a field's context with some parts changed."""
    return contexts.field(**field_parts(**changed))


def grant_context(**changed: Any) -> bytes:
    """Give a grant's context with some parts changed."""
    return contexts.grant(**grant_parts(**changed))


def flip(data: bytes, bit: int) -> bytes:
    """Change one bit."""
    at, shift = divmod(bit % (8 * len(data)), 8)
    return data[:at] + bytes([data[at] ^ 1 << shift]) + data[at + 1 :]
