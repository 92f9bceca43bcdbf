"""Attachments as rows of their record: each with a key of its own, under which it is described and sealed.

What is known of a file (its name, its type, its exact size, the order of its segments) rests sealed beside the row.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Self
from uuid import UUID, uuid4

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from app.cases import states
from app.cases.contents import Description, FileWriter, Opened
from app.cases.models import DiscardedFile, File
from app.cases.sealing import Place
from app.collaborators import Collaborators
from app.crypto import contexts
from app.crypto.encoding import canonical_json
from app.crypto.envelope import seal, unseal
from app.crypto.sealed import Sealed
from app.crypto.secrets import Secret
from app.errors import BadEncoding, TamperedField

__all__ = [
    "ARRIVING",
    "CLEAN",
    "COMPLETE",
    "RELEASED",
    "NewFile",
    "all_of",
    "chunk_context",
    "describe",
    "discard",
    "of_record",
    "open_file",
    "read_description",
    "whole",
]

# The stages of a file: what came in, and the clean copies of it, before and after they are released.
ARRIVING, COMPLETE, CLEAN, RELEASED = "arriving", "complete", "clean", "released"


def describe(place: Place, file: UUID, key: Secret, description: Description) -> Sealed:
    """Seal what is known of a file under its key."""
    return seal(key, _context(place, file), canonical_json(description.to_json()))


def read_description(place: Place, file: UUID, key: Secret, sealed: bytes) -> Description:
    """Open what ``describe`` sealed; TamperedField if it is not that."""
    try:
        return Description.from_json(json.loads(unseal(key, _context(place, file), sealed)))
    except BadEncoding:
        raise TamperedField from None


def _context(place: Place, file: UUID) -> bytes:
    return contexts.file(place.deployment, study=place.study, case=place.case, record=place.record, file=file)


def chunk_context(place: Place, file: UUID) -> bytes:
    """What every chunk of a file is bound to."""
    return contexts.chunk(place.deployment, study=place.study, case=place.case, record=place.record, file=file)


@dataclass(slots=True)
class NewFile:
    """A file of our own making, with its key: ``begin``, ``write``, ``finish``."""

    id: UUID
    key: Secret
    place: Place
    writer: FileWriter = field(repr=False)

    @classmethod
    def begin(cls, collaborators: Collaborators, place: Place) -> Self:
        """A fresh id and a fresh key."""
        file, key = uuid4(), Secret.random()
        return cls(file, key, place, FileWriter(collaborators.files, file, key, chunk_context(place, file)))

    def write(self, piece: bytes) -> None:
        """Add bytes; raises as ``FileWriter.write``."""
        self.writer.write(piece)

    def finish(self, *, name: str, type: str, status: str) -> dict[str, Any]:  # noqa: A002  what it is called
        """The row to insert, once all of it is durable."""
        description = replace(self.writer.finish(), name=name, type=type)
        values = whole(self.place, self.id, self.key, description)
        own = {"id": self.id, "record_id": self.place.record, "client_uuid": self.id, "status": status}
        return own | values | {"upload": None, "content": None, "expires_at": None, "turn": 0}


def whole(place: Place, file: UUID, key: Secret, description: Description) -> dict[str, Any]:
    """The columns of a file that is complete."""
    sealed = describe(place, file, key, description)
    return {"size": description.stored, "segments": len(description.segments), "sealed": sealed}


def open_file(collaborators: Collaborators, place: Place, row: File, key: Secret) -> Opened:
    """A file by its row and its key.

    Raises:
        TamperedField: the row is not this file's, or was sealed before all of it was there.
    """
    meta = read_description(place, row.id, key, row.sealed)
    return Opened(collaborators.files, row.id, key, chunk_context(place, row.id), meta)


def of_record(session: Session, record: UUID, *statuses: str) -> list[File]:
    """The files of a record at these stages, in one order always."""
    query = select(File).where(File.record_id == record, File.status.in_(statuses)).order_by(File.client_uuid)
    return list(session.scalars(query))


def all_of(session: Session, record: UUID, *, kept: str | None = None) -> list[UUID]:
    """Every file of a record but those of one stage."""
    query = select(File.id).where(File.record_id == record)
    return list(session.scalars(query if kept is None else query.where(File.status != kept)))


def discard(session: Session, collaborators: Collaborators, files: Iterable[UUID]) -> list[str]:
    """Delete rows, and leave what is stored to the outbox; the parts of the record that are gone."""
    ids = sorted(files)
    rows = session.execute(delete(File).where(File.id.in_(ids)).returning(File.id, File.status)).all()
    if rows:
        now = collaborators.now()
        session.execute(insert(DiscardedFile), [{"id": row.id, "written_at": now} for row in rows])
    return [states.file_key(row.id) for row in rows if row.status != ARRIVING]
