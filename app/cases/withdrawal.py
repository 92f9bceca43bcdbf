"""Freezing, thawing, holding and erasing a case.

A withdrawal freezes at once. Erasing and thawing take a guardian and a lead: the second of them carries the verb out,
and what a crash leaves half done is finished by ``carry_out`` from the decision, which is committed first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID, uuid4

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.access import Actor, ActorKind, Permission, Role, require
from app.audit import service as audit
from app.cases import erasure, queries, states
from app.cases.erasure import KEEP_ANONYMISED
from app.cases.models import Case, Decision, Record
from app.cases.states import Change
from app.collaborators import Collaborators
from app.crypto.tokens import withdrawal_hash
from app.errors import Conflict, Flaw, Invalid, NotFound, OnHold, OwnWork
from app.studies import policies

ERASE = "erase"
THAW = "thaw"
ERASE_ALL, DECIDE_LATER = "erase_all", "decide_later"
PREFERENCES = (ERASE_ALL, KEEP_ANONYMISED)


def withdraw(session: Session, collaborators: Collaborators, actor: Actor, code: str) -> None:
    """Freeze every record of a case: interviewers for cases they submitted, guardians for any of the study."""
    require(actor, Permission.WITHDRAWAL_RECORD)
    case = queries.case_by_code(session, actor, code)
    mine = session.scalar(
        select(Record.id).where(Record.case_id == case.id, Record.submitter_id == actor.user()).limit(1)
    )
    if mine is None and Role.GUARDIAN not in actor.roles:
        raise NotFound
    _freeze(session, collaborators, actor, case.study_id, case.id)


def withdraw_by_token(session: Session, collaborators: Collaborators, token: str) -> None:
    """Freeze the case that this token belongs to; the same silence for a token nobody has."""
    rows = session.execute(
        select(Record.study_id, Record.case_id).where(Record.withdrawal_hash == withdrawal_hash(token)).distinct()
    ).all()
    for row in rows:
        _freeze(session, collaborators, Actor(ActorKind.NOBODY), row.study_id, row.case_id)


def _freeze(session: Session, collaborators: Collaborators, actor: Actor, study: UUID, case: UUID) -> None:
    # Locked first: an interview that is joining the case either stands in the list or finds the case frozen.
    _locked(session, case)
    records = _records(session, case)
    # The keystore first: from here on nothing of the case opens, whatever happens to this transaction.
    collaborators.keystore.freeze(records)
    session.execute(update(Case).where(Case.id == case).values(frozen=True))
    states.note_case(session, collaborators, actor, "case.frozen", case, Change(states.columns(frozen=True)))
    for record in records:
        audit.write(session, collaborators, actor, "record.frozen", study=study, case=case, record=record)


def freeze_again(session: Session, collaborators: Collaborators, actor: Actor, record: UUID) -> None:
    """Freeze the case of a record that the keystore knows to be frozen: after a restore of an older copy."""
    row = session.get(Record, record)
    if row is not None:
        _freeze(session, collaborators, actor, row.study_id, row.case_id)


def decide(
    session: Session,
    collaborators: Collaborators,
    actor: Actor,
    code: str,
    *,
    kind: str,
    preference: str | None = None,
) -> Decision:
    """Ask for, or agree to, erasing or thawing a case. The returned decision has a second person once both agreed.

    Raises:
        OnHold: a hold stops the erasure.
        OwnWork: the same person or the same role decided first.
        Forbidden: admitted, and not confirmed by the team yet.
        Conflict: nothing to thaw, or the two name different choices.
        Invalid: an erasure of a case left to be decided later needs the participant's choice.
    """
    require(actor, Permission.CASE_DECIDE, now=collaborators.now())
    policies.check_confirmed(session, collaborators, actor, side_of(actor))
    case = _locked(session, queries.case_by_code(session, actor, code).id)
    if kind == ERASE and case.held:
        raise OnHold
    if kind == THAW and not case.frozen:
        raise Conflict
    chosen = _preference(session, case, preference) if kind == ERASE else ""
    pending = session.scalar(
        select(Decision).where(
            Decision.case_id == case.id, Decision.kind == kind, Decision.second_by.is_(None), Decision.done.is_(False)
        )
    )
    if kind == ERASE and not case.frozen:
        _freeze(session, collaborators, actor, case.study_id, case.id)
    decision = _first(session, actor, case, kind, chosen) if pending is None else _second(actor, pending, chosen)
    change, told = Change(states.of_decision(decision)), {"decision": str(decision.id)}
    states.note_case(session, collaborators, actor, f"case.{kind}.decided", case.id, change, **told)
    if kind == THAW and decision.second_by is not None:
        _thaw(session, collaborators, actor, case, decision)
    return decision


def _preference(session: Session, case: Case, named: str | None) -> str:
    if named is not None and named not in PREFERENCES:
        raise Invalid([Flaw("/preference", "Not one of the choices.")])
    wish = wish_of(session.scalars(select(Record.withdrawal_preference).where(Record.case_id == case.id)))
    if wish == ERASE_ALL:
        # The participant's own choice to erase everything cannot be weakened by whoever carries it out.
        return ERASE_ALL
    if named is None and wish == DECIDE_LATER:
        raise Invalid([Flaw("/preference", "The participant left this open; record the choice.")])
    return named or wish or ERASE_ALL


def wish_of(preferences: Iterable[str]) -> str:
    """What a participant chose over all interviews of a case, the strongest word first; empty if nothing clear."""
    stored = set(preferences)
    if stored & {ERASE_ALL, DECIDE_LATER}:
        return ERASE_ALL if ERASE_ALL in stored else DECIDE_LATER
    return KEEP_ANONYMISED if stored == {KEEP_ANONYMISED} else ""


def side_of(actor: Actor) -> Role:
    """As which of the two somebody decides."""
    return Role.GUARDIAN if Role.GUARDIAN in actor.roles else Role.LEAD


def _first(session: Session, actor: Actor, case: Case, kind: str, preference: str) -> Decision:
    decision = Decision(
        id=uuid4(),
        study_id=case.study_id,
        case_id=case.id,
        kind=kind,
        preference=preference,
        first_by=actor.user(),
        first_role=side_of(actor).value,
        second_by=None,
        done=False,
    )
    session.add(decision)
    session.flush()
    return decision


def _second(actor: Actor, pending: Decision, preference: str) -> Decision:
    if pending.first_by == actor.user() or pending.first_role == side_of(actor).value:
        raise OwnWork("A guardian and a lead decide this together.")
    if pending.preference != preference:
        raise Conflict("The first decision names another choice.")
    pending.second_by = actor.user()
    return pending


def _thaw(session: Session, collaborators: Collaborators, actor: Actor, case: Case, decision: Decision) -> None:
    decision.done = True
    case.frozen = False
    # Also an erasure that was agreed and waits behind a hold: thawing is the later word.
    later = delete(Decision).where(Decision.case_id == case.id, Decision.kind == ERASE, Decision.done.is_(False))
    gone = [states.decision_key(each) for each in session.scalars(later.returning(Decision.id))]
    change = Change(states.of_decision(decision) | states.columns(frozen=False), gone)
    states.note_case(session, collaborators, actor, "case.thawed", case.id, change)
    records = _records(session, case.id)
    collaborators.keystore.thaw(records)
    for record in records:
        audit.write(session, collaborators, actor, "record.thawed", case=case.id, record=record)


def carry_out(session: Session, collaborators: Collaborators, actor: Actor, decision: UUID) -> None:
    """Erase what two people decided. Safe to repeat: a crash after the keystore's part goes on here."""
    row = session.get(Decision, decision)
    if row is None or row.kind != ERASE:
        return
    case = session.get(Case, row.case_id, with_for_update=True, populate_existing=True)
    session.refresh(row, with_for_update=True)
    if row.second_by is None or row.done:
        return
    if case is not None and case.held:
        raise OnHold
    # Told with the erasure: the case may be gone after it.
    row.done = True
    erasure.erase_case(session, collaborators, actor, row)


def unfinished(session: Session) -> Sequence[UUID]:
    """Erasures that two people decided and that are not carried out yet; held ones wait."""
    held = select(Case.id).where(Case.held.is_(True))
    return session.scalars(
        select(Decision.id).where(
            Decision.kind == ERASE,
            Decision.second_by.is_not(None),
            Decision.done.is_(False),
            Decision.case_id.not_in(held),
        )
    ).all()


def hold(session: Session, collaborators: Collaborators, actor: Actor, code: str, *, held: bool) -> None:
    """Stop the erasure of a case, or let it go on; a hold never undoes a freeze."""
    require(actor, Permission.CASE_HOLD, now=collaborators.now())
    case = _locked(session, queries.case_by_code(session, actor, code).id)
    session.execute(update(Case).where(Case.id == case.id).values(held=held))
    change = Change(states.columns(held=held))
    states.note_case(session, collaborators, actor, "record.held" if held else "record.lifted", case.id, change)


def _locked(session: Session, case: UUID) -> Case:
    """The case as it is now, locked: until this transaction ends nobody else decides on it, no interview joins it."""
    row = session.get(Case, case, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound
    return row


def _records(session: Session, case: UUID) -> list[UUID]:
    return list(session.scalars(select(Record.id).where(Record.case_id == case)))
