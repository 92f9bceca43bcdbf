"""What every store of files can do: whole sealed segments in, parts of them out, by random ids.

A store knows neither names nor keys. What it is given is Sealed, and it answers only once that is durable. A provider
is chosen by the scheme of its URL (see ``registry``) and must pass the contract tests in ``tests/integration/files``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol
from uuid import UUID

from app.crypto.sealed import Sealed

__all__ = ["FileStore"]


class FileStore(Protocol):
    """Sealed segments by the id of their file and their own.

    Every verb raises ``StoreUnavailable`` when the store does not answer.
    """

    def put(self, file: UUID, segment: UUID, sealed: Sealed) -> None:
        """Keep a segment, durably and whole or not at all; each id is used once. ``StoreFull`` if there is no room."""
        ...

    def get(self, file: UUID, segment: UUID, start: int, end: int) -> bytes:
        """The bytes from ``start`` to before ``end``. ``TamperedFile`` if they are not there."""
        ...

    def segments(self, file: UUID) -> set[UUID]:
        """Which segments of a file are there."""
        ...

    def discard(self, file: UUID, keep: frozenset[UUID] = frozenset()) -> None:
        """Delete all of a file but the named segments, what a crash left half included; absent ones are no error."""
        ...

    def remove(self, file: UUID, segment: UUID) -> None:
        """Delete one segment; an absent one is no error."""
        ...

    def files(self, *, before: datetime | None = None) -> Iterator[UUID]:
        """Every file of which anything is there; with ``before`` those to which nothing was added since."""
        ...

    def check(self) -> None:
        """Return if the store can be used; it makes what it needs for that."""
        ...
