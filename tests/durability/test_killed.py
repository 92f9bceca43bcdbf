from __future__ import annotations

import random
import time
from uuid import UUID

import pytest

from tests.durability import books
from tests.durability.clients import Crowd
from tests.durability.processes import Launcher, Site
from tests.system import System

CLIENTS = 2
PROGRESS_SECONDS = 60.0
# A round is a server's start, its first answers, and this long at most.
LONGEST_LIFE_SECONDS = 0.25
LONGEST_BETWEEN_SECONDS = 0.05
# Every record is redacted and opened in the end, so each round is to leave some and not a heap.
LONGEST_REST_SECONDS = 0.25


def one_round(site: Site, crowd: Crowd, chance: random.Random) -> None:
    """Start a server and a worker, let something be accepted, kill both at random moments in random order."""
    before = len(crowd.answers.accepted)
    running = [site.serve(), site.work()]
    deadline = time.monotonic() + PROGRESS_SECONDS
    while len(crowd.answers.accepted) == before and not crowd.answers.errors:
        assert time.monotonic() < deadline, site.log.read_text()
        time.sleep(0.005)
    time.sleep(chance.uniform(0, LONGEST_LIFE_SECONDS))
    chance.shuffle(running)
    running[0].kill()
    time.sleep(chance.uniform(0, LONGEST_BETWEEN_SECONDS))
    running[1].kill()


@pytest.mark.slow
def test_what_was_acknowledged_survives_kill_9_whole_and_once(
    real_time: System, launcher: Launcher, rounds: int
) -> None:
    """Server and worker die at random moments; every acknowledged record is there, once, whole and legible.

    The clients repeat what was not acknowledged, as phones do, so the records are exactly the acknowledged ones.
    """
    site, chance = Site(real_time, launcher, processes=1), random.Random(rounds)
    crowd = Crowd(site, CLIENTS, real_time.receipt_keys(), site.short_body, patient=True, rest=LONGEST_REST_SECONDS)
    crowd.begin()

    for _ in range(rounds):
        one_round(site, crowd, chance)
    last = site.serve()
    answers = crowd.end()
    last.stop()

    assert answers.errors == []
    found = books.read(real_time)
    assert {record.client_uuid: record.receipt for record in found.records} == {
        client_uuid: receipt for client_uuid, (receipt, _) in answers.accepted.items()
    }
    books.check_whole(found)
    swept = books.check_shares(real_time, found)
    real_time.redact_all()
    books.check_whole(books.read(real_time))
    expected: dict[UUID, dict[str, object]] = answers.by_record()
    books.check_readable(real_time, site.study, expected)
    print(f"{rounds} rounds: {len(expected)} records, {answers.again} repeats, {swept} abandoned shares swept")  # noqa: T201 - counts for whoever runs with -s
