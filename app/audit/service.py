"""Writing events: in the act's own transaction, with allow-listed, content-free details, each with its check.

No event waits for another: the chain is made afterwards, by the sealer.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.access import Actor
from app.audit import entries
from app.audit.demands import lacking
from app.audit.ids import event_id
from app.audit.models import Event
from app.collaborators import Collaborators

# What an event may carry beside ids. Values are ids, counts, digests in hex, or names from our own enums.
DETAIL_KEYS = frozenset(
    {
        "approver", "ask", "attempt", "boxes", "case_gone", "case_made", "case_turn", "code", "count", "decision",
        "device", "digest", "disclosure", "epoch", "epochs", "expires", "fields", "file", "form", "gone",
        "instrument", "key", "kind", "left", "made", "member", "opened", "permission", "position", "purpose", "roles",
        "route", "scope", "scopes", "session", "share", "state", "team", "teams", "turn", "user", "version",
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
    """Write one event in the caller's transaction; ValueError as ``row``."""
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
    """Make the row of an event, for whoever inserts it with others.

    Raises:
        ValueError: a detail outside the list, or without what this kind of event must carry.
    """
    if not details.keys() <= DETAIL_KEYS:
        msg = "an event may not carry this detail"
        raise ValueError(msg)
    if lacking(action, details):
        msg = "an event of this kind carries what it changed"
        raise ValueError(msg)
    values: dict[str, Any] = {
        "id": event_id(),
        "at": collaborators.now(),
        "action": action,
        "actor_kind": actor.kind.value,
        "actor_id": actor.id,
        "study_id": study or actor.study,
        "case_id": case,
        "record_id": record,
        "details": details,
        "key_id": entries.KEY,
    }
    content = entries.message(collaborators.deployment, values)
    values["mac"] = entries.check_of(collaborators.custody, collaborators.deployment, entries.KEY, content)
    return values
