"""Reading the trail: one's study's events, or those that belong to no study."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Select, select, tuple_
from sqlalchemy.orm import Session

from app.access import Actor, Permission, require
from app.audit.models import Event


def of_study(session: Session, actor: Actor, *, before: UUID | None, limit: int) -> list[Event]:
    """The newest events of the actor's study, or those before one of them."""
    require(actor, Permission.AUDIT_READ)
    return _page(session, select(Event).where(Event.study_id == actor.study), before, limit)


def of_system(session: Session, actor: Actor, *, before: UUID | None, limit: int) -> list[Event]:
    """The newest events that belong to no study."""
    require(actor, Permission.AUDIT_SYSTEM)
    return _page(session, select(Event).where(Event.study_id.is_(None)), before, limit)


def _page(session: Session, query: Select[Event], before: UUID | None, limit: int) -> list[Event]:
    if before is not None:
        at = select(Event.at).where(Event.id == before).scalar_subquery()
        query = query.where(tuple_(Event.at, Event.id) < tuple_(at, before))
    return list(session.scalars(query.order_by(Event.at.desc(), Event.id.desc()).limit(limit)))
