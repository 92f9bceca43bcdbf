"""Devices: a phone or client enrolled for one interviewer in one study. It can submit and never read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Row, insert, update
from sqlalchemy.orm import Session

from app.access import Actor, ActorKind, Permission, require
from app.accounts import queries
from app.accounts.models import Device, DeviceOffer
from app.audit.service import write
from app.collaborators import Collaborators
from app.crypto.tokens import PREFIXES, new_token, token_hash
from app.errors import Gone, NotFound, Unauthenticated

__all__ = [
    "OFFER_LASTS",
    "TOKEN_PREFIXES",
    "DeviceView",
    "Enrolled",
    "Offer",
    "authenticate_device",
    "authenticate_devices",
    "enrol",
    "list_devices",
    "offer",
    "redeem",
    "revoke",
]

# The public prefixes of the tokens of phones and of programs.
TOKEN_PREFIXES = tuple(f"{PREFIXES[kind]}_" for kind in ("device", "submit"))
# Long enough to hand a printed code over, short enough that a photograph of it is worth nothing later.
OFFER_LASTS = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Offer:
    """A one-time code that a phone reads (as a QR code) and redeems for a token of its own; shown once."""

    code: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A new device; the token is shown once."""

    device: UUID
    study: UUID
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DeviceView:
    """What may be seen of a device: days, no moments but the one at which an API token ends."""

    id: UUID
    user: UUID
    study: UUID
    kind: str
    label: str | None
    scopes: list[str] | None
    enrolled_day: str
    last_seen_day: str | None
    expires_at: datetime | None
    revoked: bool


def enrol(session: Session, collaborators: Collaborators, actor: Actor, user: UUID, study: UUID) -> Enrolled:
    """Enrol a device. Whether the study exists and the person interviews in it is asked above the accounts.

    Raises:
        Forbidden: only admins enrol.
        NotFound: no such person, or a deactivated one.
    """
    _check_owner(session, actor, user)
    return _enrolled(session, collaborators, actor, user, study)


def offer(session: Session, collaborators: Collaborators, actor: Actor, user: UUID, study: UUID) -> Offer:
    """Offer somebody to enroll one device themselves, as ``enrol`` asks; good once within 24 hours.

    Raises:
        Forbidden: only admins do.
        NotFound: no such person, or a deactivated one.
    """
    _check_owner(session, actor, user)
    code, until = new_token("device-offer"), collaborators.now() + OFFER_LASTS
    session.execute(
        insert(DeviceOffer).values(
            code_hash=token_hash(code),
            user_id=user,
            study_id=study,
            offered_by=actor.user(),
            expires_at=until,
            used_at=None,
        )
    )
    write(session, collaborators, actor, "device.offered", study=study, user=str(user))
    return Offer(code, until)


def redeem(session: Session, collaborators: Collaborators, code: str) -> Enrolled:
    """Enroll the device that holds this code. Nobody is signed in: the code is the right to it.

    Raises:
        NotFound: no such offer.
        Gone: it was redeemed, has run out, or its person was deactivated since.
    """
    found = session.get(DeviceOffer, token_hash(code))
    if found is None:
        raise NotFound
    owner, now = queries.user_by_id(session, found.user_id), collaborators.now()
    still_open = (DeviceOffer.code_hash == found.code_hash, DeviceOffer.used_at.is_(None), DeviceOffer.expires_at > now)
    used = session.scalar(update(DeviceOffer).where(*still_open).values(used_at=now).returning(DeviceOffer.code_hash))
    if used is None or owner is None or not owner.active:
        raise Gone
    actor = Actor(ActorKind.DEVICE, found.user_id)
    return _enrolled(session, collaborators, actor, found.user_id, found.study_id, by=found.offered_by)


def authenticate_device(session: Session, collaborators: Collaborators, token: str) -> Actor:
    """Which device holds this token: an actor without keys, in the study it is enrolled for, with no role yet.

    Raises:
        Unauthenticated: no such device, a revoked one, one whose time is over, or its interviewer is deactivated.
    """
    actor = authenticate_devices(session, collaborators, [token])[0]
    if actor is None:
        raise Unauthenticated
    return actor


def authenticate_devices(session: Session, collaborators: Collaborators, tokens: Sequence[str]) -> list[Actor | None]:
    """Which devices hold these tokens, asked in one statement; None for each that ``authenticate_device`` refuses."""
    hashes = {token: token_hash(token) for token in tokens if token.startswith(TOKEN_PREFIXES)}
    found = queries.devices_by_tokens(session, hashes.values())
    actors = {key: _acting(session, collaborators, device) for key, device in found.items()}
    return [actors.get(hashes.get(token, b"")) for token in tokens]


def _acting(session: Session, collaborators: Collaborators, device: Row[Any]) -> Actor | None:
    if device.revoked_at is not None or not device.active:
        return None
    if device.expires_at is not None and device.expires_at <= collaborators.now():
        return None
    today = collaborators.today()
    if device.last_seen_day != today:
        session.execute(update(Device).where(Device.id == device.id).values(last_seen_day=today))
    scopes = None if device.scopes is None else frozenset(map(Permission, device.scopes))
    return Actor(ActorKind.DEVICE, device.user_id, device=device.id, study=device.study_id, scopes=scopes)


def revoke(session: Session, collaborators: Collaborators, actor: Actor, device: UUID) -> None:
    """Revoke a device at once: one's own, or any as an admin. Revoking twice is no error.

    Raises:
        NotFound: no such device, or not yours.
    """
    require(actor, Permission.SESSION_OWN)
    row = queries.device_by_id(session, device)
    if row is None or (row.user_id != actor.user() and not _manages(actor)):
        raise NotFound
    wanted = update(Device).where(Device.id == device, Device.revoked_at.is_(None))
    if session.scalar(wanted.values(revoked_at=collaborators.now()).returning(Device.id)) is not None:
        write(session, collaborators, actor, "device.revoked", study=row.study_id, device=str(device))


def list_devices(session: Session, collaborators: Collaborators, actor: Actor) -> list[DeviceView]:  # noqa: ARG001
    """One's own devices; all of them for an admin."""
    require(actor, Permission.SESSION_OWN)
    rows = queries.all_devices(session, user=None if _manages(actor) else actor.user())
    return [
        DeviceView(
            id=row.id,
            user=row.user_id,
            study=row.study_id,
            kind=row.kind,
            label=row.label,
            scopes=row.scopes,
            enrolled_day=row.enrolled_day,
            last_seen_day=row.last_seen_day,
            expires_at=row.expires_at,
            revoked=row.revoked_at is not None,
        )
        for row in rows
    ]


def _check_owner(session: Session, actor: Actor, user: UUID) -> None:
    require(actor, Permission.DEVICE_MANAGE)
    owner = queries.user_by_id(session, user)
    if owner is None or not owner.active:
        raise NotFound


def _enrolled(
    session: Session, collaborators: Collaborators, actor: Actor, user: UUID, study: UUID, *, by: UUID | None = None
) -> Enrolled:
    device, token = uuid4(), new_token("device")
    session.execute(
        insert(Device).values(
            id=device,
            token_hash=token_hash(token),
            user_id=user,
            study_id=study,
            enrolled_by=by or actor.id,
            enrolled_day=collaborators.today(),
            last_seen_day=None,
            revoked_at=None,
        )
    )
    write(session, collaborators, actor, "device.enrolled", study=study, device=str(device), user=str(user))
    return Enrolled(device, study, token)


def _manages(actor: Actor) -> bool:
    return Permission.DEVICE_MANAGE in actor.permissions()
