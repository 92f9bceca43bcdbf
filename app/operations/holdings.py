"""What is there of records, cases and studies, as the parts by which the trail tells of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, select
from sqlalchemy.orm import Session

from app.audit.models import Event
from app.audit.parts import Parts
from app.cases import states
from app.cases.files import ARRIVING
from app.cases.models import Case, Decision, File, Grant, Pack, Passage, Record, Tombstone
from app.crypto import packs
from app.db import Base
from app.review.models import Ask, Disclosure
from app.review.states import of_answer, of_ask, of_disclosure

__all__ = ["Held", "Ids", "case_ids", "cases", "orphans", "record_ids", "records"]

# Packs are read a few at a time: one may hold a long interview.
PACKS_AT_ONCE = 20


# The next ids after one, at most so many.
Ids = Callable[[Session, UUID, int], list[UUID]]


@dataclass(slots=True)
class Held:
    """One record or case as it is now; ``shares`` are those that must stand in the keystore, by the part they open."""

    parts: Parts = field(default_factory=dict)
    turn: int = 0
    code: str | None = None
    shares: dict[UUID, str] = field(default_factory=dict)
    fields: dict[str, list[tuple[str, str]]] = field(default_factory=dict)


def record_ids(session: Session, after: UUID, limit: int) -> list[UUID]:
    """The next ids of records that are there, were there, or of which an event tells."""
    return _ids(session, after, limit, (Record, "id"), (Event, "record_id"), (Tombstone, "record_id"))


def case_ids(session: Session, after: UUID, limit: int) -> list[UUID]:
    """The next ids of cases, likewise."""
    return _ids(session, after, limit, (Case, "id"), (Event, "case_id"), (Decision, "case_id"))


def _ids(session: Session, after: UUID, limit: int, *places: tuple[type[Base], str]) -> list[UUID]:
    found: set[UUID] = set()
    for model, name in places:
        column = model.table().c[name]
        found.update(session.scalars(select(column).where(column > after).distinct().order_by(column).limit(limit)))
    return sorted(found)[:limit]


def records(session: Session, ids: Sequence[UUID], now: datetime) -> dict[UUID, Held]:
    """These records; of one that is not there nothing, or its tombstone alone."""
    held: defaultdict[UUID, Held] = defaultdict(Held)
    codes = dict(session.execute(select(Record.id, Case.code).join(Case).where(Record.id.in_(ids))).all())
    for row in _rows(session, Record, "id", ids):
        each = held[row["id"]]
        each.parts |= states.of_record(row)
        each.turn, each.code = row["turn"], codes.get(row["id"])
    for row in _rows(session, Pack, "record_id", ids, PACKS_AT_ONCE):
        parts = states.of_pack(row["compartment"], row["version"], row["sealed"])
        if row["digest"] != packs.digest(row["sealed"]):
            parts = {part: f"{value} but for its digest" for part, value in parts.items()}
        held[row["record_id"]].parts |= parts
        held[row["record_id"]].fields |= dict.fromkeys(parts, states.field_marks(row["sealed"]))
    for row in _rows(session, File, "record_id", ids):
        if row["status"] != ARRIVING:
            held[row["record_id"]].parts |= states.of_files([row])
    for row in _rows(session, Passage, "record_id", ids):
        held[row["record_id"]].parts |= states.of_passages([row])
    for row in _rows(session, Tombstone, "record_id", ids):
        held[row["record_id"]].parts |= states.of_tombstone(row)
    _add_grants(session, ids, now, held)
    return held


def _add_grants(session: Session, ids: Sequence[UUID], now: datetime, held: dict[UUID, Held]) -> None:
    for row in _rows(session, Grant, "record_id", ids):
        each, parts = held[row["record_id"]], states.of_grants([row])
        each.parts |= parts
        if row["expires_at"] is None or row["expires_at"] > now:
            each.shares |= dict.fromkeys([row["id"]], next(iter(parts)))
    for ask in session.scalars(select(Ask).where(Ask.record_id.in_(ids))):
        each, parts = held[ask.record_id], of_ask(ask)
        each.parts |= parts | of_answer(ask)
        each.shares[ask.asker_share_id] = next(iter(parts))
    for row in _rows(session, Disclosure, "record_id", ids):
        each, parts = held[row["record_id"]], of_disclosure(row)
        each.parts |= parts
        if row["expires_at"] > now:
            each.shares[row["id"]] = next(iter(parts))


def cases(session: Session, ids: Sequence[UUID]) -> dict[UUID, Held]:
    """These cases; of one that is not there the decisions about it alone."""
    held: defaultdict[UUID, Held] = defaultdict(Held)
    for row in _rows(session, Case, "id", ids):
        held[row["id"]].parts |= states.of_case(row)
        held[row["id"]].turn, held[row["id"]].code = row["turn"], row["code"]
    for row in _rows(session, Decision, "case_id", ids):
        held[row["case_id"]].parts |= states.of_decision(row)
    return held


def orphans(session: Session) -> Iterator[tuple[UUID, str]]:
    """Rows of records that are not there: the id of the record, and which part it would be."""
    record = Record.table()
    for model in (Pack, File, Grant, Passage, Ask, Disclosure):
        table = model.table()
        query: Select[Any] = select(table).outerjoin(record, record.c.id == table.c.record_id)
        for row in session.connection().execute(query.where(record.c.id.is_(None))).mappings():
            name = f"{row['compartment']}.{row['version']}" if model is Pack else row["id"].hex
            yield row["record_id"], f"{table.name}.{name}"


def _rows(session: Session, model: type[Base], column: str, ids: Sequence[UUID], at_once: int = 500) -> Iterator[Any]:
    table: Table = model.table()
    query = select(table).where(table.c[column].in_(ids)).execution_options(yield_per=at_once)
    yield from session.connection().execute(query).mappings()
