"""Fixtures that every test may use: both databases, a clock, custody, a keystore."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Generator, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from app.custody.file import FileCustody
from app.db import make_engine
from app.keystore.service import Keystore
from tests.clock import Clock
from tests.databases import KINDS, RUN_VARIABLE, Kind, begin_run, drop_database, fresh_database
from tests.hanging import bounded
from tests.plain_logs import log_plainly

if TYPE_CHECKING:
    from tests.serving import Served
    from tests.system import Mold, System

# As app.web.server has it.
COLLECT_AFTER = (20_000, 20, 20)


def pytest_configure(config: pytest.Config) -> None:
    """Open the run's folder; whoever opened it closes it."""
    log_plainly()
    end_run = begin_run(in_memory=True)
    if end_run is not None:
        config.add_cleanup(end_run)


def pytest_collection_finish() -> None:
    """Look for cycles as seldom as the server does, and never through everything that was imported."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


def pytest_report_header() -> str:
    """Say whether the run is in memory or on a disk, where it takes longer."""
    return f"temporary files: {os.environ[RUN_VARIABLE]}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None]:
    """No fixture is made for ever."""
    with bounded():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None]:
    """No test runs for ever."""
    with bounded():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None]:
    """No fixture is taken down for ever."""
    with bounded():
        return (yield)


@pytest.fixture(params=[pytest.param(kind, marks=[pytest.mark.postgres] * (kind == "postgresql")) for kind in KINDS])
def database_kind(request: pytest.FixtureRequest) -> Kind:
    """Which database; a test that uses it, or a fixture built on it, runs on each."""
    kind: Kind = request.param
    return kind


@pytest.fixture
def main_url(database_kind: Kind) -> Iterator[str]:
    """A main database of the test's own, with the newest schema."""
    url = fresh_database(database_kind, "main")
    yield url
    drop_database(url)


@pytest.fixture
def keystore_url(database_kind: Kind) -> Iterator[str]:
    """A keystore database of the test's own, with the newest schema."""
    url = fresh_database(database_kind, "keystore")
    yield url
    drop_database(url)


@pytest.fixture
def main_engine(main_url: str) -> Iterator[Engine]:
    """An engine on the main database, as production opens it."""
    engine = make_engine(main_url, journal="wal")
    yield engine
    engine.dispose()


@pytest.fixture
def keystore_engine(keystore_url: str) -> Iterator[Engine]:
    """An engine on the keystore database, as production opens it."""
    engine = make_engine(keystore_url, journal="delete")
    yield engine
    engine.dispose()


@pytest.fixture
def clock() -> Clock:
    """A clock that the test moves."""
    return Clock()


@pytest.fixture
def deployment() -> UUID:
    """The id of a deployment of the test's own."""
    return uuid4()


@pytest.fixture
def custody_folder(tmp_path: Path) -> Path:
    """Where the file custody of the test keeps its keys."""
    return tmp_path / "custody"


@pytest.fixture
def custody(custody_folder: Path) -> FileCustody:
    """Custody with every group, as an operator has it."""
    return FileCustody(custody_folder, ("web", "worker", "audit", "intake", "kk"))


@pytest.fixture
def keystore(keystore_engine: Engine, custody: FileCustody, deployment: UUID, clock: Clock) -> Keystore:
    """A keystore that is ready for shares."""
    keystore = Keystore(keystore_engine, custody, deployment, clock)
    keystore.initialise()
    return keystore


@pytest.fixture(scope="session")
def mold(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Kind], Mold]]:
    """What systems begin with, made once on each database."""
    from tests.system import System  # the web layer is imported by those tests only that need it

    @cache
    def made(kind: Kind) -> Mold:
        molds.append(System.mold(tmp_path_factory.mktemp("mold") / "data", kind))
        return molds[-1]

    molds: list[Mold] = []
    yield made
    for each in molds:
        for url in each.urls:
            drop_database(url)


@pytest.fixture
def system(tmp_path: Path, database_kind: Kind, clock: Clock, mold: Callable[[Kind], Mold]) -> Iterator[System]:
    """A whole system with a study, whose clock the test moves; see ``tests/system.py``."""
    from tests.system import System

    system = System(tmp_path / "data", database_kind, clock, mold=mold(database_kind))
    yield system
    system.close()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A system that serves over real TLS, on SQLite, without a worker process; see ``tests/serving.py``.

    Tests of clients share it and keep apart by records of their own.
    """
    from tests.serving import Served

    served = Served(tmp_path_factory.mktemp("served") / "data", "sqlite")
    served.first()
    yield served
    served.close()
