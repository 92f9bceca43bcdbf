"""Passkeys of people: making, listing and removing them.

A passkey takes the place of the one-time code, never of the password: the password opens the bundle, and only the
bundle opens the public key that an answer is verified with. So a row that somebody else writes signs nobody in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID, uuid4

from sqlalchemy import delete, insert
from sqlalchemy.orm import Session

from app.access import Actor, Permission, require
from app.accounts import queries, sessions
from app.accounts.ceremonies import Ceremonies, Credential
from app.accounts.models import Passkey
from app.audit.service import write
from app.collaborators import Collaborators
from app.crypto import contexts
from app.crypto.passkeys import seal_public_key
from app.errors import Conflict, Flaw, Invalid, NotFound

__all__ = [
    "LABEL_CHARACTERS",
    "MOST",
    "PasskeyView",
    "list_passkeys",
    "register",
    "registration_options",
    "remove",
    "step_up_options",
]

MOST = 10
LABEL_CHARACTERS = 64


@dataclass(frozen=True, slots=True)
class PasskeyView:
    """What a person sees of one of their passkeys.

    ``warned_day``: when its counter last went back, so that a copy of it may exist.
    """

    id: UUID
    label: str
    transports: tuple[str, ...]
    created_day: str
    last_used_day: str | None
    warned_day: str | None

    @classmethod
    def of(cls, row: Passkey) -> Self:
        """The view of a row."""
        return cls(row.id, row.label, tuple(row.transports), row.created_day, row.last_used_day, row.warned_day)


def list_passkeys(session: Session, collaborators: Collaborators, actor: Actor) -> list[PasskeyView]:  # noqa: ARG001
    """One's own passkeys, oldest first."""
    require(actor, Permission.SESSION_OWN)
    return [PasskeyView.of(row) for row in queries.passkeys_of(session, actor.user())]


def registration_options(
    session: Session, collaborators: Collaborators, actor: Actor, ceremonies: Ceremonies, token: str
) -> dict[str, Any]:
    """What a browser needs to make a passkey in this session.

    Raises:
        StepUpRequired: the second factor is too old.
        Conflict: one has as many as one may have.
    """
    require(actor, Permission.FACTOR_CHANGE, now=collaborators.now())
    known = _known(session, actor)
    if len(known) >= MOST:
        raise Conflict("Remove one of your passkeys first.")
    name = queries.names_of(session, [actor.user()])[actor.user()]
    return ceremonies.registration_options(token, actor.user(), name, known)


def register(
    session: Session,
    collaborators: Collaborators,
    actor: Actor,
    ceremonies: Ceremonies,
    token: str,
    *,
    label: str,
    passkey: str,
) -> PasskeyView:
    """Keep the passkey that a browser made; ``passkey`` is its RegistrationResponseJSON.

    Raises:
        StepUpRequired: the second factor is too old.
        Invalid: the label (``/label``), or the answer to the challenge (``/passkey``).
        Conflict: this credential is known, or one has as many as one may have.
        Unauthenticated: the session ended meanwhile.
    """
    require(actor, Permission.FACTOR_CHANGE, now=collaborators.now())
    if not label.strip() or len(label) > LABEL_CHARACTERS:
        raise Invalid([Flaw("/label", "Use 1 to 64 characters.")])
    user, bundle = sessions.open_bundle(session, collaborators, token)
    made = ceremonies.made(token, passkey)
    if made is None or not ceremonies.spend(session, made.challenge):
        raise Invalid([Flaw("/passkey", "This is no answer to a challenge of the last five minutes.")])
    if len(queries.passkeys_of(session, user.id)) >= MOST:
        raise Conflict("Remove one of your passkeys first.")
    credential = made.credential
    context = contexts.passkey(collaborators.deployment, user=user.id, credential=credential.id)
    view = PasskeyView(uuid4(), label.strip(), credential.transports, collaborators.today(), None, None)
    session.execute(
        insert(Passkey).values(
            id=view.id,
            user_id=user.id,
            credential_id=credential.id,
            sealed=seal_public_key(bundle, context, made.public_key),
            sign_count=made.sign_count,
            label=view.label,
            transports=list(view.transports),
            created_day=view.created_day,
            last_used_day=None,
            warned_day=None,
        )
    )
    write(session, collaborators, actor, "passkey.added", user=str(user.id))
    return view


def step_up_options(
    session: Session,
    collaborators: Collaborators,  # noqa: ARG001
    actor: Actor,
    ceremonies: Ceremonies,
    token: str,
) -> dict[str, Any]:
    """What a browser needs to answer with one of one's own passkeys in this session.

    Raises:
        NotFound: one has none.
    """
    require(actor, Permission.SESSION_OWN)
    known = _known(session, actor)
    if not known:
        raise NotFound
    return ceremonies.step_up_options(token, known)


def remove(session: Session, collaborators: Collaborators, actor: Actor, passkey: UUID) -> None:
    """Remove one of one's own passkeys; the one-time code remains.

    Raises:
        StepUpRequired: the second factor is too old.
        NotFound: no such passkey, or somebody else's.
    """
    require(actor, Permission.FACTOR_CHANGE, now=collaborators.now())
    mine = (Passkey.id == passkey, Passkey.user_id == actor.user())
    if session.scalar(delete(Passkey).where(*mine).returning(Passkey.id)) is None:
        raise NotFound
    write(session, collaborators, actor, "passkey.removed", user=str(actor.user()))


def _known(session: Session, actor: Actor) -> list[Credential]:
    return [Credential(row.credential_id, tuple(row.transports)) for row in queries.passkeys_of(session, actor.user())]
