"""Fixtures of tests that go through HTTP: systems shared by a module, on SQLite or on each database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from tests.clock import Clock
from tests.databases import KINDS, Kind
from tests.functional.caller import Caller
from tests.system import Mold, StudyPlace, System

NUMBERS = count(1)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, mold: Callable[[Kind], Mold]) -> Iterator[System]:
    """A system on SQLite for a whole module; tests keep apart by studies or cases of their own."""
    system = System(tmp_path_factory.mktemp("shared") / "data", "sqlite", Clock(), mold=mold("sqlite"))
    yield system
    system.close()


@pytest.fixture(scope="module")
def call(shared: System) -> Iterator[Caller]:
    """Requests to the shared system."""
    caller = Caller(shared)
    yield caller
    caller.close()


@pytest.fixture
def study(shared: System) -> StudyPlace:
    """A study of the test's own in the shared system."""
    number = next(NUMBERS)
    return shared.study(f"Study {number}", prefix=f"s{number}.")


@pytest.fixture(
    scope="module",
    params=[pytest.param(kind, marks=[pytest.mark.postgres] * (kind == "postgresql")) for kind in KINDS],
)
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, mold: Callable[[Kind], Mold]
) -> Iterator[System]:
    """A system for a whole module, once on each database."""
    system = System(tmp_path_factory.mktemp("both") / "data", request.param, Clock(), mold=mold(request.param))
    yield system
    system.close()


@pytest.fixture(scope="module")
def call_both(both: System) -> Iterator[Caller]:
    """Requests to the system on each database."""
    caller = Caller(both)
    yield caller
    caller.close()
