"""Secret: the holder in which key material travels, and its split in two halves.

A Secret shows nothing, cannot be changed, pickled or copied, and gives up its bytes only through ``reveal``, so each
place that handles raw key bytes is found by searching for that word. It does not promise to wipe memory: Python cannot.
"""

from __future__ import annotations

import hmac
import os
from typing import NoReturn, Self

from app.errors import BadEncoding

__all__ = ["Guarded", "Secret", "join", "split"]


class Guarded:
    """Base of what holds key material: it cannot be changed, pickled or copied."""

    __slots__ = ()

    def __setattr__(self, name: str, value: object) -> NoReturn:
        """Refuse to change."""
        msg = f"a {type(self).__name__} cannot be changed"
        raise AttributeError(msg)

    def __delattr__(self, name: str) -> NoReturn:
        """Refuse to change."""
        msg = f"a {type(self).__name__} cannot be changed"
        raise AttributeError(msg)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        """Refuse pickling, ``copy.copy`` and ``copy.deepcopy`` alike."""
        msg = f"a {type(self).__name__} is neither pickled nor copied"
        raise TypeError(msg)

    def __reduce__(self) -> NoReturn:
        """Refuse what asks for the older protocol."""
        msg = f"a {type(self).__name__} is neither pickled nor copied"
        raise TypeError(msg)

    def __getstate__(self) -> NoReturn:
        """Refuse to hand the state over by itself."""
        msg = f"a {type(self).__name__} is neither pickled nor copied"
        raise TypeError(msg)


class Secret(Guarded):
    """Immutable secret bytes."""

    __slots__ = ("_value",)
    _value: bytes

    def __init__(self, value: bytes) -> None:
        # memoryview takes bytes only, where bytes() would also take a number or a list of them.
        object.__setattr__(self, "_value", bytes(memoryview(value)))

    @classmethod
    def random(cls, n: int = 32) -> Self:
        """Make a fresh secret of ``n`` bytes from the system's generator."""
        return cls(os.urandom(n))

    def reveal(self) -> bytes:
        """Give up the bytes. The caller keeps them no longer than the call that needs them."""
        return self._value

    def __len__(self) -> int:
        """Count the bytes."""
        return len(self._value)

    def __eq__(self, other: object) -> bool:
        """Compare in constant time; equal only to another Secret."""
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value, other._value)

    def __hash__(self) -> int:
        """Agree with ``==``; Python's hash of bytes is keyed per process."""
        return hash((Secret, self._value))

    def __repr__(self) -> str:
        """Show nothing."""
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        """Show nothing, whatever the format asks."""
        return "Secret(…)"


def split(secret: Secret) -> tuple[Secret, Secret]:
    """Split a key into two halves (h_g random, h_a = K xor h_g); one half says nothing about the key."""
    first = Secret.random(len(secret))
    return first, _xor(secret, first)


def join(first: Secret, second: Secret) -> Secret:
    """Give back the key of two halves.

    Raises:
        BadEncoding: the halves differ in length.
    """
    if len(first) != len(second):
        raise BadEncoding
    return _xor(first, second)


def _xor(one: Secret, two: Secret) -> Secret:
    mixed = int.from_bytes(one.reveal(), "big") ^ int.from_bytes(two.reveal(), "big")
    return Secret(mixed.to_bytes(len(one), "big"))
