"""Reading what two people opened, until the hour is over; and handing a sealed source back to redaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.access import Permission, Team, require
from app.audit import service as audit
from app.cases import files, grants, queries, states
from app.cases.contents import Opened
from app.cases.grants import FoundGrant, NewGrants, Scope
from app.cases.making import Attempt
from app.cases.models import File, Record
from app.cases.queries import Status
from app.cases.sealing import Compartment, open_pack
from app.cases.states import Change
from app.crypto.grants import open_box
from app.crypto.sealed import Sealed
from app.crypto.secrets import Secret, join
from app.errors import Conflict, Gone, NotFound
from app.review import halves
from app.review.asks import READ, REOPEN
from app.review.disclosure import AskShown, ReadAsk, disclosure_context
from app.review.halves import GUARDIANS, SIDES, half_of
from app.review.models import Disclosure
from app.review.states import disclosure_key


@dataclass(slots=True)
class _Disclosed:
    """Both halves together, for the one who asked, until the expiry."""

    reading: ReadAsk
    permission: Permission = Permission.DISCLOSURE_READ
    disclosure: Disclosure = field(init=False, repr=False)
    half: FoundGrant = field(init=False)

    def look(self, session: Session) -> None:
        """Authorise; Gone after the expiry, Conflict before an approval."""
        reading = self.reading
        require(reading.actor, self.permission)
        reading.look(session)
        if reading.row.asker_id != reading.actor.user():
            raise NotFound
        row = session.scalar(select(Disclosure).where(Disclosure.ask_id == reading.ask))
        if row is None:
            raise Conflict("This ask is not approved.")
        if row.expires_at <= reading.collaborators.now():
            raise Gone
        self.disclosure = row
        self.half = grants.find(session, reading.actor, row.record_id, half_of(row.scope, GUARDIANS))
        self._fetch(session)
        audit.write(
            session,
            reading.collaborators,
            reading.actor,
            "disclosure.read",
            record=row.record_id,
            ask=str(reading.ask),
            disclosure=str(row.id),
        )

    def _fetch(self, session: Session) -> None:
        raise NotImplementedError

    def key(self, shown: AskShown) -> Secret:
        """Join the guardians' half with the handed-over half."""
        return self.keys(shown, {})[0]

    def keys(self, shown: AskShown, attached: Mapping[UUID, FoundGrant]) -> tuple[Secret, dict[UUID, Secret]]:
        """The same, with the keys of attachments whose halves were handed over; ``attached`` are one's own halves."""
        reading, row = self.reading, self.disclosure
        store, floor = reading.collaborators.keystore, reading.signed.floor
        mine = [self.half, *attached.values()]
        opened = grants.open_found(reading.collaborators, reading.actor, reading.place, mine, floor)
        share = store.get([row.id], floor=floor)[row.id]
        context = disclosure_context(reading.place, row.id, reading.row, shown.fields, row.expires_at)
        half, along = halves.parted(open_box(share, context, reading.actor.unlocked(), row.box))
        keys = {file: join(opened[attached[file].scope], each) for file, each in along.items() if file in attached}
        return join(opened[self.half.scope], half), keys


@dataclass(slots=True)
class OpenDisclosure(_Disclosed):
    """Reading: the named fields of a compartment."""

    packed: Sealed = field(init=False, repr=False)

    def _fetch(self, session: Session) -> None:
        self.packed = queries.pack(session, self.disclosure.record_id, self.disclosure.scope, 0)

    def open(self) -> dict[str, Any]:
        """The named fields, and no other."""
        shown = self.reading.open()
        if shown.purpose != READ:
            raise Conflict("This ask is not for reading.")
        key = self.key(shown)
        compartment = Compartment(self.disclosure.scope)
        return open_pack(self.reading.place, key, compartment, 0, self.packed, shown.fields)


@dataclass(slots=True)
class OpenDisclosedFile(_Disclosed):
    """Reading: the attachment that was asked for."""

    row: File = field(init=False, repr=False)

    def _fetch(self, session: Session) -> None:
        row = halves.file_of(session, self.disclosure.record_id, self.disclosure.scope)
        if row is None:
            raise NotFound
        self.row = row

    def open(self) -> Opened:
        """Join the halves; what is read then is decrypted as it is read."""
        reading = self.reading
        key = self.key(reading.open())
        return files.open_file(reading.collaborators, reading.place, self.row, key)


@dataclass(slots=True)
class ReopenSource:
    """Making: hand a sealed source and its attachments back to redaction; uses an approved ask to reopen up."""

    opening: OpenDisclosure
    files: dict[UUID, FoundGrant] = field(init=False)
    sealed: dict[UUID, Sealed] = field(init=False, repr=False)
    keys: dict[UUID, Secret] = field(init=False, repr=False)
    new: NewGrants = field(init=False)

    def plan(self, session: Session) -> None:
        """Authorise and fetch."""
        self.opening.look(session)
        if self.opening.reading.row.purpose != REOPEN:
            raise Conflict("This ask is not for reopening.")
        reading, record = self.opening.reading, self.opening.reading.place.record
        self.files = halves.file_halves(session, reading.actor, record, GUARDIANS)
        self.sealed = {row.id: row.sealed for row in files.of_record(session, record, files.COMPLETE)}

    def seal(self) -> Attempt:
        """Join the halves, prove the key, and wrap it to the redaction team."""
        reading = self.opening.reading
        key, self.keys = self.opening.keys(reading.open(), self.files)
        # Halves of two different splits join without an error, and the true ones are about to be dropped.
        open_pack(reading.place, key, Compartment.SOURCE, 0, self.opening.packed)
        for file, each in self.keys.items():
            files.read_description(reading.place, file, each, self.sealed[file])
        self.new = NewGrants(reading.place)
        redaction = reading.signed.key_of(Team.REDACTION)
        self.new.add(Scope.SOURCE, redaction, key)
        for file, each in self.keys.items():
            self.new.add(Scope.file(file), redaction, each)
        return Attempt(reading.place.record, self.new.shares, reading.signed.floor)

    def store(self, session: Session) -> None:
        """Put the record back to the redactors; the release stays until the next one replaces it."""
        reading = self.opening.reading
        again = {"status": Status.DRAFTED, "draft_digest": None, "finished_by": None}
        used = delete(Disclosure).where(Disclosure.id == self.opening.disclosure.id).returning(Disclosure.id)
        if session.scalar(used) is None:
            raise Conflict
        grants.discard_shares(session, reading.collaborators, [self.opening.disclosure.id])
        done = session.scalar(
            update(Record)
            .where(Record.id == reading.place.record, Record.status == Status.RELEASED)
            .values(redactor_id=None, approver_id=None, **again)
            .returning(Record.id)
        )
        if done is None:
            raise Conflict
        scopes = [half_of(scope, side) for scope in (Scope.SOURCE, *map(Scope.file, self.keys)) for side in SIDES]
        gone = grants.drop(session, reading.collaborators, reading.place.record, scopes)
        made = states.columns(redactor_id=None, approver_id=None, **again) | self.new.store(session)
        change = Change(made, [*gone, disclosure_key(self.opening.disclosure.id)])
        states.note(session, reading.collaborators, reading.actor, "source.reopened", reading.place.record, change)
