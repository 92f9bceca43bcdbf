"""Studies and their people."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime, Field

from app.access import Permission, Role, Team
from app.accounts import queries as people
from app.cases import moving
from app.cases.dashboard import dashboard
from app.cases.removal import removal_preview
from app.errors import Flaw, Invalid
from app.review import drafts
from app.studies import queries, service
from app.web.api.types import Hex32
from app.web.bodies import Body, Out
from app.web.deps import Acting, Roster, Runtime_, Signed
from app.web.moves import move_batch
from app.web.routing import Router

__all__ = ["router"]

router = Router("/v1/studies", tag="studies")


class StudyBody(Body):
    """A new study: its lead by fingerprint, its policy, and whether it is a demo, which needs no quorum of people."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    lead: UUID
    fingerprint: Hex32
    policy: dict[str, Any] = Field(default_factory=dict)
    demo: bool = False


class CreatedOut(Out):
    """The new study."""

    study: UUID


class MyStudyOut(Out):
    """A study one belongs to."""

    id: UUID
    name: str
    roles: list[Role]


class MyStudiesOut(Out):
    """The studies one belongs to."""

    studies: list[MyStudyOut]


class MemberOut(Out):
    """A member: ``confirmed`` once the keys of every team of the roles are handed over."""

    user: UUID
    name: str
    roles: list[Role]
    fingerprint: str
    expires: AwareDatetime | None
    confirmed: bool


class TeamOut(Out):
    """A team's current epoch, and how many grants still wait to be moved to it."""

    team: Team
    epoch: UUID
    number: int
    left: int


class StudyOut(Out):
    """A study and its people."""

    id: UUID
    name: str
    version: int
    open: bool
    demo: bool
    roles: list[Role]
    members: list[MemberOut]
    teams: list[TeamOut]


class MemberBody(Body):
    """Roles for a person, bound to the fingerprint that was read aloud; ``expires`` ends the agreement."""

    roles: Annotated[list[Role], Field(min_length=1, max_length=8)]
    fingerprint: Hex32
    expires: AwareDatetime | None = None


class FingerprintBody(Body):
    """The fingerprint that was read aloud."""

    fingerprint: Hex32


class ConfirmedOut(Out):
    """How many boxes were made."""

    boxes: int


class MovesOut(Out):
    """How many of the team's grants rest under its current key, and how many under older ones."""

    done: int
    left: int


class MovedOut(MovesOut):
    """How many grants were moved by this call, and how many old epochs ended."""

    moved: int
    ended: int


class TeamChangeOut(Out):
    """A team that gets a fresh epoch: who is handed its key, and how many grants then wait to be moved."""

    team: Team
    number: int
    grants: int
    remaining: list[UUID]


class RemovalOut(Out):
    """What removing somebody does.

    ``obstacles``: why it would be refused (``last-lead``, ``last-holder:TEAM``); ``boxes``: team keys lost;
    ``devices``: those revoked; ``assigned``: records that go back into the queue.
    """

    user: UUID
    roles: list[Role]
    obstacles: list[str]
    teams: list[TeamChangeOut]
    boxes: int
    devices: int
    assigned: int


class CountOut(Out):
    """How many cases; null for fewer than five, none among them."""

    name: str
    count: int | None


class DashboardOut(Out):
    """Cases received by ISO week, by stage, and by days that they have waited for a release."""

    weeks: list[CountOut]
    stages: list[CountOut]
    ages: list[CountOut]


@router.post("", permission=Permission.STUDY_CREATE, status=201)
def create_study(body: StudyBody, actor: Signed, runtime: Runtime_) -> CreatedOut:
    """Create a study whose first member is its lead; an administrator is never lead. No demo in production."""
    if body.demo and runtime.settings.production:
        raise Invalid([Flaw("/demo", "A production service takes no study that needs no quorum of people.")])
    with runtime.transaction() as session:
        study = service.create_study(
            session,
            runtime.collaborators,
            actor,
            body.name,
            lead=body.lead,
            fingerprint=bytes.fromhex(body.fingerprint),
            policy=body.policy,
            exempt=body.demo,
        )
    return CreatedOut(study=study)


@router.get("", permission=Permission.SESSION_OWN)
def list_studies(actor: Signed, runtime: Runtime_) -> MyStudiesOut:
    """The studies one belongs to."""
    with runtime.glance() as session:
        mine = queries.mine(session, runtime.collaborators, actor)
    return MyStudiesOut(studies=[MyStudyOut(id=study, name=name, roles=sorted(roles)) for study, name, roles in mine])


@router.get("/{study}", permission=Permission.STUDY_READ)
def read_study(study: UUID, actor: Acting, roster: Roster, runtime: Runtime_) -> StudyOut:
    """A study, its members and its teams."""
    with runtime.glance() as session:
        view = queries.overview(session, actor, roster, runtime.collaborators.now())
        names = people.names_of(session, list(roster.members))
        left = {team: moving.left_to_move(session, roster, team) for team in roster.epochs}
    return StudyOut(
        id=study,
        name=view.name,
        version=roster.version,
        open=view.open,
        demo=roster.exempt,
        roles=sorted(actor.roles),
        members=[
            MemberOut(
                user=place.user,
                name=names.get(place.user, ""),
                roles=sorted(place.roles),
                fingerprint=place.fingerprint.hex(),
                expires=place.expires,
                confirmed=place.user in view.confirmed,
            )
            for place in roster.members.values()
        ],
        teams=[
            TeamOut(team=key.team, epoch=key.epoch, number=key.number, left=left[key.team])
            for key in roster.epochs.values()
        ],
    )


@router.get("/{study}/dashboard", permission=Permission.DASHBOARD_READ)
def read_dashboard(study: UUID, actor: Acting, runtime: Runtime_) -> DashboardOut:  # noqa: ARG001
    """The study in numbers; small ones are kept back."""
    with runtime.glance() as session:
        return DashboardOut.of(dashboard(session, runtime.collaborators, actor))


@router.put("/{study}/members/{user}", permission=Permission.MEMBER_ADMIT)
def admit_member(study: UUID, user: UUID, body: MemberBody, actor: Acting, roster: Roster, runtime: Runtime_) -> None:  # noqa: ARG001
    """Admit a person, or change roles and expiry; a present member of each team then confirms."""
    with runtime.transaction() as session:
        service.admit(
            session,
            runtime.collaborators,
            actor,
            roster,
            user,
            roles=frozenset(body.roles),
            fingerprint=bytes.fromhex(body.fingerprint),
            expires=body.expires,
        )


@router.post("/{study}/members/{user}/confirmation", permission=Permission.MEMBER_CONFIRM)
def confirm_member(
    study: UUID,  # noqa: ARG001
    user: UUID,
    body: FingerprintBody,
    actor: Acting,
    roster: Roster,
    runtime: Runtime_,
) -> ConfirmedOut:
    """Hand the keys of the shared teams over to an admitted person."""
    with runtime.transaction() as session:
        boxes = service.confirm(
            session, runtime.collaborators, actor, roster, user, fingerprint=bytes.fromhex(body.fingerprint)
        )
    return ConfirmedOut(boxes=boxes)


@router.delete("/{study}/members/{user}", permission=Permission.MEMBER_REMOVE)
def remove_member(study: UUID, user: UUID, actor: Acting, roster: Roster, runtime: Runtime_) -> None:
    """Remove a member: access ends at once, each team gets a fresh key, old grants wait to be moved."""
    with runtime.transaction() as session:
        service.remove(session, runtime.collaborators, actor, roster, user)
        drafts.unassign(session, runtime.collaborators, actor, study, user)


@router.get("/{study}/members/{user}/removal", permission=Permission.MEMBER_REMOVE)
def preview_removal(study: UUID, user: UUID, actor: Acting, roster: Roster, runtime: Runtime_) -> RemovalOut:  # noqa: ARG001
    """What removing a member would do, and why it would be refused."""
    with runtime.glance() as session:
        return RemovalOut.of(removal_preview(session, runtime.collaborators, actor, roster, user))


@router.post("/{study}/teams/{team}", permission=Permission.MEMBER_CONFIRM, also={204: "The team has its key."})
def found_team(study: UUID, team: Team, actor: Acting, roster: Roster, runtime: Runtime_) -> None:  # noqa: ARG001
    """Make a team's first key, as its first member."""
    with runtime.transaction() as session:
        service.found_team(session, runtime.collaborators, actor, roster, team)


@router.get("/{study}/teams/{team}/moves", permission=Permission.GRANT_MOVE)
def count_moves(study: UUID, team: Team, actor: Acting, roster: Roster, runtime: Runtime_) -> MovesOut:  # noqa: ARG001
    """How far moving the team's grants to its current key is."""
    with runtime.glance() as session:
        return MovesOut.of(moving.moves_left(session, actor, roster, team))


@router.post("/{study}/teams/{team}/moves", permission=Permission.GRANT_MOVE)
def move_grants(
    study: UUID,  # noqa: ARG001
    team: Team,
    actor: Acting,
    roster: Roster,
    runtime: Runtime_,
    limit: Annotated[int, Query(ge=1, le=moving.MOVED_PER_CALL)] = moving.MOVED_PER_CALL,
) -> MovedOut:
    """Move the old grants of at most ``limit`` records to the team's current key; call again until nothing is left."""
    return MovedOut.of(move_batch(runtime, actor, roster, team, limit))
