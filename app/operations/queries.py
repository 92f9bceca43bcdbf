"""What an operator is told of the main database: counts, days and ids."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.models import Invitation
from app.cases.files import ARRIVING
from app.cases.models import Case, DiscardedFile, File, Grant, Record
from app.intake.models import WaitingPart
from app.review.models import Ask, Disclosure
from app.studies.models import Study

__all__ = [
    "admin_invited",
    "frozen_records",
    "known_files",
    "known_records",
    "named_shares",
    "studies",
    "whole_files",
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


def known_files(session: Session) -> set[UUID]:
    """Every file in the store that a row names, be it only to have it deleted."""
    return {file for model in (File, DiscardedFile, WaitingPart) for file in session.scalars(select(model.id))}


def whole_files(session: Session) -> dict[UUID, int]:
    """Every file that must be there, with how many pieces it has."""
    rows = session.execute(select(File.id, File.segments).where(File.status != ARRIVING))
    return {row.id: row.segments for row in rows}


def frozen_records(session: Session) -> set[UUID]:
    """Every record whose case is frozen."""
    return set(session.scalars(select(Record.id).join(Case, Case.id == Record.case_id).where(Case.frozen)))


def admin_invited(session: Session, now: datetime) -> bool:
    """Whether the first admin's invitation is on its way: not used, not expired."""
    waiting = select(func.count()).where(
        Invitation.admin, Invitation.invited_by.is_(None), Invitation.used_at.is_(None), Invitation.expires_at > now
    )
    return bool(session.scalar(waiting))
