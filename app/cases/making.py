"""The order of writes: seal, shares to the keystore, then rows; the database refuses what names a dead epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from app.crypto.secrets import Secret
from app.keystore.service import Floor, Share

R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to make grants: its shares go to the keystore before any row does.

    ``floor`` is that of the roster it was sealed by, ``also`` that of a second one.
    """

    record: UUID
    shares: Sequence[Share]
    floor: Floor
    idem: Secret | None = None
    moving: bool = False
    also: Floor | None = None
    id: UUID = field(default_factory=uuid4)


class Making(Protocol[R_co]):
    """A change that makes grants. ``plan`` and ``store`` each run in a transaction of their own; ``seal`` in none.

    A class whose ``plan`` writes nothing, no event either, says ``reads_only = True``: then no transaction is open
    while it reads, and it waits for no writer.
    """

    def plan(self, session: Session) -> None:
        """Authorise, read the roster and what is needed, write the event of any read."""

    def seal(self) -> Attempt:
        """Open what must be opened, seal what will be stored."""

    def store(self, session: Session) -> R_co:
        """Insert rows and events; the attempt's claim already stands in this transaction."""


def reads_only(making: Making[object]) -> bool:
    """Whether the making says that its ``plan`` writes nothing."""
    return getattr(making, "reads_only", False) is True
