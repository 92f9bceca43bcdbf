"""Letting a study's roster stand again after an older main database was put back: a lead proposes, a member confirms.

The study stands in the path under a name of its own, because nobody can act in it meanwhile.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from app.access import Permission, Role
from app.accounts import queries as people
from app.studies import recovery
from app.web.api.types import Digest, Hex32
from app.web.bodies import Body, Out
from app.web.deps import Runtime_, Signed
from app.web.routing import Router

__all__ = ["router"]

router = Router("/v1/recoveries/{stale}", tag="studies")


class StaleMemberOut(Out):
    """Somebody whom the old roster names."""

    user: UUID
    name: str
    roles: list[Role]
    expires: AwareDatetime | None


class ProposalOut(Out):
    """Who proposes that who stays; ``digest`` is what the second person confirms."""

    proposed_by: UUID
    keep: list[UUID]
    digest: Digest


class StaleOut(Out):
    """A roster below its floor, whom it names, and the proposal that waits, if any."""

    study: UUID
    version: int
    members: list[StaleMemberOut]
    proposal: ProposalOut | None


class KeepBody(Body):
    """Who stays; everybody else is removed."""

    keep: Annotated[list[UUID], Field(min_length=1, max_length=1000)]


class DigestBody(Body):
    """The proposal that was shown."""

    digest: Hex32


class RecoveredOut(Out):
    """The version of the roster that stands now."""

    version: int


@router.get("", permission=Permission.SESSION_OWN)
def read_stale_roster(stale: UUID, actor: Signed, runtime: Runtime_) -> StaleOut:
    """A roster that its floor refuses, for whom it names."""
    with runtime.glance() as session:
        found = recovery.look(session, runtime.collaborators, actor, stale)
        names = people.names_of(session, [place.user for place in found.members])
    return StaleOut(
        study=found.study,
        version=found.version,
        members=[
            StaleMemberOut(
                user=place.user, name=names.get(place.user, ""), roles=sorted(place.roles), expires=place.expires
            )
            for place in found.members
        ],
        proposal=None if found.proposal is None else ProposalOut.of(found.proposal),
    )


@router.post("", permission=Permission.SESSION_OWN, status=201)
def propose_recovery(stale: UUID, body: KeepBody, actor: Signed, runtime: Runtime_) -> ProposalOut:
    """Propose, as a lead, who stays."""
    with runtime.transaction() as session:
        return ProposalOut.of(recovery.propose(session, runtime.collaborators, actor, stale, body.keep))


@router.post("/confirmation", permission=Permission.SESSION_OWN)
def confirm_recovery(stale: UUID, body: DigestBody, actor: Signed, runtime: Runtime_) -> RecoveredOut:
    """Confirm the proposal of somebody else: the roster stands again, and whoever does not stay is removed."""
    with runtime.transaction() as session:
        version = recovery.confirm(session, runtime.collaborators, actor, stale, digest=body.digest)
    return RecoveredOut(version=version)
