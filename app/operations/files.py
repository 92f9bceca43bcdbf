"""The store of files beside the rows: uploads nobody went on with, pieces no row names, rows without their pieces."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from app.bootstrap import Runtime
from app.cases.housekeeping import ABANDONED_AFTER
from app.errors import TestimonyError
from app.intake import files as uploads
from app.operations import queries

__all__ = ["Compared", "compare", "sweep_strays", "sweep_uploads"]


@dataclass(slots=True)
class Compared:
    """Files whose pieces are not all there, and files in the store that no row names."""

    lost: list[UUID] = field(default_factory=list)
    strays: list[UUID] = field(default_factory=list)


def compare(runtime: Runtime) -> Compared:
    """Look at every file, wherever it is named; nothing changes."""
    with runtime.glance() as session:
        known, whole = queries.known_files(session), queries.whole_files(session)
    store = runtime.collaborators.files
    found = Compared(strays=sorted(file for file in store.files() if file not in known))
    found.lost = sorted(file for file, pieces in whole.items() if len(store.segments(file)) < pieces)
    return found


def sweep_uploads(runtime: Runtime) -> int:
    """Forget uploads that waited too long for their next part; how many."""
    with runtime.transaction() as session:
        return uploads.expired(session, runtime.collaborators)


def sweep_strays(runtime: Runtime) -> int:
    """Delete what no row names and nothing was added to for a day: what a crash left behind; how many files."""
    store, count = runtime.collaborators.files, 0
    old = list(store.files(before=runtime.clock() - ABANDONED_AFTER))
    with runtime.glance() as session:
        known = queries.known_files(session)
    for file in old:
        if file not in known:
            try:
                store.discard(file)
            except TestimonyError:
                # The next sweep finds it again, and the others do not wait for it.
                store.check()
            else:
                count += 1
    return count
