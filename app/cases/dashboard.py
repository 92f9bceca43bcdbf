"""A study in a few honest numbers, for its leads: intake by week, cases by stage, and how long the queue waits.

A number under five is not told, nor whether it is nothing: with few cases a count is about a person. Nothing is added
up either, because a sum next to its parts would tell the part that was kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.access import Actor, Permission, require
from app.cases.models import Case, Record
from app.cases.queries import Status
from app.collaborators import Collaborators
from app.errors import Forbidden

__all__ = ["SMALLEST", "WEEKS", "Count", "Dashboard", "dashboard"]

SMALLEST: Final = 5
WEEKS: Final = 12
FROZEN: Final = "frozen"
# A case stands where the least of its records stands.
STAGES: Final = (Status.RECEIVED, Status.FAILED, Status.DRAFTED, Status.FINISHED, Status.RELEASED)
# How many days the oldest record of a case has waited for a release: from, up to, and what that is called.
AGES: Final = ((0, 6, "0-6"), (7, 13, "7-13"), (14, 27, "14-27"), (28, None, "28+"))


@dataclass(frozen=True, slots=True)
class Count:
    """How many cases; None for fewer than five, none among them."""

    name: str
    count: int | None


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Cases received by ISO week (oldest first), by stage, and by days that they have waited for a release."""

    weeks: tuple[Count, ...]
    stages: tuple[Count, ...]
    ages: tuple[Count, ...]


def dashboard(session: Session, collaborators: Collaborators, actor: Actor, *, weeks: int = WEEKS) -> Dashboard:
    """The numbers of the actor's study; a case counts in the week of its first record.

    Raises:
        Forbidden: only leads see them.
    """
    require(actor, Permission.DASHBOARD_READ)
    if actor.study is None:
        raise Forbidden
    today = date.fromisoformat(collaborators.today())
    arrived = _first_days(session, actor.study)
    standing = _stages(session, actor.study)
    return Dashboard(
        _told(_weeks(today, weeks), Counter(_week(date.fromisoformat(day)) for day in arrived)),
        _told((*STAGES, FROZEN), Counter(standing)),
        _told([name for _, _, name in AGES], Counter(_age(today, day) for day in _waiting(session, actor.study))),
    )


def _told(names: Iterable[str], counted: Mapping[str, int]) -> tuple[Count, ...]:
    return tuple(Count(name, counted[name] if counted[name] >= SMALLEST else None) for name in names)


def _first_days(session: Session, study: UUID) -> list[str]:
    firsts = select(func.min(Record.received_day)).where(Record.study_id == study).group_by(Record.case_id)
    return list(session.scalars(firsts))


def _stages(session: Session, study: UUID) -> list[str]:
    found: dict[UUID, str] = {}
    rows = select(Case.id, Case.frozen, Record.status).join(Record, Record.case_id == Case.id)
    for case, frozen, status in session.execute(rows.where(Case.study_id == study)):
        stage = FROZEN if frozen else status
        before = found.get(case, stage)
        found[case] = stage if stage == FROZEN else min(before, stage, key=STAGES.index)
    return list(found.values())


def _waiting(session: Session, study: UUID) -> list[str]:
    """The day of the oldest record of each case that waits for a release; frozen cases wait for nothing."""
    oldest = select(func.min(Record.received_day)).join(Case, Case.id == Record.case_id)
    waiting = (Record.study_id == study, Record.status != Status.RELEASED, Case.frozen.is_(False))
    return list(session.scalars(oldest.where(*waiting).group_by(Record.case_id)))


def _age(today: date, day: str) -> str:
    days = max(0, (today - date.fromisoformat(day)).days)
    return next(name for _, most, name in AGES if most is None or days <= most)


def _week(day: date) -> str:
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


def _weeks(today: date, weeks: int) -> list[str]:
    return [_week(today - timedelta(weeks=back)) for back in reversed(range(weeks))]
