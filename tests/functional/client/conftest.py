"""What tests of a client have beside the server that they share."""

from __future__ import annotations

import pytest

from tests.serving import Served


@pytest.fixture(scope="session")
def device(served: Served) -> str:
    """The token of the interviewer's device."""
    place = served.first()
    with served.signed_in("admin") as admin:
        return str(admin.accounts.enrol(place["interviewer"].id, place.id)["token"])
