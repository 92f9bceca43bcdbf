"""Reading what two people opened, until the hour is over; and handing a sealed source back to redaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.access import Permission, Team, require
from app.audit import service as audit
from app.cases import grants, queries, states
from app.cases.grants import FoundGrant, NewGrants, Scope
from app.cases.making import Attempt
from app.cases.models import Record
from app.cases.queries import Status
from app.cases.sealing import Compartment, open_pack
from app.cases.states import Change
from app.crypto.grants import open_box
from app.crypto.sealed import Sealed
from app.crypto.secrets import Secret, join
from app.errors import Conflict, Gone, NotFound
from app.review.asks import READ, REOPEN
from app.review.disclosure import HALVES, AskShown, ReadAsk, disclosure_context
from app.review.models import Disclosure
from app.review.states import disclosure_key


@dataclass(slots=True)
class OpenDisclosure:
    """Reading: both halves together open the named fields, for the one who asked, until the expiry."""

    reading: ReadAsk
    permission: Permission = Permission.DISCLOSURE_READ
    disclosure: Disclosure = field(init=False, repr=False)
    half: FoundGrant = field(init=False)
    packed: Sealed = field(init=False, repr=False)

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
        self.half = grants.find(session, reading.actor, row.record_id, HALVES[row.scope][0])
        self.packed = queries.pack(session, row.record_id, row.scope, 0)
        audit.write(
            session,
            reading.collaborators,
            reading.actor,
            "disclosure.read",
            record=row.record_id,
            ask=str(reading.ask),
            disclosure=str(row.id),
        )

    def key(self, shown: AskShown) -> Secret:
        """Join the guardians' half with the handed-over half."""
        reading, row = self.reading, self.disclosure
        store, floor = reading.collaborators.keystore, reading.signed.floor
        opened = grants.open_found(reading.collaborators, reading.actor, reading.place, [self.half], floor)
        share = store.get([row.id], floor=floor)[row.id]
        context = disclosure_context(reading.place, row.id, reading.row, shown.fields, row.expires_at)
        return join(opened[self.half.scope], open_box(share, context, reading.actor.unlocked(), row.box))

    def open(self) -> dict[str, Any]:
        """The named fields, and no other."""
        shown = self.reading.open()
        if shown.purpose != READ:
            raise Conflict("This ask is not for reading.")
        key = self.key(shown)
        compartment = Compartment(self.disclosure.scope)
        return open_pack(self.reading.place, key, compartment, 0, self.packed, shown.fields)


@dataclass(slots=True)
class ReopenSource:
    """Making: hand a sealed source back to the redaction team, after an approved ask to reopen, which it uses up."""

    opening: OpenDisclosure
    new: NewGrants = field(init=False)

    def plan(self, session: Session) -> None:
        """Authorise and fetch."""
        self.opening.look(session)
        if self.opening.reading.row.purpose != REOPEN:
            raise Conflict("This ask is not for reopening.")

    def seal(self) -> Attempt:
        """Join the halves, prove the key, and wrap it to the redaction team."""
        reading = self.opening.reading
        key = self.opening.key(reading.open())
        # Halves of two different splits join without an error, and the true ones are about to be dropped.
        open_pack(reading.place, key, Compartment.SOURCE, 0, self.opening.packed)
        self.new = NewGrants(reading.place)
        self.new.add(Scope.SOURCE, reading.signed.key_of(Team.REDACTION), key)
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
        gone = grants.drop(session, reading.collaborators, reading.place.record, (Scope.SOURCE_G, Scope.SOURCE_A))
        made = states.columns(redactor_id=None, approver_id=None, **again) | self.new.store(session)
        change = Change(made, [*gone, disclosure_key(self.opening.disclosure.id)])
        states.note(session, reading.collaborators, reading.actor, "source.reopened", reading.place.record, change)
