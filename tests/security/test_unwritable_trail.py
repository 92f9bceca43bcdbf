"""When the audit cannot be written, nothing can be read: an audit entry that failed was only warned about elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from app.audit import entries
from app.client import Problem
from app.crypto.secrets import Secret
from app.keystore.service import Floor, Keystore
from app.worker import Worker
from tests.clock import Clock
from tests.databases import KINDS
from tests.system import StudyPlace, System

REASON = "for the test"
REFUSE = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'full'; END $$"
REFUSING: dict[str, tuple[list[str], list[str]]] = {
    "sqlite": (
        ["CREATE TRIGGER full BEFORE INSERT ON event BEGIN SELECT RAISE(FAIL, 'full'); END"],
        ["DROP TRIGGER full"],
    ),
    "postgresql": (
        [REFUSE, "CREATE TRIGGER refuse BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION refuse()"],
        ["DROP TRIGGER refuse ON event", "DROP FUNCTION refuse"],
    ),
}


@dataclass
class Reads:
    """A system in which everything is readable, and which shares were fetched from its keystore."""

    system: System
    place: StudyPlace
    released: UUID
    sourced: UUID
    ask: UUID
    fetched: list[Sequence[UUID]] = field(default_factory=list)


READS: dict[str, tuple[str, Callable[[Any, Reads], object]]] = {
    "source": ("redactor", lambda client, reads: client.review.source(reads.place.id, reads.sourced)),
    "release": ("researcher", lambda client, reads: client.research.release(reads.place.id, reads.released)),
    "sample": ("auditor", lambda client, reads: client.research.sample(reads.place.id, reads.released)),
    "reports": ("approver", lambda client, reads: client.research.reports(reads.place.id, reads.released)),
    "protection": ("guardian", lambda client, reads: client.cases.protection(reads.place.id, reads.released)),
    "ask-by-auditor": ("auditor", lambda client, reads: client.disclosures.read_ask(reads.place.id, reads.ask)),
    "ask-by-asker": ("guardian", lambda client, reads: client.disclosures.read_ask(reads.place.id, reads.ask)),
    "disclosure": ("guardian", lambda client, reads: client.disclosures.read(reads.place.id, reads.ask)),
}


@pytest.fixture(
    scope="module", params=[pytest.param(kind, marks=[pytest.mark.postgres] * (kind == "postgresql")) for kind in KINDS]
)
def reads(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reads]:
    """Everything that can be read, once on each kind of database."""
    system = System(tmp_path_factory.mktemp("reads") / "data", request.param, Clock())
    place = system.study()
    released = system.released()
    with system.signed_in("approver") as client:
        client.research.draw_sample(place.id, released)
    with system.signed_in("guardian") as client:
        ask = client.disclosures.ask(place.id, released, scope="identity", fields=["legal_name"], reason=REASON)
    with system.signed_in("auditor") as client:
        client.disclosures.approve(place.id, ask, digest=client.disclosures.read_ask(place.id, ask)["digest"])
    sourced = system.drafted()
    with system.signed_in("redactor") as client:
        client.review.take(place.id)
    yield Reads(system, place, released, sourced, ask)
    system.close()


@pytest.fixture(autouse=True)
def watched(reads: Reads, monkeypatch: pytest.MonkeyPatch) -> None:
    """Count every share that is fetched, and repeat nothing slowly."""
    real = Keystore.get

    def counted(self: Keystore, ids: Sequence[UUID], *, floor: Floor, moving: bool = False) -> dict[UUID, Secret]:
        reads.fetched.append(ids)
        return real(self, ids, floor=floor, moving=moving)

    monkeypatch.setattr(Keystore, "get", counted)
    monkeypatch.setattr("app.client.http.LONGEST_PAUSE", 0.0)
    reads.fetched.clear()


@contextmanager
def refusing(reads: Reads) -> Iterator[None]:
    """The database takes no event."""
    engine = reads.system.runtime.engine
    begin, end = REFUSING[engine.dialect.name]
    _do(engine, begin)
    try:
        yield
    finally:
        _do(engine, end)


def _do(engine: Engine, statements: Sequence[str]) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


@contextmanager
def keyless(reads: Reads) -> Iterator[None]:
    """Custody has lost the key of the events' checks, as a process started with the wrong folder has."""
    folder = reads.system.folder / "custody"
    (folder / "audit.keys").rename(folder / "away")
    entries._key.cache_clear()
    try:
        yield
    finally:
        (folder / "away").replace(folder / "audit.keys")
        entries._key.cache_clear()


HOW = {"database": refusing, "custody": keyless}


@pytest.mark.parametrize("how", sorted(HOW))
@pytest.mark.parametrize("what", sorted(READS))
def test_nothing_is_read_while_no_event_can_be_written(reads: Reads, what: str, how: str) -> None:
    """No share is fetched and the answer is 503; with the trail back the same read is answered."""
    who, call = READS[what]
    with reads.system.signed_in(who) as client:
        with HOW[how](reads), pytest.raises(Problem) as refused:
            call(client, reads)

        assert refused.value.status == 503
        assert reads.fetched == []
        call(client, reads)
    assert reads.fetched


@pytest.mark.parametrize("how", sorted(HOW))
def test_the_worker_opens_nothing_while_no_event_can_be_written(reads: Reads, how: str) -> None:
    """A record that waits stays as it is, and is drafted when the trail is back."""
    reads.system.submit()
    worker = Worker(reads.system.worker)
    with HOW[how](reads):
        assert worker.step()
        assert reads.fetched == []

    reads.system.clock.advance(minutes=10)
    assert worker.step()
    assert reads.fetched
