"""How a case stands: what guardians and leads may know of it, what was decided, and what can be done now or why not."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from app.access import Actor, Permission, Role, require
from app.audit.models import Event
from app.cases import queries
from app.cases.files import COMPLETE, of_record
from app.cases.models import Case, Decision, Record, Tombstone
from app.cases.withdrawal import ERASE, THAW, side_of, wish_of
from app.collaborators import Collaborators
from app.errors import Forbidden, NotFound
from app.studies import policies

__all__ = [
    "Erasure",
    "Obstacle",
    "OpenCase",
    "Own",
    "Standing",
    "Told",
    "Verb",
    "erasure",
    "erasures",
    "open_cases",
    "own_cases",
    "own_erased",
    "standing",
]

# What a case's page tells of its past; who and when stand in the trail.
TOLD = (
    "case.frozen", "case.thawed", "record.held", "record.lifted", "record.erased", "case.erase.decided",
    "case.thaw.decided",
)  # fmt: skip


class Verb(StrEnum):
    """What can be done with a case."""

    WITHDRAW = "withdraw"
    ERASE = "erase"
    THAW = "thaw"
    HOLD = "hold"
    LIFT = "lift"


class Obstacle(StrEnum):
    """Why something cannot be done now."""

    FROZEN = "frozen"
    NOT_FROZEN = "not-frozen"
    HELD = "held"
    NOT_HELD = "not-held"
    YOURS = "yours"
    YOUR_SIDE = "your-side"
    AGREED = "agreed"
    NOT_CONFIRMED = "not-confirmed"
    NOT_ALLOWED = "not-allowed"


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that happened to a case: when, what, by whom; None for the participant's own token."""

    at: datetime
    action: str
    by: UUID | None


@dataclass(frozen=True, slots=True)
class Standing:
    """A case as a guardian or a lead sees it, with the ids of each record's attachments.

    ``hidden`` is for guardians only; ``wish`` is the participant's.
    """

    case: Case
    records: list[Record]
    hidden: bool
    wish: str
    pending: dict[str, Decision]
    partly_erased: dict[UUID, Tombstone]
    history: list[Told]
    files: dict[UUID, list[UUID]] = field(default_factory=dict)
    possible: dict[Verb, Obstacle | None] = field(default_factory=dict)

    @property
    def keeps(self) -> bool:
        """Whether there is a release that an erasure could keep."""
        return any(record.release_version for record in self.records)


def standing(session: Session, collaborators: Collaborators, actor: Actor, code: str) -> Standing:
    """How a case stands, by its code; NotFound for one that is not, or no longer, there."""
    require(actor, Permission.CASE_DECIDE)
    case = queries.case_by_code(session, actor, code)
    records = list(session.scalars(select(Record).where(Record.case_id == case.id).order_by(Record.received_day)))
    pending = _pending(session, [case.id])
    mine = {decision.kind: decision for decision in pending}
    buried = session.scalars(select(Tombstone).where(Tombstone.case_id == case.id))
    return Standing(
        case=case,
        records=records,
        hidden=case.hidden and Role.GUARDIAN in actor.roles,
        wish=wish_of(record.withdrawal_preference for record in records),
        pending=mine,
        partly_erased={stone.record_id: stone for stone in buried},
        history=_history(session, actor, case.id),
        files={record.id: [row.id for row in of_record(session, record.id, COMPLETE)] for record in records},
        possible=_possible(case, actor, mine, confirmed=_confirmed(session, collaborators, actor)),
    )


def _pending(session: Session, cases: list[UUID]) -> list[Decision]:
    query = select(Decision).where(Decision.case_id.in_(cases), Decision.done.is_(False))
    return list(session.scalars(query))


def _confirmed(session: Session, collaborators: Collaborators, actor: Actor) -> bool:
    try:
        policies.check_confirmed(session, collaborators, actor, side_of(actor))
    except Forbidden:
        return False
    return True


def _history(session: Session, actor: Actor, case: UUID) -> list[Told]:
    rows = session.execute(
        select(Event.at, Event.action, Event.actor_id)
        .where(Event.study_id == actor.study, Event.case_id == case, Event.action.in_(TOLD))
        .order_by(Event.at, Event.id)
    )
    # An erasure is one event for each record of the case, all of one moment.
    return list(dict.fromkeys(Told(*row) for row in rows))


def _possible(
    case: Case, actor: Actor, pending: dict[str, Decision], *, confirmed: bool
) -> dict[Verb, Obstacle | None]:
    by_two = None if confirmed else Obstacle.NOT_CONFIRMED
    erase, thaw = _second(pending.get(ERASE), actor), _second(pending.get(THAW), actor)
    withdraws = Permission.WITHDRAWAL_RECORD in actor.permissions()
    return {
        Verb.WITHDRAW: Obstacle.NOT_ALLOWED if not withdraws else Obstacle.FROZEN if case.frozen else None,
        Verb.ERASE: by_two or (Obstacle.HELD if case.held else erase),
        Verb.THAW: by_two or (thaw if case.frozen else Obstacle.NOT_FROZEN),
        Verb.HOLD: Obstacle.HELD if case.held else None,
        Verb.LIFT: None if case.held else Obstacle.NOT_HELD,
    }


def _second(pending: Decision | None, actor: Actor) -> Obstacle | None:
    """Whether the actor may be the first, or the second, to decide."""
    if pending is None:
        return None
    if pending.second_by is not None:
        return Obstacle.AGREED
    if pending.first_by == actor.user():
        return Obstacle.YOURS
    return Obstacle.YOUR_SIDE if pending.first_role == side_of(actor).value else None


@dataclass(frozen=True, slots=True)
class OpenCase:
    """A case about which something is to be decided, with the decisions that wait for a second person."""

    case: Case
    pending: list[Decision]
    mine: bool


def open_cases(session: Session, actor: Actor) -> list[OpenCase]:
    """Cases that are frozen, held or waiting for a second person: first those that wait for the actor."""
    require(actor, Permission.CASE_DECIDE)
    undecided = exists().where(Decision.case_id == Case.id, Decision.done.is_(False))
    query = select(Case).where(Case.study_id == actor.study, or_(Case.frozen, Case.held, undecided))
    cases = list(session.scalars(query.order_by(Case.code)))
    pending = _pending(session, [case.id for case in cases])
    found = []
    for case in cases:
        decisions = [decision for decision in pending if decision.case_id == case.id]
        mine = not case.held and any(_second(decision, actor) is None for decision in decisions)
        found.append(OpenCase(case, decisions, mine))
    return sorted(found, key=lambda each: not each.mine)


@dataclass(frozen=True, slots=True)
class Erasure:
    """What is left of an erased case: who decided, which records, when. No code, no word of what was."""

    decision: UUID
    first_by: UUID
    first_role: str
    second_by: UUID | None
    day: str
    records: list[Tombstone]

    @property
    def kept(self) -> bool:
        """Whether a release was kept."""
        return any(stone.scopes for stone in self.records)


def erasures(session: Session, actor: Actor) -> list[Erasure]:
    """The erasures of the study, newest first."""
    require(actor, Permission.CASE_DECIDE)
    done = select(Decision).where(Decision.study_id == actor.study, Decision.kind == ERASE, Decision.done)
    stones: dict[UUID, list[Tombstone]] = {}
    for stone in session.scalars(select(Tombstone).where(Tombstone.study_id == actor.study)):
        stones.setdefault(stone.case_id, []).append(stone)
    found = [_erasure(decision, stones.get(decision.case_id, [])) for decision in session.scalars(done)]
    return sorted(found, key=lambda each: each.day, reverse=True)


def erasure(session: Session, actor: Actor, decision: UUID) -> Erasure:
    """One erasure, or NotFound."""
    for found in erasures(session, actor):
        if found.decision == decision:
            return found
    raise NotFound


def _erasure(decision: Decision, stones: list[Tombstone]) -> Erasure:
    day = max((stone.erased_day for stone in stones), default="")
    return Erasure(decision.id, decision.first_by, decision.first_role, decision.second_by, day, stones)


@dataclass(frozen=True, slots=True)
class Own:
    """A case that the actor submitted to: its code and whether it is frozen."""

    code: str
    received_day: str
    records: int
    frozen: bool


def own_cases(session: Session, actor: Actor) -> list[Own]:
    """The cases that the actor submitted to in this study, newest first."""
    require(actor, Permission.WITHDRAWAL_RECORD)
    by_code: dict[str, list[tuple[Record, Case]]] = {}
    for record, case in session.execute(queries.submitted(actor)):
        by_code.setdefault(case.code, []).append((record, case))
    found = [
        Own(code, min(record.received_day for record, _ in rows), len(rows), rows[0][1].frozen)
        for code, rows in by_code.items()
    ]
    return sorted(found, key=lambda each: (each.received_day, each.code), reverse=True)


def own_erased(session: Session, actor: Actor) -> list[Tombstone]:
    """What is left of erased records that the actor submitted in this study, newest first."""
    require(actor, Permission.WITHDRAWAL_RECORD)
    query = select(Tombstone).where(Tombstone.study_id == actor.study, Tombstone.submitter_id == actor.user())
    return list(session.scalars(query.order_by(Tombstone.erased_day.desc(), Tombstone.record_id)))
