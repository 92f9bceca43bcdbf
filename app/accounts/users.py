"""People as others may see them: name, state, public key, fingerprint. Admins switch them off and on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.access import Actor, Permission, require
from app.accounts import queries
from app.accounts.fingerprints import fingerprint_words
from app.accounts.models import User
from app.accounts.names import fold_name
from app.audit.service import write
from app.collaborators import Collaborators
from app.crypto.principals import fingerprint, fingerprint_text
from app.errors import Conflict, Forbidden, NotFound, Tampered

__all__ = ["PublicKey", "UserView", "deactivate", "find_user", "list_users", "own_profile", "public_key", "reactivate"]


@dataclass(frozen=True, slots=True)
class UserView:
    """A person; the fingerprint is read aloud before anybody admits them."""

    id: UUID
    name: str
    admin: bool
    active: bool
    fingerprint: str
    fingerprint_text: str
    fingerprint_words: list[str]
    created_day: str

    @classmethod
    def of(cls, row: User) -> Self:
        """The view of a row."""
        digits, words = fingerprint_text(row.fingerprint), fingerprint_words(row.fingerprint)
        return cls(row.id, row.name, row.admin, row.active, row.fingerprint.hex(), digits, words, row.created_day)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What secrets are wrapped to. Compare ``fingerprint`` with the roster's before wrapping."""

    user: UUID
    key_id: UUID
    public: bytes
    fingerprint: bytes


def list_users(session: Session, collaborators: Collaborators, actor: Actor) -> list[UserView]:  # noqa: ARG001
    """Everybody, by name."""
    require(actor, Permission.USER_MANAGE)
    return [UserView.of(row) for row in queries.all_users(session)]


def own_profile(session: Session, collaborators: Collaborators, actor: Actor) -> UserView:  # noqa: ARG001
    """Oneself."""
    require(actor, Permission.SESSION_OWN)
    return UserView.of(_row(session, actor.user()))


def find_user(session: Session, collaborators: Collaborators, actor: Actor, name: str) -> UserView:  # noqa: ARG001
    """The active person of this name: for admins, who name leads, and for leads, who admit.

    Raises:
        Forbidden: the actor is neither.
        NotFound: nobody active has it.
    """
    if not actor.permissions() & {Permission.USER_MANAGE, Permission.MEMBER_ADMIT}:
        raise Forbidden
    row = queries.user_by_name(session, fold_name(name) or "")
    if row is None or not row.active:
        raise NotFound
    return UserView.of(row)


def public_key(session: Session, user: UUID) -> PublicKey:
    """The public key of an active person, for the services that wrap to it.

    Raises:
        NotFound: no such person, or a deactivated one.
        Tampered: the row's fingerprint is not that of its key.
    """
    row = _row(session, user)
    if not row.active:
        raise NotFound
    if fingerprint(row.public) != row.fingerprint:
        raise Tampered
    return PublicKey(row.id, row.key_id, row.public, row.fingerprint)


def deactivate(session: Session, collaborators: Collaborators, actor: Actor, user: UUID) -> None:
    """Switch somebody off: their sessions end and their devices are refused at once. Doing it twice is no error.

    Raises:
        Forbidden: only admins do.
        Conflict: nobody switches themselves off, so an admin remains.
        NotFound: no such person.
    """
    require(actor, Permission.USER_MANAGE)
    if user == actor.user():
        raise Conflict
    if _switch(session, user, active=False):
        queries.delete_sessions(session, user)
        write(session, collaborators, actor, "user.deactivated", user=str(user))


def reactivate(session: Session, collaborators: Collaborators, actor: Actor, user: UUID) -> None:
    """Switch somebody on again, with the keys they had. Doing it twice is no error.

    Raises:
        Forbidden: only admins do.
        NotFound: no such person.
    """
    require(actor, Permission.USER_MANAGE)
    if _switch(session, user, active=True):
        write(session, collaborators, actor, "user.reactivated", user=str(user))


def _switch(session: Session, user: UUID, *, active: bool) -> bool:
    _row(session, user)
    wanted = update(User).where(User.id == user, User.active != active)
    return session.scalar(wanted.values(active=active).returning(User.id)) is not None


def _row(session: Session, user: UUID) -> User:
    row = queries.user_by_id(session, user)
    if row is None:
        raise NotFound
    return row
