from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clock import Clock
from tests.databases import KINDS
from tests.integration.audit.journey import Told, travel
from tests.system import System


@pytest.fixture(
    scope="module", params=[pytest.param(kind, marks=[pytest.mark.postgres] * (kind == "postgresql")) for kind in KINDS]
)
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """A whole journey on each kind of database; tests of one module share it and leave it as it was."""
    system = System(tmp_path_factory.mktemp("told") / "data", request.param, Clock())
    yield travel(system)
    system.close()
