"""A redactor's and an approver's work on a draft: take, read, edit, finish, send back, draft again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, insert, update
from sqlalchemy.orm import Session

from app.access import Actor, ActorKind, Permission, Role, Team, require
from app.audit import service as audit
from app.audit.parts import Parts
from app.cases import drafts, grants, queries, states
from app.cases.drafts import Draft, Residual
from app.cases.grants import FoundGrant, NewGrants, Scope
from app.cases.making import Attempt
from app.cases.models import Case, Pack, Record
from app.cases.queries import Status
from app.cases.questionnaire import at_rest, instrument_of
from app.cases.sealing import Compartment, Place, open_pack, seal_pack
from app.cases.states import Change
from app.collaborators import Collaborators
from app.crypto import packs
from app.crypto.sealed import Sealed
from app.crypto.secrets import Secret
from app.errors import Conflict, Forbidden, NotFound
from app.review import policies
from app.review.edits import Edit
from app.studies import roster
from app.studies.instrument import Instrument
from app.studies.models import Study
from app.studies.policy import StudyPolicy
from app.studies.release import release_answers
from app.studies.roster import SYSTEM_STUDY, SignedRoster

SOURCE = Compartment.SOURCE
FIRST_DRAFT = 1


def take(session: Session, collaborators: Collaborators, actor: Actor) -> tuple[Record, Case]:
    """Assign the first of the queue that is not one's own; what one already works on comes first. NotFound: none."""
    require(actor, Permission.RECORD_TAKE)
    waiting = queries.queue(actor)
    mine = (Record.redactor_id == actor.user()) | (Record.approver_id == actor.user())
    row = session.execute(waiting.order_by(None).where(mine).limit(1)).one_or_none()
    if row is not None:
        return row
    row = session.execute(waiting.limit(1).with_for_update(skip_locked=True, of=Record)).one_or_none()
    if row is None:
        raise NotFound
    _assign(session, collaborators, actor, row[0])
    return row


def take_one(session: Session, collaborators: Collaborators, actor: Actor, record: UUID) -> tuple[Record, Case]:
    """Assign one record of the actor's queue; NotFound if it is not, or no longer, in it."""
    require(actor, Permission.RECORD_TAKE)
    waiting = queries.queue(actor).order_by(None).where(Record.id == record)
    row = queries.one(session, waiting.with_for_update(skip_locked=True, of=Record))
    holder = row[0].approver_id if row[0].status == Status.FINISHED else row[0].redactor_id
    if holder != actor.user():
        _assign(session, collaborators, actor, row[0])
    return row


def _assign(session: Session, collaborators: Collaborators, actor: Actor, record: Record) -> None:
    column = "approver_id" if record.status == Status.FINISHED else "redactor_id"
    setattr(record, column, actor.user())
    change = Change(states.columns(**{column: actor.user()}))
    states.note(session, collaborators, actor, "case.assigned", record.id, change)


def unassign(session: Session, collaborators: Collaborators, actor: Actor, study: UUID, user: UUID) -> None:
    """Put what a removed member was working on back into the queue."""
    here = Record.study_id == study
    _free(session, collaborators, actor, "redactor_id", here, Record.redactor_id == user)
    finished = Record.status == Status.FINISHED
    _free(session, collaborators, actor, "approver_id", here, finished, Record.approver_id == user)


def _free(
    session: Session, collaborators: Collaborators, actor: Actor, column: str, *which: ColumnElement[bool]
) -> None:
    for record in session.scalars(update(Record).where(*which).values({column: None}).returning(Record.id)).all():
        change = Change(states.columns(**{column: None}))
        states.note(session, collaborators, actor, "case.unassigned", record, change)


def give_back(session: Session, collaborators: Collaborators, actor: Actor, study: UUID) -> None:
    """Put back into the queue what is assigned to people who have no such role any more; for the operator's timer.

    An agreement that ended, or a role that changed, would otherwise keep a record from everybody.
    """
    if actor.kind is not ActorKind.OPERATOR:
        raise Forbidden
    signed, now = roster.current(session, collaborators, study), collaborators.now()
    working = (Record.study_id == study, Record.status != Status.RELEASED)
    for column, role in ((Record.redactor_id, Role.REDACTOR), (Record.approver_id, Role.APPROVER)):
        able = [user for user in signed.members if role in signed.roles_of(user, now)]
        _free(session, collaborators, actor, column.key, *working, column.not_in(able))


@dataclass(frozen=True, slots=True)
class Source:
    """The source as it came in, with the newest draft and the digest of its pack."""

    record: UUID
    values: dict[str, Any] = field(repr=False)
    draft: Draft | None = field(repr=False)
    version: int
    digest: bytes | None


@dataclass(slots=True)
class OpenSource:
    """Reading: the source and the newest draft of a record one works on."""

    collaborators: Collaborators
    actor: Actor
    record: UUID
    permission: Permission = Permission.SOURCE_READ
    row: Record = field(init=False, repr=False)
    code: str = field(init=False)
    place: Place = field(init=False)
    signed: SignedRoster = field(init=False)
    found: FoundGrant = field(init=False)
    packed: dict[int, Sealed] = field(init=False, repr=False)
    instrument: Instrument = field(init=False)
    policy: StudyPolicy = field(init=False)

    def look(self, session: Session) -> None:
        """Authorise, fetch, and write the event of the read."""
        require(self.actor, self.permission, now=self.collaborators.now())
        self.row, case = queries.one(session, queries.assigned(self.actor, self.record))
        self.code = case.code
        self.place = queries.place_of(self.collaborators, self.row)
        self.signed = roster.latest(session, self.collaborators, self.row.study_id)
        self.found = grants.find(session, self.actor, self.record, Scope.SOURCE)
        versions = {0, self.row.draft_version}
        self.packed = {version: queries.pack(session, self.record, SOURCE, version) for version in versions}
        self.instrument = instrument_of(session, self.collaborators, self.row)
        policy = session.get_one(Study, self.row.study_id).policy
        self.policy = StudyPolicy.from_dict(policy)
        audit.write(session, self.collaborators, self.actor, "source.read", case=case.id, record=self.record)

    def key(self) -> Secret:
        """Unwrap the source key."""
        opened = grants.open_found(self.collaborators, self.actor, self.place, [self.found], self.signed.floor)
        return opened[Scope.SOURCE]

    def decrypt(self, key: Secret) -> Source:
        """Open source and draft under the source key."""
        values = open_pack(self.place, key, SOURCE, 0, self.packed[0], at_rest(self.instrument, SOURCE))
        version = self.row.draft_version
        if version == 0:
            return Source(self.record, values, None, 0, None)
        draft = Draft.from_fields(open_pack(self.place, key, SOURCE, version, self.packed[version]))
        return Source(self.record, values, draft, version, packs.digest(self.packed[version]))

    def open(self) -> Source:
        """Unwrap and decrypt."""
        return self.decrypt(self.key())


@dataclass(frozen=True, slots=True)
class NextDraft:
    """A draft sealed as the version after the one it was made from."""

    record: UUID
    before: int
    sealed: Sealed
    draft: Draft = field(repr=False)


@dataclass(slots=True)
class EditDraft:
    """Reading: apply span decisions to the newest draft, or make the first draft of a failed record by hand."""

    source: OpenSource
    version: int
    edit: Edit = field(repr=False)
    residual: Residual | None = field(default=None, repr=False)

    def look(self, session: Session) -> None:
        """Authorise and fetch."""
        require(self.source.actor, Permission.DRAFT_EDIT)
        self.source.look(session)
        policies.check_editable(self.source.actor, self.source.row, self.version)

    def open(self) -> NextDraft:
        """Open, decide, seal the next version; the approver's comment stays until there is another."""
        opened, key = self.source, self.source.key()
        source = opened.decrypt(key)
        draft = source.draft or self._blank(source.values)
        edits = self.edit(draft, drafts.narratives(opened.instrument, source.values))
        decided = drafts.decide(draft, opened.instrument, source.values, edits)
        return _sealed(opened, key, replace(decided, residual=self.residual or draft.residual))

    def _blank(self, values: dict[str, Any]) -> Draft:
        released = release_answers(self.source.instrument, values, self.source.policy)
        texts = drafts.narratives(self.source.instrument, values)
        return Draft({name: drafts.DraftText((), text) for name, text in texts.items()}, released)


@dataclass(slots=True)
class SendBack:
    """Reading: the approver's comment as the next version of the draft."""

    source: OpenSource
    comment: str = field(repr=False)

    def look(self, session: Session) -> None:
        """Authorise and fetch."""
        require(self.source.actor, Permission.DRAFT_RETURN)
        self.source.look(session)
        policies.check_approvable(session, self.source.actor, self.source.row)

    def open(self) -> NextDraft:
        """Open, comment, seal the next version."""
        key = self.source.key()
        draft = self.source.decrypt(key).draft
        if draft is None:
            raise Conflict
        return _sealed(self.source, key, draft.commented(self.comment))


def _sealed(opened: OpenSource, key: Secret, draft: Draft) -> NextDraft:
    before = opened.row.draft_version
    sealed = seal_pack(opened.place, key, SOURCE, draft.to_fields(), before + 1)
    return NextDraft(opened.record, before, sealed, draft)


def store_edit(session: Session, collaborators: Collaborators, actor: Actor, edited: NextDraft) -> bytes:
    """Store an edited draft; a first draft by hand also ends the worker's grant. Returns the pack's digest.

    The draft it was made from goes, unless it is the machine's first: a desk saves every few seconds.
    """
    require(actor, Permission.DRAFT_EDIT)
    _advance(session, actor, edited, (Status.DRAFTED, Status.FAILED), {"status": Status.DRAFTED})
    digest = _store_pack(session, edited)
    superseded = _drop_superseded(session, edited)
    by_hand = grants.drop(session, collaborators, edited.record, (Scope.WORK, Scope.REWORK))
    action = "draft.stored" if by_hand else "draft.edited"
    change, version = Change(_drafted(edited, status=Status.DRAFTED), [*by_hand, *superseded]), edited.before + 1
    states.note(session, collaborators, actor, action, edited.record, change, digest=digest.hex(), version=version)
    return digest


def _drop_superseded(session: Session, edited: NextDraft) -> list[str]:
    old = (Pack.record_id == edited.record, Pack.compartment == SOURCE.value, Pack.version == edited.before)
    gone = session.scalars(delete(Pack).where(*old, Pack.version > FIRST_DRAFT).returning(Pack.version)).all()
    return [states.pack_key(SOURCE.value, version) for version in gone]


def store_returned(session: Session, collaborators: Collaborators, actor: Actor, returned: NextDraft) -> None:
    """Undo the finish: the commented draft goes back to the redactor who finished it."""
    require(actor, Permission.DRAFT_RETURN)
    undone = {"status": Status.DRAFTED, "draft_digest": None, "finished_by": None, "approver_id": None}
    _advance(session, actor, returned, (Status.FINISHED,), undone)
    digest = _store_pack(session, returned)
    change = Change(_drafted(returned, **undone))
    states.note(session, collaborators, actor, "draft.returned", returned.record, change, digest=digest.hex())


def _drafted(draft: NextDraft, **columns: Any) -> Parts:
    """The next version of a draft, and the columns that come with it, as parts of the record."""
    version = draft.before + 1
    return states.columns(draft_version=version, **columns) | states.of_pack(SOURCE.value, version, draft.sealed)


def _advance(
    session: Session, actor: Actor, draft: NextDraft, statuses: tuple[str, ...], values: dict[str, Any]
) -> None:
    mine = Record.approver_id if Status.FINISHED in statuses else Record.redactor_id
    done = session.scalar(
        update(Record)
        .where(
            Record.id == draft.record,
            mine == actor.user(),
            Record.status.in_(statuses),
            Record.draft_version == draft.before,
        )
        .values(draft_version=draft.before + 1, **values)
        .returning(Record.id)
    )
    if done is None:
        raise Conflict("Somebody saved a newer draft; read it again.")


def _store_pack(session: Session, draft: NextDraft) -> bytes:
    digest = packs.digest(draft.sealed)
    values = {"record_id": draft.record, "compartment": SOURCE.value, "version": draft.before + 1}
    session.execute(insert(Pack).values(sealed=draft.sealed, digest=digest, **values))
    return digest


def finish(session: Session, collaborators: Collaborators, actor: Actor, record: UUID, version: int) -> bytes:
    """Fix the draft's digest and hand it to the approvers; returns the digest. Conflict if it is not the newest."""
    require(actor, Permission.DRAFT_FINISH)
    row, _ = queries.one(session, queries.assigned(actor, record))
    policies.check_editable(actor, row, version)
    if row.draft_version == 0:
        raise Conflict("There is no draft yet.")
    digest = packs.digest(queries.pack(session, record, SOURCE, version))
    finished = {"status": Status.FINISHED, "draft_digest": digest, "finished_by": actor.user(), "approver_id": None}
    # Checked again in the statement: an edit, a removal or a draft asked for anew may have come first.
    done = session.scalar(
        update(Record)
        .where(
            Record.id == record,
            Record.redactor_id == actor.user(),
            Record.status.in_((Status.DRAFTED, Status.FAILED)),
            Record.draft_version == version,
        )
        .values(finished)
        .returning(Record.id)
    )
    if done is None:
        raise Conflict("Somebody saved a newer draft; read it again.")
    change = Change(states.columns(**finished))
    states.note(session, collaborators, actor, "draft.finished", record, change, digest=digest.hex())
    return digest


@dataclass(slots=True)
class DraftAgain:
    """Making: hand the source back to the worker for a fresh machine draft; the identity names stay out of reach."""

    source: OpenSource
    new: NewGrants = field(init=False)
    system: SignedRoster = field(init=False)

    def plan(self, session: Session) -> None:
        """Authorise and fetch."""
        require(self.source.actor, Permission.DRAFT_EDIT)
        self.source.look(session)
        policies.check_editable(self.source.actor, self.source.row, self.source.row.draft_version)
        self.system = roster.current(session, self.source.collaborators, SYSTEM_STUDY)

    def seal(self) -> Attempt:
        """Wrap the source key to the worker."""
        self.new = NewGrants(self.source.place)
        self.new.add(Scope.REWORK, self.system.key_of(Team.WORKER), self.source.key())
        floor, also = self.source.signed.floor, self.system.floor
        return Attempt(self.source.record, self.new.shares, floor, also=also)

    def store(self, session: Session) -> None:
        """Put the record back into the worker's queue; the redactor keeps it."""
        opened = self.source
        done = session.scalar(
            update(Record)
            .where(
                Record.id == opened.record,
                Record.redactor_id == opened.actor.user(),
                Record.status.in_((Status.DRAFTED, Status.FAILED)),
                Record.draft_version == opened.row.draft_version,
            )
            .values(status=Status.RECEIVED, tries=0, next_try_at=opened.collaborators.now(), lease_id=None)
            .returning(Record.id)
        )
        if done is None:
            raise Conflict
        gone = grants.drop(session, opened.collaborators, opened.record, (Scope.WORK, Scope.REWORK))
        change = Change(states.columns(status=Status.RECEIVED) | self.new.store(session), gone)
        states.note(session, opened.collaborators, opened.actor, "draft.again", opened.record, change)


def waiting(session: Session, actor: Actor) -> list[tuple[Record, Case]]:
    """What waits for the actor: priority first, then oldest."""
    require(actor, Permission.QUEUE_READ)
    return [(record, case) for record, case in session.execute(queries.queue(actor))]


def handed_on(session: Session, actor: Actor) -> list[tuple[Record, Case]]:
    """What the actor finished and somebody else is to approve."""
    require(actor, Permission.QUEUE_READ)
    return [(record, case) for record, case in session.execute(queries.handed_on(actor))]
