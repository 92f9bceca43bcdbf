"""How much of attachments one person may hand in: a phone in wrong hands, or a broken program, fills no disk."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.cases.files import ARRIVING, COMPLETE
from app.cases.models import File, Record
from app.collaborators import Collaborators
from app.errors import TooMuchToday
from app.intake.models import Submission, WaitingPart

__all__ = ["check"]

GIB = 1 << 30
# Seconds after which a client tries again: by then some of it may have come on the day before yesterday.
RETRY_AFTER = 3600


def check(session: Session, collaborators: Collaborators, person: UUID) -> None:
    """Ask whether somebody may hand in more than what came of them today and yesterday, and is still here.

    A file whose day is not known counts by that of its record. Sizes are those of the padded classes that the rows
    tell.

    Raises:
        TooMuchToday: it is as much as the deployment allows.
    """
    yesterday = (collaborators.now() - timedelta(days=1)).date().isoformat()
    of_records = select(func.sum(File.size)).join(Record, Record.id == File.record_id)
    waiting = select(func.sum(WaitingPart.size)).join(Submission, Submission.id == WaitingPart.submission_id)
    came = func.coalesce(File.arrived_day, Record.received_day) >= yesterday
    sums: tuple[Any, ...] = (
        of_records.where(Record.submitter_id == person, File.status.in_((ARRIVING, COMPLETE)), came),
        waiting.where(Submission.submitter_id == person, WaitingPart.arrived_day >= yesterday),
    )
    if sum(session.scalar(each) or 0 for each in sums) >= collaborators.upload_gib * GIB:
        raise TooMuchToday(RETRY_AFTER)
