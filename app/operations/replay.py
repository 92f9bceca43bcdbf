"""Playing the events of changes from the first turn on: what they say must be there, and which event said it last."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit import entries
from app.audit.models import Event, Link
from app.audit.parts import Parts
from app.cases.states import ALL
from app.collaborators import Collaborators
from app.forms.states import ACTIONS as FORM_ACTIONS
from app.studies.models import Study

__all__ = [
    "Tells",
    "Told",
    "positions",
    "studies_gone",
    "told_of_cases",
    "told_of_forms",
    "told_of_records",
    "told_of_study",
]

AT_ONCE = 500
STUDY_CREATED, STUDY_BASELINED = "study.created", "study.baselined"
STUDY_ACTIONS = (STUDY_CREATED, STUDY_BASELINED)


@dataclass(slots=True)
class Told:
    """What the events say of one record or case. ``last`` names the event that said a part, or that took it, last."""

    turns: dict[int, list[tuple[UUID, Parts, list[str]]]] = field(default_factory=lambda: defaultdict(list))
    parts: Parts = field(default_factory=dict)
    last: dict[str, UUID] = field(default_factory=dict)

    @property
    def turn(self) -> int:
        """The newest turn; 0 if no event tells of it."""
        return max(self.turns, default=0)

    def missing(self) -> list[int]:
        """Turns of which no event tells."""
        return [turn for turn in range(1, self.turn + 1) if turn not in self.turns]

    def doubled(self) -> list[int]:
        """Turns of which several events tell."""
        return [turn for turn, told in self.turns.items() if len(told) > 1]

    def play(self) -> None:
        """Play every turn in order."""
        for turn in sorted(self.turns):
            for event, made, gone in self.turns[turn]:
                for part in [*self.parts] if ALL in gone else gone:
                    self.parts.pop(part, None)
                    self.last[part] = event
                self.parts |= made
                self.last |= dict.fromkeys(made, event)


# What the events say of these ids.
Tells = Callable[[Session, Collaborators, Sequence[UUID]], dict[UUID, Told]]


def told_of_records(session: Session, collaborators: Collaborators, ids: Sequence[UUID]) -> dict[UUID, Told]:
    """What the events say of these records."""
    return _told(session, collaborators, "record_id", ids, "")


def told_of_cases(session: Session, collaborators: Collaborators, ids: Sequence[UUID]) -> dict[UUID, Told]:
    """What the events say of these cases."""
    return _told(session, collaborators, "case_id", ids, "case_")


def told_of_study(session: Session, collaborators: Collaborators, study: UUID) -> tuple[UUID, str] | None:
    """The event that tells of a study's own row last, and the digest it carries; None if none of ours does."""
    table = Event.table()
    query = select(table).where(table.c.study_id == study, table.c.action.in_(STUDY_ACTIONS)).order_by(table.c.id)
    told = None
    for row in session.connection().execute(query).mappings():
        content = entries.message(collaborators.deployment, row)
        if entries.carries_check(collaborators.custody, collaborators.deployment, row, content):
            told = row["id"], str(row["details"].get("digest"))
    return told


def told_by(session: Session, collaborators: Collaborators, actions: Sequence[str]) -> Iterator[Mapping[Any, Any]]:
    """The events of these kinds that are ours, oldest first."""
    table = Event.table()
    query = select(table).where(table.c.action.in_(actions)).order_by(table.c.id).execution_options(yield_per=AT_ONCE)
    for row in session.connection().execute(query).mappings():
        content = entries.message(collaborators.deployment, row)
        if entries.carries_check(collaborators.custody, collaborators.deployment, row, content):
            yield row


def studies_gone(session: Session) -> list[UUID]:
    """Studies whose creation was told and which are not there."""
    there = select(Study.id)
    query = select(Event.study_id).where(Event.action.in_(STUDY_ACTIONS), Event.study_id.not_in(there)).distinct()
    return [study for study in session.scalars(query) if study is not None]


def told_of_forms(session: Session, collaborators: Collaborators) -> dict[UUID, tuple[UUID, str]]:
    """The event that tells of each form last, and the digest it carries."""
    table, told = Event.table(), {}
    query = select(table).where(table.c.action.in_(FORM_ACTIONS)).order_by(table.c.at, table.c.id)
    for row in session.connection().execute(query).mappings():
        content = entries.message(collaborators.deployment, row)
        if entries.carries_check(collaborators.custody, collaborators.deployment, row, content):
            told[UUID(row["details"]["form"])] = row["id"], str(row["details"].get("digest"))
    return told


def positions(session: Session, events: Sequence[UUID]) -> dict[UUID, int]:
    """Where these events stand in the chain."""
    rows = session.execute(select(Link.event_id, Link.position).where(Link.event_id.in_(events)))
    return {row.event_id: row.position for row in rows}


def _told(
    session: Session, collaborators: Collaborators, column: str, ids: Sequence[UUID], prefix: str
) -> dict[UUID, Told]:
    told: defaultdict[UUID, Told] = defaultdict(Told)
    for row in _events(session, column, ids):
        details = row["details"]
        if not isinstance(details, Mapping) or not isinstance(details.get(f"{prefix}turn"), int):
            continue
        content = entries.message(collaborators.deployment, row)
        if not entries.carries_check(collaborators.custody, collaborators.deployment, row, content):
            continue  # not ours: the walk along the chain names it, and what it says counts for nothing
        change = (row["id"], dict(details.get(f"{prefix}made", {})), list(details.get(f"{prefix}gone", ())))
        told[row[column]].turns[details[f"{prefix}turn"]].append(change)
    for each in told.values():
        each.play()
    return told


def _events(session: Session, column: str, ids: Sequence[UUID]) -> Iterator[Any]:
    table = Event.table()
    query = select(table).where(table.c[column].in_(ids)).execution_options(yield_per=AT_ONCE)
    yield from session.connection().execute(query).mappings()
