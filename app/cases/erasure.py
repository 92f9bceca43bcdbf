"""Erasing the records of a case: the keystore first, then the rows, then the tombstone."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import Delete, delete, insert, select, true, update
from sqlalchemy.orm import Session

from app.access import Actor
from app.audit.parts import Parts
from app.cases import files, states
from app.cases.grants import Scope
from app.cases.models import Case, Decision, Grant, Pack, Passage, Record, Tombstone
from app.cases.queries import Status
from app.cases.states import Change
from app.collaborators import Collaborators
from app.keystore.models import RecordState

if TYPE_CHECKING:
    from collections.abc import Sequence

KEEP_ANONYMISED = "erase_identity_keep_anonymised"


def erase_case(session: Session, collaborators: Collaborators, actor: Actor, decision: Decision) -> None:
    """Erase every record of the case by the decision's choice; a case without records left goes too."""
    # Locked: a release about to commit is waited for, so that what is kept is decided by what is there in the end.
    ours = select(Record).where(Record.case_id == decision.case_id).order_by(Record.id).with_for_update()
    records = session.scalars(ours).all()
    kept = [record for record in records if _to_keep(collaborators, decision, record)]
    told = {"decision": str(decision.id)}
    for record in records:
        erase = _keep_release if record in kept else _erase_all
        turn = states.take_turn(session, record.id)
        scopes, change = erase(session, collaborators, record)
        states.tell(session, collaborators, actor, "record.erased", turn, change, scopes=scopes, **told)
    turn = states.take_case_turn(session, decision.case_id)
    if kept:
        session.execute(update(Case).where(Case.id == decision.case_id).values(frozen=False))
        change = Change(states.columns(frozen=False) | states.of_decision(decision))
        for record in kept:
            collaborators.keystore.revive(record.id)
    else:
        change = _erase_row(session, decision)
    states.tell(session, collaborators, actor, "case.erased", turn, change, **told)


def _erase_row(session: Session, decision: Decision) -> Change:
    """Delete the case's own row; what else was decided about it is done with that."""
    others = update(Decision).where(Decision.case_id == decision.case_id, Decision.done.is_(False)).values(done=True)
    closed = session.scalars(others.returning(Decision)).all()
    session.execute(delete(Case).where(Case.id == decision.case_id))
    made = states.of_decision(decision)
    for each in closed:
        made |= states.of_decision(each)
    return Change(made, ["row", *states.moving({}, states.CASE_MOVING)])


def _to_keep(collaborators: Collaborators, decision: Decision, record: Record) -> bool:
    if decision.preference != KEEP_ANONYMISED or record.release_version == 0:
        return False
    # An erasure of all of it that crashed half-way goes on as such, even if a release was stored meanwhile.
    return collaborators.keystore.state(record.id) is not RecordState.DEAD


def _erase_all(session: Session, collaborators: Collaborators, record: Record) -> tuple[list[str], Change]:
    collaborators.keystore.kill(record.id)
    files.discard(session, collaborators, files.all_of(session, record.id))
    for table in (Passage, Pack, Grant):
        session.execute(delete(table).where(table.record_id == record.id))
    session.execute(delete(Record).where(Record.id == record.id))
    return [], Change(_bury(session, collaborators, record, []), [states.ALL])


def _keep_release(session: Session, collaborators: Collaborators, record: Record) -> tuple[list[str], Change]:
    kept = Scope.research(record.release_version)
    granted = set(session.scalars(select(Grant.scope).where(Grant.record_id == record.id)))
    scopes = sorted({*Scope.FIXED, *granted} - {kept})
    collaborators.keystore.kill(record.id, scopes)
    gone = _delete(
        session,
        delete(Grant).where(Grant.record_id == record.id, Grant.scope != kept),
        delete(Pack).where(
            Pack.record_id == record.id,
            (Pack.compartment != "research") | (Pack.version != record.release_version),
        ),
    )
    gone += files.discard(session, collaborators, files.all_of(session, record.id, kept=files.RELEASED))
    session.execute(update(Record).where(Record.id == record.id).values(status=Status.RELEASED))
    made = _bury(session, collaborators, record, scopes) | states.columns(status=Status.RELEASED)
    return scopes, Change(made, gone)


def _delete(session: Session, grants: Delete, packs: Delete) -> list[str]:
    """Delete grants and packs; the parts that are gone."""
    gone = [states.grant_key(grant) for grant in session.scalars(grants.returning(Grant.id))]
    return gone + [states.pack_key(*row) for row in session.execute(packs.returning(Pack.compartment, Pack.version))]


def _bury(session: Session, collaborators: Collaborators, record: Record, scopes: Sequence[str]) -> Parts:
    session.execute(delete(Tombstone).where(Tombstone.record_id == record.id))
    values = {
        "record_id": record.id,
        "study_id": record.study_id,
        "case_id": record.case_id,
        "submitter_id": record.submitter_id,
        "client_uuid": record.client_uuid,
        "scopes": list(scopes),
        "erased_day": collaborators.today(),
    }
    session.execute(insert(Tombstone).values(values))
    return states.of_tombstone(values)


def bury_dead(
    session: Session, collaborators: Collaborators, actor: Actor, record: UUID, scopes: Sequence[str]
) -> None:
    """Erase here what the keystore knows to be erased: after a restore of an older copy. No scopes: all of it."""
    row = session.get(Record, record)
    if row is None:
        return
    turn = states.take_turn(session, record)
    gone = _delete(
        session,
        delete(Grant).where(Grant.record_id == record, Grant.scope.in_(scopes) if scopes else true()),
        delete(Pack).where(Pack.record_id == record, Pack.compartment != "research" if scopes else true()),
    )
    gone += files.discard(
        session, collaborators, files.all_of(session, record, kept=files.RELEASED if scopes else None)
    )
    change = Change(_bury(session, collaborators, row, scopes), gone if scopes else [states.ALL])
    if not scopes:
        session.execute(delete(Passage).where(Passage.record_id == record))
        session.execute(delete(Record).where(Record.id == record))
    states.tell(session, collaborators, actor, "record.erased", turn, change, scopes=list(scopes))


def erased_records(session: Session) -> list[tuple[UUID, list[str]]]:
    """Every erased record with its dead scopes (none: all), for the keystore after a restore."""
    rows = session.execute(select(Tombstone.record_id, Tombstone.scopes))
    return [(record, list(scopes)) for record, scopes in rows]
