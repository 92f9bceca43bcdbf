"""A submitter's own receipts, and how a record came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access import Actor, Permission, require
from app.cases.models import Record
from app.collaborators import Collaborators
from app.errors import NotFound
from app.intake.models import Submission as Sent
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


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a record came, as far as reviewers should know.

    ``unsealed``: in clear, although its form asks phones to encrypt it. ``inherited``: how many attachments stay under
    the earlier record that it takes the place of. ``superseded``: another record takes its place.
    """

    unsealed: bool
    inherited: int
    superseded: bool


def arrival(session: Session, actor: Actor, record: UUID) -> Arrival:
    """How a record came that the actor works on; nothing is told of one that is not there."""
    require(actor, Permission.SOURCE_READ)
    found = session.execute(
        select(Sent.plaintext, Sent.inherited, Record.superseded_by)
        .outerjoin(Sent, Sent.record_id == Record.id)
        .where(Record.id == record, Record.study_id == actor.study)
    ).one_or_none()
    unsealed, inherited, superseded = found or (None, None, None)
    return Arrival(bool(unsealed), len(inherited or []), superseded is not None)
