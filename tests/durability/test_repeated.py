from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest

from tests.durability import books
from tests.durability.processes import Launcher, Running, Site
from tests.system import System

TAPS = 50
CREATED, AGAIN = 201, 200


@pytest.fixture
def site(real_time: System, launcher: Launcher) -> Site:
    """A system with a study."""
    return Site(real_time, launcher, processes=2)


@pytest.fixture
def server(site: Site) -> Iterator[Running]:
    """Two web processes on it."""
    server = site.serve()
    site.wait_until_ready()
    yield server
    server.kill()


def check_one_record(site: Site, client_uuid: UUID) -> None:
    """Raise AssertionError unless there is this one record, whole, with its shares and no others."""
    found = books.read(site.system)
    assert [record.client_uuid for record in found.records] == [client_uuid]
    books.check_whole(found)
    books.check_shares(site.system, found)


@pytest.mark.usefixtures("server")
def test_many_taps_make_one_record(site: Site) -> None:
    """The same interview fifty times at once over as many connections: one is new, all get the same receipt."""
    client_uuid, body = uuid4(), site.body()

    with ThreadPoolExecutor(TAPS) as pool:
        answers = list(pool.map(lambda _: site.put(client_uuid, body), range(TAPS)))

    assert Counter(answer.status_code for answer in answers) == {CREATED: 1, AGAIN: TAPS - 1}
    first, *others = (answer.json()["receipt"] for answer in answers)
    assert all(receipt == first for receipt in others)
    check_one_record(site, client_uuid)


def test_a_retry_after_a_restart_gets_the_same_receipt(site: Site, server: Running) -> None:
    """The server died after the record was durable and before the phone heard of it."""
    client_uuid, body = uuid4(), site.body()

    before = site.put(client_uuid, body)
    server.kill()
    next_server = site.serve()
    site.wait_until_ready()
    after = site.put(client_uuid, body)
    next_server.kill()

    assert (before.status_code, after.status_code) == (CREATED, AGAIN)
    assert after.json()["receipt"] == before.json()["receipt"]
    check_one_record(site, client_uuid)
