"""The order of writes: seal, shares to the keystore, then rows; the database refuses what names a dead epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self, TypeGuard, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import Table
from sqlalchemy.orm import Session

from app.crypto.secrets import Secret
from app.keystore.service import Floor, Put, Share

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
Rows = list[tuple[Table, list[dict[str, Any]]]]


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

    def put(self) -> Put:
        """What the keystore is given."""
        return {
            "attempt": self.id,
            "record": self.record,
            "shares": self.shares,
            "floor": self.floor,
            "idem": self.idem,
            "moving": self.moving,
            "also": self.also,
        }


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


class Joining(Making[R_co], Protocol):
    """A making whose ``plan`` only reads and whose ``store`` only inserts: several may share their transactions.

    One that cannot be done so, for a reason of its own, is left out by ``fresh`` or raises; it is then made alone.
    """

    @property
    def joins(self) -> bool:
        """Whether this one may be made together with others."""

    def fresh(self, session: Session, makings: Sequence[Self]) -> Sequence[Self]:
        """Which of these are the first of their kind: nothing was stored before that they would repeat."""

    def plan_fresh(self, session: Session) -> None:
        """The rest of ``plan``, for one that is fresh."""

    def rows(self) -> Rows:
        """What ``store`` inserts: the same tables in the same order for all."""

    def result(self) -> R_co:
        """What ``store`` gives."""


def together(made: Sequence[Rows]) -> Rows:
    """The rows of several makings, table by table."""
    return [(each[0][0], [row for _, rows in each for row in rows]) for each in zip(*made, strict=True)]


def joins(making: Making[R]) -> TypeGuard[Joining[R]]:
    """Whether a making may be made together with others of its class."""
    return getattr(making, "joins", False) is True


def reads_only(making: Making[object]) -> bool:
    """Whether the making says that its ``plan`` writes nothing."""
    return getattr(making, "reads_only", False) is True
