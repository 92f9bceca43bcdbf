from __future__ import annotations

import time

import pytest

from tests.durability import books
from tests.durability.clients import Crowd
from tests.durability.processes import Launcher, Site
from tests.system import System

CLIENTS = 32
PROCESSES = 2
# Opening a record takes tens of milliseconds; every book is checked, so many are opened.
OPENED = 40


@pytest.mark.slow
def test_32_clients_at_once_lose_nothing(real_time: System, launcher: Launcher, seconds: float) -> None:
    """No error, no loss, every receipt verifies, one whole record for each accepted id: counts, not times."""
    site = Site(real_time, launcher, processes=PROCESSES)
    server = site.serve()
    site.wait_until_ready()
    crowd = Crowd(site, CLIENTS, real_time.receipt_keys(), site.body, patient=False)

    crowd.begin()
    time.sleep(seconds)
    answers = crowd.end()
    server.stop()

    assert answers.errors == []
    found = books.read(real_time)
    assert {record.client_uuid: record.receipt for record in found.records} == {
        client_uuid: receipt for client_uuid, (receipt, _) in answers.accepted.items()
    }
    assert len(found.records) >= CLIENTS
    books.check_whole(found)
    assert books.check_shares(real_time, found) == 0
    books.check_readable(real_time, site.study, dict(list(answers.by_record().items())[:OPENED]), drafted=False)
    print(f"{len(found.records)} records from {CLIENTS} clients in {seconds:g} s")  # noqa: T201 - for whoever runs with -s
