"""What an operator is told of the main database: counts, days and ids."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.models import Invitation
from app.cases.models import Case, Grant, Record
from app.review.models import Ask, Disclosure
from app.studies.models import Study

__all__ = [
    "admin_invited",
    "frozen_records",
    "known_records",
    "named_shares",
    "studies",
]


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
