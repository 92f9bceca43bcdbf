"""Looking at studies, from what the actor may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access import Actor, Permission, Role, require, teams_of
from app.collaborators import Collaborators
from app.errors import NotFound, StudyNotOpen
from app.studies import policies, service, teams
from app.studies.models import Study
from app.studies.roster import SignedRoster


@dataclass(frozen=True, slots=True)
class Overview:
    """A study's name, whether it takes in testimony, and who holds every key of their teams."""

    name: str
    open: bool
    confirmed: frozenset[UUID]


def mine(session: Session, collaborators: Collaborators, actor: Actor) -> list[tuple[UUID, str, frozenset[Role]]]:
    """The studies whose verified roster names the actor now."""
    require(actor, Permission.SESSION_OWN)
    found = []
    for study, name in session.execute(select(Study.id, Study.name).order_by(Study.name)):
        try:
            acting, _ = service.act_in(session, collaborators, actor, study)
        except NotFound:
            continue
        found.append((study, name, acting.roles))
    return found


def names_of(session: Session, studies: Sequence[UUID]) -> dict[UUID, str]:
    """The names of these studies."""
    return dict(session.execute(select(Study.id, Study.name).where(Study.id.in_(studies))).all())


def all_names(session: Session, actor: Actor) -> list[tuple[UUID, str]]:
    """Every study by name, for admins, who create them and enroll devices for them."""
    require(actor, Permission.STUDY_CREATE)
    return [(study, name) for study, name in session.execute(select(Study.id, Study.name).order_by(Study.name))]


def overview(session: Session, actor: Actor, signed: SignedRoster, now: datetime) -> Overview:
    """A study as its members see it."""
    require(actor, Permission.STUDY_READ)
    name = session.scalar(select(Study.name).where(Study.id == signed.study))
    if name is None:
        raise NotFound
    try:
        policies.check_open(session, signed, now)
        is_open = True
    except StudyNotOpen:
        is_open = False
    by_team = {team: teams.confirmed(session, signed, team) for team in signed.epochs}
    confirmed = frozenset(
        user
        for user, place in signed.members.items()
        if all(user in by_team.get(team, frozenset()) for team in teams_of(place.roles))
    )
    return Overview(name, is_open, confirmed)
