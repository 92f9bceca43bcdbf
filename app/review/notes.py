"""The guardians' contact notes: dated, signed with a name, only ever added, each sealed by itself.

A note rests as a pack of its own under the protection key; its number is part of what it is bound to, so that none can
be changed, swapped or put in between without showing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.access import Actor
from app.cases.models import Pack
from app.cases.sealing import Place, open_pack, seal_pack
from app.collaborators import Collaborators
from app.crypto import packs
from app.crypto.sealed import Sealed
from app.crypto.secrets import Secret
from app.errors import Flaw

NOTE = "note"
NOTE_CHARACTERS = 10_000


@dataclass(frozen=True, slots=True)
class Note:
    """One note; ``number`` counts from 1."""

    number: int
    at: datetime
    by: UUID
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SealedNote:
    """A note as it rests."""

    number: int
    packed: Sealed = field(repr=False)

    @property
    def digest(self) -> bytes:
        """What the event of its writing names."""
        return packs.digest(self.packed)

    def open(self, place: Place, key: Secret) -> Note:
        """Decrypt it under the protection key."""
        values: dict[str, Any] = open_pack(place, key, NOTE, self.number, self.packed)[NOTE]
        return Note(self.number, datetime.fromisoformat(values["at"]), UUID(values["by"]), values["text"])

    def store(self, session: Session, record: UUID) -> None:
        """Insert it; Conflict, from the primary key, if another note took its number meanwhile."""
        session.execute(
            insert(Pack).values(
                record_id=record, compartment=NOTE, version=self.number, sealed=self.packed, digest=self.digest
            )
        )


def check_note(text: str, *, required: bool = False) -> list[Flaw]:
    """What is wrong with a note."""
    if required and not text.strip():
        return [Flaw("/note", "Write something.")]
    if len(text) > NOTE_CHARACTERS:
        return [Flaw("/note", "A note has at most 10,000 characters.")]
    return []


def sealed_notes(session: Session, record: UUID) -> list[SealedNote]:
    """Every note of a record, oldest first."""
    rows = session.execute(
        select(Pack.version, Pack.sealed)
        .where(Pack.record_id == record, Pack.compartment == NOTE)
        .order_by(Pack.version)
    )
    return [SealedNote(version, sealed) for version, sealed in rows]


def seal_note(
    collaborators: Collaborators, actor: Actor, place: Place, key: Secret, number: int, text: str
) -> SealedNote:
    """Seal a note of this moment by the actor."""
    value = {"at": collaborators.now().isoformat(), "by": str(actor.user()), "text": text.strip()}
    return SealedNote(number, seal_pack(place, key, NOTE, {NOTE: value}, number))
