"""Phones with ODK Collect, KoboCollect, Tella or Enketo: devices that cannot keep a token in a header.

    odk     a token of 64 characters in the server's address, which an app reads from a QR code
    basic   a user name and a password of the app's own, for apps that know nothing else
    test    as odk, and only for drafts of forms: what it sends is no testimony

The password is never the account's: that one opens keys and needs a second factor beside it, while whoever finds this
one on a phone may send testimony until the device is revoked, and nothing else. It has 128 random bits, so that no
stretching and no throttle is needed against guessing, and each request costs one look-up.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Row, insert, select, update
from sqlalchemy.orm import Session

from app.access import Actor, ActorKind, Permission, require
from app.accounts import queries
from app.accounts.models import Device, User
from app.accounts.names import fold_name
from app.audit.service import write
from app.collaborators import Collaborators
from app.crypto.tokens import app_password_hash, new_app_password, new_path_token, token_hash
from app.errors import Flaw, Invalid, NotFound, Unauthenticated

__all__ = ["BASIC", "KINDS", "ODK", "TEST", "Phone", "by_password", "by_token", "enrol_phone"]

ODK, BASIC, TEST = "odk", "basic", "test"
KINDS: Final = (ODK, BASIC, TEST)
PATH_TOKEN: Final = re.compile(r"[A-Za-z0-9!$]{64}", re.ASCII)
# A password has 32 characters with its dashes; nothing much longer is looked up.
LONGEST: Final = 80


@dataclass(frozen=True, slots=True)
class Phone:
    """A new phone: its interviewer's name, and its token or password, shown once."""

    device: UUID
    study: UUID
    kind: str
    name: str
    token: str = field(repr=False)


def enrol_phone(
    session: Session, collaborators: Collaborators, actor: Actor, user: UUID, study: UUID, kind: str
) -> Phone:
    """Enroll a phone for an interviewer. Whether the study exists and the person interviews in it is asked above.

    Raises:
        Forbidden: only admins enroll.
        NotFound: no such person, or a deactivated one.
        Invalid: no such kind.
    """
    require(actor, Permission.DEVICE_MANAGE)
    owner = queries.user_by_id(session, user)
    if owner is None or not owner.active:
        raise NotFound
    if kind not in KINDS:
        raise Invalid([Flaw("/kind", f"Give one of: {', '.join(KINDS)}.")])
    device = uuid4()
    token = new_app_password() if kind == BASIC else new_path_token()
    session.execute(
        insert(Device).values(
            id=device,
            token_hash=app_password_hash(token) if kind == BASIC else token_hash(token),
            user_id=user,
            study_id=study,
            enrolled_by=actor.id,
            enrolled_day=collaborators.today(),
            kind=kind,
        )
    )
    write(session, collaborators, actor, "device.enrolled", study=study, device=str(device), user=str(user), kind=kind)
    return Phone(device, study, kind, owner.name, token)


def by_token(session: Session, collaborators: Collaborators, token: str, kind: str) -> Actor:
    """Which phone of this kind has this token in its address; Unauthenticated if none, or none any more."""
    if PATH_TOKEN.fullmatch(token) is None:
        raise Unauthenticated
    return _actor(session, collaborators, _found(session, token_hash(token), kind))


def by_password(session: Session, collaborators: Collaborators, name: str, password: str) -> Actor:
    """Which phone signs in with this name and password of its own; Unauthenticated if none, or none any more."""
    if not 0 < len(password) <= LONGEST or not password.isascii():
        raise Unauthenticated
    row = _found(session, app_password_hash(password), BASIC)
    return _actor(session, collaborators, None if row is None or row.name != fold_name(name.strip()) else row)


def _found(session: Session, digest: bytes, kind: str) -> Row[Any] | None:
    columns = (Device.id, Device.study_id, Device.user_id, Device.last_seen_day, Device.revoked_at)
    wanted = select(*columns).add_columns(User.active, User.name).join(User, User.id == Device.user_id)
    rows: Sequence[Row[Any]] = session.execute(wanted.where(Device.token_hash == digest, Device.kind == kind)).all()
    return rows[0] if rows else None


def _actor(session: Session, collaborators: Collaborators, row: Row[Any] | None) -> Actor:
    if row is None or row.revoked_at is not None or not row.active:
        raise Unauthenticated
    today = collaborators.today()
    if row.last_seen_day != today:
        session.execute(update(Device).where(Device.id == row.id).values(last_seen_day=today))
    return Actor(ActorKind.DEVICE, row.user_id, device=row.id, study=row.study_id)
