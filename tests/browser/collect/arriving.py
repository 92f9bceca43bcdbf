"""What arrived of a phone's files, as somebody of the redaction team opens it."""

from __future__ import annotations

import hashlib
from uuid import UUID

from sqlalchemy import select

from app.cases import files, grants, queries
from app.cases.files import COMPLETE
from app.cases.grants import Scope
from app.cases.models import File, Record
from app.studies import roster
from tests.system import System


def arrived(system: System, record: UUID) -> dict[str, str]:
    """SHA-256 of each file of a record of the first study, by its name."""
    actor, collaborators, found = system.acting("redactor"), system.collaborators, dict[str, str]()
    with system.runtime.glance() as session:
        place = queries.place_of(collaborators, session.get_one(Record, record))
        rows = session.scalars(select(File).where(File.record_id == record, File.status == COMPLETE)).all()
        signed = roster.latest(session, collaborators, place.study)
        granted = {row.id: grants.find(session, actor, record, Scope.file(row.id)) for row in rows}
    for row in rows:
        grant = granted[row.id]
        key = grants.open_found(collaborators, actor, place, [grant], signed.floor)[grant.scope]
        opened = files.open_file(collaborators, place, row, key)
        found[opened.meta.name] = hashlib.sha256(b"".join(opened.read(0, opened.size))).hexdigest()
    return found
