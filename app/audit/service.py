"""Writing events: in the act's own transaction, with allow-listed, content-free details."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.access import Actor
from app.audit.models import Event
from app.collaborators import Collaborators

# What an event may carry beside ids. Values are ids, counts, digests in hex, or names from our own enums.
DETAIL_KEYS = frozenset(
    {
        "approver", "ask", "attempt", "boxes", "code", "count", "decision", "device", "digest", "disclosure", "epoch",
        "epochs", "expires", "fields", "grants", "instrument", "kind", "left", "member", "opened", "permission",
        "purpose", "roles", "route", "scope", "scopes", "session", "share", "state", "team", "teams", "user",
        "version",
    }
)  # fmt: skip

INSERT = insert(Event.table())


def write(
    session: Session,
    collaborators: Collaborators,
    actor: Actor,
    action: str,
    /,
    *,
    study: UUID | None = None,
    case: UUID | None = None,
    record: UUID | None = None,
    **details: str | int | list[str] | dict[str, str] | None,
) -> None:
    """Write one event in the caller's transaction; ValueError for a detail outside the list."""
    values = row(collaborators, actor, action, study=study, case=case, record=record, **details)
    session.connection().execute(INSERT, values)


def row(
    collaborators: Collaborators,
    actor: Actor,
    action: str,
    /,
    *,
    study: UUID | None = None,
    case: UUID | None = None,
    record: UUID | None = None,
    **details: str | int | list[str] | dict[str, str] | None,
) -> dict[str, Any]:
    """Make the row of an event, for whoever inserts it with others; ValueError for a detail outside the list."""
    if not details.keys() <= DETAIL_KEYS:
        msg = "an event may not carry this detail"
        raise ValueError(msg)
    return {
        "id": uuid4(),
        "at": collaborators.now(),
        "action": action,
        "actor_kind": actor.kind.value,
        "actor_id": actor.id,
        "study_id": study or actor.study,
        "case_id": case,
        "record_id": record,
        "details": details,
    }
