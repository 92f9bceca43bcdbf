"""Checkpoints: Ed25519 signatures over the chain, by a key of custody, that are kept and shown outside.

Whoever holds one can tell that the events up to its position were never changed, reordered, deleted or put back: the
chain's hash there would be another. Its position also becomes a floor in the keystore, a database of its own, so that
even without any witness an older main database is found.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from app.audit import sealer
from app.audit.entries import microseconds
from app.audit.models import Checkpoint, Delivery
from app.collaborators import Collaborators
from app.crypto import contexts
from app.crypto.signing import verify
from app.custody.base import Custody
from app.errors import BadEncoding, BadSignature

__all__ = [
    "EVERY",
    "EVERY_ENTRIES",
    "TRAIL",
    "Signed",
    "after",
    "delivered",
    "due",
    "make",
    "newest",
    "note_delivered",
    "signed",
]

KEY = "audit-1"
AUDIT_KEY = re.compile(r"audit-[1-9][0-9]{0,8}", re.ASCII)
# The worker signs after so many entries or so long, whichever comes first: what no checkpoint covers yet is unprotected
# against whoever rules the main database.
EVERY_ENTRIES = 1_000
EVERY = timedelta(minutes=1)
# The floor of the trail in the keystore, beside those of studies.
TRAIL = UUID("00000000-0000-8000-8000-747261696c00")
_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)
_KEYS = {"deployment", "key_id", "position", "hash", "count", "at", "signature"}


@dataclass(frozen=True, slots=True)
class Signed:
    """One checkpoint; ``at`` in microseconds since 1970 UTC."""

    deployment: UUID
    position: int
    hash: bytes
    count: int
    at: int
    key_id: str
    signature: bytes

    def check(self, custody: Custody, deployment: UUID) -> None:
        """Return if it is of this deployment and signed by an audit key of this custody.

        Raises:
            BadSignature: it is not.
            CustodyUnavailable: custody knows no such key.
        """
        numbers = min(self.position, self.count, self.at)
        if self.deployment != deployment or AUDIT_KEY.fullmatch(self.key_id) is None or numbers < 0:
            raise BadSignature
        verify(custody.public(self.key_id), self.message(), self.signature)

    def message(self) -> bytes:
        """The bytes that the signature covers."""
        return contexts.trail(
            self.deployment,
            key_id=self.key_id,
            position=self.position,
            digest=self.hash,
            count=self.count,
            at=self.at,
        )

    def to_json(self) -> dict[str, Any]:
        """The form in which a witness keeps it."""
        return {
            "deployment": str(self.deployment),
            "key_id": self.key_id,
            "position": self.position,
            "hash": self.hash.hex(),
            "count": self.count,
            "at": self.at,
            "signature": base64.b64encode(self.signature).decode("ascii"),
        }

    @classmethod
    def from_json(cls, tree: Any) -> Self:
        """Read what ``to_json`` wrote; BadEncoding for anything else."""
        try:
            numbers = [tree[name] for name in ("position", "count", "at")]
            if set(tree) != _KEYS or any(type(number) is not int for number in numbers):
                raise BadEncoding
            if _HEX.fullmatch(tree["hash"]) is None:
                raise BadEncoding
            signature = base64.b64decode(tree["signature"], validate=True)
            deployment, digest = UUID(tree["deployment"]), bytes.fromhex(tree["hash"])
            return cls(deployment, numbers[0], digest, numbers[1], numbers[2], str(tree["key_id"]), signature)
        except (KeyError, TypeError, ValueError, AttributeError, binascii.Error):
            raise BadEncoding from None


def newest(session: Session, deployment: UUID) -> Signed | None:
    """The checkpoint of the highest position."""
    row = session.scalar(select(Checkpoint).order_by(Checkpoint.position.desc()).limit(1))
    return None if row is None else signed(row, deployment)


def after(session: Session, deployment: UUID, position: int, limit: int) -> list[Signed]:
    """Checkpoints beyond a position, oldest first."""
    query = select(Checkpoint).where(Checkpoint.position > position).order_by(Checkpoint.position).limit(limit)
    return [signed(row, deployment) for row in session.scalars(query)]


def count_after(session: Session, position: int) -> int:
    """How many checkpoints there are beyond a position."""
    return session.scalar(select(func.count()).where(Checkpoint.position > position)) or 0


def signed(row: Checkpoint, deployment: UUID) -> Signed:
    """A stored checkpoint."""
    return Signed(deployment, row.position, row.hash, row.count, microseconds(row.at), row.key_id, row.signature)


def due(session: Session, collaborators: Collaborators) -> bool:
    """Whether enough entries or time have passed since the newest checkpoint, and there is anything new."""
    last, (position, _) = newest(session, collaborators.deployment), sealer.head(session)
    if last is None or position <= last.position:
        return last is None and position > 0
    waited = microseconds(collaborators.now()) - last.at
    return position - last.position >= EVERY_ENTRIES or waited >= EVERY // timedelta(microseconds=1)


def make(session: Session, collaborators: Collaborators) -> Signed | None:
    """Sign the chain as it stands; None if nothing is new. Two at once meet the primary key.

    Once this is committed the caller raises the keystore's floor ``TRAIL`` to the position.
    """
    last, (position, digest) = newest(session, collaborators.deployment), sealer.head(session)
    before = 0 if last is None else last.position
    if position <= before:
        return None
    at = collaborators.now()
    unsigned = Signed(collaborators.deployment, position, digest, position - before, microseconds(at), KEY, b"")
    signature = collaborators.custody.sign(KEY, unsigned.message())
    session.execute(
        insert(Checkpoint).values(
            position=position, hash=digest, count=unsigned.count, at=at, key_id=KEY, signature=signature
        )
    )
    return Signed(unsigned.deployment, position, digest, unsigned.count, unsigned.at, KEY, signature)


def delivered(session: Session, witness: str) -> int:
    """The newest position that a witness has; 0 for none."""
    return session.scalar(select(Delivery.position).where(Delivery.witness == witness)) or 0


def note_delivered(session: Session, witness: str, position: int, at: datetime) -> None:
    """Remember that a witness has everything up to a position."""
    session.merge(Delivery(witness=witness, position=position, at=at))
