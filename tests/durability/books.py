"""Whether both databases agree, and whether every record opens with the keys of those it is for."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from app.audit.models import Event
from app.cases import grants, queries
from app.cases.grants import Scope
from app.cases.models import Case, Claim, Grant, Outbox, Pack, Record
from app.cases.queries import Status
from app.cases.sealing import Compartment, open_pack
from app.crypto.secrets import join
from app.operations.sweep import sweep
from app.review.drafts import OpenSource
from app.studies import roster
from tests.system import StudyPlace, System

ARRIVED = frozenset({Scope.SOURCE, Scope.IDENTITY_G, Scope.IDENTITY_A, Scope.PROTECTION})
PACKS = frozenset({("identity", 0), ("protection", 0), ("source", 0)})


@dataclass
class Books:
    """What the main database holds, as far as it must be whole."""

    records: list[Record]
    cases: list[UUID]
    scopes: dict[UUID, list[str]] = field(default_factory=lambda: defaultdict(list))
    packs: dict[UUID, list[tuple[str, int]]] = field(default_factory=lambda: defaultdict(list))
    events: dict[UUID, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    shares: set[UUID] = field(default_factory=set)
    owed: set[UUID] = field(default_factory=set)
    claimed: int = 0


def read(system: System) -> Books:
    """Read both sides of the books."""
    with system.runtime.transaction() as session:
        books = Books(list(session.scalars(select(Record))), list(session.scalars(select(Case.id))))
        for grant in session.scalars(select(Grant)):
            books.scopes[grant.record_id].append(grant.scope)
            books.shares.add(grant.id)
        for pack in session.execute(select(Pack.record_id, Pack.compartment, Pack.version)):
            books.packs[pack.record_id].append((pack.compartment, pack.version))
        for event in session.execute(select(Event.record_id, Event.action).where(Event.record_id.is_not(None))):
            books.events[event.record_id][event.action] += 1
        for row in session.scalars(select(Outbox)):
            books.owed |= {UUID(share) for share in row.share_ids}
        books.claimed = len(session.scalars(select(Claim.attempt).where(Claim.void.is_(False))).all())
    return books


def check_whole(books: Books) -> None:
    """Raise AssertionError if a record is half: a pack, a grant, its case or its event is missing or there twice."""
    assert sorted(record.case_id for record in books.records) == sorted(books.cases)
    assert books.claimed == len(books.records)
    for record in books.records:
        drafted = record.status == Status.DRAFTED
        assert drafted or record.status == Status.RECEIVED
        assert sorted(books.scopes[record.id]) == sorted(ARRIVED if drafted else {*ARRIVED, Scope.WORK})
        assert sorted(books.packs[record.id]) == sorted({*PACKS, ("source", 1)} if drafted else PACKS)
        assert record.draft_version == int(drafted)
        assert books.events[record.id]["record.accepted"] == 1
        assert books.events[record.id]["draft.stored"] == int(drafted)


def check_shares(system: System, books: Books) -> int:
    """Raise AssertionError unless every grant has its share and, once swept, no share is left over; how many were."""
    held = set(system.collaborators.keystore.share_ids())
    assert books.shares <= held
    system.clock.advance(hours=25)
    sweep(system.runtime)
    assert set(system.collaborators.keystore.share_ids()) == books.shares
    return len(held - books.shares - books.owed)


def check_readable(
    system: System, study: StudyPlace, expected: dict[UUID, dict[str, Any]], *, drafted: bool = True
) -> None:
    """Raise AssertionError unless each record opens to the answers that were submitted.

    The redaction team opens source and draft (if ``drafted``), the guardians the protection compartment, guardians
    and auditors together the identity compartment.
    """
    actors = {name: system.acting(name, study) for name in ("redactor", "guardian", "auditor")}
    with system.runtime.transaction() as session:
        session.execute(update(Record).values(redactor_id=actors["redactor"].id))
    for record, answers in expected.items():
        source = system.web.read(OpenSource(system.collaborators, actors["redactor"], record))
        assert (source.draft is not None) == drafted
        found = {
            **source.values,
            **_open(system, actors, record, Compartment.PROTECTION, Scope.PROTECTION),
            **_open(system, actors, record, Compartment.IDENTITY, Scope.IDENTITY_G, Scope.IDENTITY_A),
        }
        assert {name: found[name] for name in answers} == answers


def _open(
    system: System, actors: dict[str, Any], record: UUID, compartment: Compartment, *scopes: str
) -> dict[str, Any]:
    with system.runtime.transaction() as session:
        row = session.get_one(Record, record)
        place = queries.place_of(system.collaborators, row)
        signed = roster.latest(session, system.collaborators, row.study_id)
        packed = queries.pack(session, record, compartment, 0)
        holders = [actors["auditor" if scope.endswith(".a") else "guardian"] for scope in scopes]
        found = [grants.find(session, holder, record, scope) for holder, scope in zip(holders, scopes, strict=True)]
    secrets = [
        grants.open_found(system.collaborators, holder, place, [grant], signed.floor)[grant.scope]
        for holder, grant in zip(holders, found, strict=True)
    ]
    key = secrets[0] if len(secrets) == 1 else join(*secrets)
    return open_pack(place, key, compartment, 0, packed)
