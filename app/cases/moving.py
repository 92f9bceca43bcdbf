"""Moving grants from old epochs to the current one, a record at a time, by any confirmed member of the team."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.access import Actor, Permission, Team, require
from app.audit import service as audit
from app.cases import grants
from app.cases.grants import FoundGrant, NewGrants
from app.cases.making import Attempt
from app.cases.models import Grant, Record
from app.cases.sealing import Place
from app.collaborators import Collaborators
from app.errors import Conflict, Forbidden, NotFound
from app.studies import roster, teams
from app.studies.models import Epoch
from app.studies.roster import SignedRoster
from app.studies.teams import HeldEpoch

# One call's work stays within one request; callers repeat until nothing is left.
MOVED_PER_CALL = 500


def to_move(session: Session, actor: Actor, signed: SignedRoster, team: Team) -> Sequence[UUID]:
    """The next records with grants under old epochs of the team that the actor can open."""
    require(actor, Permission.GRANT_MOVE)
    old = [epoch.epoch for epoch in _old(session, actor, signed, team)]
    query = select(Grant.record_id).where(Grant.epoch_id.in_(old)).distinct().limit(MOVED_PER_CALL)
    return session.scalars(query).all()


def left_to_move(session: Session, signed: SignedRoster, team: Team) -> int:
    """How many grants still rest under old epochs of the team."""
    current = signed.key_of(team).epoch
    old = [epoch for epoch in teams.in_use(session, signed.study, team) if epoch != current]
    return len(session.scalars(select(Grant.id).where(Grant.epoch_id.in_(old))).all())


@dataclass(slots=True)
class MoveGrants:
    """Making: the grants of one record under old epochs of a team get new boxes and shares; the old shares go."""

    collaborators: Collaborators
    actor: Actor
    team: Team
    record: UUID
    place: Place = field(init=False)
    signed: SignedRoster = field(init=False)
    found: list[FoundGrant] = field(init=False)
    new: NewGrants = field(init=False)

    def plan(self, session: Session) -> None:
        """Find the grants and the roster's current key."""
        require(self.actor, Permission.GRANT_MOVE)
        if self.actor.study is None:
            raise Forbidden
        self.signed = roster.latest(session, self.collaborators, self.actor.study)
        record = session.get(Record, self.record)
        if record is None or record.study_id != self.actor.study:
            raise NotFound
        self.place = Place(self.collaborators.deployment, record.study_id, record.case_id, record.id)
        old = {epoch.epoch: epoch for epoch in _old(session, self.actor, self.signed, self.team)}
        rows = session.scalars(select(Grant).where(Grant.record_id == self.record, Grant.epoch_id.in_(old)))
        self.found = [FoundGrant(row.id, row.scope, row.box, old[row.epoch_id], row.expires_at) for row in rows]
        audit.write(session, self.collaborators, self.actor, "grants.opened", record=self.record, count=len(self.found))

    def seal(self) -> Attempt:
        """Open each grant and wrap its secret to the current epoch."""
        store = self.collaborators.keystore
        shares = store.get([grant.id for grant in self.found], floor=self.signed.floor, moving=True)
        key = self.signed.key_of(self.team)
        self.new = NewGrants(self.place)
        for grant in self.found:
            pair = teams.open_epoch(self.collaborators, self.actor, grant.epoch)
            secret = grants.open_with(pair, self.place, grant.id, grant.scope, grant.epoch, grant.box, shares)
            self.new.add(grant.scope, key, secret, expires_at=grant.expires_at)
        return Attempt(self.record, self.new.shares, self.signed.floor, moving=True)

    def store(self, session: Session) -> int:
        """Put the new grants in the place of the old ones; returns how many."""
        ids = [grant.id for grant in self.found]
        gone = session.scalars(delete(Grant).where(Grant.id.in_(ids)).returning(Grant.id)).all()
        if len(gone) != len(ids):
            raise Conflict
        if ids:
            boxes = self.new.store(session)
            grants.discard_shares(session, self.collaborators, ids)
            grants.note(session, self.collaborators, self.actor, "grants.moved", self.place, boxes)
        return len(ids)


def end_epochs(session: Session, collaborators: Collaborators, actor: Actor, signed: SignedRoster, team: Team) -> int:
    """Delete the team's old epochs that no grant refers to, their boxes with them; returns how many.

    The foreign key has the last word: an epoch that got a grant meanwhile stays.
    """
    require(actor, Permission.GRANT_MOVE)
    current = signed.key_of(team).epoch
    ended = 0
    for epoch in teams.in_use(session, signed.study, team):
        if epoch == current:
            continue
        try:
            with session.begin_nested():
                session.execute(delete(Epoch).where(Epoch.id == epoch))
        except IntegrityError:
            continue
        audit.write(session, collaborators, actor, "epoch.ended", epoch=str(epoch), team=team.value)
        ended += 1
    return ended


def _old(session: Session, actor: Actor, signed: SignedRoster, team: Team) -> list[HeldEpoch]:
    current = signed.key_of(team).epoch
    held = teams.held(session, signed.study, actor.user(), team)
    return [epoch for epoch in held if epoch.epoch != current]
