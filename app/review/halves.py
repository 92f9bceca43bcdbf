"""The halves of keys that two people open together: what they are named, and which go along when a source is reopened.

An approval to reopen hands over the auditors' half of the source and, after it, that of each attachment: 16 bytes of
the file's id and 32 of the half.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access import Actor
from app.cases import grants
from app.cases.files import COMPLETE
from app.cases.grants import FoundGrant, Scope
from app.cases.models import File, Grant
from app.crypto.secrets import Secret

__all__ = [
    "AUDITORS",
    "COMPARTMENTS",
    "CONTENT",
    "GUARDIANS",
    "SIDES",
    "file_halves",
    "file_of",
    "half_of",
    "joined",
    "parted",
]

# What an ask may be about beside one file.
COMPARTMENTS = frozenset({"identity", "source"})
# What an ask about a file names in the place of fields.
CONTENT = "content"
GUARDIANS, AUDITORS = SIDES = ("g", "a")
KEY_BYTES, ID_BYTES = 32, 16
PREFIX = "file."


def half_of(scope: str, side: str) -> str:
    """The scope of one half: ``g`` for the guardians', ``a`` for the auditors'."""
    return f"{scope}.{side}"


def file_of(session: Session, record: UUID, scope: str) -> File | None:
    """The attachment of this record that a scope names; None for any other scope."""
    if not scope.startswith(PREFIX):
        return None
    there = session.scalars(select(File).where(File.record_id == record, File.status == COMPLETE))
    return next((row for row in there if Scope.file(row.id) == scope), None)


def file_halves(session: Session, actor: Actor, record: UUID, side: str) -> dict[UUID, FoundGrant]:
    """The halves of a record's attachments on one side, in the order of their ids."""
    ids = session.scalars(
        select(File.id).where(File.record_id == record, File.status == COMPLETE).order_by(File.id)
    ).all()
    granted = set(session.scalars(select(Grant.scope).where(Grant.record_id == record)))
    scopes = {file: half_of(Scope.file(file), side) for file in ids}
    return {file: grants.find(session, actor, record, scope) for file, scope in scopes.items() if scope in granted}


def joined(half: Secret, files: Mapping[UUID, Secret]) -> Secret:
    """One secret of the half of a compartment and those of files."""
    parts = [file.bytes + each.reveal() for file, each in files.items()]
    return Secret(b"".join([half.reveal(), *parts]))


def parted(handed: Secret) -> tuple[Secret, dict[UUID, Secret]]:
    """Take apart what ``joined`` made."""
    raw, step = handed.reveal(), ID_BYTES + KEY_BYTES
    parts = [raw[at : at + step] for at in range(KEY_BYTES, len(raw), step)]
    files = {UUID(bytes=part[:ID_BYTES]): Secret(part[ID_BYTES:]) for part in parts}
    return Secret(raw[:KEY_BYTES]), files
