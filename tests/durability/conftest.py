"""Options and real processes for the tests of durability.

``TESTIMONY_TEST_SECONDS=1800 pytest tests/durability --seconds 60 --rounds 200`` is the long run; without them the
same tests run shorter.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.clock import Clock
from tests.databases import Kind
from tests.durability.processes import Launcher
from tests.system import System

DEFAULT_SECONDS = 10.0
DEFAULT_ROUNDS = 50


def pytest_addoption(parser: pytest.Parser) -> None:
    """Known when this folder is named on the command line; elsewhere the defaults count."""
    group = parser.getgroup("durability")
    group.addoption("--seconds", type=float, default=DEFAULT_SECONDS, help="how long the parallel clients submit")
    group.addoption("--rounds", type=int, default=DEFAULT_ROUNDS, help="how often server and worker are killed")


@pytest.fixture
def seconds(request: pytest.FixtureRequest) -> float:
    """How long the parallel clients submit."""
    return float(request.config.getoption("--seconds", DEFAULT_SECONDS))


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> int:
    """How often server and worker are killed."""
    return int(request.config.getoption("--rounds", DEFAULT_ROUNDS))


@pytest.fixture
def launcher(tmp_path: Path) -> Iterator[Launcher]:
    """Starts servers and workers in a moment."""
    launcher = Launcher(tmp_path)
    yield launcher
    launcher.close()


@pytest.fixture
def real_time(tmp_path: Path, database_kind: Kind) -> Iterator[System]:
    """A whole system whose clock starts at the present, as that of real processes does."""
    system = System(tmp_path / "data", database_kind, Clock(datetime.now(UTC)))
    yield system
    system.close()
