"""Plain functions that make what keystore tests put in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

from app.crypto.secrets import Secret
from app.keystore.service import Floor, Keystore, Share

STUDY = UUID(int=7)
FLOOR = Floor(STUDY, 1)
SCOPES = ("work", "source", "identity.g", "identity.a", "protection", "research.1")


@dataclass
class Stored:
    """What one put stored."""

    record: UUID
    attempt: UUID
    idem: Secret
    shares: list[Share] = field(default_factory=list)

    @property
    def ids(self) -> list[UUID]:
        """The ids of the shares."""
        return [share.id for share in self.shares]

    @property
    def values(self) -> dict[UUID, Secret]:
        """What ``get`` must give."""
        return {share.id: share.value for share in self.shares}

    def of(self, scope: str) -> UUID:
        """The id of the share of a scope."""
        return next(share.id for share in self.shares if share.scope == scope)


def make_share(scope: str = "source", expires_at: datetime | None = None) -> Share:
    """A fresh share."""
    return Share(uuid4(), scope, Secret.random(), expires_at)


def store(keystore: Keystore, *, record: UUID | None = None, floor: Floor = FLOOR) -> Stored:
    """Put a new record with one share of each scope."""
    stored = Stored(record or uuid4(), uuid4(), Secret.random(), [make_share(scope) for scope in SCOPES])
    keystore.put(attempt=stored.attempt, record=stored.record, shares=stored.shares, floor=floor, idem=stored.idem)
    return stored


def add(keystore: Keystore, record: UUID, share: Share, *, floor: Floor = FLOOR, moving: bool = False) -> None:
    """Put one more share of a record that exists."""
    keystore.put(attempt=uuid4(), record=record, shares=[share], floor=floor, moving=moving)
