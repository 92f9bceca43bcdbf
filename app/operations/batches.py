"""Long lists of ids in pieces that one statement can carry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

__all__ = ["in_batches"]

T = TypeVar("T")
AT_ONCE = 500


def in_batches(items: Sequence[T], size: int = AT_ONCE) -> Iterator[Sequence[T]]:
    """Cut a list into pieces of at most ``size``."""
    for at in range(0, len(items), size):
        yield items[at : at + size]
