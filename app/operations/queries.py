"""What an operator is told of the main database: counts, days and ids."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.models import Invitation
from app.cases.models import Case, Grant, Outbox, Record
from app.review.models import Ask, Disclosure
from app.studies.models import Epoch, Study

__all__ = [
    "admin_invited",
    "frozen_records",
    "grants_to_move",
    "known_records",
    "named_shares",
    "outbox_length",
    "queue",
    "studies",
]


def queue(session: Session) -> dict[str, tuple[int, str]]:
    """For each stage of a record: how many are there, and the day of the oldest."""
    counted = select(Record.status, func.count(), func.min(Record.received_day)).group_by(Record.status)
    return {status: (count, oldest) for status, count, oldest in session.execute(counted)}


def outbox_length(session: Session) -> int:
    """How many rows of shares wait to be destroyed."""
    return session.scalar(select(func.count()).select_from(Outbox)) or 0


def grants_to_move(session: Session) -> int:
    """How many grants rest under an epoch that a newer one of the team has replaced."""
    newest = (
        select(Epoch.study_id, Epoch.team, func.max(Epoch.number).label("number"))
        .group_by(Epoch.study_id, Epoch.team)
        .subquery()
    )
    old = (
        select(func.count(Grant.id))
        .join(Epoch, Epoch.id == Grant.epoch_id)
        .join(newest, (newest.c.study_id == Epoch.study_id) & (newest.c.team == Epoch.team))
        .where(Epoch.number < newest.c.number)
    )
    return session.scalar(old) or 0


def studies(session: Session) -> list[UUID]:
    """Every study."""
    return list(session.scalars(select(Study.id).order_by(Study.id)))


def named_shares(session: Session, now: datetime) -> set[UUID]:
    """Every share that a grant, an ask or a disclosure names whose time is not over."""
    grants = session.scalars(select(Grant.id).where(Grant.expires_at.is_(None) | (Grant.expires_at > now)))
    asks = session.scalars(select(Ask.asker_share_id))
    return {*grants, *asks, *session.scalars(select(Disclosure.id).where(Disclosure.expires_at > now))}


def known_records(session: Session) -> set[UUID]:
    """Every record there is."""
    return set(session.scalars(select(Record.id)))


def frozen_records(session: Session) -> set[UUID]:
    """Every record whose case is frozen."""
    return set(session.scalars(select(Record.id).join(Case, Case.id == Record.case_id).where(Case.frozen)))


def admin_invited(session: Session, now: datetime) -> bool:
    """Whether the first admin's invitation is on its way: not used, not expired."""
    waiting = select(func.count()).where(
        Invitation.admin, Invitation.invited_by.is_(None), Invitation.used_at.is_(None), Invitation.expires_at > now
    )
    return bool(session.scalar(waiting))
