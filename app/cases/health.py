"""How the service is doing, for admins: counts over all studies together, and nothing of what any of them holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from sqlalchemy import ColumnExpressionArgument, and_, func, or_, select
from sqlalchemy.orm import Session

from app.access import Actor, Permission, require
from app.accounts.models import Device, Invitation, User
from app.accounts.models import Session as SignIn
from app.cases import counts
from app.cases.queries import Status
from app.collaborators import Collaborators
from app.db import Base

__all__ = ["SILENT_AFTER", "Health", "service_health"]

# A phone that has not been seen for so long is lost, broken or no longer needed.
SILENT_AFTER: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Health:
    """Counts.

    ``devices_silent``: active ones not seen for 30 days; ``oldest_days``: how long the oldest record that is not
    released has waited; ``to_move``: grants under old epochs; ``outbox``: rows of shares that wait to be destroyed.
    """

    users_active: int
    users_off: int
    admins: int
    sessions: int
    invitations: int
    devices_active: int
    devices_revoked: int
    devices_silent: int
    stages: dict[str, int]
    oldest_days: int | None
    to_move: int
    outbox: int


def service_health(session: Session, collaborators: Collaborators, actor: Actor) -> Health:
    """Count.

    Raises:
        Forbidden: only admins see them.
    """
    require(actor, Permission.HEALTH_READ)
    now, today = collaborators.now(), date.fromisoformat(collaborators.today())
    stages = counts.queue(session)
    waiting = [date.fromisoformat(oldest) for stage, (_, oldest) in stages.items() if stage != Status.RELEASED]
    silent = (today - SILENT_AFTER).isoformat()
    live = and_(Device.revoked_at.is_(None), or_(Device.expires_at.is_(None), Device.expires_at > now))
    last = func.coalesce(Device.last_seen_day, Device.enrolled_day)
    return Health(
        users_active=_count(session, User, User.active),
        users_off=_count(session, User, User.active.is_(False)),
        admins=_count(session, User, User.admin, User.active),
        sessions=_count(session, SignIn, SignIn.expires_at > now, SignIn.seen_at > now - collaborators.idle_limit),
        invitations=_count(session, Invitation, Invitation.used_at.is_(None), Invitation.expires_at > now),
        devices_active=_count(session, Device, live),
        devices_revoked=_count(session, Device, Device.revoked_at.is_not(None)),
        devices_silent=_count(session, Device, live, last <= silent),
        stages={stage: count for stage, (count, _) in stages.items()},
        oldest_days=max(((today - day).days for day in waiting), default=None),
        to_move=counts.grants_to_move(session),
        outbox=counts.outbox_length(session),
    )


def _count(session: Session, table: type[Base], *where: ColumnExpressionArgument[bool]) -> int:
    return session.scalar(select(func.count()).select_from(table).where(*where)) or 0
