"""How much of attachments one person may hand in: a phone in wrong hands, or a broken program, fills no disk."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ScalarSelect, func, or_, select
from sqlalchemy.orm import Session

from app.cases.files import ARRIVING
from app.cases.models import File, Record
from app.collaborators import Collaborators
from app.errors import TooMuchToday
from app.intake.models import Submission, WaitingPart

__all__ = ["check"]

GIB = 1 << 30
# Seconds after which a client tries again: by then some of it may be a record of the day before.
RETRY_AFTER = 3600


def check(session: Session, collaborators: Collaborators, person: UUID | ScalarSelect[UUID]) -> None:
    """Ask whether somebody may hand in more: all that arrives counts, and all of records of today and yesterday.

    Sizes are those of the padded classes that the rows tell.

    Raises:
        TooMuchToday: it is as much as the deployment allows.
    """
    yesterday = (collaborators.now() - timedelta(days=1)).date().isoformat()
    recent = or_(File.status == ARRIVING, Record.received_day >= yesterday)
    of_records = select(func.sum(File.size)).join(Record, Record.id == File.record_id)
    waiting = select(func.sum(WaitingPart.size)).join(Submission, Submission.id == WaitingPart.submission_id)
    sums: tuple[Any, ...] = (
        of_records.where(Record.submitter_id == person, recent),
        waiting.where(Submission.submitter_id == person),
    )
    if sum(session.scalar(each) or 0 for each in sums) >= collaborators.upload_gib * GIB:
        raise TooMuchToday(RETRY_AFTER)
