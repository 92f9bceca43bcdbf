"""The audit trail: what happened, to which id, by whom; never content. How it stands, and its signed checkpoints."""

from __future__ import annotations

import re
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime, BeforeValidator

from app.access import Permission
from app.audit import queries
from app.audit.checkpoints import Signed as SignedCheckpoint
from app.audit.queries import Filter, Placed, Standing, Stretch
from app.web.bodies import Out
from app.web.deps import Acting, Runtime_, Signed
from app.web.routing import Router

__all__ = ["router"]

router = Router("/v1", tag="audit")

# RFC 3339 begins like this; a bare number would pass for seconds since 1970.
WRITTEN = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]", re.ASCII)


def _written(value: Any) -> Any:
    if isinstance(value, str) and WRITTEN.match(value) is None:
        msg = "not a date and time as RFC 3339 writes it"
        raise ValueError(msg)
    return value


Before = Annotated[UUID | None, Query(description="Continue before the event with this id.")]
Limit = Annotated[int, Query(ge=1, le=500)]
Action = Annotated[str | None, Query(max_length=64)]
Since = Annotated[AwareDatetime | None, BeforeValidator(_written), Query(description="Not before this moment.")]
Until = Annotated[AwareDatetime | None, BeforeValidator(_written), Query(description="Before this moment.")]
BeforePosition = Annotated[int | None, Query(ge=1, le=2**62, description="Continue before this position.")]
After = Annotated[int, Query(ge=0, le=2**62, description="Continue after this position.")]
Entries = Annotated[int, Query(ge=1, le=5_000)]


class EventOut(Out):
    """One act, read or denial; ``position`` is its place in the chain, absent until it is sealed."""

    id: UUID
    at: AwareDatetime
    position: int | None
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


class CheckpointOut(Out):
    """A signature over the chain up to a position; ``at`` in microseconds since 1970, ``hash`` in hex."""

    deployment: UUID
    key_id: str
    position: int
    hash: str
    count: int
    at: int
    signature: str


class CheckpointsOut(Out):
    """Checkpoints, newest first."""

    checkpoints: list[CheckpointOut]


class TrailOut(Out):
    """How the trail stands: its length, how many entries no signature covers yet, how far the witness is."""

    entries: int
    unsigned: int
    baseline: int
    witnessed: int | None
    newest: CheckpointOut | None


class FindingOut(Out):
    """One thing that is not as the trail tells."""

    what: str
    position: int | None
    event: UUID | None
    action: str | None
    case: UUID | None
    record: UUID | None
    part: str | None


class VerificationOut(Out):
    """What a stretch of the chain was found to be; go on after ``position`` unless ``ended``."""

    findings: list[FindingOut]
    position: int
    length: int
    ended: bool


def _out(rows: list[Placed]) -> EventsOut:
    return EventsOut(events=[_event(row) for row in rows])


def _event(row: Placed) -> EventOut:
    event = row.event
    return EventOut(
        id=event.id,
        at=event.at,
        position=row.position,
        action=event.action,
        actor_kind=event.actor_kind,
        actor=event.actor_id,
        study=event.study_id,
        case=event.case_id,
        record=event.record_id,
        details=row.details,
    )


def _checkpoint(signed: SignedCheckpoint) -> CheckpointOut:
    return CheckpointOut.model_validate(signed.to_json(), strict=False)


def _trail(standing: Standing) -> TrailOut:
    return TrailOut(
        entries=standing.entries,
        unsigned=standing.unsigned,
        baseline=standing.baseline,
        witnessed=standing.witnessed,
        newest=None if standing.newest is None else _checkpoint(standing.newest),
    )


def _verification(stretch: Stretch) -> VerificationOut:
    findings = [FindingOut.of(finding) for finding in stretch.findings]
    return VerificationOut(findings=findings, position=stretch.position, length=stretch.length, ended=stretch.ended)


@router.get("/studies/{study}/events", permission=Permission.AUDIT_READ)
def list_study_events(
    study: UUID,  # noqa: ARG001
    actor: Acting,
    runtime: Runtime_,
    before: Before = None,
    limit: Limit = 100,
    action: Action = None,
    by: UUID | None = None,
    case: UUID | None = None,
    record: UUID | None = None,
    since: Since = None,
    until: Until = None,
) -> EventsOut:
    """The events of one's study, newest first; by kind, by actor, by case, by record, by time."""
    only = Filter(action=action, actor=by, case=case, record=record, since=since, until=until)
    with runtime.glance() as session:
        return _out(queries.of_study(session, actor, before=before, limit=limit, only=only))


@router.get("/events", permission=Permission.AUDIT_SYSTEM)
def list_system_events(
    actor: Signed,
    runtime: Runtime_,
    before: Before = None,
    limit: Limit = 100,
    action: Action = None,
    by: UUID | None = None,
    since: Since = None,
    until: Until = None,
) -> EventsOut:
    """The events that belong to no study, newest first; by kind, by actor, by time."""
    only = Filter(action=action, actor=by, since=since, until=until)
    with runtime.glance() as session:
        return _out(queries.of_system(session, actor, before=before, limit=limit, only=only))


@router.get("/studies/{study}/trail", permission=Permission.AUDIT_READ)
def read_trail(study: UUID, actor: Acting, runtime: Runtime_) -> TrailOut:  # noqa: ARG001
    """How the trail stands; it is one for all studies."""
    with runtime.glance() as session:
        return _trail(queries.standing(session, runtime.collaborators, actor))


@router.get("/trail", permission=Permission.AUDIT_SYSTEM)
def read_system_trail(actor: Signed, runtime: Runtime_) -> TrailOut:
    """How the trail stands."""
    with runtime.glance() as session:
        return _trail(queries.standing(session, runtime.collaborators, actor))


@router.get("/studies/{study}/trail/verification", permission=Permission.AUDIT_READ)
def verify_trail(
    study: UUID,  # noqa: ARG001
    actor: Acting,
    runtime: Runtime_,
    after: After = 0,
    limit: Entries = 1_000,
) -> VerificationOut:
    """Verify a stretch of the chain: its hashes, each event's check, its signatures."""
    with runtime.glance() as session:
        return _verification(queries.verified(session, runtime.collaborators, actor, after=after, limit=limit))


@router.get("/trail/verification", permission=Permission.AUDIT_SYSTEM)
def verify_system_trail(actor: Signed, runtime: Runtime_, after: After = 0, limit: Entries = 1_000) -> VerificationOut:
    """Verify a stretch of the chain, as above."""
    with runtime.glance() as session:
        return _verification(queries.verified(session, runtime.collaborators, actor, after=after, limit=limit))


@router.get("/studies/{study}/trail/checkpoints", permission=Permission.AUDIT_READ)
def list_checkpoints(
    study: UUID,  # noqa: ARG001
    actor: Acting,
    runtime: Runtime_,
    before: BeforePosition = None,
    limit: Limit = 100,
) -> CheckpointsOut:
    """Signed checkpoints, newest first: to be kept outside."""
    with runtime.glance() as session:
        kept = queries.checkpoints_before(session, runtime.collaborators, actor, before=before, limit=limit)
    return CheckpointsOut(checkpoints=[_checkpoint(each) for each in kept])


@router.get("/trail/checkpoints", permission=Permission.AUDIT_SYSTEM)
def list_system_checkpoints(
    actor: Signed, runtime: Runtime_, before: BeforePosition = None, limit: Limit = 100
) -> CheckpointsOut:
    """Signed checkpoints, newest first: to be kept outside."""
    with runtime.glance() as session:
        kept = queries.checkpoints_before(session, runtime.collaborators, actor, before=before, limit=limit)
    return CheckpointsOut(checkpoints=[_checkpoint(each) for each in kept])
