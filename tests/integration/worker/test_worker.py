from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select, update

from app import logs
from app.audit.models import Event
from app.bootstrap import Runtime
from app.cases.models import Case, Grant, Outbox, Pack, Record
from app.deidentify.modes import Using
from app.errors import ModelUnusable, Unavailable
from app.operations.stopping import Flag
from app.redaction.service import LEASE, MAX_TRIES, WORKER, lease_next
from app.worker import FIRST_PAUSE, LONGEST_PAUSE, Worker
from tests.databases import Kind
from tests.plain_logs import log_plainly
from tests.serving import Served
from tests.system import System


def state(system: System, record: UUID) -> tuple[str, int]:
    """A record's stage and how often it was tried."""
    with system.runtime.glance() as session:
        row = session.get_one(Record, record)
        return row.status, row.tries


def poison(system: System, record: UUID) -> None:
    """Break a record's sealed source, as a bad disk would."""
    with system.runtime.transaction() as session:
        pack = session.get_one(Pack, (record, "source", 0))
        broken = bytearray(pack.sealed)
        broken[-1] ^= 1
        session.execute(
            update(Pack)
            .where(Pack.record_id == record, Pack.compartment == "source")
            .values(sealed=type(pack.sealed)(bytes(broken)))
        )


def submitted(system: System) -> UUID:
    """A record that waits for the worker."""
    return UUID(system.submit()["record"])


def test_a_record_is_drafted_and_the_workers_access_ends(system: System) -> None:
    """The draft is stored, the worker's grant and its share are gone."""
    record = submitted(system)
    before = set(system.collaborators.keystore.share_ids(record))

    assert Worker(system.worker).step()

    with system.runtime.glance() as session:
        scopes = set(session.scalars(select(Grant.scope).where(Grant.record_id == record)))
        waiting = session.scalars(select(Outbox)).all()
    assert state(system, record)[0] == "drafted"
    assert "work" not in scopes
    assert not waiting
    assert len(before - set(system.collaborators.keystore.share_ids(record))) == 1


def test_nothing_due_is_no_step(system: System) -> None:
    """An empty queue lets the worker pause."""
    system.first()

    assert not Worker(system.worker).step()


def test_a_lease_that_passed_is_taken_over(system: System) -> None:
    """A worker that died after leasing delays a record by the lease and no longer."""
    record = submitted(system)
    with system.worker.transaction() as session:
        assert lease_next(session, system.worker.collaborators, WORKER) is not None

    assert system.redact_all() == 0
    system.clock.advance(seconds=LEASE.total_seconds())

    assert system.redact_all() == 1
    assert state(system, record)[0] == "drafted"


def test_a_late_worker_stores_nothing(system: System) -> None:
    """Whoever was so slow that another one took over finds its lease gone; there is one draft."""
    record = submitted(system)
    late = _Late(system)

    late.step()

    with system.runtime.glance() as session:
        versions = session.scalars(select(Pack.version).where(Pack.record_id == record, Pack.compartment == "source"))
        assert sorted(versions) == [0, 1]
    assert state(system, record) == ("drafted", 2)


class _Late(Worker):
    """A worker whose lease passes, and is used by another one, while it redacts."""

    def __init__(self, system: System) -> None:
        super().__init__(system.worker)
        self._system = system

    def _redact(self, lease: object) -> None:
        self._system.clock.advance(seconds=LEASE.total_seconds())
        assert self._system.redact_all() == 1
        super()._redact(lease)  # type: ignore[arg-type]  # handed through


@pytest.fixture
def log(capfd: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """What was logged so far, as production logs it."""
    logs.configure("info", strict=True)
    yield lambda: capfd.readouterr().err
    log_plainly()


def test_a_poisoned_record_ends_as_failed_and_visible(system: System, log: Callable[[], str]) -> None:
    """After its last try it stands in the redactors' queue, never lost; the log names the type and nothing else."""
    record = submitted(system)
    poison(system, record)

    for _ in range(MAX_TRIES):
        assert system.redact_all() == 1
        system.clock.advance(hours=6)

    assert state(system, record) == ("failed", MAX_TRIES)
    assert not system.redact_all()
    queue = system.signed_in("redactor").review.queue(system.first().id)
    assert [(row["record"], row["status"]) for row in queue] == [(str(record), "failed")]
    written = log()
    assert "app.errors.TamperedField" in written
    assert "Rahmanov" not in written


def test_a_failed_record_is_drafted_by_hand(system: System) -> None:
    """A redactor reads the source and makes the first draft; here the trouble was the lease, not the record."""
    record = submitted(system)
    with system.runtime.transaction() as session:
        session.execute(update(Record).where(Record.id == record).values(tries=MAX_TRIES))
    system.redact_all()
    study, redactor = system.first().id, system.signed_in("redactor")
    redactor.review.take(study)

    edited = redactor.review.edit(study, record, version=0, texts={})

    assert edited["version"] == 1
    assert state(system, record)[0] == "drafted"


def test_each_failure_waits_longer(system: System) -> None:
    """Pauses of 5, 20 and 80 seconds follow the first three tries."""
    record = submitted(system)
    poison(system, record)
    pauses = []

    for _ in range(3):
        assert system.redact_all() == 1
        with system.runtime.glance() as session:
            due = session.get_one(Record, record).next_try_at
        pauses.append((due - system.clock.now).total_seconds())
        system.clock.now = due

    assert pauses == [5, 20, 80]


def test_a_healthy_record_does_not_wait_behind_a_poisoned_one(system: System) -> None:
    """While one pauses the others are drafted."""
    poisoned, healthy = submitted(system), submitted(system)
    poison(system, poisoned)

    system.redact_all()

    assert (state(system, poisoned)[0], state(system, healthy)[0]) == ("received", "drafted")


def test_a_frozen_record_is_not_leased(system: System) -> None:
    """What was withdrawn is not opened any more, by the worker neither."""
    receipt = system.submit()
    system.signed_in("interviewer").cases.withdraw(system.first().id, receipt["case"])

    assert system.redact_all() == 0
    with system.runtime.glance() as session:
        assert not session.scalars(select(Event).where(Event.action == "record.opened")).all()


def test_a_record_frozen_after_the_lease_is_not_opened(system: System) -> None:
    """The keystore refuses the share, and the record waits."""
    receipt = system.submit()
    system.collaborators.keystore.freeze([UUID(receipt["record"])])

    Worker(system.worker).step()

    assert state(system, UUID(receipt["record"]))[0] == "received"


def test_priority_comes_first(system: System) -> None:
    """A case with priority is drafted before older ones."""
    older, urgent = submitted(system), submitted(system)
    with system.runtime.transaction() as session:
        case = session.get_one(Record, urgent).case_id
        session.execute(update(Case).values(priority=Case.id == case))

    Worker(system.worker).step()

    assert (state(system, older)[0], state(system, urgent)[0]) == ("received", "drafted")


def test_workers_never_redact_the_same_record(system: System) -> None:
    """Four at once share six records: each is tried once and drafted once."""
    records = [submitted(system) for _ in range(6)]
    threads = [threading.Thread(target=system.redact_all) for _ in range(4)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    system.redact_all()
    assert [state(system, record) for record in records] == [("drafted", 1)] * 6
    with system.runtime.glance() as session:
        opened = session.scalars(select(Event.record_id).where(Event.action == "record.opened")).all()
    assert len(opened) == len(records)


def test_an_erasure_that_a_crash_left_is_finished(system: System) -> None:
    """Two people decided, the node died: the worker carries it out."""
    receipt = system.submit()
    study, code = system.first().id, receipt["case"]
    for place in ("guardian", "lead"):
        with system.runtime.transaction() as session:
            _decide(system, session, place, code)

    Worker(system.worker).tidy()

    with system.runtime.glance() as session:
        assert session.get(Record, UUID(receipt["record"])) is None
    assert not system.collaborators.keystore.share_ids(UUID(receipt["record"]))
    assert study == system.first().id


def _decide(system: System, session: object, place: str, code: str) -> None:
    from app.cases import withdrawal

    actor = system.acting(place)
    withdrawal.decide(
        session,  # type: ignore[arg-type]  # the session of the transaction above
        system.collaborators,
        actor,
        code,
        kind=withdrawal.ERASE,
        preference="erase_all",
    )


def test_the_outbox_is_drained_again_after_a_failure(system: System) -> None:
    """Shares that could not be destroyed at once are destroyed by the next round."""
    record = submitted(system)
    share = system.collaborators.keystore.share_ids(record)[0]
    with system.runtime.transaction() as session:
        session.add(Outbox(share_ids=[str(share)], written_at=system.clock.now))

    Worker(system.worker).tidy()

    assert share not in system.collaborators.keystore.share_ids(record)


class _Timed(Flag):
    """A flag that remembers how long it was waited for, and is set after so many waits."""

    def __init__(self, waits: int) -> None:
        super().__init__()
        self.pauses: list[float] = []
        self._waits = waits

    def wait(self, seconds: float | None = None) -> bool:
        """Wait not at all."""
        self.pauses.append(seconds or 0)
        if len(self.pauses) >= self._waits:
            self.set()
        return self.is_set()


def test_idling_backs_off_to_a_limit(system: System) -> None:
    """Pauses double while nothing is due."""
    stop = _Timed(7)

    Worker(system.worker, at_once=1).run(stop)

    assert stop.pauses[:3] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert stop.pauses[-2:] == [LONGEST_PAUSE, LONGEST_PAUSE]


class _Meeting(Worker):
    """A worker each of whose steps waits until another one is under way."""

    def __init__(self, runtime: Runtime, stop: Flag) -> None:
        super().__init__(runtime)
        self.met = threading.Barrier(2, action=stop.set)

    def step(self) -> bool:
        """Meet the other."""
        self.met.wait(30)
        return True


def test_two_records_are_under_work_at_a_time(system: System) -> None:
    """And it ends when both are done."""
    stop = Flag()
    worker = _Meeting(system.worker, stop)

    worker.run(stop)

    assert not worker.met.broken


class _Away(Worker):
    """A worker whose database is away."""

    def step(self) -> bool:
        """Fail."""
        raise Unavailable


def test_a_database_that_is_away_does_not_end_the_worker(system: System) -> None:
    """It waits, and tries again."""
    stop = _Timed(3)

    _Away(system.worker, at_once=1).run(stop)

    assert len(stop.pauses) == 3


@pytest.fixture
def serving(tmp_path: Path, database_kind: Kind) -> Iterator[Served]:
    """A system on the wall clock whose worker processes the test starts itself."""
    served = Served(tmp_path / "data", database_kind, start=False)
    yield served
    served.close()


def start_worker(served: Served) -> subprocess.Popen[bytes]:
    """A worker process."""
    with served.log.open("ab") as log:
        command = [sys.executable, "-m", "app", "worker"]
        return subprocess.Popen(command, env=served.environment(), stdout=log, stderr=log)


def wait_until(done: object, seconds: float = 60.0) -> None:
    """Look again and again."""
    until = time.monotonic() + seconds
    while not done():  # type: ignore[operator]  # a function without arguments
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.slow
def test_a_worker_killed_at_work_loses_nothing(serving: Served) -> None:
    """SIGKILL as soon as it has leased; after the lease another one drafts every record once."""
    records = [submitted(serving) for _ in range(3)]
    victim = start_worker(serving)
    wait_until(lambda: any(state(serving, record)[1] for record in records))
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    with serving.runtime.transaction() as session:
        now = serving.now()
        session.execute(update(Record).where(Record.status == "received").values(next_try_at=now))

    second = start_worker(serving)
    wait_until(lambda: all(state(serving, record)[0] == "drafted" for record in records))
    second.terminate()

    assert second.wait(30) == 0, serving.log.read_text()
    with serving.runtime.glance() as session:
        drafts = session.scalars(select(Pack.record_id).where(Pack.compartment == "source", Pack.version == 1)).all()
    assert sorted(drafts) == sorted(records)


@pytest.mark.slow
def test_a_worker_stops_when_asked(serving: Served) -> None:
    """SIGTERM ends it with status 0, and its log holds ids only."""
    record = submitted(serving)
    worker = start_worker(serving)
    wait_until(lambda: state(serving, record)[0] == "drafted")

    os.kill(worker.pid, signal.SIGTERM)

    assert worker.wait(30) == 0
    assert "worker stopped" in serving.log.read_text()
    assert "Rahmanov" not in serving.log.read_text()


def test_a_worker_without_its_models_does_not_start(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stops with a clear error instead of drafting by rules alone."""
    monkeypatch.setattr("app.deidentify.model.resources.files", lambda _package: system.folder)
    wanted = replace(system.worker, settings=system.worker.settings.model_copy(update={"deidentify": Using.MODELS}))

    with pytest.raises(ModelUnusable, match="model file"):
        Worker(wanted)
