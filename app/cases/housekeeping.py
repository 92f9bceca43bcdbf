"""What keeps main database, keystore and files in step: the outboxes and the sweep of abandoned attempts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from app.access import Actor
from app.audit import service as audit
from app.cases.models import Claim, DiscardedFile, Outbox
from app.collaborators import Collaborators

OUTBOX_BATCH = 200
# An attempt older than this cannot still be on its way to its claim: requests end within a minute.
ABANDONED_AFTER = timedelta(hours=24)


def drain_outbox(session: Session, collaborators: Collaborators) -> int:
    """Destroy the shares of dropped grants; returns how many rows are done. Repeats after a crash."""
    rows = session.scalars(select(Outbox).order_by(Outbox.written_at).limit(OUTBOX_BATCH)).all()
    if not rows:
        return 0
    collaborators.keystore.destroy([UUID(share) for row in rows for share in row.share_ids])
    session.execute(delete(Outbox).where(Outbox.id.in_([row.id for row in rows])))
    return len(rows)


def discarded_files(session: Session) -> list[UUID]:
    """The next files that the store must delete."""
    return list(session.scalars(select(DiscardedFile.id).order_by(DiscardedFile.written_at).limit(OUTBOX_BATCH)))


def forget_files(session: Session, files: Sequence[UUID]) -> None:
    """Note that the store has deleted these."""
    session.execute(delete(DiscardedFile).where(DiscardedFile.id.in_(files)))


def put_off(session: Session, files: Sequence[UUID], now: datetime) -> None:
    """Put these behind the others: the store could not delete them, and they keep none of the others waiting."""
    session.execute(update(DiscardedFile).where(DiscardedFile.id.in_(files)).values(written_at=now))


def unclaimed(session: Session, attempts: Sequence[UUID]) -> list[UUID]:
    """Which of these attempts have no claim."""
    claimed = set(session.scalars(select(Claim.attempt).where(Claim.attempt.in_(attempts))))
    return [attempt for attempt in attempts if attempt not in claimed]


def void(session: Session, attempt: UUID) -> None:
    """Void an attempt: its own transaction can no longer claim it. Conflict if it was claimed meanwhile."""
    session.execute(insert(Claim).values(attempt=attempt, void=True))


def voided(session: Session, attempt: UUID) -> bool:
    """Whether the attempt's shares may be destroyed: it is void, not claimed."""
    return session.scalar(select(Claim.void).where(Claim.attempt == attempt)) is True


def note_swept(session: Session, collaborators: Collaborators, actor: Actor, count: int) -> None:
    """Write the event of a sweep."""
    audit.write(session, collaborators, actor, "attempts.swept", count=count)
