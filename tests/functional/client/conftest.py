"""One running server for every test of a client: over real TLS, on SQLite."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.serving import Served


@pytest.fixture(scope="session")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A system that serves over TLS, with one study; tests keep apart by records of their own."""
    served = Served(tmp_path_factory.mktemp("clients") / "data", "sqlite")
    served.first()
    yield served
    served.close()


@pytest.fixture(scope="session")
def device(serving: Served) -> str:
    """The token of the interviewer's device."""
    place = serving.first()
    with serving.signed_in("admin") as admin:
        return str(admin.accounts.enrol(place["interviewer"].id, place.id)["token"])
