"""Moving grants from old epochs to the current one, a record at a time.

Any confirmed member of a team moves the team's grants; the worker moves what waits for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.access import Actor, ActorKind, Permission, Team, require, teams_of
from app.audit import service as audit
from app.cases import grants, states
from app.cases.grants import NewGrants
from app.cases.making import Attempt
from app.cases.models import Grant, Record
from app.cases.sealing import Place
from app.cases.states import Change
from app.collaborators import Collaborators
from app.crypto.grants import open_box
from app.crypto.principals import KeyPair
from app.errors import Conflict, Forbidden, NotFound
from app.keystore.service import Floor
from app.studies import roster, teams
from app.studies.models import Epoch
from app.studies.roster import SYSTEM_STUDY, SignedRoster, TeamKey
from app.studies.teams import HeldEpoch

# One call's work stays within one request; callers repeat until nothing is left.
MOVED_PER_CALL = 500


@dataclass(frozen=True, slots=True)
class MovesLeft:
    """How many of a team's grants rest under its current epoch, and how many under older ones."""

    done: int
    left: int


def to_move(
    session: Session, actor: Actor, signed: SignedRoster, team: Team, *, limit: int = MOVED_PER_CALL
) -> Sequence[UUID]:
    """The next records, at most ``limit``, with grants under old epochs of the team that the actor can open."""
    _check_in_team(actor, team)
    old = [epoch.epoch for epoch in _old(session, actor, signed, team)]
    wanted = select(Grant.record_id).where(Grant.epoch_id.in_(old)).distinct()
    return session.scalars(wanted.limit(min(limit, MOVED_PER_CALL))).all()


def moves_left(session: Session, actor: Actor, signed: SignedRoster, team: Team) -> MovesLeft:
    """How far moving is, for one of the team.

    Raises:
        Forbidden: the actor is not of the team.
        NotFound: the team was never founded.
    """
    _check_in_team(actor, team)
    return MovesLeft(_grants_under(session, [signed.key_of(team).epoch]), left_to_move(session, signed, team))


def left_to_move(session: Session, signed: SignedRoster, team: Team) -> int:
    """How many grants still rest under old epochs of the team."""
    current = signed.key_of(team).epoch
    return _grants_under(session, [epoch for epoch in teams.in_use(session, signed.study, team) if epoch != current])


def _grants_under(session: Session, epochs: Sequence[UUID]) -> int:
    return session.scalar(select(func.count()).select_from(Grant).where(Grant.epoch_id.in_(epochs))) or 0


def _check_in_team(actor: Actor, team: Team) -> None:
    require(actor, Permission.GRANT_MOVE)
    if team not in teams_of(actor.roles):
        raise Forbidden


@dataclass(slots=True)
class _Move:
    """Making: the grants of one record under old epochs of a team get new boxes and shares; the old shares go.

    A grant whose share is gone already opens nothing and is only cleared away. A frozen record moves too: it stays
    frozen, under a key that the people of today hold.
    """

    collaborators: Collaborators
    actor: Actor
    record: UUID
    place: Place = field(init=False)
    key: TeamKey = field(init=False)
    floor: Floor = field(init=False)
    rows: list[Grant] = field(init=False, repr=False)
    new: NewGrants = field(init=False)

    def _find(self, session: Session, signed: SignedRoster, team: Team, old: Iterable[UUID]) -> None:
        row = session.get(Record, self.record)
        if row is None or self.actor.study not in {None, row.study_id}:
            raise NotFound
        self.place = Place(self.collaborators.deployment, row.study_id, row.case_id, row.id)
        self.key, self.floor = signed.key_of(team), signed.floor
        query = select(Grant).where(Grant.record_id == self.record, Grant.epoch_id.in_(list(old)))
        self.rows = list(session.scalars(query))
        audit.write(
            session,
            self.collaborators,
            self.actor,
            "grants.opened",
            study=row.study_id,
            record=self.record,
            count=len(self.rows),
        )

    def _pairs(self) -> Mapping[UUID, KeyPair]:
        raise NotImplementedError

    def _fingerprint(self, epoch: UUID) -> bytes:
        raise NotImplementedError

    def seal(self) -> Attempt:
        """Open each grant and wrap its secret to the current epoch."""
        store, now = self.collaborators.keystore, self.collaborators.now()
        standing = set(store.share_ids(self.record))
        live = [row for row in self.rows if row.id in standing and (row.expires_at is None or row.expires_at > now)]
        shares = store.get([row.id for row in live], floor=self.floor, moving=True)
        pairs = self._pairs() if live else {}
        self.new = NewGrants(self.place)
        for row in live:
            context = grants.grant_context(self.place, row.id, row.scope, row.epoch_id, self._fingerprint(row.epoch_id))
            secret = open_box(shares[row.id], context, pairs[row.epoch_id], row.box)
            self.new.add(row.scope, self.key, secret, expires_at=row.expires_at)
        return Attempt(self.record, self.new.shares, self.floor, moving=True)

    def store(self, session: Session) -> int:
        """Put the new grants in the place of the old ones; returns how many."""
        ids = [row.id for row in self.rows]
        gone = session.scalars(delete(Grant).where(Grant.id.in_(ids)).returning(Grant.id)).all()
        if len(gone) != len(ids):
            raise Conflict
        grants.discard_shares(session, self.collaborators, ids)
        change = Change(self.new.store(session) if self.new.rows else {}, [states.grant_key(each) for each in ids])
        states.note(session, self.collaborators, self.actor, "grants.moved", self.record, change)
        return len(ids)


@dataclass(slots=True)
class MoveGrants(_Move):
    """Making: a member moves one record's grants of a team."""

    team: Team
    held: dict[UUID, HeldEpoch] = field(init=False, repr=False)

    def plan(self, session: Session) -> None:
        """Find the grants and the roster's current key."""
        require(self.actor, Permission.GRANT_MOVE)
        if self.actor.study is None:
            raise Forbidden
        signed = roster.latest(session, self.collaborators, self.actor.study)
        self.held = {epoch.epoch: epoch for epoch in _old(session, self.actor, signed, self.team)}
        self._find(session, signed, self.team, self.held)

    def _pairs(self) -> Mapping[UUID, KeyPair]:
        return {
            row.epoch_id: teams.open_epoch(self.collaborators, self.actor, self.held[row.epoch_id]) for row in self.rows
        }

    def _fingerprint(self, epoch: UUID) -> bytes:
        return self.held[epoch].fingerprint


@dataclass(slots=True)
class MoveWork(_Move):
    """Making: the worker moves one waiting record to its current key; ``pairs`` are its key pairs by epoch."""

    pairs: Mapping[UUID, KeyPair] = field(repr=False)

    def plan(self, session: Session) -> None:
        """Find the grants and the system roster's current key."""
        if self.actor.kind is not ActorKind.WORKER:
            raise Forbidden
        signed = roster.latest(session, self.collaborators, SYSTEM_STUDY)
        current = signed.key_of(Team.WORKER).epoch
        self._find(session, signed, Team.WORKER, self.pairs.keys() - {current})

    def _pairs(self) -> Mapping[UUID, KeyPair]:
        return self.pairs

    def _fingerprint(self, epoch: UUID) -> bytes:
        return self.pairs[epoch].fingerprint


def work_to_move(session: Session, collaborators: Collaborators) -> Sequence[UUID]:
    """The next records that wait under an old key of the worker."""
    current = roster.latest(session, collaborators, SYSTEM_STUDY).key_of(Team.WORKER).epoch
    query = select(Grant.record_id).join(Epoch, Epoch.id == Grant.epoch_id)
    query = query.where(Epoch.study_id == SYSTEM_STUDY, Epoch.id != current)
    return session.scalars(query.distinct().limit(MOVED_PER_CALL)).all()


def end_epochs(session: Session, collaborators: Collaborators, actor: Actor, signed: SignedRoster, team: Team) -> int:
    """Delete the team's old epochs that no grant refers to, their boxes with them; returns how many.

    The foreign key has the last word: an epoch that got a grant meanwhile stays.
    """
    if team is Team.WORKER:
        if actor.kind is not ActorKind.WORKER:
            raise Forbidden
    else:
        require(actor, Permission.GRANT_MOVE)
    current = signed.key_of(team).number
    ended = 0
    # Older ones only: a key made since this roster was read is nobody's to delete.
    older = select(Epoch.id).where(Epoch.study_id == signed.study, Epoch.team == team.value, Epoch.number < current)
    for epoch in session.scalars(older).all():
        try:
            with session.begin_nested():
                session.execute(delete(Epoch).where(Epoch.id == epoch))
        except IntegrityError:
            continue
        audit.write(session, collaborators, actor, "epoch.ended", epoch=str(epoch), team=team.value)
        ended += 1
    return ended


def _old(session: Session, actor: Actor, signed: SignedRoster, team: Team) -> list[HeldEpoch]:
    current = signed.key_of(team).number
    held = teams.held(session, signed.study, actor.user(), team)
    return [epoch for epoch in held if epoch.number < current]
