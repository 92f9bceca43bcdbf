"""A system per test, on the database that the test names; most of what is shown here does not hang on the kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import Kind
from tests.security.scenes import Scene, staged


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
