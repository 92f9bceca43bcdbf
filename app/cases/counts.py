"""How much there is of what, over all studies: counts and days, for operators and admins."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.cases.files import ARRIVING
from app.cases.models import DiscardedFile, File, Grant, Outbox, Record
from app.studies.models import Epoch

__all__ = ["files", "grants_to_move", "outbox_length", "queue"]


def queue(session: Session) -> dict[str, tuple[int, str]]:
    """For each stage of a record: how many are there, and the day of the oldest."""
    counted = select(Record.status, func.count(), func.min(Record.received_day)).group_by(Record.status)
    return {status: (count, oldest) for status, count, oldest in session.execute(counted)}


def outbox_length(session: Session) -> int:
    """How many rows of shares wait to be destroyed."""
    return session.scalar(select(func.count()).select_from(Outbox)) or 0


def files(session: Session) -> tuple[int, int, int]:
    """How many files there are, how many still arrive, and how many the store must still delete."""
    there = select(func.count()).select_from(File)
    gone = select(func.count()).select_from(DiscardedFile)
    counted = (there.where(File.status != ARRIVING), there.where(File.status == ARRIVING), gone)
    whole, arriving, discarded = (session.scalar(query) or 0 for query in counted)
    return whole, arriving, discarded


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
