"""A submitter's own receipts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access import Actor
from app.cases.models import Record
from app.errors import NotFound
from app.intake.service import require_submitter


def receipt(session: Session, actor: Actor, client_uuid: UUID) -> dict[str, Any]:
    """The receipt of a record the actor submitted under this id; a device sees those it sent itself."""
    require_submitter(actor)
    query = select(Record.receipt).where(Record.submitter_id == actor.user(), Record.client_uuid == client_uuid)
    if actor.device is not None:
        query = query.where(Record.device_id == actor.device)
    found = session.scalar(query)
    if found is None:
        raise NotFound
    kept: dict[str, Any] = found
    return kept
