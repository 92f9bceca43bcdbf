"""What removing somebody from a study will do, told before it is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app.access import Actor, Permission, Role, Team, require, teams_of
from app.accounts import queries as accounts
from app.cases.models import Grant, Record
from app.cases.queries import Status
from app.collaborators import Collaborators
from app.errors import NotFound
from app.studies import service, teams
from app.studies.models import Epoch, Member
from app.studies.roster import Membership, SignedRoster

__all__ = ["RemovalPreview", "TeamChange", "removal_preview"]


@dataclass(frozen=True, slots=True)
class TeamChange:
    """A team that gets a fresh epoch: its number, who is handed its key, and how many grants then wait to be moved."""

    team: Team
    number: int
    grants: int
    remaining: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class RemovalPreview:
    """What a removal does.

    ``obstacles``: why it would be refused (``last-lead``, ``last-holder:TEAM``), or nothing. ``boxes``: team keys that
    the person loses; ``devices``: those revoked; ``assigned``: records that go back into the queue.
    """

    user: UUID
    roles: tuple[Role, ...]
    obstacles: tuple[str, ...]
    teams: tuple[TeamChange, ...]
    boxes: int
    devices: int
    assigned: int


def removal_preview(
    session: Session, collaborators: Collaborators, actor: Actor, signed: SignedRoster, user: UUID
) -> RemovalPreview:
    """What taking a person off the roster will do; nothing changes.

    Raises:
        NotFound: not on the roster.
    """
    require(actor, Permission.MEMBER_REMOVE)
    place = signed.members.get(user)
    if place is None:
        raise NotFound
    devices = [device for device in accounts.all_devices(session, user=user) if device.revoked_at is None]
    return RemovalPreview(
        user=user,
        roles=tuple(sorted(place.roles)),
        obstacles=tuple(service.removal_obstacles(session, collaborators, signed, user)),
        teams=tuple(_changes(session, collaborators, signed, place)),
        boxes=_boxes(session, signed, user),
        devices=sum(device.study_id == signed.study for device in devices),
        assigned=_assigned(session, signed, user),
    )


def _changes(
    session: Session, collaborators: Collaborators, signed: SignedRoster, place: Membership
) -> list[TeamChange]:
    now, changes = collaborators.now(), []
    for team in sorted(teams_of(place.roles)):
        epochs = teams.in_use(session, signed.study, team)
        if epochs:
            rest = teams.confirmed(session, signed, team) - {place.user}
            live = sorted(user for user in rest if signed.members[user].live(now))
            number = teams.next_number(session, signed.study, team)
            changes.append(TeamChange(team, number, _grants(session, epochs), tuple(live)))
    return changes


def _grants(session: Session, epochs: Sequence[UUID]) -> int:
    return session.scalar(select(func.count()).select_from(Grant).where(Grant.epoch_id.in_(epochs))) or 0


def _boxes(session: Session, signed: SignedRoster, user: UUID) -> int:
    held = select(func.count()).select_from(Member).join(Epoch, Epoch.id == Member.epoch_id)
    return session.scalar(held.where(Member.user_id == user, Epoch.study_id == signed.study)) or 0


def _assigned(session: Session, signed: SignedRoster, user: UUID) -> int:
    drafts = (Record.redactor_id == user) & Record.status.in_((Status.DRAFTED, Status.FAILED))
    finished = (Record.approver_id == user) & (Record.status == Status.FINISHED)
    mine = select(func.count()).select_from(Record).where(Record.study_id == signed.study, or_(drafts, finished))
    return session.scalar(mine) or 0
