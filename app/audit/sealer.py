"""The sealer gives events their order: one chain over all of them, made after they are committed.

It takes no lock that a writer of events could meet. Two sealers at once meet the primary key of ``chain``: one of them
gets Conflict, its transaction never was, and it begins again at the new end. A crash leaves whole batches or nothing.

An event is found by its id, which tells when it was made. One that commits late, after younger ones were sealed, is in
the window of the next round, or, if it took longer than ``LATE``, in the next search of the whole table; it gets a
later position, and none is passed over.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, insert, select
from sqlalchemy.orm import Session

from app.audit import entries
from app.audit.ids import id_at
from app.audit.models import Event, Link
from app.collaborators import Collaborators

__all__ = ["BATCH", "SEARCHED", "everywhere", "head", "recent", "seal"]

# One transaction: on SQLite others wait for it, for some milliseconds.
BATCH = 200
# Ids that one search of the whole table gives at most.
SEARCHED = 5_000
# Requests end within a minute, in seconds.
LATE = 120.0
# Clocks of other machines may be ahead, in seconds.
AHEAD = 3_600.0


def recent(session: Session, since: float) -> list[UUID]:
    """The oldest unsealed events of those made since a moment (unix seconds) or committed late before it."""
    window = Event.id.between(id_at(since - LATE), id_at(time.time() + AHEAD))
    return list(session.scalars(_unsealed().where(window).order_by(Event.id).limit(BATCH)))


def everywhere(session: Session) -> list[UUID]:
    """The oldest unsealed events of the whole table, also those whose ids tell no time."""
    return list(session.scalars(_unsealed().order_by(Event.at, Event.id).limit(SEARCHED)))


def _unsealed() -> Select[UUID]:
    return select(Event.id).outerjoin(Link, Link.event_id == Event.id).where(Link.event_id.is_(None))


def head(session: Session) -> tuple[int, bytes]:
    """The newest position and its hash; position 0 of an empty chain."""
    newest = select(Link.position, Link.hash).order_by(Link.position.desc()).limit(1)
    row = session.execute(newest).one_or_none()
    return (0, entries.START) if row is None else (row.position, row.hash)


def seal(session: Session, collaborators: Collaborators, events: Sequence[UUID]) -> int:
    """Chain these events, at most ``BATCH``, in this order; how many were not chained already."""
    position, before = head(session)
    sealed = set(session.scalars(select(Link.event_id).where(Link.event_id.in_(events))))
    table = Event.table()
    found = session.connection().execute(select(table).where(table.c.id.in_(events))).mappings()
    rows = {row["id"]: row for row in found}
    links = []
    for event in events:
        if event in sealed or event not in rows:
            continue
        position += 1
        content = entries.message(collaborators.deployment, rows[event])
        before = entries.link_hash(collaborators.deployment, position, before, content)
        links.append({"position": position, "event_id": event, "hash": before})
    if links:
        session.connection().execute(insert(Link.table()), links)
    return len(links)
