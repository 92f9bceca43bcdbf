"""The private halves of form keys: wrapped under custody's key ``form-N``, opened in memory, destroyed for good.

Destroying one is final at once in the database, and in older copies of it once ``form-N`` was replaced.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.access import Team
from app.collaborators import Collaborators
from app.crypto import contexts
from app.crypto.encoding import sha256
from app.crypto.secrets import Secret
from app.custody.base import Custody, KeyKind
from app.errors import Gone
from app.forms.models import FormKey
from app.studies.models import Epoch
from app.studies.roster import SYSTEM_STUDY

__all__ = ["destroy_before", "due", "make_first", "number", "open_private", "rewrap_all", "wrapped"]


def custody_name(number: int) -> str:
    """The custody key of a number."""
    return f"form-{number}"


def number(session: Session) -> int:
    """The number in use: that of every row, 1 before the first."""
    return session.scalar(select(func.max(func.abs(FormKey.number)))) or 1


def make_first(session: Session, custody: Custody) -> None:
    """Make the custody key in use, if it was never made."""
    name = custody_name(number(session))
    if not custody.has(name):
        custody.create(name, KeyKind.WRAP)


def wrapped(session: Session, collaborators: Collaborators, form: UUID, private: Secret, public: bytes) -> FormKey:
    """A row for a new pair. Until it is committed no other key replaces that of custody, which could not know of it."""
    _hold(session)
    current = number(session)
    context = contexts.form_key(collaborators.deployment, form=form, public=sha256(public))
    sealed = collaborators.custody.wrap(custody_name(current), private, context)
    return FormKey(form_id=form, public=public, number=current, wrapped_private=sealed)


def open_private(collaborators: Collaborators, row: FormKey) -> Secret:
    """The private half (PKCS #8, DER).

    Raises:
        Gone: it was destroyed.
        Tampered: the row is not what was stored.
    """
    if row.wrapped_private is None:
        raise Gone
    context = contexts.form_key(collaborators.deployment, form=row.form_id, public=sha256(row.public))
    return collaborators.custody.unwrap(custody_name(row.number), row.wrapped_private, context)


def due(session: Session) -> bool:
    """Whether a private key was destroyed that older copies of the database still hold under the key in use."""
    destroyed = select(FormKey.form_id).where(FormKey.wrapped_private.is_(None), FormKey.number > 0)
    return session.scalar(destroyed.limit(1)) is not None


def rewrap_all(session: Session, collaborators: Collaborators) -> tuple[int, int]:
    """Wrap every key under the next custody key, made if it is not there yet; its number, and how many there are."""
    _hold(session)
    following, count = number(session) + 1, 0
    if not collaborators.custody.has(custody_name(following)):
        collaborators.custody.create(custody_name(following), KeyKind.WRAP)
    for row in session.scalars(select(FormKey).with_for_update()).all():
        if row.wrapped_private is not None:
            context = contexts.form_key(collaborators.deployment, form=row.form_id, public=sha256(row.public))
            private = open_private(collaborators, row)
            row.wrapped_private = collaborators.custody.wrap(custody_name(following), private, context)
            count += 1
        row.number = -following if row.wrapped_private is None else following
    session.flush()
    return following, count


def _hold(session: Session) -> None:
    """Let new keys and replacements follow one another. The worker's epoch stands before any form; no intake waits."""
    worker = (Epoch.study_id == SYSTEM_STUDY, Epoch.team == Team.WORKER.value)
    session.execute(select(Epoch.id).where(*worker).with_for_update(key_share=True))


def destroy_before(session: Session, custody: Custody) -> None:
    """Destroy every custody key whose number is no longer in use."""
    for each in range(1, number(session)):
        if custody.has(custody_name(each)):
            custody.destroy(custody_name(each))
