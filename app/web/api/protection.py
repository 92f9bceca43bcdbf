"""Guardians' work: the protection compartment and the triage of threats."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from app.access import Permission
from app.review import protection
from app.review.protection import OpenProtection, Triage
from app.web.bodies import Body, Out
from app.web.deps import Acting, Runtime_
from app.web.protecting import add_note, triage_record
from app.web.routing import Router

__all__ = ["router"]

router = Router("/v1/studies/{study}/protection", tag="protection")


class GuardedOut(Out):
    """A record with its flags; a hidden one that nobody triaged waits for it."""

    record: UUID
    case: str
    status: str
    hidden: bool
    triaged: bool
    frozen: bool
    held: bool


class GuardedListOut(Out):
    """Every record of the study: threats that wait for triage first, then hidden ones."""

    records: list[GuardedOut]


class NoteOut(Out):
    """A contact note: when, by whom, what."""

    number: int
    at: AwareDatetime
    by: UUID
    text: str = Field(repr=False)


class ProtectionOut(Out):
    """The protection compartment at one version, with the guardians' notes, oldest first."""

    record: UUID
    version: int
    values: dict[str, Any] = Field(repr=False)
    notes: list[NoteOut] = Field(repr=False)


class NoteBody(Body):
    """A contact note; notes are added, never changed."""

    text: Annotated[str, Field(min_length=1, max_length=10_000, repr=False)]


class TriageBody(Body):
    """What was decided, whether research may see the case, and a note for the guardians."""

    version: Annotated[int, Field(ge=0, le=1_000_000)]
    outcome: Literal["no_action", "watch", "act"]
    hidden: bool
    note: Annotated[str, Field(max_length=10_000, repr=False)] = ""


@router.get("", permission=Permission.PROTECTION_READ)
def list_protected(study: UUID, actor: Acting, runtime: Runtime_) -> GuardedListOut:  # noqa: ARG001
    """Every record of the study with its flags."""
    with runtime.glance() as session:
        rows = protection.listed(session, actor)
    return GuardedListOut(
        records=[
            GuardedOut(
                record=row.record.id,
                case=row.case.code,
                status=row.record.status,
                hidden=row.case.hidden,
                triaged=row.triaged,
                frozen=row.case.frozen,
                held=row.case.held,
            )
            for row in rows
        ]
    )


@router.get("/{record}", permission=Permission.PROTECTION_READ)
def read_protection(study: UUID, record: UUID, actor: Acting, runtime: Runtime_) -> ProtectionOut:  # noqa: ARG001
    """Risk, threats and notes of a record."""
    opened = runtime.read(OpenProtection(runtime.collaborators, actor, record))
    notes = [NoteOut(number=note.number, at=note.at, by=note.by, text=note.text) for note in opened.notes]
    return ProtectionOut(record=opened.record, version=opened.version, values=opened.values, notes=notes)


@router.put("/{record}/triage", permission=Permission.PROTECTION_CHANGE)
def triage_case(study: UUID, record: UUID, body: TriageBody, actor: Acting, runtime: Runtime_) -> None:  # noqa: ARG001
    """Record a decision about a threat, and hide the case from research or show it."""
    triage_record(runtime, actor, record, body.version, Triage(body.outcome, body.hidden, body.note))


@router.post("/{record}/notes", permission=Permission.PROTECTION_CHANGE, status=201)
def note_contact(study: UUID, record: UUID, body: NoteBody, actor: Acting, runtime: Runtime_) -> None:  # noqa: ARG001
    """Add a contact note."""
    add_note(runtime, actor, record, body.text)
