"""A system per test, on the database that the test names; most of what is shown here does not hang on the kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.web.app import create_app
from tests.bridge import Bridge
from tests.clock import Clock
from tests.databases import Kind
from tests.functional.portal.visitor import Visitor
from tests.security.scenes import Scene, staged
from tests.system import System


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A system on SQLite with a study, its log and temporary files below the test's own folder."""
    with staged(tmp_path / "scene", "sqlite") as staged_scene:
        yield staged_scene


@pytest.fixture
def each_scene(tmp_path: Path, database_kind: Kind) -> Iterator[Scene]:
    """The same on each kind of database, for what hangs on locks and old rows."""
    with staged(tmp_path / "scene", database_kind) as staged_scene:
        yield staged_scene


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that repeats what failed without waiting in between."""
    monkeypatch.setattr("app.client.http.LONGEST_PAUSE", 0.0)


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One system on SQLite for the module."""
    system = System(tmp_path_factory.mktemp("crawled") / "data", "sqlite", Clock())
    yield system
    system.close()


@pytest.fixture(scope="module")
def visiting(crawled: System) -> Iterator[Callable[[str | None], Visitor]]:
    """Opens a browser with a session's token, or without."""
    bridge, visitors = Bridge(create_app(crawled.web)), list[Visitor]()

    def visiting(token: str | None) -> Visitor:
        visitors.append(Visitor(bridge, token))
        return visitors[-1]

    yield visiting
    for visitor in visitors:
        visitor.close()
    bridge.shut_down()
