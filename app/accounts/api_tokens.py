"""API tokens: devices without a screen. A program submits with one in its owner's name, within scopes and until a day.

Like any device it is bound to one study, carries no key, sees its own receipts alone and is revoked at once. Its prefix
``tu_`` lets leak scanners find it; only its hash is kept.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.access import DEVICE_PERMISSIONS, Actor, Permission, require
from app.accounts import queries
from app.accounts.models import Device
from app.audit.service import write
from app.collaborators import Collaborators
from app.crypto.tokens import new_token, token_hash
from app.errors import Flaw, Invalid, NotFound

__all__ = ["CLIENT", "LONGEST", "SCOPES", "ApiToken", "check_maker", "make_token"]

# The kind of device that a token's program is.
CLIENT: Final = "client"
# What a token may be good for: whatever a device may, and nothing that needs a key.
SCOPES: Final = tuple(sorted(permission.value for permission in DEVICE_PERMISSIONS))
LONGEST: Final = timedelta(days=366)
LABEL_CHARACTERS: Final = 64


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A new token, shown once."""

    device: UUID
    study: UUID
    expires_at: datetime
    token: str = field(repr=False)


def make_token(
    session: Session,
    collaborators: Collaborators,
    actor: Actor,
    user: UUID,
    study: UUID,
    *,
    label: str,
    scopes: Collection[str],
    expires_at: datetime,
) -> ApiToken:
    """Make a token for oneself, or as an admin for somebody. Whether the person submits in the study is asked above.

    Raises:
        StepUpRequired, Forbidden: as ``check_maker``.
        NotFound: no such person, or a deactivated one.
        Invalid: label, scopes or end are not allowed.
    """
    check_maker(collaborators, actor, user)
    owner = queries.user_by_id(session, user)
    if owner is None or not owner.active:
        raise NotFound
    _check(label, scopes, expires_at, collaborators.now())
    device, token, wanted = uuid4(), new_token("submit"), sorted(set(scopes))
    session.execute(
        insert(Device).values(
            id=device,
            token_hash=token_hash(token),
            user_id=user,
            study_id=study,
            enrolled_by=actor.id,
            enrolled_day=collaborators.today(),
            kind=CLIENT,
            label=label,
            scopes=wanted,
            expires_at=expires_at,
        )
    )
    write(
        session,
        collaborators,
        actor,
        "device.enrolled",
        study=study,
        device=str(device),
        user=str(user),
        kind=CLIENT,
        scopes=wanted,
        expires=int(expires_at.timestamp()),
    )
    return ApiToken(device, study, expires_at, token)


def check_maker(collaborators: Collaborators, actor: Actor, user: UUID) -> None:
    """Raise StepUpRequired if the second factor is too old, Forbidden for somebody else's token and no admin."""
    require(actor, Permission.TOKEN_MAKE, now=collaborators.now())
    if user != actor.user():
        require(actor, Permission.DEVICE_MANAGE)


def _check(label: str, scopes: Collection[str], expires_at: datetime, now: datetime) -> None:
    flaws = []
    if not _is_plain(label):
        flaws.append(Flaw("/label", "Between 1 and 64 letters, digits or signs."))
    if not scopes or not set(scopes) <= set(SCOPES):
        flaws.append(Flaw("/scopes", "Choose at least one of the scopes that there are."))
    if not now < expires_at <= now + LONGEST:
        flaws.append(Flaw("/expires_at", "Must lie in the future, and within a year."))
    if flaws:
        raise Invalid(flaws)


def _is_plain(label: str) -> bool:
    return (
        0 < len(label) <= LABEL_CHARACTERS
        and label == label.strip()
        and not any(unicodedata.category(letter).startswith("C") for letter in label)
    )
