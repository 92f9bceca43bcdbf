"""Every way to a record starts here, from what the actor may see; absent and not yours are the same NotFound."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, false, or_, select, true
from sqlalchemy.orm import Session, aliased

from app.access import Actor, Role
from app.audit.models import Event
from app.cases.models import Case, Pack, Record
from app.cases.sealing import Place
from app.collaborators import Collaborators
from app.crypto.sealed import Sealed
from app.errors import NotFound


class Status:
    """The stages of a record."""

    RECEIVED = "received"
    DRAFTED = "drafted"
    FAILED = "failed"
    FINISHED = "finished"
    RELEASED = "released"


# Who reads a release by the consent that was given: leads and approvers analyse, researchers need to be named.
_READS_BY_CONSENT: dict[str, frozenset[Role]] = {
    "team_analysis": frozenset({Role.LEAD, Role.APPROVER}),
    "vetted_researchers": frozenset({Role.LEAD, Role.APPROVER, Role.RESEARCHER}),
}


# The acts that make a draft somebody's own.
DRAFTING = ("draft.stored", "draft.edited", "draft.finished")


def own_case(actor: Actor) -> ColumnElement[bool]:
    """Whether the actor submitted any interview of the record's case: then it is the actor's own."""
    other = aliased(Record)
    return exists().where(other.case_id == Record.case_id, other.submitter_id == actor.user())


def drafted_by(actor: Actor) -> Select[UUID | None]:
    """The records of the study whose draft the actor ever worked on, whoever finished it."""
    return select(Event.record_id).where(
        Event.study_id == actor.study,
        Event.actor_id == actor.user(),
        Event.action.in_(DRAFTING),
        Event.record_id.is_not(None),
    )


def _in_study(actor: Actor) -> Select[Record, Case]:
    base = select(Record, Case).join(Case, Case.id == Record.case_id)
    return base.where(Record.study_id == actor.study if actor.study is not None else false())


def one(session: Session, query: Select[Record, Case]) -> tuple[Record, Case]:
    """The one row of a query, or NotFound."""
    row = session.execute(query).one_or_none()
    if row is None:
        raise NotFound
    return row


def assigned(actor: Actor, record: UUID) -> Select[Record, Case]:
    """A record whose source and draft the actor works on now."""
    return _in_study(actor).where(
        Record.id == record,
        Case.frozen.is_(False),
        or_(Record.redactor_id == actor.user(), Record.approver_id == actor.user()),
    )


def queue(actor: Actor) -> Select[Record, Case]:
    """What waits for the actor's roles, or is assigned to the actor: priority first, then oldest."""
    user = actor.user()
    parts: list[ColumnElement[bool]] = []
    if Role.REDACTOR in actor.roles:
        waiting = Record.status.in_((Status.DRAFTED, Status.FAILED))
        parts.append(waiting & (Record.redactor_id.is_(None) | (Record.redactor_id == user)))
    if Role.APPROVER in actor.roles:
        mine = Record.approver_id.is_(None) | (Record.approver_id == user)
        others = Record.id.not_in(drafted_by(actor))
        parts.append((Record.status == Status.FINISHED) & mine & (Record.finished_by != user) & others)
    return (
        _in_study(actor)
        .where(or_(false(), *parts), Case.frozen.is_(False), ~own_case(actor))
        .order_by(Case.priority.desc(), Record.received_day, Record.id)
    )


def handed_on(actor: Actor) -> Select[Record, Case]:
    """What the actor finished and somebody else is to approve."""
    return (
        _in_study(actor)
        .where(Record.status == Status.FINISHED, Record.finished_by == actor.user(), Case.frozen.is_(False))
        .order_by(Case.priority.desc(), Record.received_day, Record.id)
    )


def releases(actor: Actor) -> Select[Record, Case]:
    """Released records that triage lets this actor read.

    Hidden ones, and those in whose place an edit of the interview came, stay visible to approvers alone: what an edit
    took out is not to be read any more, and nobody speaks twice.
    """
    return (
        _in_study(actor)
        .where(
            Record.release_version > 0,
            Case.frozen.is_(False),
            true() if Role.APPROVER in actor.roles else Case.hidden.is_(False) & Record.superseded_by.is_(None),
        )
        .order_by(Record.received_day, Record.id)
    )


def consented(actor: Actor, scopes: Sequence[str]) -> bool:
    """Whether the consent given covers reading by one of the actor's roles."""
    return any(_READS_BY_CONSENT[scope] & actor.roles for scope in scopes if scope in _READS_BY_CONSENT)


def guarded(actor: Actor) -> Select[Record, Case]:
    """Every record of the study, frozen ones too: for guardians, and auditors on an ask."""
    return _in_study(actor).order_by(Case.hidden.desc(), Record.received_day, Record.id)


def submitted(actor: Actor) -> Select[Record, Case]:
    """The records the actor submitted."""
    query = select(Record, Case).join(Case, Case.id == Record.case_id).where(Record.submitter_id == actor.user())
    return query if actor.study is None else query.where(Record.study_id == actor.study)


def case_by_code(session: Session, actor: Actor, code: str) -> Case:
    """A case of the actor's study by its code, or NotFound."""
    case = session.scalar(select(Case).where(Case.study_id == actor.study, Case.code == code))
    if case is None:
        raise NotFound
    return case


def codes_of(session: Session, actor: Actor, ids: Collection[UUID]) -> dict[UUID, str]:
    """The codes of these cases, as far as they are of the actor's study."""
    wanted = select(Case.id, Case.code).where(Case.id.in_(ids), Case.study_id == actor.study)
    return {row.id: row.code for row in session.execute(wanted)}


def pack(session: Session, record: UUID, compartment: str, version: int) -> Sealed:
    """One pack's sealed bytes, or NotFound."""
    sealed = session.scalar(
        select(Pack.sealed).where(Pack.record_id == record, Pack.compartment == compartment, Pack.version == version)
    )
    if sealed is None:
        raise NotFound
    return sealed


def packs(session: Session, versions: Mapping[UUID, int], compartment: str) -> dict[UUID, Sealed]:
    """By record, the sealed bytes of the pack with its version, as far as there is one."""
    rows = session.execute(
        select(Pack.record_id, Pack.version, Pack.sealed).where(
            Pack.record_id.in_(versions), Pack.compartment == compartment
        )
    )
    return {record: sealed for record, version, sealed in rows if version == versions[record]}


def newest_version(session: Session, record: UUID, compartment: str) -> int:
    """The highest version of a compartment's packs, or NotFound."""
    version = session.scalar(
        select(Pack.version)
        .where(Pack.record_id == record, Pack.compartment == compartment)
        .order_by(Pack.version.desc())
        .limit(1)
    )
    if version is None:
        raise NotFound
    return version


def place_of(collaborators: Collaborators, record: Record) -> Place:
    """Where the fields of a record rest."""
    return Place(collaborators.deployment, record.study_id, record.case_id, record.id)
