from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from sqlalchemy import func, select

from app.accounts import upkeep
from app.accounts.models import Throttle
from app.accounts.throttle import ACCOUNT_LIMIT, SOURCE_LIMIT, Charge
from app.errors import Throttled
from tests.people import House


def charge(house: House, account: str, source: str) -> Charge:
    """One attempt that is never given back: a failure."""
    with house.transaction() as session:
        return house.throttling.charge(session, account=account, source=source)


def wait(house: House, account: str, source: str) -> int:
    """How many seconds this pair has to wait; 0 if it may go on. Nothing is charged."""
    try:
        made = charge(house, account, source)
    except Throttled as throttled:
        return throttled.retry_after
    with house.transaction() as session:
        house.throttling.refund(session, made)
    return 0


def fail(house: House, account: str, source: str, times: int) -> None:
    """Fail so often, waiting out each pause."""
    for _ in range(times):
        house.clock.advance(seconds=wait(house, account, source))
        charge(house, account, source)


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [(0, 0), (1, 0), (4, 0), (5, 2), (6, 4), (7, 8), (8, 16), (9, 32), (13, 512), (14, 900), (20, 900)],
)
def test_pause_after_failures(house: House, failures: int, seconds: int) -> None:
    """Five failures are free; then the pause doubles from two seconds up to fifteen minutes."""
    fail(house, "amal", "192.0.2.1", failures)

    assert wait(house, "amal", "192.0.2.1") in {seconds, seconds + 1 if seconds else 0}


def test_pause_ends(house: House) -> None:
    """When the pause is over the next attempt goes through."""
    fail(house, "amal", "192.0.2.1", 5)
    house.clock.advance(seconds=2)

    assert wait(house, "amal", "192.0.2.1") == 0


def test_nobody_locks_another_out(house: House) -> None:
    """However often one source fails for an account, another source is let through at once."""
    fail(house, "amal", "192.0.2.1", 30)

    assert wait(house, "amal", "192.0.2.1") > 0
    assert wait(house, "amal", "192.0.2.2") == 0


def test_failures_for_one_account_do_not_pause_another(house: House) -> None:
    """Colleagues behind one address are not paused by one of them."""
    fail(house, "amal", "192.0.2.1", 9)

    assert wait(house, "noor", "192.0.2.1") == 0


def test_source_with_many_failures_closes(house: House) -> None:
    """A source that tries many accounts is closed for the rest of its quarter of an hour."""
    for number in range(SOURCE_LIMIT):
        charge(house, f"name-{number}", "192.0.2.1")

    assert wait(house, "amal", "192.0.2.1") > 800
    house.clock.advance(minutes=15)
    assert wait(house, "amal", "192.0.2.1") == 0


def test_account_under_attack_lets_new_sources_through(house: House) -> None:
    """After a hundred failures each source has one free failure left, and one that never failed is let in."""
    for number in range(ACCOUNT_LIMIT):
        charge(house, "amal", f"198.51.100.{number}")

    assert wait(house, "amal", "192.0.2.1") == 0
    charge(house, "amal", "192.0.2.1")
    assert wait(house, "amal", "192.0.2.1") > 0


def test_attack_is_over_after_an_hour(house: House) -> None:
    """An hour later the free failures are five again."""
    for number in range(ACCOUNT_LIMIT):
        charge(house, "amal", f"198.51.100.{number}")
    house.clock.advance(hours=1)

    fail(house, "amal", "192.0.2.1", 4)
    assert wait(house, "amal", "192.0.2.1") == 0


def test_success_clears_the_pair_only(house: House) -> None:
    """A right guess forgets this account's failures from this source, and not what the source did elsewhere."""
    fail(house, "amal", "192.0.2.1", 4)
    for number in range(SOURCE_LIMIT - 5):
        charge(house, f"name-{number}", "192.0.2.1")
    success = charge(house, "amal", "192.0.2.1")
    with house.transaction() as session:
        house.throttling.clear(session, success)

    fail(house, "amal", "192.0.2.1", 1)

    assert wait(house, "amal", "192.0.2.1") > 800


def test_neighbours_in_an_ipv6_network_are_one_source(house: House) -> None:
    """Somebody with a /64 does not get a fresh start with each of its addresses."""
    for number in range(5):
        charge(house, "amal", f"2001:db8:1:2::{number + 1}")

    assert wait(house, "amal", "2001:db8:1:2:ffff::9") > 0
    assert wait(house, "amal", "2001:db8:1:3::9") == 0


def test_simultaneous_guesses_are_all_counted(house: House) -> None:
    """Of thirty guesses at the same moment no more than the free ones go through."""
    with ThreadPoolExecutor(10) as pool:
        waits = list(pool.map(partial(try_charge, house), ["192.0.2.1"] * 30))

    assert waits.count(True) == 5


def try_charge(house: House, source: str) -> bool:
    """Whether one failure was let through."""
    try:
        charge(house, "amal", source)
    except Throttled:
        return False
    return True


def test_many_sources_at_once_do_not_trip_each_other(house: House) -> None:
    """Charges and successes of one account from many sources at the same moment all go through."""

    def succeed(number: int) -> None:
        made = charge(house, "amal", f"198.51.100.{number}")
        with house.transaction() as session:
            house.throttling.clear(session, made)

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(succeed, range(40)))

    with house.transaction() as session:
        assert session.scalar(select(func.sum(Throttle.failures))) == 0


def test_guess_inside_a_session_delays_that_session_only(house: House) -> None:
    """Wrong codes with a stolen token do not delay the owner's other sessions."""
    for _ in range(5):
        with house.transaction() as session:
            house.throttling.charge_token(session, purpose="step-up", token="ts_stolen")

    with house.transaction() as session:
        house.throttling.charge_token(session, purpose="step-up", token="ts_other")
        with pytest.raises(Throttled):
            house.throttling.charge_token(session, purpose="step-up", token="ts_stolen")


def test_sweep_deletes_what_is_over(house: House) -> None:
    """After a day without failures nothing tells that there were any."""
    fail(house, "amal", "192.0.2.1", 7)
    house.clock.advance(hours=24)
    with house.transaction() as session:
        upkeep.sweep(session, house.collaborators)

    with house.transaction() as session:
        assert session.scalars(select(Throttle)).all() == []


def count(house: House, source: str, purpose: str = "withdrawal") -> None:
    """One thing that anybody may do."""
    with house.transaction() as session:
        house.throttling.count(session, purpose=purpose, source=source)


def test_what_anybody_may_do_is_counted_by_source(house: House) -> None:
    """Fifty in fifteen minutes, then this source waits until they are over; others and other things go on."""
    for _ in range(SOURCE_LIMIT):
        count(house, "192.0.2.1")

    with pytest.raises(Throttled) as refused:
        count(house, "192.0.2.1")
    count(house, "192.0.2.2")
    count(house, "192.0.2.1", "another")
    charge(house, "amal", "192.0.2.1")

    house.clock.advance(seconds=refused.value.retry_after)
    count(house, "192.0.2.1")


def test_an_ipv6_subscriber_is_one_source(house: House) -> None:
    """Fifty addresses of one network count together."""
    for number in range(SOURCE_LIMIT):
        count(house, f"2001:db8::{number:x}")

    with pytest.raises(Throttled):
        count(house, "2001:db8::ffff")
