"""Forms of a study: publishing by another person, closing, and the keys that open what clients sealed."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.access import Actor, Permission, Role, require
from app.collaborators import Collaborators
from app.crypto.secrets import Secret
from app.errors import Conflict, NotFound, OwnWork
from app.forms import keys, states
from app.forms.models import CLOSED, DRAFT, PUBLISHED, Form, FormKey
from app.forms.queries import FormView
from app.studies import instruments, policies
from app.studies.models import InstrumentVersion

__all__ = ["close", "destroy_key", "private_key", "publish"]


def publish(session: Session, collaborators: Collaborators, actor: Actor, study: UUID, form: UUID) -> None:
    """Publish a draft, and with it the draft of the questionnaire it was uploaded with: phones may load it from now on.

    Raises:
        NotFound: the study has no such form.
        OwnWork: whoever drafted it does not publish it.
        Forbidden: admitted, and not confirmed by the team yet.
        Conflict: it is published already, or closed.
    """
    require(actor, Permission.INSTRUMENT_PUBLISH)
    row = _row(session, study, form)
    if row.drafted_by == actor.user():
        raise OwnWork
    policies.check_confirmed(session, collaborators, actor, Role.APPROVER)
    if row.status != DRAFT:
        raise Conflict("This form is no draft any more.")
    instrument = session.get_one(InstrumentVersion, row.instrument_id)
    if instrument.published_at is None:
        instruments.publish(session, collaborators, actor, study, row.instrument_id)
    waiting = update(Form).where(Form.id == form, Form.status == DRAFT)
    values = {"status": PUBLISHED, "published_by": actor.user(), "published_at": collaborators.now()}
    session.execute(waiting.values(values))
    states.tell(session, collaborators, actor, "form.published", form)


def close(session: Session, collaborators: Collaborators, actor: Actor, study: UUID, form: UUID) -> None:
    """Take a form, or a draft, off the list: phones lose it, and what they send for it from now on is refused.

    Raises:
        NotFound: the study has no such form.
        Conflict: it is closed already.
    """
    require(actor, Permission.INSTRUMENT_DRAFT)
    if _row(session, study, form).status == CLOSED:
        raise Conflict("This form is closed already.")
    session.execute(update(Form).where(Form.id == form).values(status=CLOSED))
    states.tell(session, collaborators, actor, "form.closed", form)


def destroy_key(session: Session, collaborators: Collaborators, actor: Actor, study: UUID, form: UUID) -> None:
    """Destroy the private key of a closed form: what still lies sealed on phones opens nowhere any more.

    Raises:
        NotFound: the study has no such form, or it has no key.
        Conflict: the form is not closed.
    """
    require(actor, Permission.INSTRUMENT_DRAFT)
    if _row(session, study, form).status != CLOSED:
        raise Conflict("Close the form first.")
    gone = update(FormKey).where(FormKey.form_id == form, FormKey.wrapped_private.is_not(None))
    if session.scalar(gone.values(wrapped_private=None).returning(FormKey.form_id)) is None:
        raise NotFound
    states.tell(session, collaborators, actor, "form.key.destroyed", form)


def private_key(session: Session, collaborators: Collaborators, form: FormView) -> Secret:
    """The private key (PKCS #8, DER) that opens what clients sealed for this version, late submissions too.

    Raises:
        NotFound: this form is not encrypted.
        Gone: its key was destroyed.
    """
    row = session.get(FormKey, form.id)
    if row is None:
        raise NotFound
    return keys.open_private(collaborators, row)


def _row(session: Session, study: UUID, form: UUID) -> Form:
    wanted = select(Form).where(Form.id == form, Form.study_id == study)
    row = session.execute(wanted.with_for_update()).scalar_one_or_none()
    if row is None:
        raise NotFound
    return row
