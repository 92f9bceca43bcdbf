"""Reading the attachments of a record one works on, and moving their keys with those of the source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access import Actor, Permission, Team, require
from app.audit import service as audit
from app.cases import files, grants, queries
from app.cases.contents import Opened
from app.cases.files import COMPLETE
from app.cases.grants import FoundGrant, NewGrants, Scope
from app.cases.models import File, Grant
from app.cases.sealing import Place
from app.collaborators import Collaborators
from app.crypto.secrets import Secret, split
from app.errors import Conflict, NotFound
from app.studies import roster
from app.studies.roster import SignedRoster

__all__ = ["Attached", "FileSeen", "ListFiles", "OpenFile"]


@dataclass(frozen=True, slots=True)
class FileSeen:
    """An attachment as those read of it who may open it."""

    id: UUID
    client_uuid: UUID
    name: str = field(repr=False)
    type: str
    size: int
    sha256: bytes | None
    expected: bool


class Reads(Protocol):
    """What a reading of a record has found out by the time it opens keys."""

    collaborators: Collaborators
    actor: Actor
    place: Place
    signed: SignedRoster


@dataclass(slots=True)
class _Reading:
    collaborators: Collaborators
    actor: Actor
    record: UUID
    place: Place = field(init=False)
    signed: SignedRoster = field(init=False)
    case: UUID = field(init=False)

    def _authorise(self, session: Session) -> None:
        require(self.actor, Permission.SOURCE_READ, now=self.collaborators.now())
        row, case = queries.one(session, queries.assigned(self.actor, self.record))
        self.case = case.id
        self.place = queries.place_of(self.collaborators, row)
        self.signed = roster.latest(session, self.collaborators, row.study_id)

    def _note(self, session: Session, action: str, **told: str) -> None:
        case, record = self.case, self.record
        audit.write(session, self.collaborators, self.actor, action, study=None, case=case, record=record, **told)

    def _keys(self, found: Sequence[FoundGrant]) -> dict[str, Secret]:
        return grants.open_found(self.collaborators, self.actor, self.place, found, self.signed.floor)


@dataclass(slots=True)
class ListFiles(_Reading):
    """Reading: the attachments of a record one works on, with their names and types; copies of them are no part."""

    rows: list[File] = field(init=False, repr=False)
    found: list[FoundGrant] = field(init=False)

    def look(self, session: Session) -> None:
        """Authorise, fetch, and write the event of the read."""
        self._authorise(session)
        granted = find_keys(session, self.actor, self.record)
        self.rows, self.found = [row for row, _ in granted], [grant for _, grant in granted]
        if self.rows:
            self._note(session, "attachments.listed")

    def open(self) -> list[FileSeen]:
        """Unwrap each key and open each description."""
        keys = self._keys(self.found) if self.found else {}
        return [self._seen(row, keys[Scope.file(row.id)]) for row in self.rows]

    def _seen(self, row: File, key: Secret) -> FileSeen:
        opened = files.open_file(self.collaborators, self.place, row, key)
        meta = opened.meta
        return FileSeen(row.id, row.client_uuid, meta.name, meta.type, opened.size, meta.sha256, meta.expected)


@dataclass(slots=True)
class OpenFile(_Reading):
    """Reading: one file of a record one works on, an attachment or a copy of one. What it holds is read as it is used.

    Opening it is the event, whatever part of it is read then.
    """

    file: UUID
    row: File = field(init=False, repr=False)
    found: FoundGrant = field(init=False)

    def look(self, session: Session) -> None:
        """Authorise, fetch, and write the event of the read."""
        self._authorise(session)
        row = session.scalar(select(File).where(File.id == self.file, File.record_id == self.record))
        if row is None:
            raise NotFound
        self.row = row
        self.found = grants.find(session, self.actor, self.record, Scope.file(self.file))
        self._note(session, "attachment.read", file=str(self.file))

    def open(self) -> Opened:
        """Unwrap the key and open the description."""
        key = self._keys([self.found])[self.found.scope]
        return files.open_file(self.collaborators, self.place, self.row, key)


def find_keys(session: Session, actor: Actor, record: UUID) -> list[tuple[File, FoundGrant]]:
    """The attachments whose keys the redaction team holds, each with its grant; others came after a release."""
    rows = _redaction_holds(session, record)
    return [(row, grants.find(session, actor, record, Scope.file(row.id))) for row in rows]


def _redaction_holds(session: Session, record: UUID) -> list[File]:
    granted = set(session.scalars(select(Grant.scope).where(Grant.record_id == record, Grant.scope.like("file.%"))))
    return [row for row in files.of_record(session, record, COMPLETE) if Scope.file(row.id) in granted]


@dataclass(slots=True)
class Attached:
    """The attachments of a record whose keys go from the redaction team to guardians and auditors, at a release.

    ``look`` in the plan, ``halve`` while sealing, ``drop`` once the record's row is locked.
    """

    record: UUID
    found: list[FoundGrant] = field(init=False)

    def look(self, session: Session, actor: Actor) -> None:
        """Find them."""
        self.found = [grant for _, grant in find_keys(session, actor, self.record)]

    def halve(self, opened: Reads, new: NewGrants) -> None:
        """Open each key and grant its halves."""
        if not self.found:
            return
        keys = grants.open_found(opened.collaborators, opened.actor, opened.place, self.found, opened.signed.floor)
        for scope, key in keys.items():
            half_g, half_a = split(key)
            new.add(f"{scope}.g", opened.signed.key_of(Team.GUARDIANS), half_g)
            new.add(f"{scope}.a", opened.signed.key_of(Team.AUDITORS), half_a)

    def drop(self, session: Session, collaborators: Collaborators) -> list[str]:
        """End the redaction team's access; the parts that are gone. Conflict if another one was attached since."""
        scopes = [grant.scope for grant in self.found]
        if {Scope.file(row.id) for row in _redaction_holds(session, self.record)} != set(scopes):
            raise Conflict("An attachment came meanwhile; look at it first.")
        return grants.drop(session, collaborators, self.record, scopes)
