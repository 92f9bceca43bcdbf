from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, insert, select

from app.audit import checkpoints, sealer, service
from app.audit.checkpoints import EVERY, EVERY_ENTRIES, TRAIL
from app.audit.models import Checkpoint, Event, Link
from app.cases import withdrawal
from app.errors import CustodyUnavailable
from app.operations import trail
from app.operations.setup import OPERATOR
from app.operations.trail import Keeper
from app.worker import Worker
from tests.integration.audit.tampering import found
from tests.system import System


def write(system: System, count: int = 1) -> None:
    """Write events, each in a transaction of its own."""
    for number in range(count):
        with system.runtime.transaction() as session:
            service.write(session, system.collaborators, OPERATOR, "attempts.swept", count=number)


def sealed(system: System) -> list[int]:
    """The positions of the chain."""
    with system.runtime.glance() as session:
        return list(session.scalars(select(Link.position).order_by(Link.position)))


def unsealed(system: System) -> int:
    """How many events wait."""
    with system.runtime.glance() as session:
        return (session.scalar(select(func.count(Event.id))) or 0) - len(sealed(system))


def signed(system: System) -> list[int]:
    """The positions of the checkpoints."""
    with system.runtime.glance() as session:
        return list(session.scalars(select(Checkpoint.position).order_by(Checkpoint.position)))


def test_events_are_written_without_waiting_for_one_another(system: System) -> None:
    """While one transaction that wrote an event is open, another writes its own and commits: PostgreSQL shows it."""
    if system.runtime.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time, whatever is written")
    with system.runtime.transaction() as session:
        service.write(session, system.collaborators, OPERATOR, "attempts.swept", count=1)
        write(system)
        trail.seal_all(system.runtime)
        before = len(sealed(system))

    assert trail.seal_all(system.runtime) == 1
    assert len(sealed(system)) == before + 1


def test_many_sealers_at_once_make_one_chain(system: System) -> None:
    """Whoever comes second to a position begins again; no event is chained twice and none is left."""
    write(system, 60)
    start = threading.Barrier(4)

    def seal(_number: int) -> None:
        start.wait()
        while unsealed(system):
            trail.seal_all(system.runtime)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(seal, range(4)))

    positions = sealed(system)
    assert positions == list(range(1, len(positions) + 1))
    assert found(system) == []


def test_a_sealer_that_dies_leaves_whole_batches(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between two batches, or within one: the next one goes on where the last commit was."""
    monkeypatch.setattr(sealer, "BATCH", 5)
    trail.seal_all(system.runtime)
    before = len(sealed(system))
    write(system, 12)
    real, calls = sealer.seal, []

    def dying(*arguments: object) -> int:
        calls.append(arguments)
        done = real(*arguments)  # type: ignore[arg-type]
        if len(calls) == 2:
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(sealer, "seal", dying)
    with pytest.raises(KeyboardInterrupt):
        trail.seal_all(system.runtime)
    assert len(sealed(system)) == before + 5

    assert trail.seal_all(system.runtime) == 7
    assert found(system) == []


def test_the_worker_seals_and_signs(system: System) -> None:
    """Its step chains what was written, and signs once there is anything and the time has come."""
    keeper = Keeper(system.worker)
    assert keeper.turn() > 0
    assert unsealed(system) == 0
    assert signed(system) == [len(sealed(system))]

    write(system)
    assert keeper.turn() == 1
    assert len(signed(system)) == 1, "too early for the next signature"

    system.clock.advance(seconds=EVERY.total_seconds())
    keeper.turn()
    assert signed(system)[-1] == len(sealed(system))
    assert system.collaborators.keystore.floor(TRAIL) == len(sealed(system))
    keeper.turn()
    assert len(signed(system)) == 2, "nothing new, nothing signed"


def test_many_entries_are_signed_before_the_time_comes(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many entries without a signature are signed at once."""
    assert EVERY_ENTRIES == 1_000
    assert timedelta(minutes=1) == EVERY
    monkeypatch.setattr(checkpoints, "EVERY_ENTRIES", 10)
    keeper = Keeper(system.worker)
    keeper.turn()

    write(system, 9)
    keeper.turn()
    assert len(signed(system)) == 1
    write(system)
    keeper.turn()
    assert len(signed(system)) == 2


def test_the_workers_tidying_keeps_the_trail(system: System) -> None:
    """No command is needed for it."""
    write(system)

    Worker(system.worker).tidy()

    assert unsealed(system) == 0
    assert signed(system)


def test_a_trail_that_cannot_be_signed_stops_nothing_else(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the audit key the worker seals and goes on redacting; the signature comes when the key is back."""
    record = system.submit()["record"]

    def away(*_arguments: object) -> bytes:
        raise CustodyUnavailable

    with monkeypatch.context() as patched:
        patched.setattr(type(system.worker.collaborators.custody), "sign", away)
        worker = Worker(system.worker)
        worker.tidy()
        assert worker.step()
        assert signed(system) == []
    worker.tidy()
    assert signed(system)
    assert record


def test_an_event_older_than_the_window_is_found_by_the_search(system: System) -> None:
    """Events whose ids tell no time, as those of before the trail, are sealed by the first round of a sealer."""
    Keeper(system.worker).turn()
    with system.runtime.transaction() as session:
        row = service.row(system.collaborators, OPERATOR, "attempts.swept", count=1)
        session.execute(insert(Event.table()).values({**row, "id": uuid4(), "key_id": None, "mac": None}))
    assert unsealed(system) == 1

    assert Keeper(system.worker).turn() == 1
    assert unsealed(system) == 0


def test_a_verification_blames_nobody_who_is_working(system: System) -> None:
    """While records come in, are drafted and erased, and the trail is sealed and signed, nothing is found."""
    system.first()
    done = threading.Event()
    keeper = Keeper(system.worker)

    def work() -> None:
        try:
            for _ in range(6):
                receipt = system.submit()
                system.redact_all()
                keeper.turn()
                trail.sign(system.worker)
                for who in ("guardian", "lead"):
                    actor = system.acting(who)
                    with system.runtime.transaction() as session:
                        withdrawal.decide(
                            session, system.collaborators, actor, receipt["case"], kind="erase", preference="erase_all"
                        )
                Worker(system.worker).tidy()
        finally:
            done.set()

    with ThreadPoolExecutor(1) as pool:
        working, lines = pool.submit(work), []
        while not done.is_set():
            lines += found(system, deep=True)
        working.result()

    assert lines + found(system, deep=True) == []
