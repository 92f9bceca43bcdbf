"""The guardians' compartment: reading it, triaging threats, keeping contact notes, hiding a case from research."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import exists, insert, update
from sqlalchemy.orm import Session

from app.access import Actor, Permission, require
from app.audit import service as audit
from app.cases import grants, queries, states
from app.cases.grants import FoundGrant, Scope
from app.cases.models import Case, Pack, Record
from app.cases.sealing import Compartment, Place, open_pack, seal_pack
from app.cases.states import Change
from app.collaborators import Collaborators
from app.crypto import packs
from app.crypto.sealed import Sealed
from app.crypto.secrets import Secret
from app.errors import Conflict, Flaw, Invalid
from app.review.notes import NOTE, Note, SealedNote, check_note, seal_note, sealed_notes
from app.studies import instruments, roster
from app.studies.instrument import Instrument
from app.studies.roster import SignedRoster

PROTECTION = Compartment.PROTECTION
# What guardians add beside the answers; the answers themselves stay as they came.
TRIAGE = "guardians.triage"
OUTCOMES = ("no_action", "watch", "act")


@dataclass(frozen=True, slots=True)
class Guarded:
    """A record as its guardians list it. ``triaged``: somebody decided about it since it came in."""

    record: Record
    case: Case
    triaged: bool

    @property
    def waits(self) -> bool:
        """Whether it is a threat nobody has looked at: hidden on arrival, never triaged."""
        return self.case.hidden and not self.triaged and not self.case.frozen


def listed(session: Session, actor: Actor) -> list[Guarded]:
    """Every record of the study for its guardians: threats that wait for triage first, then hidden ones, then the rest.

    The oldest stands first among its like.
    """
    require(actor, Permission.PROTECTION_READ)
    decided = exists().where(Pack.record_id == Record.id, Pack.compartment == PROTECTION.value, Pack.version > 0)
    rows = session.execute(queries.guarded(actor).add_columns(decided))
    found = [Guarded(record, case, bool(triaged)) for record, case, triaged in rows]
    return sorted(found, key=lambda each: (not each.waits, not each.case.hidden))


@dataclass(frozen=True, slots=True)
class Protection:
    """The protection compartment at one version, with the guardians' notes, oldest first."""

    record: UUID
    version: int
    values: dict[str, Any] = field(repr=False)
    notes: list[Note] = field(repr=False)


@dataclass(slots=True)
class OpenProtection:
    """Reading: the newest version of the protection compartment."""

    collaborators: Collaborators
    actor: Actor
    record: UUID
    row: Record = field(init=False, repr=False)
    case: Case = field(init=False, repr=False)
    instrument: Instrument = field(init=False, repr=False)
    place: Place = field(init=False)
    signed: SignedRoster = field(init=False)
    found: FoundGrant = field(init=False)
    version: int = field(init=False)
    packed: Sealed = field(init=False, repr=False)
    notes: list[SealedNote] = field(init=False, repr=False)

    def look(self, session: Session) -> None:
        """Authorise, fetch, write the event."""
        require(self.actor, Permission.PROTECTION_READ)
        self.row, self.case = queries.one(session, queries.guarded(self.actor).where(Record.id == self.record))
        self.instrument = instruments.by_id(session, self.row.instrument_id)
        self.place = queries.place_of(self.collaborators, self.row)
        self.signed = roster.latest(session, self.collaborators, self.row.study_id)
        self.found = grants.find(session, self.actor, self.record, Scope.PROTECTION)
        self.version = queries.newest_version(session, self.record, PROTECTION)
        self.packed = queries.pack(session, self.record, PROTECTION, self.version)
        self.notes = sealed_notes(session, self.record)
        audit.write(session, self.collaborators, self.actor, "protection.read", case=self.case.id, record=self.record)

    def key(self) -> Secret:
        """Unwrap the protection key."""
        opened = grants.open_found(self.collaborators, self.actor, self.place, [self.found], self.signed.floor)
        return opened[Scope.PROTECTION]

    def open(self) -> Protection:
        """Unwrap and decrypt."""
        key = self.key()
        values = open_pack(self.place, key, PROTECTION, self.version, self.packed)
        return Protection(self.record, self.version, values, [note.open(self.place, key) for note in self.notes])

    def seal_note(self, key: Secret, text: str) -> SealedNote:
        """Seal one more note."""
        number = 1 + max((note.number for note in self.notes), default=0)
        return seal_note(self.collaborators, self.actor, self.place, key, number, text)


@dataclass(frozen=True, slots=True)
class Triage:
    """What a guardian decided: an outcome, whether research may see the case, and a note."""

    outcome: str
    hidden: bool
    note: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class SealedTriage:
    """The next version of the compartment, and the note that goes with it, if there is one."""

    version: int
    packed: Sealed = field(repr=False)
    note: SealedNote | None = field(repr=False)


@dataclass(slots=True)
class TriageCase:
    """Reading: the protection compartment with the triage, sealed as its next version."""

    opening: OpenProtection
    version: int
    triage: Triage

    def look(self, session: Session) -> None:
        """Authorise and fetch; Conflict if somebody changed it meanwhile."""
        require(self.opening.actor, Permission.PROTECTION_CHANGE)
        flaws = check_note(self.triage.note)
        if self.triage.outcome not in OUTCOMES:
            flaws.append(Flaw("/outcome", "Choose what was decided."))
        if flaws:
            raise Invalid(flaws)
        self.opening.look(session)
        if self.opening.version != self.version:
            raise Conflict("Somebody changed this meanwhile; read it again.")

    def open(self) -> SealedTriage:
        """Add the triage to what is there and seal it all again."""
        opened, key = self.opening, self.opening.key()
        values = open_pack(opened.place, key, PROTECTION, opened.version, opened.packed)
        decided: Mapping[str, Any] = {
            "outcome": self.triage.outcome,
            "at": opened.collaborators.now().isoformat(),
            "by": str(opened.actor.user()),
        }
        version = opened.version + 1
        packed = seal_pack(opened.place, key, PROTECTION, {**values, TRIAGE: decided}, version)
        note = opened.seal_note(key, self.triage.note) if self.triage.note.strip() else None
        return SealedTriage(version, packed, note)


def store_triage(
    session: Session,
    collaborators: Collaborators,
    actor: Actor,
    record: UUID,
    sealed: SealedTriage,
    *,
    hidden: bool,
) -> None:
    """Store the next version and the case's flag; two guardians at once meet the primary key."""
    require(actor, Permission.PROTECTION_CHANGE)
    case, digest = _case_of(session, actor, record), packs.digest(sealed.packed)
    session.execute(
        insert(Pack).values(
            record_id=record,
            compartment=PROTECTION.value,
            version=sealed.version,
            sealed=sealed.packed,
            digest=digest,
        )
    )
    session.execute(update(Case).where(Case.id == case).values(hidden=hidden))
    states.note_both(
        session,
        collaborators,
        actor,
        "protection.changed",
        record,
        Change(states.of_pack(PROTECTION.value, sealed.version, sealed.packed)),
        Change(states.columns(hidden=hidden)),
        digest=digest.hex(),
        state="hidden" if hidden else "shown",
    )
    if sealed.note is not None:
        store_note(session, collaborators, actor, record, sealed.note)


@dataclass(slots=True)
class AddNote:
    """Reading: a contact note, sealed as the next one of its record."""

    opening: OpenProtection
    text: str = field(repr=False)

    def look(self, session: Session) -> None:
        """Authorise and fetch; nothing is touched for a note that cannot be kept."""
        require(self.opening.actor, Permission.PROTECTION_CHANGE)
        flaws = check_note(self.text, required=True)
        if flaws:
            raise Invalid(flaws)
        self.opening.look(session)

    def open(self) -> SealedNote:
        """Seal it."""
        return self.opening.seal_note(self.opening.key(), self.text)


def store_note(session: Session, collaborators: Collaborators, actor: Actor, record: UUID, note: SealedNote) -> None:
    """Add a note to those of a record; Conflict if another took its number meanwhile."""
    require(actor, Permission.PROTECTION_CHANGE)
    queries.one(session, queries.guarded(actor).where(Record.id == record))
    note.store(session, record)
    change = Change(states.of_pack(NOTE, note.number, note.packed))
    states.note(session, collaborators, actor, "protection.noted", record, change, version=note.number)


def _case_of(session: Session, actor: Actor, record: UUID) -> UUID:
    return queries.one(session, queries.guarded(actor).where(Record.id == record))[1].id
