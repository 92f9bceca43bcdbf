"""Taking over, as they are now, rows that no event of the trail accounts for: once, after the trail was introduced.

What an event accounts for already is left alone, so running this again hides nothing. A row that an operator has looked
at is taken over when it is named. Either way an event says so, and every verification shows the newest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.audit.models import Event, Link
from app.audit.verify import BASELINED
from app.bootstrap import Runtime
from app.cases import states
from app.cases.models import Case, Decision, Record, Tombstone
from app.cases.states import ALL, Change, Turn
from app.operations import holdings, replay
from app.operations.holdings import Held
from app.operations.setup import OPERATOR
from app.operations.snapshot import snapshot
from app.operations.trail import seal_all
from app.studies.models import Study
from app.studies.service import of_study

__all__ = ["Taken", "take_over"]

BATCH = 50
# A row of which no event ever told as a whole is older than the trail, whatever was changed of it since.
ROW = "row"
FIRST = UUID(int=0)


@dataclass(slots=True)
class Taken:
    """How much was taken over; ``events`` are entries without a check."""

    events: int = 0
    studies: int = 0
    cases: int = 0
    records: int = 0


def take_over(
    runtime: Runtime, accepted: Sequence[UUID] = (), done: Callable[[int], None] = lambda _count: None
) -> Taken:
    """Take over what no event accounts for, and the rows with these ids; ``done`` hears how many records are looked at.

    Each row is taken over in a transaction of its own, and each that was is left alone the next time: an interruption
    is gone on from by running it again.
    """
    taken = Taken()
    for study in _studies(runtime, accepted):
        with runtime.transaction() as session:
            row = session.get_one(Study, study)
            digest = of_study(row)
            audit.write(session, runtime.collaborators, OPERATOR, replay.STUDY_BASELINED, study=study, digest=digest)
        taken.studies += 1
    for case in _walk(runtime, holdings.case_ids, replay.told_of_cases, accepted):
        taken.cases += _take_case(runtime, case, named=case in accepted)
    for record in _walk(runtime, holdings.record_ids, replay.told_of_records, accepted, done):
        taken.records += _take_record(runtime, record, named=record in accepted)
    taken.events = _mark(runtime)
    return taken


def _studies(runtime: Runtime, accepted: Sequence[UUID]) -> list[UUID]:
    with snapshot(runtime) as session:
        ids = session.scalars(select(Study.id).order_by(Study.id)).all()
        return [
            each
            for each in ids
            if each in accepted or replay.told_of_study(session, runtime.collaborators, each) is None
        ]


def _walk(
    runtime: Runtime,
    ids_after: holdings.Ids,
    told_of: replay.Tells,
    accepted: Sequence[UUID],
    done: Callable[[int], None] = lambda _count: None,
) -> Iterator[UUID]:
    after, count = FIRST, 0
    while True:
        with snapshot(runtime) as session:
            ids = ids_after(session, after, BATCH)
            if not ids:
                return
            told = told_of(session, runtime.collaborators, ids)
        yield from (each for each in ids if each in accepted or each not in told or ROW not in told[each].last)
        after, count = ids[-1], count + len(ids)
        done(count)


def _take_case(runtime: Runtime, case: UUID, *, named: bool) -> bool:
    with runtime.transaction() as session:
        turn = states.take_case_turn(session, case) if session.get(Case, case) is not None else None
        held = holdings.cases(session, [case]).get(case)
        told = replay.told_of_cases(session, runtime.collaborators, [case]).get(case)
        if not named and (held is None or (turn is None and told is not None)):
            return False
        if turn is None:
            study = session.scalar(select(Decision.study_id).where(Decision.case_id == case).limit(1))
            turn = Turn(_next_turn(told), study, case, None)
        _tell(session, runtime, "case.baselined", turn, held)
    return True


def _take_record(runtime: Runtime, record: UUID, *, named: bool) -> bool:
    with runtime.transaction() as session:
        turn = states.take_turn(session, record) if session.get(Record, record) is not None else None
        held = holdings.records(session, [record], runtime.clock()).get(record)
        told = replay.told_of_records(session, runtime.collaborators, [record]).get(record)
        if not named and (held is None or (turn is None and told is not None)):
            return False
        if turn is None:
            stone = session.get(Tombstone, record)
            study, case = (None, None) if stone is None else (stone.study_id, stone.case_id)
            turn = Turn(_next_turn(told), study, case, record)
        _tell(session, runtime, "record.baselined", turn, held)
    return True


def _tell(session: Session, runtime: Runtime, action: str, turn: Turn, held: Held | None) -> None:
    change = Change({} if held is None else held.parts, [ALL])
    states.tell(session, runtime.collaborators, OPERATOR, action, turn, change)


def _next_turn(told: replay.Told | None) -> int:
    return 1 if told is None else told.turn + 1


def _mark(runtime: Runtime) -> int:
    """Seal all there is; if entries lack a check, let the newest mark say how many, and seal that."""
    seal_all(runtime)
    with runtime.glance() as session:
        without = (
            select(func.count()).select_from(Link).join(Event, Event.id == Link.event_id).where(Event.mac.is_(None))
        )
        count = session.scalar(without) or 0
    if count:
        with runtime.transaction() as session:
            audit.write(session, runtime.collaborators, OPERATOR, BASELINED, count=count)
        seal_all(runtime)
    return count
