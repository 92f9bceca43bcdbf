"""The guardians' compartment: reading it, triaging threats, keeping contact notes, hiding a case from research."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from app.access import Actor, Permission, require
from app.audit import service as audit
from app.cases import grants, queries
from app.cases.grants import FoundGrant, Scope
from app.cases.models import Case, Pack, Record
from app.cases.sealing import Compartment, Place, open_pack, seal_pack
from app.collaborators import Collaborators
from app.crypto import packs
from app.crypto.sealed import Sealed
from app.crypto.secrets import Secret
from app.errors import Conflict, Flaw, Invalid
from app.studies import roster
from app.studies.roster import SignedRoster

PROTECTION = Compartment.PROTECTION
# What guardians add beside the answers; the answers themselves stay as they came.
NOTES = "guardians.notes"
TRIAGE = "guardians.triage"
OUTCOMES = ("no_action", "watch", "act")
NOTE_CHARACTERS = 10_000


def listed(session: Session, actor: Actor) -> list[tuple[Record, Case]]:
    """Every record of the study for its guardians: hidden ones, which wait for triage, first."""
    require(actor, Permission.PROTECTION_READ)
    return [(record, case) for record, case in session.execute(queries.guarded(actor))]


@dataclass(frozen=True, slots=True)
class Protection:
    """The protection compartment at one version."""

    record: UUID
    version: int
    values: dict[str, Any] = field(repr=False)


@dataclass(slots=True)
class OpenProtection:
    """Reading: the newest version of the protection compartment."""

    collaborators: Collaborators
    actor: Actor
    record: UUID
    place: Place = field(init=False)
    signed: SignedRoster = field(init=False)
    found: FoundGrant = field(init=False)
    version: int = field(init=False)
    packed: Sealed = field(init=False, repr=False)

    def look(self, session: Session) -> None:
        """Authorise, fetch, write the event."""
        require(self.actor, Permission.PROTECTION_READ)
        row, case = queries.one(session, queries.guarded(self.actor).where(Record.id == self.record))
        self.place = queries.place_of(self.collaborators, row)
        self.signed = roster.latest(session, self.collaborators, row.study_id)
        self.found = grants.find(session, self.actor, self.record, Scope.PROTECTION)
        self.version = queries.newest_version(session, self.record, PROTECTION)
        self.packed = queries.pack(session, self.record, PROTECTION, self.version)
        audit.write(session, self.collaborators, self.actor, "protection.read", case=case.id, record=self.record)

    def key(self) -> Secret:
        """Unwrap the protection key."""
        opened = grants.open_found(self.collaborators, self.actor, self.place, [self.found], self.signed.floor)
        return opened[Scope.PROTECTION]

    def open(self) -> Protection:
        """Unwrap and decrypt."""
        values = open_pack(self.place, self.key(), PROTECTION, self.version, self.packed)
        return Protection(self.record, self.version, values)


@dataclass(frozen=True, slots=True)
class Triage:
    """What a guardian decided: an outcome, whether research may see the case, and a note."""

    outcome: str
    hidden: bool
    note: str = field(default="", repr=False)


@dataclass(slots=True)
class TriageCase:
    """Reading: the protection compartment with the triage, sealed as its next version."""

    opening: OpenProtection
    version: int
    triage: Triage

    def look(self, session: Session) -> None:
        """Authorise and fetch; Conflict if somebody changed it meanwhile."""
        require(self.opening.actor, Permission.PROTECTION_CHANGE)
        if self.triage.outcome not in OUTCOMES:
            raise Invalid([Flaw("/outcome", "Not one of the choices.")])
        if len(self.triage.note) > NOTE_CHARACTERS:
            raise Invalid([Flaw("/note", f"At most {NOTE_CHARACTERS} characters.")])
        self.opening.look(session)
        if self.opening.version != self.version:
            raise Conflict("Somebody changed this meanwhile; read it again.")

    def open(self) -> Sealed:
        """Add the triage to what is there and seal it all again."""
        opened, key = self.opening, self.opening.key()
        values = open_pack(opened.place, key, PROTECTION, opened.version, opened.packed)
        notes = [*values.get(NOTES, []), self.triage.note] if self.triage.note.strip() else values.get(NOTES, [])
        added: Mapping[str, Any] = {NOTES: notes, TRIAGE: {"outcome": self.triage.outcome}}
        return seal_pack(opened.place, key, PROTECTION, {**values, **added}, opened.version + 1)


def store_triage(
    session: Session,
    collaborators: Collaborators,
    actor: Actor,
    record: UUID,
    version: int,
    sealed: Sealed,
    triage: Triage,
) -> None:
    """Store the next version and the case's flag; two guardians at once meet the primary key."""
    require(actor, Permission.PROTECTION_CHANGE)
    case = session.scalar(select(Record.case_id).where(Record.id == record, Record.study_id == actor.study))
    digest = packs.digest(sealed)
    session.execute(
        insert(Pack).values(
            record_id=record, compartment=PROTECTION.value, version=version + 1, sealed=sealed, digest=digest
        )
    )
    session.execute(update(Case).where(Case.id == case).values(hidden=triage.hidden))
    audit.write(
        session,
        collaborators,
        actor,
        "protection.changed",
        case=case,
        record=record,
        digest=digest.hex(),
        state="hidden" if triage.hidden else "shown",
    )
