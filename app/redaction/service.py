"""The worker's two verbs: lease the next record, redact it. Safe to kill at any line.

A lease is a moment in the row: when it passes, another worker takes the record. A record that fails again and again
ends as ``failed``, visible to redactors, who draft it by hand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert, or_, select, update
from sqlalchemy.orm import Session

from app.access import Actor, ActorKind, Team
from app.audit import service as audit
from app.cases import grants, queries, states
from app.cases.drafts import suggest
from app.cases.grants import Scope
from app.cases.models import Case, Grant, Pack, Record
from app.cases.queries import Status
from app.cases.questionnaire import at_rest, instrument_of
from app.cases.sealing import Compartment, Place, open_pack, seal_pack
from app.cases.states import Change
from app.collaborators import Collaborators
from app.crypto import packs
from app.crypto.principals import KeyPair
from app.crypto.sealed import Sealed
from app.crypto.secrets import Secret
from app.deidentify.engine import Engine, KnownNames, forget
from app.errors import Conflict, Forbidden
from app.studies import roster
from app.studies.answers import identity_names
from app.studies.instrument import Instrument
from app.studies.models import Epoch, Study
from app.studies.policy import StudyPolicy
from app.studies.roster import SYSTEM_STUDY, SignedRoster, TeamKey

WORKER = Actor(ActorKind.WORKER)
# Long enough for a 10,000-word interview on a slow machine, short enough that a crash delays a record only so much.
LEASE = timedelta(minutes=5)
MAX_TRIES = 5
FIRST_PAUSE = timedelta(seconds=5)
KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to redact one record until the lease passes."""

    record: UUID
    id: UUID


def lease_next(session: Session, collaborators: Collaborators, actor: Actor) -> Lease | None:
    """Lease the next waiting record, priority first, then oldest; None if nothing is due."""
    _require_worker(actor)
    now = collaborators.now()
    due = (
        select(Record.id)
        .join(Case, Case.id == Record.case_id)
        .where(Record.status == Status.RECEIVED, Record.next_try_at <= now, Case.frozen.is_(False))
        .order_by(Case.priority.desc(), Record.received_day, Record.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=Record)
    )
    record = session.scalar(due)
    if record is None:
        return None
    lease = Lease(record, uuid4())
    tries = session.scalar(
        update(Record)
        .where(Record.id == record)
        .values(lease_id=lease.id, next_try_at=now + LEASE, tries=Record.tries + 1)
        .returning(Record.tries)
    )
    if tries is not None and tries > MAX_TRIES:
        _give_up(session, collaborators, actor, record)
        return None
    return lease


def fail(session: Session, collaborators: Collaborators, actor: Actor, lease: Lease) -> None:
    """Put a record back with a growing pause after an error, or end it as failed after the last try."""
    _require_worker(actor)
    held = (Record.id == lease.record) & (Record.lease_id == lease.id) & (Record.status == Status.RECEIVED)
    tries = session.scalar(select(Record.tries).where(held))
    if tries is None:
        return
    if tries >= MAX_TRIES:
        _give_up(session, collaborators, actor, lease.record)
        return
    pause = FIRST_PAUSE * 4 ** (tries - 1)
    session.execute(update(Record).where(held).values(lease_id=None, next_try_at=collaborators.now() + pause))


def _give_up(session: Session, collaborators: Collaborators, actor: Actor, record: UUID) -> None:
    row = session.get_one(Record, record)
    row.status, row.lease_id = Status.FAILED, None
    states.note(session, collaborators, actor, "draft.failed", record, Change(states.columns(status=Status.FAILED)))


@dataclass(frozen=True, slots=True)
class _WorkGrant:
    id: UUID
    scope: str
    key: TeamKey
    box: Sealed


@dataclass(slots=True)
class RedactRecord:
    """Reading: open a leased record with the worker's grant and give its sealed draft.

    ``pairs`` are the worker's key pairs by epoch. A record drafted again comes without its identity compartment, so
    its known names are not available and the draft says so.
    """

    collaborators: Collaborators
    actor: Actor
    lease: Lease
    pairs: dict[UUID, KeyPair] = field(repr=False)
    engine: Engine = field(repr=False)
    place: Place = field(init=False)
    system: SignedRoster = field(init=False)
    grant: _WorkGrant = field(init=False)
    instrument: Instrument = field(init=False)
    policy: StudyPolicy = field(init=False)
    packed: dict[str, Sealed] = field(init=False, repr=False)
    version: int = field(init=False)

    def look(self, session: Session) -> None:
        """Fetch the sealed record; Conflict if the lease is no longer ours."""
        _require_worker(self.actor)
        record = session.get_one(Record, self.lease.record)
        if record.lease_id != self.lease.id or record.status != Status.RECEIVED:
            raise Conflict
        self.place = queries.place_of(self.collaborators, record)
        self.system = roster.latest(session, self.collaborators, SYSTEM_STUDY)
        self.grant = self._grant(session)
        self.instrument = instrument_of(session, self.collaborators, record)
        policy = session.scalar(select(Study.policy).where(Study.id == record.study_id))
        self.policy = StudyPolicy.from_dict(policy or {})
        wanted = [Compartment.SOURCE] + ([Compartment.IDENTITY] if self.grant.scope == Scope.WORK else [])
        self.packed = {name.value: queries.pack(session, record.id, name, 0) for name in wanted}
        self.version = record.draft_version + 1
        audit.write(
            session,
            self.collaborators,
            self.actor,
            "record.opened",
            study=record.study_id,
            case=record.case_id,
            record=record.id,
            scope=self.grant.scope,
        )

    def _grant(self, session: Session) -> _WorkGrant:
        row = session.execute(
            select(Grant.id, Grant.scope, Grant.box, Epoch.id, Epoch.number, Epoch.public, Epoch.fingerprint)
            .join(Epoch, Epoch.id == Grant.epoch_id)
            .where(
                Grant.record_id == self.lease.record,
                Grant.scope.in_((Scope.WORK, Scope.REWORK)),
                Epoch.study_id == SYSTEM_STUDY,
                or_(*(Epoch.id == epoch for epoch in self.pairs)),
            )
            .order_by(Grant.scope.desc())
            .limit(1)
        ).one()
        return _WorkGrant(row[0], row[1], TeamKey(row[3], Team.WORKER, row[4], row[5], row[6]), row[2])

    def open(self) -> SealedDraft:
        """Unwrap, de-identify, generalise, seal; the plaintext ends with this call."""
        try:
            return self._drafted()
        finally:
            forget()

    def _drafted(self) -> SealedDraft:
        shares = self.collaborators.keystore.get([self.grant.id], floor=self.system.floor)
        pair, scope = self.pairs[self.grant.key.epoch], self.grant.scope
        keys = grants.open_with(pair, self.place, self.grant.id, scope, self.grant.key, self.grant.box, shares).reveal()
        source = Secret(keys[-KEY_BYTES:])
        values = self._values(source, Compartment.SOURCE)
        names = self._known_names(Secret(keys[:KEY_BYTES])) if scope == Scope.WORK else KnownNames()
        language = str(values.get("interview_language", {}).get("value", "")).split("-")[0] or None
        draft = suggest(
            self.instrument, values, self.policy, lambda texts: self.engine.read(texts, names=names, language=language)
        )
        if scope == Scope.REWORK:
            draft = draft.commented("Drafted again without the names of the identity compartment.")
        sealed = seal_pack(self.place, source, Compartment.SOURCE, draft.to_fields(), self.version)
        return SealedDraft(self.place, self.version, sealed)

    def _values(self, key: Secret, compartment: Compartment) -> dict[str, Any]:
        names = at_rest(self.instrument, compartment)
        return open_pack(self.place, key, compartment, 0, self.packed[compartment], names)

    def _known_names(self, key: Secret) -> KnownNames:
        names = identity_names(self.instrument, self._values(key, Compartment.IDENTITY))
        return KnownNames(names.persons, names.places, names.codes)


@dataclass(frozen=True, slots=True)
class SealedDraft:
    """A draft sealed under the record's source key, ready to be stored."""

    place: Place
    version: int
    sealed: Sealed


def store_draft(session: Session, collaborators: Collaborators, actor: Actor, lease: Lease, draft: SealedDraft) -> None:
    """Store a draft and destroy the worker's share; Conflict if the lease passed to somebody else meanwhile."""
    _require_worker(actor)
    done = session.scalar(
        update(Record)
        .where(Record.id == lease.record, Record.lease_id == lease.id, Record.status == Status.RECEIVED)
        .values(status=Status.DRAFTED, lease_id=None, draft_version=draft.version)
        .returning(Record.id)
    )
    if done is None:
        raise Conflict
    digest = packs.digest(draft.sealed)
    session.execute(
        insert(Pack).values(
            record_id=lease.record,
            compartment=Compartment.SOURCE.value,
            version=draft.version,
            sealed=draft.sealed,
            digest=digest,
        )
    )
    dropped = grants.drop(session, collaborators, lease.record, (Scope.WORK, Scope.REWORK))
    made = states.columns(status=Status.DRAFTED, draft_version=draft.version)
    made |= states.of_pack(Compartment.SOURCE.value, draft.version, draft.sealed)
    states.note(
        session,
        collaborators,
        actor,
        "draft.stored",
        lease.record,
        Change(made, dropped),
        digest=digest.hex(),
        version=draft.version,
    )


def _require_worker(actor: Actor) -> None:
    if actor.kind is not ActorKind.WORKER:
        raise Forbidden
