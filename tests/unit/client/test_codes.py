from __future__ import annotations

import pyotp

from app.client import OneTimeCodes
from tests.clock import Clock

SECRET = pyotp.random_base32()


def codes(clock: Clock, *, spent: int = 0) -> OneTimeCodes:
    """Codes on a clock that moves when they wait."""

    def wait(seconds: float) -> None:
        clock.advance(seconds=seconds)

    return OneTimeCodes(SECRET, clock=clock, wait=wait, spent=spent)


def test_a_code_is_never_given_twice() -> None:
    """Six codes asked for at one moment are six different steps'."""
    clock = Clock()
    one = codes(clock)

    given = [(one.next(), one.spent) for _ in range(6)]

    assert len({step for _, step in given}) == 6
    assert all(code == pyotp.TOTP(SECRET).generate_otp(step) for code, step in given)


def test_the_first_two_need_no_wait() -> None:
    """The service takes the next step's code early."""
    clock = Clock()
    before, one = clock.now, codes(clock)

    one.next()
    one.next()

    assert clock.now == before


def test_every_code_is_valid_when_it_is_given() -> None:
    """However many are asked for: each verifies within one step of the clock."""
    clock = Clock()
    one = codes(clock)

    assert all(pyotp.TOTP(SECRET).verify(one.next(), for_time=clock.now, valid_window=1) for _ in range(5))


def test_what_an_earlier_run_spent_is_not_given_again() -> None:
    """A program that kept the last step goes on after it."""
    clock = Clock()
    first = codes(clock)
    first.next()

    later = codes(clock, spent=first.spent)
    later.next()

    assert later.spent == first.spent + 1


def test_the_secret_is_not_shown() -> None:
    """A repr in a log gives no second factor away."""
    assert SECRET not in repr(codes(Clock()))
