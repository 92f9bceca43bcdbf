"""Team epochs: key pairs that a team shares, handed on in one box per confirmed member."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import bindparam, func, insert, select
from sqlalchemy.orm import Session

from app.access import Actor, Team
from app.collaborators import Collaborators
from app.crypto import contexts, hpke
from app.crypto.principals import KeyPair
from app.crypto.sealed import Sealed
from app.errors import Forbidden
from app.studies.models import Epoch, Member
from app.studies.roster import Membership, SignedRoster, TeamKey


@dataclass(frozen=True, slots=True)
class HeldEpoch:
    """An epoch of a team together with the actor's own box of it."""

    epoch: UUID
    team: Team
    number: int
    fingerprint: bytes
    box: Sealed


def held(session: Session, study: UUID, user: UUID, team: Team | None = None) -> list[HeldEpoch]:
    """The epochs of a study (of one team) that a person holds a box of, newest first."""
    query = (
        select(Epoch.id, Epoch.team, Epoch.number, Epoch.fingerprint, Member.box)
        .join(Member, Member.epoch_id == Epoch.id)
        .where(Epoch.study_id == study, Member.user_id == user)
        .order_by(Epoch.number.desc())
    )
    if team is not None:
        query = query.where(Epoch.team == team.value)
    return [HeldEpoch(row.id, Team(row.team), row.number, row.fingerprint, row.box) for row in session.execute(query)]


def open_epoch(collaborators: Collaborators, actor: Actor, epoch: HeldEpoch) -> KeyPair:
    """Open one's box of an epoch with one's own pair: the team's key pair.

    Raises:
        TamperedBox: the box was made for somebody else, another epoch or another study.
        Forbidden: the actor carries no keys or acts outside a study.
    """
    if actor.study is None:
        raise Forbidden
    pair = actor.unlocked()
    info = contexts.member(
        collaborators.deployment,
        study=actor.study,
        team=epoch.team.value,
        epoch=epoch.epoch,
        team_fingerprint=epoch.fingerprint,
        user=actor.user(),
        fingerprint=pair.fingerprint,
    )
    return KeyPair.from_private(hpke.unwrap(pair, epoch.box, info))


def add_epoch(session: Session, study: UUID, team: Team, pair: KeyPair, wrapped: Sealed | None = None) -> TeamKey:
    """Insert the team's next epoch for a fresh pair."""
    key = TeamKey(uuid4(), team, next_number(session, study, team), pair.public, pair.fingerprint)
    session.execute(
        insert(Epoch).values(
            id=key.epoch,
            study_id=study,
            team=team.value,
            number=key.number,
            public=key.public,
            fingerprint=key.fingerprint,
            wrapped_private=wrapped,
        )
    )
    return key


def next_number(session: Session, study: UUID, team: Team) -> int:
    """The number of the epoch that the team would get next."""
    top = session.scalar(select(func.max(Epoch.number)).where(Epoch.study_id == study, Epoch.team == team.value))
    return (top or 0) + 1


def add_boxes(
    session: Session,
    collaborators: Collaborators,
    study: UUID,
    key: TeamKey | HeldEpoch,
    pair: KeyPair,
    members: Iterable[tuple[Membership, bytes]],
) -> int:
    """Hand a team's private key to these members (with their public keys); returns how many boxes were made."""
    rows = [
        {
            "epoch_id": key.epoch,
            "user_id": membership.user,
            "fingerprint": membership.fingerprint,
            "box": hpke.wrap(
                public,
                pair.private,
                contexts.member(
                    collaborators.deployment,
                    study=study,
                    team=key.team.value,
                    epoch=key.epoch,
                    team_fingerprint=key.fingerprint,
                    user=membership.user,
                    fingerprint=membership.fingerprint,
                ),
            ),
        }
        for membership, public in members
    ]
    if rows:
        session.execute(insert(Member), rows)
    return len(rows)


def in_use(session: Session, study: UUID, team: Team) -> Sequence[UUID]:
    """The ids of the team's epochs that still exist, old ones with grants to move included."""
    return session.scalars(select(Epoch.id).where(Epoch.study_id == study, Epoch.team == team.value)).all()


def holders(session: Session, study: UUID, team: Team) -> dict[UUID, frozenset[UUID]]:
    """For each person: the epochs of the team that the person holds a box of, bound to the key of the box."""
    query = (
        select(Member.user_id, Member.epoch_id)
        .join(Epoch, Epoch.id == Member.epoch_id)
        .where(Epoch.study_id == study, Epoch.team == team.value)
    )
    found: dict[UUID, frozenset[UUID]] = {}
    for user, epoch in session.execute(query):
        found[user] = found.get(user, frozenset()) | {epoch}
    return found


def confirmed(session: Session, roster: SignedRoster, team: Team) -> frozenset[UUID]:
    """Who of the roster holds a box of every epoch of the team that is in use."""
    return confirmed_by_team(session, roster).get(team, frozenset())


def confirmed_by_team(session: Session, roster: SignedRoster) -> dict[Team, frozenset[UUID]]:
    """For each team with an epoch in use: who of the roster holds a box of every one of them."""
    epochs: dict[Team, set[UUID]] = {}
    boxes: dict[tuple[Team, UUID], set[UUID]] = {}
    for name, epoch, user in session.connection().execute(_BOXES, {"study": roster.study}):
        team = Team(name)
        epochs.setdefault(team, set()).add(epoch)
        if user in roster.members:
            boxes.setdefault((team, user), set()).add(epoch)
    holding: dict[Team, set[UUID]] = {team: set() for team in epochs}
    for (team, user), held_boxes in boxes.items():
        if held_boxes >= epochs[team]:
            holding[team].add(user)
    return {team: frozenset(users) for team, users in holding.items()}


# Every intake asks who is confirmed, so this goes past the mapper.
_epoch, _member = Epoch.table(), Member.table()
_BOXES = (
    select(_epoch.c.team, _epoch.c.id, _member.c.user_id)
    .outerjoin_from(_epoch, _member, _member.c.epoch_id == _epoch.c.id)
    .where(_epoch.c.study_id == bindparam("study"))
)
