"""A submitter's own receipts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access import Actor, Permission, require
from app.cases.models import Record
from app.collaborators import Collaborators
from app.errors import NotFound
from app.intake.service import require_submitter
from app.studies import service


def receipt(session: Session, collaborators: Collaborators, actor: Actor, client_uuid: UUID) -> dict[str, Any]:
    """The receipt of a record the actor submitted under this id; a device sees those it sent itself.

    Raises:
        NotFound: no such record of the actor's, or no longer a member of its study.
        Forbidden: a member who may not read receipts any more.
    """
    require_submitter(actor)
    query = select(Record.study_id, Record.receipt).where(
        Record.submitter_id == actor.user(), Record.client_uuid == client_uuid
    )
    if actor.device is not None:
        query = query.where(Record.device_id == actor.device)
    found = session.execute(query).one_or_none()
    if found is None:
        raise NotFound
    acting, _ = service.act_in(session, collaborators, actor, found.study_id)
    require(acting, Permission.RECEIPT_READ)
    kept: dict[str, Any] = found.receipt
    return kept
