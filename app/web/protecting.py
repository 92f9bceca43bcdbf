"""Triage and contact notes as units of work: the same for the API and for pages."""

from __future__ import annotations

from uuid import UUID

from app.access import Actor
from app.bootstrap import Runtime
from app.errors import Conflict
from app.review import protection
from app.review.protection import AddNote, OpenProtection, Triage, TriageCase

__all__ = ["add_note", "triage_record"]

# Two guardians who write at the same moment take the same number; the second one takes the next.
TRIES = 3


def triage_record(runtime: Runtime, actor: Actor, record: UUID, version: int, triage: Triage) -> None:
    """Decide about a threat as it stood at ``version``, and hide the case from research or show it."""
    opening = OpenProtection(runtime.collaborators, actor, record)
    sealed = runtime.read(TriageCase(opening, version, triage))
    with runtime.transaction() as session:
        protection.store_triage(session, runtime.collaborators, actor, record, sealed, hidden=triage.hidden)


def add_note(runtime: Runtime, actor: Actor, record: UUID, text: str) -> None:
    """Add a contact note.

    Raises:
        Conflict: others wrote each time.
    """
    for left in reversed(range(TRIES)):
        note = runtime.read(AddNote(OpenProtection(runtime.collaborators, actor, record), text))
        try:
            with runtime.transaction() as session:
                protection.store_note(session, runtime.collaborators, actor, record, note)
        except Conflict:
            if not left:
                raise
        else:
            return
