"""Carrying out an erasure where parts of a case still wait outside its records."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ScalarSelect, select, update
from sqlalchemy.orm import Session

from app.access import Actor
from app.cases import withdrawal
from app.cases.models import Case, Decision, Record, Tombstone
from app.collaborators import Collaborators
from app.intake.models import Submission, WaitingPart
from app.intake.openrosa import waiting

__all__ = ["carry_out"]


def carry_out(session: Session, collaborators: Collaborators, actor: Actor, decision: UUID) -> None:
    """Erase what two people decided, and with it parts of encrypted forms that were not taken into their records yet.

    Safe to repeat; raises as ``app.cases.withdrawal.carry_out``.
    """
    # Locked first, as whatever joins a case locks it: that is either seen here or finds the case gone.
    session.execute(select(Case.id).where(Case.id == _case_of(decision)).with_for_update())
    ours = select(Record.id).where(Record.case_id == _case_of(decision))
    records = session.scalars(ours).all()
    # Read first: their rows go with the records.
    of_records = select(Submission.record_id, WaitingPart.id).join_from(WaitingPart, Submission)
    parts = session.execute(of_records.where(Submission.record_id.in_(records))).all()
    withdrawal.carry_out(session, collaborators, actor, decision)
    erased = set(session.scalars(select(Tombstone.record_id).where(Tombstone.record_id.in_(records))))
    waiting.discard(session, collaborators, [part for record, part in parts if record in erased])
    kept = update(Submission).where(Submission.record_id.in_(erased), Submission.envelope.is_not(None))
    session.execute(kept.values(envelope=None, expires_at=None))


def _case_of(decision: UUID) -> ScalarSelect[UUID]:
    return select(Decision.case_id).where(Decision.id == decision).scalar_subquery()
