"""Looking people, sessions, invitations and devices up. Nothing here asks who wants to know: the services do."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, delete, exists, select
from sqlalchemy.orm import Session as Db

from app.accounts.models import Device, Invitation, Passkey, Session, User

__all__ = [
    "admin_exists",
    "all_devices",
    "all_users",
    "delete_sessions",
    "device_by_id",
    "devices_by_tokens",
    "invitation",
    "names_of",
    "open_invitations",
    "passkey",
    "passkeys_of",
    "session_with_user",
    "sessions_of",
    "user_by_id",
    "user_by_name",
]


def user_by_id(session: Db, user: UUID) -> User | None:
    """The person of this id."""
    return session.scalar(select(User).where(User.id == user))


def user_by_name(session: Db, name: str) -> User | None:
    """The person of this stored (folded) name."""
    return session.scalar(select(User).where(User.name == name))


def all_users(session: Db) -> list[User]:
    """Everybody, by name."""
    return list(session.scalars(select(User).order_by(User.name)))


def names_of(session: Db, users: Sequence[UUID]) -> dict[UUID, str]:
    """The account names of these people."""
    return dict(session.execute(select(User.id, User.name).where(User.id.in_(users))).all())


def admin_exists(session: Db) -> bool:
    """Whether anybody is an admin."""
    return bool(session.scalar(select(exists().where(User.admin))))


def invitation(session: Db, token_hash: bytes) -> Invitation | None:
    """The invitation of this token."""
    return session.scalar(select(Invitation).where(Invitation.token_hash == token_hash))


def open_invitations(session: Db, now: datetime) -> list[Invitation]:
    """The invitations that can still be accepted, by name."""
    wanted = select(Invitation).where(Invitation.used_at.is_(None), Invitation.expires_at > now)
    return list(session.scalars(wanted.order_by(Invitation.user_name)))


def session_with_user(session: Db, token_hash: bytes) -> tuple[Session, User] | None:
    """The session of this token and whose row it names."""
    joined = select(Session, User).join(User, User.id == Session.user_id).where(Session.token_hash == token_hash)
    row = session.execute(joined).first()
    return None if row is None else (row[0], row[1])


def sessions_of(session: Db, user: UUID) -> list[Session]:
    """A person's sessions, newest first."""
    return list(session.scalars(select(Session).where(Session.user_id == user).order_by(Session.created_at.desc())))


def delete_sessions(session: Db, user: UUID) -> int:
    """End all sessions of a person; how many there were."""
    ended = session.scalars(delete(Session).where(Session.user_id == user).returning(Session.id))
    return len(ended.all())


def passkeys_of(session: Db, user: UUID) -> list[Passkey]:
    """A person's passkeys, oldest first."""
    wanted = select(Passkey).where(Passkey.user_id == user)
    return list(session.scalars(wanted.order_by(Passkey.created_day, Passkey.id)))


def passkey(session: Db, user: UUID, credential: bytes) -> Passkey | None:
    """The passkey of this credential, if it is this person's."""
    return session.scalar(select(Passkey).where(Passkey.user_id == user, Passkey.credential_id == credential))


def devices_by_tokens(session: Db, hashes: Collection[bytes]) -> dict[bytes, Row[Any]]:
    """The devices of these tokens by hash, each with ``active`` of the interviewer it is enrolled for."""
    rows = session.connection().execute(_DEVICES, {"hashes": list(hashes)})
    return {row.token_hash: row for row in rows}


def device_by_id(session: Db, device: UUID) -> Device | None:
    """The device of this id."""
    return session.scalar(select(Device).where(Device.id == device))


def all_devices(session: Db, *, user: UUID | None = None) -> list[Device]:
    """All devices, or those of one person, newest first."""
    wanted = select(Device).order_by(Device.enrolled_day.desc(), Device.id)
    return list(session.scalars(wanted if user is None else wanted.where(Device.user_id == user)))


# Every submission asks this one: built once, past the mapper.
_device, _user = Device.table(), User.table()
_DEVICES = (
    select(_device.c.id, _device.c.study_id, _device.c.user_id, _device.c.last_seen_day, _device.c.revoked_at)
    .add_columns(_device.c.token_hash, _device.c.scopes, _device.c.expires_at, _user.c.active)
    .join_from(_device, _user, _user.c.id == _device.c.user_id)
    .where(_device.c.token_hash.in_(bindparam("hashes", expanding=True)))
)
