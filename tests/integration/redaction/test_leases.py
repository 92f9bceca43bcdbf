"""The worker's queue: leases that pass, pauses that grow, and records that end as failed but are never lost."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update

from app.access import Actor
from app.audit.models import Event
from app.cases.grants import Scope
from app.cases.models import Case, Grant, Pack, Record
from app.cases.queries import Status
from app.crypto.sealed import Sealed
from app.deidentify.engine import Engine
from app.deidentify.modes import Using
from app.errors import Conflict, Forbidden
from app.redaction.service import (
    FIRST_PAUSE,
    LEASE,
    MAX_TRIES,
    WORKER,
    Lease,
    RedactRecord,
    SealedDraft,
    fail,
    lease_next,
    store_draft,
)
from app.studies.service import worker_pairs
from app.worker import Worker
from tests.databases import Kind
from tests.system import StudyPlace, System


@pytest.fixture
def study(system: System) -> StudyPlace:
    """A study with its people."""
    return system.study()


@pytest.fixture
def record(system: System, study: StudyPlace) -> UUID:
    """A record that waits for the worker."""
    return UUID(system.submit(study)["record"])


def lease(system: System, actor: Actor = WORKER) -> Lease | None:
    """Lease what is due."""
    with system.worker.transaction() as session:
        return lease_next(session, system.worker.collaborators, actor)


def leased(system: System) -> Lease:
    """Lease what must be due."""
    found = lease(system)
    assert found is not None
    return found


def redacted(system: System, held: Lease) -> SealedDraft:
    """The draft of a leased record."""
    with system.worker.transaction() as session:
        pairs = worker_pairs(session, system.worker.collaborators)
    return system.worker.read(RedactRecord(system.worker.collaborators, WORKER, held, pairs, Engine.load(Using.RULES)))


def store(system: System, held: Lease, draft: SealedDraft) -> None:
    """Store a draft."""
    with system.worker.transaction() as session:
        store_draft(session, system.worker.collaborators, WORKER, held, draft)


def put_back(system: System, held: Lease) -> None:
    """Say that it failed."""
    with system.worker.transaction() as session:
        fail(session, system.worker.collaborators, WORKER, held)


def status(system: System, record: UUID) -> str:
    """The stage of a record."""
    with system.runtime.transaction() as session:
        return session.get_one(Record, record).status


def poison(system: System, record: UUID, compartment: str) -> None:
    """Flip a bit of what the worker must open."""
    with system.runtime.transaction() as session:
        pack = session.get_one(Pack, (record, compartment, 0))
        pack.sealed = Sealed(pack.sealed[:-1] + bytes([pack.sealed[-1] ^ 1]))


def work_until_failed(system: System) -> None:
    """Let the worker try until it gives up."""
    worker = Worker(system.worker)
    for _ in range(MAX_TRIES):
        worker.step()
        system.clock.advance(hours=1)
    worker.step()


@pytest.mark.usefixtures("record")
def test_a_leased_record_is_nobody_elses(system: System) -> None:
    """Until the lease passes; then the next worker takes it."""
    first = leased(system)

    assert lease(system) is None
    system.clock.advance(seconds=(LEASE - timedelta(seconds=1)).total_seconds())
    assert lease(system) is None
    system.clock.advance(seconds=1)
    assert leased(system).record == first.record


def test_a_late_worker_stores_nothing(system: System, record: UUID) -> None:
    """Its lease passed to another one, whose draft is the only one."""
    late = leased(system)
    draft = redacted(system, late)
    system.clock.advance(seconds=LEASE.total_seconds())
    next_one = leased(system)

    with pytest.raises(Conflict):
        store(system, late, draft)
    with pytest.raises(Conflict):
        redacted(system, late)
    store(system, next_one, redacted(system, next_one))

    assert status(system, record) == Status.DRAFTED
    with pytest.raises(Conflict):
        store(system, next_one, draft)


def test_the_pause_grows_with_each_failure(system: System, record: UUID) -> None:
    """Four times as long each time, until the record is failed."""
    for tries in range(1, MAX_TRIES):
        put_back(system, leased(system))
        pause = FIRST_PAUSE * 4 ** (tries - 1)
        system.clock.advance(seconds=pause.total_seconds() - 1)
        assert lease(system) is None
        system.clock.advance(seconds=1)

    put_back(system, leased(system))

    assert status(system, record) == Status.FAILED
    assert lease(system) is None


def test_only_the_holder_of_the_lease_puts_back(system: System, record: UUID) -> None:
    """A worker that comes late does not shorten the lease of the next one."""
    late = leased(system)
    system.clock.advance(seconds=LEASE.total_seconds())
    leased(system)

    put_back(system, late)

    assert lease(system) is None
    assert status(system, record) == Status.RECEIVED


def test_a_record_that_kills_its_workers_ends_as_failed(system: System, record: UUID) -> None:
    """None of them came to say that it failed; the count of tries says it."""
    for _ in range(MAX_TRIES):
        leased(system)
        system.clock.advance(seconds=LEASE.total_seconds())

    assert lease(system) is None

    assert status(system, record) == Status.FAILED


@pytest.mark.parametrize("compartment", ["source", "identity"])
def test_a_poisoned_record_fails_visibly_and_alone(system: System, record: UUID, compartment: str) -> None:
    """Others go on; redactors see it in their queue, the trail names it, and its grants stay."""
    poison(system, record, compartment)
    healthy = UUID(system.submit()["record"])

    work_until_failed(system)

    assert status(system, healthy) == Status.DRAFTED
    assert status(system, record) == Status.FAILED
    with system.signed_in("redactor") as client:
        assert {UUID(each["record"]): each["status"] for each in client.review.queue(system.first().id)} == {
            record: Status.FAILED,
            healthy: Status.DRAFTED,
        }
    with system.runtime.transaction() as session:
        failed = select(Event.record_id).where(Event.action == "draft.failed")
        assert session.scalars(failed).all() == [record]
        assert len(session.scalars(select(Grant.id).where(Grant.record_id == record)).all()) == 5


def test_a_draft_by_hand_ends_the_workers_grant(system: System, study: StudyPlace, record: UUID) -> None:
    """The redactor opens the source, marks what must go, and the share that opened all of it is destroyed."""
    poison(system, record, "identity")
    work_until_failed(system)
    with system.runtime.transaction() as session:
        work = session.scalars(select(Grant.id).where(Grant.record_id == record, Grant.scope == Scope.WORK)).one()

    with system.signed_in("redactor", study) as client:
        client.review.take(study.id)
        source = client.review.source(study.id, record)
        assert source["draft"] is None
        name = "joining_account"
        span = {"start": 0, "end": 10, "kind": "PERSON", "level": "direct"}
        edited = client.review.edit(study.id, record, version=0, texts={name: [span]})

    assert edited["texts"][name].startswith("[PERSON-01]")
    assert status(system, record) == Status.DRAFTED
    assert work not in system.collaborators.keystore.share_ids(record)
    with system.runtime.transaction() as session:
        assert session.get(Grant, work) is None


def test_the_draft_ends_the_workers_grant(system: System, record: UUID) -> None:
    """From here on no key of the server opens the record."""
    held = set(system.collaborators.keystore.share_ids(record))

    system.redact_all()

    assert len(held - set(system.collaborators.keystore.share_ids(record))) == 1
    with system.runtime.transaction() as session:
        scopes = set(session.scalars(select(Grant.scope).where(Grant.record_id == record)))
    assert scopes == {Scope.SOURCE, Scope.IDENTITY_G, Scope.IDENTITY_A, Scope.PROTECTION}


def test_drafted_again_says_that_it_knew_no_names(system: System, study: StudyPlace) -> None:
    """The identity compartment stays closed to the second draft."""
    record = system.drafted(study)
    with system.signed_in("redactor", study) as client:
        client.review.take(study.id)
        client.review.draft_again(study.id, record)
        assert system.redact_all() == 1

        draft = client.review.source(study.id, record)["draft"]

    assert "without the names" in draft["comment"]
    with system.runtime.transaction() as session:
        assert session.get_one(Record, record).draft_version == 2


def test_priority_goes_first(system: System, study: StudyPlace, record: UUID) -> None:
    """Whoever is in danger does not wait for those who came before."""
    first, second = sorted([record, UUID(system.submit(study)["record"])])
    with system.runtime.transaction() as session:
        case = session.get_one(Record, second).case_id
        session.execute(update(Record).where(Record.id == first).values(received_day="2020-01-01"))
        session.execute(update(Case).values(priority=Case.id == case))

    assert leased(system).record == second


def test_a_frozen_record_is_not_drafted(system: System, study: StudyPlace) -> None:
    """Withdrawn means that nobody works on it, the machine neither."""
    receipt = system.submit(study)
    with system.signed_in("guardian", study) as client:
        client.cases.withdraw(study.id, receipt["case"])

    assert lease(system) is None


def test_nobody_but_the_worker_leases(system: System, study: StudyPlace, record: UUID) -> None:
    """No permission of any role leads here."""
    redactor = system.acting("redactor", study)

    with pytest.raises(Forbidden):
        lease(system, redactor)
    assert status(system, record) == Status.RECEIVED


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_two_workers_at_once_lease_two_records(system: System, study: StudyPlace, database_kind: Kind) -> None:
    """The second does not wait for the first one's commit (SQLite has one writer at a time anyway)."""
    assert database_kind == "postgresql"
    records = {UUID(system.submit(study)["record"]) for _ in range(2)}

    with system.worker.transaction() as one, system.worker.transaction() as other:
        leases = [lease_next(session, system.worker.collaborators, WORKER) for session in (one, other)]

    assert {each.record for each in leases if each is not None} == records
