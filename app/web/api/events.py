"""The audit trail: what happened, to which id, by whom; never content."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime

from app.access import Permission
from app.audit import queries
from app.audit.models import Event
from app.web.bodies import Out
from app.web.deps import Acting, Runtime_, Signed
from app.web.routing import Router

__all__ = ["router"]

router = Router("/v1", tag="audit")

Before = Annotated[UUID | None, Query(description="Continue before the event with this id.")]
Limit = Annotated[int, Query(ge=1, le=500)]


class EventOut(Out):
    """One act, read or denial."""

    id: UUID
    at: AwareDatetime
    action: str
    actor_kind: str
    actor: UUID | None
    study: UUID | None
    case: UUID | None
    record: UUID | None
    details: dict[str, Any]


class EventsOut(Out):
    """Events, newest first."""

    events: list[EventOut]


def _out(rows: list[Event]) -> EventsOut:
    return EventsOut(
        events=[
            EventOut(
                id=row.id,
                at=row.at,
                action=row.action,
                actor_kind=row.actor_kind,
                actor=row.actor_id,
                study=row.study_id,
                case=row.case_id,
                record=row.record_id,
                details=row.details,
            )
            for row in rows
        ]
    )


@router.get("/studies/{study}/events", permission=Permission.AUDIT_READ)
def list_study_events(
    study: UUID,  # noqa: ARG001
    actor: Acting,
    runtime: Runtime_,
    before: Before = None,
    limit: Limit = 100,
) -> EventsOut:
    """The events of one's study, newest first."""
    with runtime.glance() as session:
        return _out(queries.of_study(session, actor, before=before, limit=limit))


@router.get("/events", permission=Permission.AUDIT_SYSTEM)
def list_system_events(actor: Signed, runtime: Runtime_, before: Before = None, limit: Limit = 100) -> EventsOut:
    """The events that belong to no study, newest first."""
    with runtime.glance() as session:
        return _out(queries.of_system(session, actor, before=before, limit=limit))
