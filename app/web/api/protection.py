"""Guardians' work: the protection compartment and the triage of threats."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from app.access import Permission
from app.review import protection
from app.review.protection import OpenProtection, Triage, TriageCase
from app.web.bodies import Body, Out
from app.web.deps import Acting, Runtime_
from app.web.routing import Router

__all__ = ["router"]

router = Router("/v1/studies/{study}/protection", tag="protection")


class GuardedOut(Out):
    """A record with its flags; hidden ones wait for triage."""

    record: UUID
    case: str
    status: str
    hidden: bool
    frozen: bool
    held: bool


class GuardedListOut(Out):
    """Every record of the study, hidden ones first."""

    records: list[GuardedOut]


class ProtectionOut(Out):
    """The protection compartment at one version."""

    record: UUID
    version: int
    values: dict[str, Any] = Field(repr=False)


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
                record=record.id,
                case=case.code,
                status=record.status,
                hidden=case.hidden,
                frozen=case.frozen,
                held=case.held,
            )
            for record, case in rows
        ]
    )


@router.get("/{record}", permission=Permission.PROTECTION_READ)
def read_protection(study: UUID, record: UUID, actor: Acting, runtime: Runtime_) -> ProtectionOut:  # noqa: ARG001
    """Risk, threats and notes of a record."""
    opened = runtime.read(OpenProtection(runtime.collaborators, actor, record))
    return ProtectionOut(record=opened.record, version=opened.version, values=opened.values)


@router.put("/{record}/triage", permission=Permission.PROTECTION_CHANGE)
def triage_case(study: UUID, record: UUID, body: TriageBody, actor: Acting, runtime: Runtime_) -> None:  # noqa: ARG001
    """Record a decision about a threat, and hide the case from research or show it."""
    triage = Triage(body.outcome, body.hidden, body.note)
    opening = OpenProtection(runtime.collaborators, actor, record)
    sealed = runtime.read(TriageCase(opening, body.version, triage))
    with runtime.transaction() as session:
        protection.store_triage(session, runtime.collaborators, actor, record, body.version, sealed, triage)
