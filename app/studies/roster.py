"""The roster: the signed list of who belongs to a study, as what, and which team keys are current.

Roles and public keys are read from nowhere else. A row that a database administrator puts in, or an old version put
back, does not verify or lies below the floor that the keystore keeps.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, event, func, insert, select
from sqlalchemy.orm import Session

from app.access import Role, Team
from app.collaborators import Collaborators
from app.crypto import contexts
from app.crypto.encoding import canonical_json
from app.crypto.principals import fingerprint
from app.crypto.signing import verify
from app.errors import BadSignature, Malformed, NotFound, RosterRejected, TestimonyError
from app.keystore.service import Floor
from app.studies.models import Roster, Study

# The roster that names the worker's epochs belongs to no study.
SYSTEM_STUDY = UUID(int=0)
SIGNING_KEY = "roster-1"
CACHED_ROSTERS = 512


@dataclass(frozen=True, slots=True)
class Membership:
    """One person's place in a study, and who gave it; after ``expires`` the roles are gone, at the second."""

    user: UUID
    roles: frozenset[Role]
    fingerprint: bytes
    expires: datetime | None = None
    admitted_by: UUID | None = None

    def live(self, now: datetime) -> bool:
        """Whether the agreement still runs."""
        return self.expires is None or now < self.expires


@dataclass(frozen=True, slots=True)
class TeamKey:
    """The public half of a team's current epoch."""

    epoch: UUID
    team: Team
    number: int
    public: bytes
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class SignedRoster:
    """A roster that verified. ``exempt`` marks a demo study that needs no quorum of people."""

    study: UUID
    version: int
    exempt: bool = False
    members: Mapping[UUID, Membership] = field(default_factory=dict)
    epochs: Mapping[Team, TeamKey] = field(default_factory=dict)

    @property
    def floor(self) -> Floor:
        """What the keystore checks each share access against."""
        return Floor(self.study, self.version)

    def roles_of(self, user: UUID, now: datetime) -> frozenset[Role]:
        """The roles of a person at this moment; empty for strangers and for expired agreements."""
        membership = self.members.get(user)
        return membership.roles if membership is not None and membership.live(now) else frozenset()

    def key_of(self, team: Team) -> TeamKey:
        """The team's current public key; NotFound if the team was never founded."""
        try:
            return self.epochs[team]
        except KeyError:
            raise NotFound from None

    def with_member(self, membership: Membership) -> SignedRoster:
        """The next version with this person in, or changed."""
        return replace(self, version=self.version + 1, members={**self.members, membership.user: membership})

    def without_member(self, user: UUID) -> SignedRoster:
        """The next version without this person."""
        members = {who: place for who, place in self.members.items() if who != user}
        return replace(self, version=self.version + 1, members=members)

    def with_epoch(self, key: TeamKey) -> SignedRoster:
        """The same version with this epoch current: callers join it to a change that raises the version."""
        return replace(self, epochs={**self.epochs, key.team: key})

    def next(self) -> SignedRoster:
        """The same content as the next version."""
        return replace(self, version=self.version + 1)


def body_of(roster: SignedRoster) -> bytes:
    """The canonical JSON that is signed and stored."""
    return canonical_json(
        {
            "study": str(roster.study),
            "version": roster.version,
            "exempt": roster.exempt,
            "members": [
                {
                    "user": str(place.user),
                    "roles": sorted(place.roles),
                    "fingerprint": place.fingerprint.hex(),
                    "expires": None if place.expires is None else int(place.expires.timestamp()),
                    "admitted_by": None if place.admitted_by is None else str(place.admitted_by),
                }
                for place in sorted(roster.members.values(), key=lambda place: place.user)
            ],
            "epochs": [
                {
                    "epoch": str(key.epoch),
                    "team": key.team.value,
                    "number": key.number,
                    "public": base64.b64encode(key.public).decode(),
                }
                for key in sorted(roster.epochs.values(), key=lambda key: key.team)
            ],
        }
    )


def parse(body: bytes) -> SignedRoster:
    """Read a body whose signature verified; RosterRejected if it is not one of ours."""
    try:
        tree = json.loads(body)
        roster = SignedRoster(
            study=UUID(tree["study"]),
            version=tree["version"],
            exempt=tree["exempt"],
            members={UUID(row["user"]): _membership(row) for row in tree["members"]},
            epochs={Team(row["team"]): _team_key(row) for row in tree["epochs"]},
        )
    except (AttributeError, KeyError, TypeError, ValueError, Malformed):
        raise RosterRejected from None
    return roster


def _membership(row: dict[str, Any]) -> Membership:
    return Membership(
        user=UUID(row["user"]),
        roles=frozenset(Role(role) for role in row["roles"]),
        fingerprint=bytes.fromhex(row["fingerprint"]),
        expires=None if row["expires"] is None else datetime.fromtimestamp(row["expires"], UTC),
        admitted_by=None if row["admitted_by"] is None else UUID(row["admitted_by"]),
    )


def _team_key(row: dict[str, Any]) -> TeamKey:
    public = base64.b64decode(row["public"], validate=True)
    return TeamKey(UUID(row["epoch"]), Team(row["team"]), row["number"], public, fingerprint(public))


@lru_cache(maxsize=CACHED_ROSTERS)
def _verified(
    deployment: UUID, public: bytes, key_id: str, study: UUID, version: int, body: bytes, sig: bytes
) -> SignedRoster:
    message = contexts.roster(deployment, key_id=key_id, study=study, version=version, body=body)
    try:
        verify(public, message, sig)
    except BadSignature:
        raise RosterRejected from None
    roster = parse(body)
    if (roster.study, roster.version) != (study, version):
        raise RosterRejected
    return roster


def latest(session: Session, collaborators: Collaborators, study: UUID) -> SignedRoster:
    """The newest roster that verifies. The caller's next keystore call checks its floor.

    Raises:
        NotFound: the study has none.
        RosterRejected: it does not verify.
    """
    return _newest(session, collaborators, study, study)[0]


def latest_with_system(
    session: Session, collaborators: Collaborators, study: UUID
) -> tuple[SignedRoster, SignedRoster]:
    """The newest roster of a study and that of the system, as ``latest``, in one statement."""
    mine, system = _newest(session, collaborators, study, SYSTEM_STUDY)
    return mine, system


def _newest(session: Session, collaborators: Collaborators, *studies: UUID) -> list[SignedRoster]:
    wanted = dict(zip(("one", "other"), studies, strict=True))
    rows = {row.study_id: row for row in session.connection().execute(_NEWEST, wanted)}
    if not rows.keys() >= set(studies):
        raise NotFound
    return [_of_row(collaborators, rows[study]) for study in studies]


def _of_row(collaborators: Collaborators, row: Any) -> SignedRoster:
    public = collaborators.custody.public(row.key_id)
    return _verified(collaborators.deployment, public, row.key_id, row.study_id, row.version, row.body, row.signature)


# Every request asks for rosters, so this is built once and goes past the mapper.
_row, _same = Roster.table(), Roster.table().alias()
_NEWEST = select(_row.c.study_id, _row.c.key_id, _row.c.version, _row.c.body, _row.c.signature).where(
    _row.c.study_id.in_([bindparam(name, type_=_row.c.study_id.type) for name in ("one", "other")]),
    _row.c.version == select(func.max(_same.c.version)).where(_same.c.study_id == _row.c.study_id).scalar_subquery(),
)


def current(session: Session, collaborators: Collaborators, study: UUID) -> SignedRoster:
    """The newest roster, checked against the keystore's floor; a newer one raises the floor.

    Raises:
        NotFound: the study has none.
        RosterRejected: it does not verify or lies below the floor.
    """
    roster = latest(session, collaborators, study)
    floor = collaborators.keystore.floor(study)
    if roster.version < floor:
        raise RosterRejected
    if roster.version > floor:
        collaborators.keystore.raise_floor(study, roster.version)
    return roster


def hold(session: Session, study: UUID) -> None:
    """Let changes of one study's people follow one another: held until the transaction ends, and no intake waits."""
    session.execute(select(Study.id).where(Study.id == study).with_for_update(key_share=True))


def write(session: Session, collaborators: Collaborators, roster: SignedRoster) -> None:
    """Sign and store the next version; once it is committed the keystore's floor follows.

    Two writers of the same version meet the primary key: one of them gets Conflict.
    """
    body = body_of(roster)
    message = contexts.roster(
        collaborators.deployment, key_id=SIGNING_KEY, study=roster.study, version=roster.version, body=body
    )
    session.execute(
        insert(Roster).values(
            study_id=roster.study,
            version=roster.version,
            key_id=SIGNING_KEY,
            body=body,
            signature=collaborators.custody.sign(SIGNING_KEY, message),
            written_at=collaborators.now(),
        )
    )

    def follow(_session: Session) -> None:
        # A reader that finds the newer roster raises the floor too, so a failure here is made good.
        try:
            collaborators.keystore.raise_floor(roster.study, roster.version)
        except TestimonyError:
            return

    event.listen(session, "after_commit", follow, once=True)
