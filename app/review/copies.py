"""Clean copies of attachments: made in an approver's session, looked at there, and released one by one.

A copy rests like an attachment, its key with the redaction team, until the release: then the keys of the chosen ones
become a field of its pack, and the others are deleted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from app.access import Actor, Permission, Team, require
from app.audit import service as audit
from app.audit.models import Event
from app.audit.parts import Parts
from app.cases import files, grants, queries, states
from app.cases.contents import Opened
from app.cases.files import CLEAN, COMPLETE, RELEASED, NewFile
from app.cases.grants import FoundGrant, NewGrants, Scope
from app.cases.making import Attempt
from app.cases.models import File, Record
from app.cases.queries import Status
from app.cases.released import ReleasedFile, is_recording
from app.cases.sealing import Place
from app.cases.states import Change
from app.cleaning.cleaner import cleaning
from app.collaborators import Collaborators
from app.errors import Conflict, CopiesUnseen, NotFound, VoicesUnconfirmed
from app.review import policies
from app.review.files import OpenFile, Reads
from app.studies import roster
from app.studies.roster import SignedRoster

__all__ = ["ChosenCopies", "CopySeen", "ListCopies", "MakeCopy", "note_opened"]

# What shows that somebody opened a copy: all of it was asked for, and could be.
SEEN = "copy.opened"


@dataclass(frozen=True, slots=True)
class CopySeen:
    """A clean copy that waits for a decision. ``opened``: this approver has opened it."""

    id: UUID
    origin: UUID | None
    name: str
    type: str
    size: int
    opened: bool

    @property
    def recording(self) -> bool:
        """Whether one can hear a voice in it."""
        return is_recording(self.type)


def copy_uuid(origin: UUID, version: int) -> UUID:
    """By what the row of a copy shows whose copy it is, and for which release it was made."""
    return uuid5(origin, f"copy for release {version}")


@dataclass(slots=True)
class MakeCopy:
    """Making: the clean copy of one attachment, in the place of an earlier one; its id.

    Raises:
        CannotBeCleaned: there is no cleaner for it, or it is broken, or too large.
    """

    origin: OpenFile
    opened: Opened | None = field(init=False, default=None, repr=False)
    row: Record = field(init=False, repr=False)
    copy: dict[str, Any] = field(init=False, repr=False)
    new: NewGrants = field(init=False)

    def plan(self, session: Session) -> None:
        """Authorise and fetch: only for whoever is to approve the draft now."""
        asked = self.origin
        require(asked.actor, Permission.RELEASE_MAKE)
        asked.look(session)
        self.row, _ = queries.one(session, queries.assigned(asked.actor, asked.record))
        policies.check_approvable(session, asked.actor, self.row)
        if asked.row.status != COMPLETE:
            raise NotFound

    def seal(self) -> Attempt:
        """Open the attachment, clean it in a process of its own, seal what comes out under a fresh key."""
        asked, opened = self.origin, self.origin.open()
        copy = NewFile.begin(asked.collaborators, asked.place)
        with cleaning(opened.read(0, opened.size)) as clean:
            for piece in clean.pieces():
                copy.write(piece)
            name, kind = f"{clean.noun}.{clean.ending}", clean.media_type
        same = {"client_uuid": copy_uuid(asked.file, self.row.release_version + 1)}
        self.copy = copy.finish(name=name, type=kind, status=CLEAN) | same
        self.new = NewGrants(asked.place)
        self.new.add(Scope.file(copy.id), asked.signed.key_of(Team.REDACTION), copy.key)
        return Attempt(asked.record, self.new.shares, asked.signed.floor)

    def store(self, session: Session) -> UUID:
        """Store it, unless the draft was sent back or released meanwhile."""
        asked = self.origin
        waits = select(Record.id).where(
            Record.id == asked.record,
            Record.status == Status.FINISHED,
            Record.approver_id == asked.actor.user(),
            Record.release_version == self.row.release_version,
        )
        if session.scalar(waits.with_for_update()) is None:
            raise Conflict
        before = select(File.id).where(
            File.record_id == asked.record, File.client_uuid == self.copy["client_uuid"], File.status == CLEAN
        )
        gone = _delete(session, asked.collaborators, asked.record, session.scalars(before).all())
        session.execute(insert(File).values(self.copy))
        made = states.of_files([self.copy]) | self.new.store(session)
        copy: UUID = self.copy["id"]
        change, origin = Change(made, gone), str(asked.file)
        states.note(session, asked.collaborators, asked.actor, "copy.made", asked.record, change, file=origin)
        return copy


def _delete(session: Session, collaborators: Collaborators, record: UUID, copies: Sequence[UUID]) -> list[str]:
    dropped = grants.drop(session, collaborators, record, [Scope.file(copy) for copy in copies])
    return [*dropped, *files.discard(session, collaborators, copies)]


@dataclass(slots=True)
class ListCopies:
    """Reading: the clean copies that wait for a decision, for those who work on the record."""

    collaborators: Collaborators
    actor: Actor
    record: UUID
    place: Place = field(init=False)
    signed: SignedRoster = field(init=False)
    rows: list[tuple[File, FoundGrant]] = field(init=False, repr=False)
    origins: dict[UUID, UUID] = field(init=False)
    opened: frozenset[UUID] = field(init=False)

    def look(self, session: Session) -> None:
        """Authorise, fetch, and write the event of the read."""
        require(self.actor, Permission.SOURCE_READ)
        row, case = queries.one(session, queries.assigned(self.actor, self.record))
        self.place = queries.place_of(self.collaborators, row)
        self.signed = roster.latest(session, self.collaborators, row.study_id)
        self.rows = _waiting(session, self.actor, self.record)
        version = row.release_version + 1
        self.origins = {
            copy_uuid(origin.id, version): origin.id for origin in files.of_record(session, self.record, COMPLETE)
        }
        self.opened = opened_by(session, self.actor, self.record)
        if self.rows:
            parts, count = self.collaborators, len(self.rows)
            audit.write(session, parts, self.actor, "copies.listed", case=case.id, record=self.record, count=count)

    def open(self) -> list[CopySeen]:
        """Open each description."""
        opened = _open(self, self.rows)
        return [
            CopySeen(
                id=row.id,
                origin=self.origins.get(row.client_uuid),
                name=copy.name,
                type=copy.type,
                size=copy.size,
                opened=row.id in self.opened,
            )
            for (row, _), copy in zip(self.rows, opened, strict=True)
        ]


def note_opened(session: Session, reading: OpenFile) -> None:
    """Note that whoever reads a file asked for all of it, if it is a clean copy that waits for a decision."""
    if reading.row.status != CLEAN:
        return
    place, file = reading.place, str(reading.file)
    audit.write(
        session, reading.collaborators, reading.actor, SEEN, study=None, case=place.case, record=place.record, file=file
    )


def opened_by(session: Session, actor: Actor, record: UUID) -> frozenset[UUID]:
    """The clean copies of a record that the actor has opened, by the trail."""
    mine = select(Event.details).where(Event.record_id == record, Event.actor_id == actor.user(), Event.action == SEEN)
    return frozenset(UUID(details["file"]) for details in session.scalars(mine))


def _waiting(session: Session, actor: Actor, record: UUID) -> list[tuple[File, FoundGrant]]:
    rows = files.of_record(session, record, CLEAN)
    return [(row, grants.find(session, actor, record, Scope.file(row.id))) for row in rows]


def _open(reads: Reads, rows: Sequence[tuple[File, FoundGrant]]) -> list[ReleasedFile]:
    if not rows:
        return []
    found = [grant for _, grant in rows]
    keys = grants.open_found(reads.collaborators, reads.actor, reads.place, found, reads.signed.floor)
    copies = []
    for row, grant in rows:
        key = keys[grant.scope]
        opened = files.open_file(reads.collaborators, reads.place, row, key)
        copies.append(ReleasedFile(row.id, opened.meta.name, opened.meta.type, opened.size, key))
    return copies


@dataclass(slots=True)
class ChosenCopies:
    """The copies that a release takes along, and what becomes of all others: ``look``, ``seal``, ``store`` with it.

    ``recordings`` is how many of them the approver said may be heard.
    """

    record: UUID
    chosen: Sequence[UUID] = ()
    recordings: int = 0
    rows: list[tuple[File, FoundGrant]] = field(init=False, repr=False)

    def look(self, session: Session, actor: Actor) -> None:
        """Find them: CopiesUnseen unless the actor has opened every one."""
        wanted = set(self.chosen)
        self.rows = [each for each in _waiting(session, actor, self.record) if each[0].id in wanted]
        if len(self.rows) != len(wanted):
            raise Conflict("A clean copy is not there any more; read the page again.")
        if not wanted <= opened_by(session, actor, self.record):
            raise CopiesUnseen

    def seal(self, reads: Reads) -> list[ReleasedFile]:
        """Their keys under neutral names; VoicesUnconfirmed if one can be heard and nobody said that it may."""
        copies = _open(reads, self.rows)
        if sum(is_recording(copy.type) for copy in copies) != self.recordings:
            raise VoicesUnconfirmed
        counted: Counter[str] = Counter()
        return [_named(copy, counted) for copy in copies]

    def store(self, session: Session, collaborators: Collaborators) -> Change:
        """Mark them released, delete every other copy, end the redaction team's access to all of them."""
        ids = [row.id for row, _ in self.rows]
        mark = update(File).where(File.id.in_(ids), File.status == CLEAN).values(status=RELEASED)
        marked = session.scalars(mark.returning(File).execution_options(populate_existing=True)).all()
        if len(marked) != len(ids):
            raise Conflict("A clean copy is not there any more; read the page again.")
        made: Parts = states.of_files(marked)
        others = [row.id for row in files.of_record(session, self.record, CLEAN, RELEASED) if row.id not in ids]
        gone = grants.drop(session, collaborators, self.record, [Scope.file(copy) for copy in ids])
        return Change(made, [*gone, *_delete(session, collaborators, self.record, others)])


def _named(copy: ReleasedFile, counted: Counter[str]) -> ReleasedFile:
    noun, _, ending = copy.name.partition(".")
    counted[noun] += 1
    return ReleasedFile(copy.id, f"{noun}-{counted[noun]:02}.{ending}", copy.type, copy.size, copy.key)
