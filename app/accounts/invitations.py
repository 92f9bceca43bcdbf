"""Invitations: a one-time right, given by an admin, to make an account or to replace the keys of one.

Whoever accepts chooses the password and gets the second factor; nobody else ever sees either. Acceptance is used once,
by a conditional UPDATE.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import delete, insert, update
from sqlalchemy.orm import Session

from app.access import Actor, ActorKind, Permission, require
from app.accounts import factors, queries
from app.accounts.fingerprints import fingerprint_words
from app.accounts.gate import Gate, Locked
from app.accounts.models import Invitation, Passkey, User
from app.accounts.names import check_account_name
from app.accounts.password_rules import check_password
from app.audit.service import write
from app.collaborators import Collaborators
from app.crypto.passwords import Bundle
from app.crypto.principals import KeyPair, fingerprint_text
from app.crypto.secrets import Secret
from app.crypto.tokens import new_token, token_hash
from app.errors import Conflict, Flaw, Forbidden, Gone, Invalid, NotFound

__all__ = [
    "LASTS",
    "Acceptance",
    "Accepted",
    "Confirmed",
    "OpenInvitation",
    "Preview",
    "cancel",
    "invite",
    "invite_first_admin",
    "invite_to_replace",
    "list_open",
    "preview",
]

LASTS = timedelta(days=7)


def invite(
    session: Session,
    collaborators: Collaborators,
    actor: Actor,
    name: str,
    *,
    admin: bool = False,
    lasts: timedelta = LASTS,
) -> str:
    """Invite somebody to make an account; the token, shown once. An earlier unused invitation of that name ends.

    Raises:
        Forbidden: only admins invite.
        Invalid: no account may carry this name.
        Conflict: an account has it.
    """
    require(actor, Permission.USER_MANAGE)
    return _invite(session, collaborators, actor, name, admin=admin, lasts=lasts)


def invite_first_admin(session: Session, collaborators: Collaborators, actor: Actor, name: str) -> str:
    """Invite the first admin: the operator's one act among people. Earlier unused invitations end.

    Raises:
        Forbidden: the actor is not the operator at a terminal.
        Conflict: there is an admin.
    """
    if actor.kind is not ActorKind.OPERATOR:
        raise Forbidden
    if queries.admin_exists(session):
        raise Conflict
    session.execute(delete(Invitation).where(Invitation.invited_by.is_(None), Invitation.used_at.is_(None)))
    return _invite(session, collaborators, actor, name, admin=True, lasts=LASTS)


def invite_to_replace(session: Session, collaborators: Collaborators, actor: Actor, user: User) -> str:
    """Give an existing person the right to a new password and new keys; earlier unused ones end."""
    require(actor, Permission.USER_MANAGE)
    return _issue(session, collaborators, actor, user.name, user=user.id, admin=user.admin, lasts=LASTS)


@dataclass(frozen=True, slots=True)
class Preview:
    """What an invitation is for; ``replaces``: to replace the keys of an account that there is."""

    name: str
    admin: bool
    replaces: bool
    expires_at: datetime


def preview(session: Session, collaborators: Collaborators, token: str) -> Preview:
    """What the holder of this token may accept. Uses nothing up.

    Raises:
        NotFound: no such invitation.
        Gone: it is used or has expired.
    """
    row = _open(session, collaborators, token_hash(token))
    return Preview(row.user_name, row.admin, row.user_id is not None, row.expires_at)


@dataclass(frozen=True, slots=True)
class OpenInvitation:
    """An invitation that nobody has accepted yet."""

    id: UUID
    name: str
    admin: bool
    replaces: bool
    expires_at: datetime


def list_open(session: Session, collaborators: Collaborators, actor: Actor) -> list[OpenInvitation]:
    """The invitations that can still be accepted, by name.

    Raises:
        Forbidden: only admins see them.
    """
    require(actor, Permission.USER_MANAGE)
    return [
        OpenInvitation(_id(row), row.user_name, row.admin, row.user_id is not None, row.expires_at)
        for row in queries.open_invitations(session, collaborators.now())
    ]


def cancel(session: Session, collaborators: Collaborators, actor: Actor, invitation: UUID) -> None:
    """End an invitation that nobody has accepted yet.

    Raises:
        Forbidden: only admins do.
        NotFound: no such invitation, or not open any more.
    """
    require(actor, Permission.USER_MANAGE)
    rows = queries.open_invitations(session, collaborators.now())
    found = next((row.token_hash for row in rows if _id(row) == invitation), b"")
    ended = delete(Invitation).where(Invitation.token_hash == found, Invitation.used_at.is_(None))
    if not found or session.scalar(ended.returning(Invitation.token_hash)) is None:
        raise NotFound
    write(session, collaborators, actor, "invitation.cancelled")


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A second factor that was shown before the account is there, and a code that shows that it was kept."""

    secret: Secret
    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A person with fresh keys. ``totp_secret`` (base32) and its URI are shown once.

    ``replaced``: the person had keys before. Whoever runs ``store`` then deletes the person's team boxes in the same
    transaction: they stand above the accounts.
    """

    user: UUID
    name: str
    admin: bool
    replaced: bool
    fingerprint: bytes
    fingerprint_text: str
    fingerprint_words: list[str]
    totp_secret: str = field(repr=False)
    totp_uri: str = field(repr=False)


class Acceptance:
    """One acceptance: ``plan`` and ``store`` each in a transaction, ``work`` between them in none.

    Whoever is ``Confirmed`` has seen the second factor before; else it is made here and shown afterwards.

    Raises:
        NotFound: no such invitation.
        Gone: it is used, has expired, or its person was deactivated.
        Invalid: the password is refused, or the code is not one of the secret that was shown.
        Conflict: the name was taken meanwhile.
        Throttled: too many work on passwords at this moment.
    """

    def __init__(
        self, collaborators: Collaborators, gate: Gate, token: str, password: str, confirmed: Confirmed | None = None
    ) -> None:
        self._collaborators = collaborators
        self._gate = gate
        self._token = token_hash(token)
        self._password = password
        self._invitation: Invitation
        self._confirmed = confirmed
        self._totp = factors.new_factor() if confirmed is None else confirmed.secret
        self._step = 0
        self._keys: KeyPair
        self._locked: Locked

    def plan(self, session: Session) -> None:
        """Find the invitation, judge the password and the code."""
        found = _open(session, self._collaborators, self._token)
        check_password(self._password, found.user_name)
        if self._confirmed is not None:
            self._step = self._confirmed_step(self._confirmed)
        session.expunge(found)
        self._invitation = found

    def work(self) -> None:
        """Make the keys and seal the bundle."""
        self._keys = KeyPair.generate()
        bundle = Bundle(self._keys.private, self._totp)
        user = self._invitation.user_id or uuid4()
        self._locked = self._gate.lock(self._collaborators, user, uuid4(), bundle, self._password)

    def store(self, session: Session) -> Accepted:
        """Use the invitation, write the person, end their sessions."""
        self._use(session)
        if self._invitation.user_id is None:
            self._create(session)
        else:
            self._replace(session)
        replaced = self._invitation.user_id is not None
        actor = Actor(ActorKind.USER, self._locked.user)
        action = "key.replaced" if replaced else "user.created"
        write(session, self._collaborators, actor, action, user=str(actor.id), digest=self._keys.fingerprint.hex())
        return self._accepted(replaced=replaced)

    def _confirmed_step(self, confirmed: Confirmed) -> int:
        step = factors.matching_step(confirmed.secret, confirmed.code, self._collaborators.now())
        if step is None:
            raise Invalid([Flaw("/code", "This is not the code of the secret that was shown.")])
        return step

    def _use(self, session: Session) -> None:
        now = self._collaborators.now()
        still_open = (Invitation.token_hash == self._token, Invitation.used_at.is_(None), Invitation.expires_at > now)
        used = update(Invitation).where(*still_open).values(used_at=now).returning(Invitation.token_hash)
        if session.scalar(used) is None:
            raise Gone

    def _create(self, session: Session) -> None:
        invitation = self._invitation
        if queries.user_by_name(session, invitation.user_name) is not None:
            raise Conflict
        session.execute(
            insert(User).values(
                id=self._locked.user,
                name=invitation.user_name,
                admin=invitation.admin,
                active=True,
                created_day=self._collaborators.today(),
                **self._key_columns(),
            )
        )

    def _replace(self, session: Session) -> None:
        mine = update(User).where(User.id == self._locked.user, User.active)
        if session.scalar(mine.values(self._key_columns()).returning(User.id)) is None:
            raise Gone
        queries.delete_sessions(session, self._locked.user)
        session.execute(delete(Passkey).where(Passkey.user_id == self._locked.user))

    def _key_columns(self) -> dict[str, object]:
        keys = {"public": self._keys.public, "fingerprint": self._keys.fingerprint, "totp_step": self._step}
        return {**self._locked.columns(), **keys}

    def _accepted(self, *, replaced: bool) -> Accepted:
        invitation = self._invitation
        return Accepted(
            user=self._locked.user,
            name=invitation.user_name,
            admin=invitation.admin,
            replaced=replaced,
            fingerprint=self._keys.fingerprint,
            fingerprint_text=fingerprint_text(self._keys.fingerprint),
            fingerprint_words=fingerprint_words(self._keys.fingerprint),
            totp_secret=factors.base32(self._totp),
            totp_uri=factors.provisioning_uri(self._totp, invitation.user_name),
        )


def _invite(
    session: Session, collaborators: Collaborators, actor: Actor, name: str, *, admin: bool, lasts: timedelta
) -> str:
    check_account_name(name)
    if queries.user_by_name(session, name) is not None:
        raise Conflict
    return _issue(session, collaborators, actor, name, user=None, admin=admin, lasts=lasts)


def _issue(
    session: Session,
    collaborators: Collaborators,
    actor: Actor,
    name: str,
    *,
    user: UUID | None,
    admin: bool,
    lasts: timedelta,
) -> str:
    session.execute(delete(Invitation).where(Invitation.user_name == name, Invitation.used_at.is_(None)))
    token, now = new_token("invitation"), collaborators.now()
    session.execute(
        insert(Invitation).values(
            token_hash=token_hash(token),
            user_name=name,
            user_id=user,
            admin=admin,
            invited_by=actor.id,
            expires_at=now + lasts,
            used_at=None,
        )
    )
    kind = "reset" if user else "admin" if admin else "user"
    write(session, collaborators, actor, "user.invited", kind=kind, user=None if user is None else str(user))
    return token


def _open(session: Session, collaborators: Collaborators, token: bytes) -> Invitation:
    found = queries.invitation(session, token)
    if found is None:
        raise NotFound
    if found.used_at is not None or found.expires_at <= collaborators.now():
        raise Gone
    return found


def _id(invitation: Invitation) -> UUID:
    """What admins call it by: half of the token's hash, which opens nothing."""
    return UUID(bytes=invitation.token_hash[:16])
