"""Taking attachments in: an upload begins, goes on as often as the network asks for, and is attached to its record.

Between requests a file's key rests only under the secret that its client sends. Once all of it is there the file is
attached: its key is granted to the redaction team, or, if the record was released meanwhile, split between guardians
and auditors.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import exists, func, select, update
from sqlalchemy.orm import Session

from app.access import Actor, Permission, Team, require
from app.cases import files, states
from app.cases.contents import Description
from app.cases.files import ARRIVING, COMPLETE
from app.cases.grants import NewGrants, Scope
from app.cases.making import Attempt
from app.cases.models import Case, File, Record, Tombstone
from app.cases.queries import Status
from app.cases.sealing import Place
from app.cases.states import Change
from app.collaborators import Collaborators
from app.crypto import contexts
from app.crypto.encoding import enc
from app.crypto.mac import content_digest
from app.crypto.padding import padded_size
from app.crypto.secrets import Secret, split
from app.crypto.uploads import open_upload, seal_upload
from app.errors import Conflict, Gone, NotFound, RecordFrozen, Retry, TooManyFiles
from app.intake.service import require_submitter
from app.studies import roster, service
from app.studies.roster import SignedRoster

__all__ = [
    "EXPIRES_AFTER",
    "MOST_FILES",
    "AttachFile",
    "Standing",
    "Target",
    "advance",
    "begin",
    "cancel",
    "content_of",
    "expired",
    "find",
    "record_of",
    "standing",
    "target",
]

# So long an upload waits for its next part: a phone may be without a network for days.
EXPIRES_AFTER: Final = timedelta(days=7)
MOST_FILES: Final = 100
SIZE_BYTES = 8


@dataclass(frozen=True, slots=True)
class Target:
    """The record that files are for, as whoever submitted it sees it."""

    place: Place
    released: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """An upload as it stands: its row, and what its client's secret opens. Without a key it is complete."""

    row: File = field(repr=False)
    key: Secret | None
    description: Description
    size: int

    @property
    def complete(self) -> bool:
        """Whether the file is attached."""
        return self.key is None


def record_of(session: Session, actor: Actor, client_uuid: UUID) -> UUID:
    """The id of the record that the actor submitted under this id; NotFound if there is none, Gone if it was erased."""
    require_submitter(actor)
    for model, key in ((Record, Record.id), (Tombstone, Tombstone.record_id)):
        mine = select(key).where(model.submitter_id == actor.user(), model.client_uuid == client_uuid)
        found = session.scalar(mine)
        if found is not None:
            return found
    raise NotFound


def target(session: Session, collaborators: Collaborators, actor: Actor, record: UUID) -> Target:
    """A record that the actor submitted and may still add files to.

    Which of the interviewer's devices sent it does not matter: a phone that is enrolled anew goes on where the old one
    stopped.

    Raises:
        NotFound: no such record of the actor's, or no longer a member of its study.
        Forbidden: a member who may not submit any more.
        RecordFrozen: it is withdrawn.
        Gone: it was erased, or all of it but its release.
    """
    require_submitter(actor)
    mine = select(Record.study_id, Record.case_id, Record.status, Case.frozen)
    mine = mine.join(Case, Case.id == Record.case_id)
    row = session.execute(mine.where(Record.id == record, Record.submitter_id == actor.user())).one_or_none()
    erased = _is_erased(session, actor, record)
    if row is None:
        raise Gone if erased else NotFound
    acting, _ = service.act_in(session, collaborators, actor, row.study_id)
    require(acting, Permission.RECORD_SUBMIT)
    if erased:
        raise Gone
    if row.frozen:
        raise RecordFrozen
    place = Place(collaborators.deployment, row.study_id, row.case_id, record)
    return Target(place, row.status == Status.RELEASED)


def _is_erased(session: Session, actor: Actor, record: UUID) -> bool:
    stone = exists().where(Tombstone.record_id == record, Tombstone.submitter_id == actor.user())
    return session.scalar(select(stone)) is True


def find(session: Session, place: Place, client_uuid: UUID) -> File | None:
    """The file that came, or is coming, under this id."""
    mine = select(File).where(File.record_id == place.record, File.client_uuid == client_uuid)
    return session.scalar(mine)


def standing(collaborators: Collaborators, place: Place, row: File, secret: Secret) -> Standing:
    """What an upload's secret opens of it.

    Raises:
        NotFound: another secret, or a file that did not come by an upload.
        RecordDead: the record was erased.
    """
    if row.upload is None:
        raise NotFound
    opened = open_upload(secret, collaborators.keystore.idem(place.record), _context(place, row.id), row.upload)
    if row.status != ARRIVING:
        return Standing(row, None, Description(), int.from_bytes(opened.reveal(), "big"))
    described = files.read_description(place, row.id, opened, row.sealed)
    return Standing(row, opened, described, described.stored if described.size is None else described.size)


def _context(place: Place, file: UUID) -> bytes:
    return contexts.upload(place.deployment, record=place.record, file=file)


def begin(
    session: Session,
    collaborators: Collaborators,
    place: Place,
    client_uuid: UUID,
    *,
    secret: Secret,
    idem: Secret,
    description: Description,
) -> Standing:
    """Make the row of an upload; Conflict if there is one under this id, TooManyFiles beyond ``MOST_FILES``."""
    count = session.scalar(select(func.count()).select_from(File).where(File.record_id == place.record))
    if (count or 0) >= MOST_FILES:
        raise TooManyFiles
    file, key = uuid4(), Secret.random()
    row = File(
        id=file,
        record_id=place.record,
        client_uuid=client_uuid,
        status=ARRIVING,
        size=0,
        segments=0,
        sealed=files.describe(place, file, key, description),
        upload=seal_upload(secret, idem, _context(place, file), key),
        content=None,
        expires_at=collaborators.now() + EXPIRES_AFTER,
        turn=0,
        arrived_day=_today(collaborators),
    )
    session.add(row)
    session.flush()
    return Standing(row, key, description, 0)


def advance(
    session: Session,
    collaborators: Collaborators,
    place: Place,
    upload: Standing,
    turn: int,
    description: Description,
) -> int:
    """Note what is durable now; the next turn. Conflict if another request did so since, or the upload is gone."""
    if upload.key is None:
        raise Conflict
    sealed = files.describe(place, upload.row.id, upload.key, description)
    size = padded_size(description.stored)
    done: int | None = session.scalar(
        update(File)
        .where(File.id == upload.row.id, File.turn == turn, File.status == ARRIVING)
        .values(
            sealed=sealed,
            size=size,
            turn=turn + 1,
            expires_at=collaborators.now() + EXPIRES_AFTER,
            arrived_day=_today(collaborators),
        )
        .returning(File.turn)
    )
    if done is None:
        raise Conflict("Another request goes on with this upload, or it was cancelled.")
    return done


def _today(collaborators: Collaborators) -> str:
    return collaborators.now().date().isoformat()


def cancel(session: Session, collaborators: Collaborators, file: UUID) -> None:
    """Forget an upload that is not attached; harmless if it is, or is gone."""
    if session.scalar(select(File.id).where(File.id == file, File.status == ARRIVING).with_for_update()) is not None:
        files.discard(session, collaborators, [file])


def expired(session: Session, collaborators: Collaborators) -> int:
    """Forget uploads that waited too long for their next part; how many."""
    late = select(File.id).where(File.status == ARRIVING, File.expires_at <= collaborators.now()).with_for_update()
    ids = session.scalars(late).all()
    files.discard(session, collaborators, ids)
    return len(ids)


def content_of(idem: Secret, sha256: bytes) -> bytes:
    """The digest, under the record's secret, of a file's content: what the same id must repeat."""
    return content_digest(idem, enc("testimony/1/file-content", sha256))


@dataclass(slots=True)
class AttachFile:
    """Making: a file of which every byte is durable becomes a part of its record."""

    collaborators: Collaborators
    actor: Actor
    record: UUID
    upload: Standing
    turn: int
    description: Description
    secret: Secret
    reads_only = True
    target: Target = field(init=False)
    signed: SignedRoster = field(init=False)
    new: NewGrants = field(init=False)
    values: dict[str, Any] = field(init=False, repr=False)

    def plan(self, session: Session) -> None:
        """Authorise, and read whose the key will be."""
        self.target = target(session, self.collaborators, self.actor, self.record)
        self.signed = roster.latest(session, self.collaborators, self.target.place.study)

    def seal(self) -> Attempt:
        """Seal the description, grant the key; only the size stays with the client's secret."""
        key, file, place = self.upload.key, self.upload.row.id, self.target.place
        if key is None or self.description.size is None:
            raise Conflict
        idem, sha256 = self.collaborators.keystore.idem(self.record), self.description.sha256
        size = Secret(self.description.size.to_bytes(SIZE_BYTES, "big"))
        self.values = files.whole(place, file, key, self.description) | {
            "status": COMPLETE,
            "upload": seal_upload(self.secret, idem, _context(place, file), size),
            "content": None if sha256 is None else content_of(idem, sha256),
            "expires_at": None,
            "turn": self.turn + 1,
        }
        self.new = NewGrants(place)
        scope = Scope.file(file)
        if self.target.released:
            half_g, half_a = split(key)
            self.new.add(f"{scope}.g", self.signed.key_of(Team.GUARDIANS), half_g)
            self.new.add(f"{scope}.a", self.signed.key_of(Team.AUDITORS), half_a)
        else:
            self.new.add(scope, self.signed.key_of(Team.REDACTION), key)
        return Attempt(self.record, self.new.shares, self.signed.floor)

    def store(self, session: Session) -> UUID:
        """Store grants, row and event; returns the file's id.

        Raises:
            Retry: the record was released, or reopened, meanwhile.
        """
        turn, file = states.take_turn(session, self.record), self.upload.row.id
        status = session.scalar(select(Record.status).where(Record.id == self.record))
        if (status == Status.RELEASED) != self.target.released:
            raise Retry
        if _is_erased(session, self.actor, self.record):
            raise Gone
        attached = update(File).where(File.id == file, File.turn == self.turn, File.status == ARRIVING)
        row = session.execute(attached.values(self.values).returning(File)).scalar_one_or_none()
        if row is None:
            raise Conflict("Another request goes on with this upload, or it was cancelled.")
        change = Change(states.of_files([row]) | self.new.store(session))
        told = {"file": str(file)}
        states.tell(session, self.collaborators, self.actor, "attachment.accepted", turn, change, **told)
        return file
