"""Whatever a test hangs in ends, and the bound around it still holds."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.hanging import bounded

SLEEPING = [sys.executable, "-c", "import time; time.sleep(60)"]


def join_a_pool() -> None:
    """Ends when its thread does, though what waits for it is left."""
    asleep = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asleep.wait, 60)
        try:
            time.sleep(60)
        finally:
            asleep.set()


HANGS: dict[str, Callable[[], object]] = {
    "sleep": lambda: time.sleep(60),
    "process": lambda: subprocess.run(SLEEPING, check=False, timeout=60),
    "lock": lambda: threading.Event().wait(60),
    "loop": lambda: all(time.monotonic() for _ in iter(int, 1)),
    "pool": join_a_pool,
}


@pytest.mark.parametrize("hang", HANGS)
def test_what_hangs_fails(hang: str) -> None:
    """In a system call, for a process, in a lock, and at work."""
    began = time.monotonic()

    with pytest.raises(pytest.fail.Exception, match=r"longer than 0\.2 seconds"), bounded(0.2):
        HANGS[hang]()

    assert time.monotonic() - began < 30


def test_the_outer_bound_goes_on() -> None:
    """Every part of this test is bounded before and after a narrower bound."""
    before, _ = signal.getitimer(signal.ITIMER_REAL)

    with bounded(20):
        within, _ = signal.getitimer(signal.ITIMER_REAL)

    after, _ = signal.getitimer(signal.ITIMER_REAL)
    assert 0 < within <= 20 < after <= before


def test_a_thread_of_its_own_is_left_alone() -> None:
    """Signals belong to the main thread."""

    def sleep() -> float:
        with bounded(0.01):
            time.sleep(0.1)
        return time.monotonic()

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(sleep).result(timeout=30) > 0
