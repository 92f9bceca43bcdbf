"""Sessions: a token that unlocks its owner's keys, and a row that without the token opens nothing.

The row is keyed by SHA-256(token) and holds the person's bundle sealed under HKDF(token), bound to the person, the key
and the expiry: a row that was changed, or moved to another person, is no session. No node keeps anything in memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import delete, insert, update
from sqlalchemy.orm import Session as Db

from app.access import Actor, ActorKind, Permission, require
from app.accounts import queries
from app.accounts.models import Session, User
from app.audit.service import write
from app.collaborators import Collaborators
from app.crypto import contexts, envelope, tokens
from app.crypto.passwords import Bundle
from app.crypto.principals import KeyPair
from app.errors import Malformed, NotFound, Tampered, Unauthenticated

__all__ = [
    "SessionView",
    "SignedIn",
    "authenticate",
    "begin",
    "end_all",
    "end_session",
    "list_sessions",
    "open_bundle",
    "sign_out",
]

SEEN_EVERY = timedelta(minutes=1)
TOKEN_PREFIX = "ts_"  # noqa: S105 - the public prefix, not a token


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session; the token is shown once and rests nowhere."""

    token: str = field(repr=False)
    session: UUID
    user: UUID
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SessionView:
    """What a person sees of one of their sessions."""

    id: UUID
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    current: bool


def authenticate(session: Db, collaborators: Collaborators, token: str) -> Actor:
    """Who holds this token, with their keys unlocked and no role yet.

    Raises:
        Unauthenticated: no session, an ended or idle one, a changed row, a new key since, or a deactivated person.
    """
    row, user, bundle = _opened(session, collaborators, token)
    keys = KeyPair.from_private(bundle.private)
    if keys.fingerprint != user.fingerprint:
        raise Unauthenticated
    now = collaborators.now()
    if now - row.seen_at >= SEEN_EVERY:
        # Of requests that come at once one writes, and the others pass.
        unseen = update(Session).where(Session.token_hash == row.token_hash, Session.seen_at == row.seen_at)
        session.execute(unseen.values(seen_at=now).execution_options(synchronize_session=False))
    return Actor(ActorKind.USER, user.id, keys, user.key_id, user.admin, row.factor_at)


def open_bundle(session: Db, collaborators: Collaborators, token: str) -> tuple[User, Bundle]:
    """The person and the bundle behind a token: for what needs more than their keys.

    Raises:
        Unauthenticated: as ``authenticate``.
    """
    _, user, bundle = _opened(session, collaborators, token)
    return user, bundle


def begin(session: Db, collaborators: Collaborators, user: UUID, key_id: UUID, bundle: Bundle) -> SignedIn:
    """Start a session for somebody whose password and second factor have just been checked."""
    now, token, id_ = collaborators.now(), tokens.new_token("session"), uuid4()
    expires_at = (now + collaborators.session_limit).replace(microsecond=0)
    token_hash = tokens.token_hash(token)
    context = _context(collaborators, token_hash, user, key_id, expires_at)
    session.execute(
        insert(Session).values(
            token_hash=token_hash,
            id=id_,
            user_id=user,
            key_id=key_id,
            sealed=envelope.seal(tokens.session_key(token, context=context), context, bundle.encode()),
            created_at=now,
            expires_at=expires_at,
            seen_at=now,
            factor_at=now,
        )
    )
    return SignedIn(token, id_, user, expires_at)


def sign_out(session: Db, collaborators: Collaborators, actor: Actor, token: str) -> None:
    """End the session of this token; ending it twice is no error."""
    require(actor, Permission.SESSION_OWN)
    mine = (Session.token_hash == tokens.token_hash(token), Session.user_id == actor.user())
    ended = session.scalar(delete(Session).where(*mine).returning(Session.id))
    if ended is not None:
        write(session, collaborators, actor, "session.ended", session=str(ended))


def list_sessions(session: Db, collaborators: Collaborators, actor: Actor, *, token: str = "") -> list[SessionView]:
    """One's own sessions that are neither over nor idle, newest first; the one of ``token`` is marked."""
    require(actor, Permission.SESSION_OWN)
    current = tokens.token_hash(token)
    return [
        SessionView(row.id, row.created_at, row.seen_at, row.expires_at, row.token_hash == current)
        for row in queries.sessions_of(session, actor.user())
        if _is_live(collaborators, row)
    ]


def end_session(session: Db, collaborators: Collaborators, actor: Actor, target: UUID) -> None:
    """End one of one's own sessions by its id.

    Raises:
        NotFound: no such session, or somebody else's.
    """
    require(actor, Permission.SESSION_OWN)
    mine = (Session.id == target, Session.user_id == actor.user())
    if session.scalar(delete(Session).where(*mine).returning(Session.id)) is None:
        raise NotFound
    write(session, collaborators, actor, "session.ended", session=str(target))


def end_all(session: Db, collaborators: Collaborators, actor: Actor) -> int:
    """End all of one's own sessions, this one too; how many there were."""
    require(actor, Permission.SESSION_OWN)
    count = queries.delete_sessions(session, actor.user())
    write(session, collaborators, actor, "session.ended", count=count)
    return count


def _opened(session: Db, collaborators: Collaborators, token: str) -> tuple[Session, User, Bundle]:
    found = queries.session_with_user(session, tokens.token_hash(token)) if token.startswith(TOKEN_PREFIX) else None
    if found is None:
        raise Unauthenticated
    row, user = found
    if not _is_live(collaborators, row) or not user.active or row.key_id != user.key_id:
        raise Unauthenticated
    return row, user, _unsealed(collaborators, row, token)


def _unsealed(collaborators: Collaborators, row: Session, token: str) -> Bundle:
    context = _context(collaborators, row.token_hash, row.user_id, row.key_id, row.expires_at)
    try:
        return Bundle.decode(envelope.unseal(tokens.session_key(token, context=context), context, row.sealed))
    except (Tampered, Malformed):
        raise Unauthenticated from None


def _is_live(collaborators: Collaborators, row: Session) -> bool:
    now = collaborators.now()
    return now < row.expires_at and now - row.seen_at < collaborators.idle_limit


def _context(collaborators: Collaborators, token_hash: bytes, user: UUID, key_id: UUID, expires_at: datetime) -> bytes:
    expires = int(expires_at.timestamp())
    return contexts.session(collaborators.deployment, token_hash=token_hash, user=user, key_id=key_id, expires=expires)
