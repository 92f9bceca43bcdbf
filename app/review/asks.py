"""Asks as they are listed and prepared: what stands in clear about them, nothing sealed opened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.access import Actor, Permission, Role, require
from app.cases import files, queries
from app.cases.models import Case, Record
from app.errors import NotFound
from app.review.models import Ask, Disclosure
from app.studies import instruments
from app.studies.fields import Field
from app.studies.instrument import Instrument

# ``TRAIN`` hands out texts with the spans that people decided, as material to train the models with.
READ, REOPEN, TRAIN = "read", "reopen", "train"
PENDING, APPROVED, REFUSED = "pending", "approved", "refused"


@dataclass(frozen=True, slots=True)
class Listed:
    """One ask. ``expires``: until when an approved one opens; None before the approval, and once it is used up."""

    id: UUID
    record: UUID
    case: str
    frozen: bool
    scope: str
    purpose: str
    state: str
    asked_at: datetime
    asker: UUID
    answered_by: UUID | None
    expires: datetime | None

    def opens(self, now: datetime) -> bool:
        """Whether the one who asked can read, or reopen, at this moment."""
        return self.state == APPROVED and self.expires is not None and now < self.expires and not self.frozen


def _visible(actor: Actor) -> Select[Ask, str, bool, datetime | None]:
    query = (
        select(Ask, Case.code, Case.frozen, Disclosure.expires_at)
        .join(Record, Record.id == Ask.record_id)
        .join(Case, Case.id == Record.case_id)
        .outerjoin(Disclosure, Disclosure.ask_id == Ask.id)
        .where(Record.study_id == actor.study)
    )
    return query if Role.AUDITOR in actor.roles else query.where(Ask.asker_id == actor.user())


def listed(session: Session, actor: Actor) -> list[Listed]:
    """The asks of the study for auditors, one's own for guardians: the waiting ones, oldest first; then the newest."""
    require(actor, Permission.DISCLOSURE_LIST)
    found = [_listed(*row) for row in session.execute(_visible(actor).order_by(Ask.asked_at, Ask.id))]
    answered = [each for each in found if each.state != PENDING]
    return [each for each in found if each.state == PENDING] + answered[::-1]


def one(session: Session, actor: Actor, ask: UUID) -> Listed:
    """One ask as it is listed; NotFound if it is not the actor's to see."""
    require(actor, Permission.DISCLOSURE_LIST)
    row = session.execute(_visible(actor).where(Ask.id == ask)).one_or_none()
    if row is None:
        raise NotFound
    return _listed(*row)


def instrument_of(session: Session, actor: Actor, record: UUID) -> Instrument:
    """The questionnaire whose fields an ask about this record names."""
    require(actor, Permission.DISCLOSURE_LIST)
    row, _ = queries.one(session, queries.guarded(actor).where(Record.id == record))
    return instruments.by_id(session, row.instrument_id)


def _listed(ask: Ask, code: str, frozen: bool, expires: datetime | None) -> Listed:  # noqa: FBT001  as the row has it
    return Listed(
        ask.id,
        ask.record_id,
        code,
        frozen,
        ask.scope,
        ask.purpose,
        ask.state,
        ask.asked_at,
        ask.asker_id,
        ask.answered_by,
        expires,
    )


@dataclass(frozen=True, slots=True)
class Askable:
    """What an ask about a record may name: the same for every record of one questionnaire, whatever it holds.

    Beside that, its attachments, by their ids alone.
    """

    record: UUID
    case: str
    frozen: bool
    received_day: str
    instrument: Instrument
    files: tuple[UUID, ...] = ()

    def fields(self, scope: str) -> tuple[Field, ...]:
        """The fields of ``identity`` or of ``source``, in the order of the form."""
        return fields_of(self.instrument, scope)


def fields_of(instrument: Instrument, scope: str) -> tuple[Field, ...]:
    """The fields that rest in a compartment once two people are needed for it."""
    return instrument.in_compartment("research" if scope == "source" else scope)


def askable(session: Session, actor: Actor, record: UUID) -> Askable:
    """A record that one may ask about; NotFound if there is none."""
    require(actor, Permission.DISCLOSURE_ASK)
    row, owner = queries.one(session, queries.guarded(actor).where(Record.id == record))
    instrument = instruments.by_id(session, row.instrument_id)
    attached = tuple(each.id for each in files.of_record(session, record, files.COMPLETE))
    return Askable(row.id, owner.code, owner.frozen, row.received_day, instrument, attached)
