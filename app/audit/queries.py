"""Reading the trail: one's study's events, or those that belong to no study; how the trail stands; its checkpoints.

Whoever may read events may verify the chain, which is one for all studies: of another study's events a verification
tells the position and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select, tuple_
from sqlalchemy.orm import Session

from app.access import Actor, Permission, Role, require
from app.audit import checkpoints, sealer, verify
from app.audit.checkpoints import Signed
from app.audit.findings import Finding
from app.audit.models import Checkpoint, Delivery, Event, Link
from app.collaborators import Collaborators

__all__ = [
    "Filter",
    "Placed",
    "Standing",
    "Stretch",
    "actions",
    "checkpoints_before",
    "of_study",
    "of_system",
    "standing",
    "verified",
]

# What the events of the guardians' compartment begin with.
THREATS = "protection."
# Who may know of threats.
GUARDING = frozenset({Role.GUARDIAN, Role.AUDITOR})
# Details that tell, part by part, what a change made and took; a verification reads them, nobody else needs to.
PARTS = frozenset({"made", "gone", "case_made", "case_gone"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which events; None lets all pass. ``since`` is inside, ``until`` outside."""

    action: str | None = None
    actor: UUID | None = None
    case: UUID | None = None
    record: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """As SQL."""
        same = ((Event.action, self.action), (Event.actor_id, self.actor), (Event.case_id, self.case))
        found = [column == value for column, value in (*same, (Event.record_id, self.record)) if value is not None]
        if self.since is not None:
            found.append(Event.at >= self.since)
        if self.until is not None:
            found.append(Event.at < self.until)
        return found


EVERYTHING = Filter()


@dataclass(frozen=True, slots=True)
class Placed:
    """An event, its position in the chain (None while it waits to be sealed), and what the reader may know of it."""

    event: Event
    position: int | None
    details: dict[str, Any]


def of_study(
    session: Session, actor: Actor, *, before: UUID | None, limit: int, only: Filter = EVERYTHING
) -> list[Placed]:
    """The newest events of the actor's study that the actor may know of, or those before one of them."""
    require(actor, Permission.AUDIT_READ)
    return _page(session, actor, before, limit, only)


def of_system(
    session: Session, actor: Actor, *, before: UUID | None, limit: int, only: Filter = EVERYTHING
) -> list[Placed]:
    """The newest events that belong to no study."""
    require(actor, Permission.AUDIT_SYSTEM)
    return _page(session, replace(actor, study=None), before, limit, only)


def _page(session: Session, actor: Actor, before: UUID | None, limit: int, only: Filter) -> list[Placed]:
    query: Select[Event, int | None] = select(Event, Link.position).outerjoin(Link, Link.event_id == Event.id)
    query = query.where(_whose(actor), *only.conditions())
    if before is not None:
        at = select(Event.at).where(Event.id == before).scalar_subquery()
        query = query.where(tuple_(Event.at, Event.id) < tuple_(at, before))
    rows = session.execute(query.order_by(Event.at.desc(), Event.id.desc()).limit(limit))
    return [Placed(event, position, _told_of(event, actor)) for event, position in rows]


def _told_of(event: Event, actor: Actor) -> dict[str, Any]:
    """The details; without the parts of a change where one of them could be that a case is hidden."""
    if actor.study is None or actor.roles & GUARDING:
        return event.details
    return {name: value for name, value in event.details.items() if name not in PARTS}


def actions(session: Session, actor: Actor) -> list[str]:
    """The kinds of events that the actor's study, or the system, has: to choose from."""
    _require_auditing(actor)
    return list(session.scalars(select(Event.action).where(_whose(actor)).distinct().order_by(Event.action)))


def _require_auditing(actor: Actor) -> None:
    require(actor, Permission.AUDIT_SYSTEM if actor.study is None else Permission.AUDIT_READ)


def _whose(actor: Actor) -> ColumnElement[bool]:
    """The events of the actor's study, or of none; what guardians did about threats only for them and for auditors."""
    if actor.study is None:
        return Event.study_id.is_(None)
    ours = Event.study_id == actor.study
    return ours if actor.roles & GUARDING else ours & ~Event.action.startswith(THREATS)


@dataclass(frozen=True, slots=True)
class Standing:
    """How the trail stands. ``witnessed`` is the newest position that a witness has; None if there is no witness."""

    entries: int
    newest: Signed | None
    baseline: int
    witnessed: int | None

    @property
    def unsigned(self) -> int:
        """Entries that no checkpoint covers yet."""
        return self.entries - (0 if self.newest is None else self.newest.position)


def standing(session: Session, collaborators: Collaborators, actor: Actor) -> Standing:
    """How far the chain, its newest checkpoint and the witness are; nothing is verified."""
    _require_auditing(actor)
    return Standing(
        sealer.head(session)[0],
        checkpoints.newest(session, collaborators.deployment),
        verify.baseline(session, collaborators),
        session.scalar(select(func.max(Delivery.position))),
    )


def checkpoints_before(
    session: Session, collaborators: Collaborators, actor: Actor, *, before: int | None, limit: int
) -> list[Signed]:
    """Signed checkpoints, newest first, to be kept outside and held against the chain some day."""
    _require_auditing(actor)
    query = select(Checkpoint).order_by(Checkpoint.position.desc()).limit(limit)
    if before is not None:
        query = query.where(Checkpoint.position < before)
    return [checkpoints.signed(row, collaborators.deployment) for row in session.scalars(query)]


@dataclass(frozen=True, slots=True)
class Stretch:
    """What a verification of a stretch of the chain found; it goes on after ``position`` unless it is ``ended``."""

    findings: list[Finding]
    position: int
    length: int
    ended: bool


def verified(session: Session, collaborators: Collaborators, actor: Actor, *, after: int, limit: int) -> Stretch:
    """Verify at most ``limit`` entries after a position: a long chain is verified by several requests.

    The whole of it, what a witness kept, and records and grants are verified by an operator at the command line.
    """
    _require_auditing(actor)
    walk = verify.ChainCheck.beyond(session, collaborators, after)
    found, ended = walk.page(session, limit)
    ours = _ours(session, actor, found)
    return Stretch([_told_to(each, ours) for each in found], walk.position, verify.length(session), ended)


def _ours(session: Session, actor: Actor, found: list[Finding]) -> set[UUID]:
    events = [each.event for each in found if each.event is not None]
    return set(session.scalars(select(Event.id).where(Event.id.in_(events), _whose(actor))))


def _told_to(finding: Finding, ours: set[UUID]) -> Finding:
    if finding.event is None or finding.event in ours:
        return finding
    return replace(finding, event=None, action=None, case=None, record=None, code=None)
