"""After an older main database was put back: letting a study's roster stand again, by two people whom it names.

The keystore's floor refuses a roster that is older than what it has seen, and nobody is let in by it. A lead whom the
old roster names proposes who stays; another member, present with the keys of every one of their teams, confirms exactly
that. Then the roster is signed anew above the floor, and whoever does not stay is taken off as in any removal: people
who had been removed since the copy was made do not come back by it, unless both name them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, insert
from sqlalchemy.orm import Session

from app.access import Actor, Permission, Role, require, teams_of
from app.audit import service as audit
from app.collaborators import Collaborators
from app.crypto import contexts
from app.crypto.encoding import sha256
from app.crypto.signing import verify
from app.errors import BadSignature, DigestDiffers, Flaw, Forbidden, Invalid, NotFound
from app.studies import roster, service, teams
from app.studies.models import Recovery
from app.studies.roster import SIGNING_KEY, Membership, SignedRoster

__all__ = ["LASTS", "Proposal", "Stale", "confirm", "look", "propose"]

LASTS = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Proposal:
    """Who proposes that who stays; ``digest`` (hex) is what the second person confirms."""

    proposed_by: UUID
    keep: tuple[UUID, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class Stale:
    """A roster below its floor: its version, whom it names, and the proposal that waits, if any."""

    study: UUID
    version: int
    members: tuple[Membership, ...]
    proposal: Proposal | None


def look(session: Session, collaborators: Collaborators, actor: Actor, study: UUID) -> Stale:
    """A stale roster, for whom it names.

    Raises:
        NotFound: no such study, its roster stands, or it does not name the actor with this key.
    """
    _, signed, floor = _acting(session, collaborators, actor, study)
    members = tuple(sorted(signed.members.values(), key=lambda place: place.user))
    waiting = _waiting(session, collaborators, signed, floor)
    return Stale(study, signed.version, members, None if waiting is None else waiting[1])


def propose(
    session: Session, collaborators: Collaborators, actor: Actor, study: UUID, keep: Iterable[UUID]
) -> Proposal:
    """Propose, as a lead, who stays; an earlier proposal ends. Good for 24 hours.

    Raises:
        NotFound: as ``look``.
        Forbidden, StepUpRequired: only leads, with a fresh factor.
        Invalid: somebody whom the roster does not name, or without oneself.
    """
    acting, signed, floor = _acting(session, collaborators, actor, study)
    require(acting, Permission.MEMBER_ADMIT, now=collaborators.now())
    kept = frozenset(keep)
    if not kept <= signed.members.keys() or acting.user() not in kept:
        raise Invalid([Flaw("/keep", "Name members of this roster, yourself among them.")])
    row = Recovery(
        study_id=study,
        version=signed.version,
        floor=floor,
        keep=sorted(str(user) for user in kept),
        proposed_by=acting.user(),
        expires_at=(collaborators.now() + LASTS).replace(microsecond=0),
        key_id=SIGNING_KEY,
        signature=b"",
    )
    message = _message(collaborators, row)
    row.signature = collaborators.custody.sign(SIGNING_KEY, message)
    session.execute(delete(Recovery).where(Recovery.study_id == study))
    columns = {column.name: getattr(row, column.name) for column in Recovery.table().columns}
    session.execute(insert(Recovery).values(columns))
    proposal = _proposal(row, message)
    audit.write(
        session,
        collaborators,
        acting,
        "roster.recovery_proposed",
        version=signed.version,
        count=len(kept),
        digest=proposal.digest,
    )
    return proposal


def confirm(session: Session, collaborators: Collaborators, actor: Actor, study: UUID, *, digest: str) -> int:
    """Confirm, as another member who stays and holds the keys of their teams; the version that then stands.

    Raises:
        NotFound: as ``look``, or nothing waits for this roster.
        Forbidden, StepUpRequired: the proposer, somebody who does not stay or was never confirmed; or an old factor.
        DigestDiffers: another proposal than the one that was shown.
        LastHolder: a team would be left without anybody who holds its keys.
        Conflict: no lead would be left.
    """
    acting, signed, floor = _acting(session, collaborators, actor, study)
    require(acting, Permission.MEMBER_CONFIRM, now=collaborators.now())
    waiting = _waiting(session, collaborators, signed, floor)
    if waiting is None:
        raise NotFound
    row, proposal = waiting
    _check_second(session, acting, signed, proposal)
    if proposal.digest != digest:
        raise DigestDiffers
    standing = replace(signed, version=floor).next()
    roster.write(session, collaborators, standing)
    for user in sorted(signed.members.keys() - set(proposal.keep)):
        standing = service.take_off(session, collaborators, acting, standing, user)
    session.delete(row)
    audit.write(
        session,
        collaborators,
        acting,
        "roster.recovered",
        version=standing.version,
        member=str(proposal.proposed_by),
        digest=digest,
    )
    return standing.version


def _acting(
    session: Session, collaborators: Collaborators, actor: Actor, study: UUID
) -> tuple[Actor, SignedRoster, int]:
    require(actor, Permission.SESSION_OWN)
    signed, floor = roster.latest(session, collaborators, study), collaborators.keystore.floor(study)
    if signed.version >= floor:
        raise NotFound
    return service.member_of(signed, actor, collaborators.now()), signed, floor


def _check_second(session: Session, acting: Actor, signed: SignedRoster, proposal: Proposal) -> None:
    """A lead's word is one; the second is somebody whom a team has handed its keys, not a name on a list."""
    if acting.user() == proposal.proposed_by or acting.user() not in proposal.keep:
        raise Forbidden
    confirmed = teams.confirmed_by_team(session, signed)
    if not all(acting.user() in confirmed.get(team, frozenset()) for team in teams_of(acting.roles)):
        raise Forbidden("Nobody of your team has confirmed you yet.")


def _waiting(
    session: Session, collaborators: Collaborators, signed: SignedRoster, floor: int
) -> tuple[Recovery, Proposal] | None:
    """The proposal for this very roster and floor, if it is signed, in time, and still a lead's."""
    row = session.get(Recovery, signed.study)
    now = collaborators.now()
    if row is None or (row.version, row.floor) != (signed.version, floor) or row.expires_at <= now:
        return None
    try:
        message = _message(collaborators, row)
        verify(collaborators.custody.public(row.key_id), message, row.signature)
    except (BadSignature, ValueError):
        return None
    if Role.LEAD not in signed.roles_of(row.proposed_by, now):
        return None
    return row, _proposal(row, message)


def _proposal(row: Recovery, message: bytes) -> Proposal:
    return Proposal(row.proposed_by, tuple(UUID(user) for user in row.keep), sha256(message).hex())


def _message(collaborators: Collaborators, row: Recovery) -> bytes:
    return contexts.recovery(
        collaborators.deployment,
        key_id=row.key_id,
        study=row.study_id,
        version=row.version,
        floor=row.floor,
        proposer=row.proposed_by,
        keep=[UUID(user) for user in row.keep],
        expires=int(row.expires_at.timestamp()),
    )
