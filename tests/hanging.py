"""A bound for every part of every test: one that hangs fails alone, and shows where, instead of ending the whole run.

``TESTIMONY_TEST_SECONDS`` is another bound, for runs that are meant to be long.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import pytest

SECONDS = float(os.environ.get("TESTIMONY_TEST_SECONDS", "300"))
# What a test does while it fails may hang as well.
AGAIN_SECONDS = 30.0


@contextmanager
def bounded(seconds: float = SECONDS) -> Iterator[None]:
    """Fail what takes longer, wherever in the main thread it waits. Bounds may lie within each other.

    Raises:
        pytest.fail.Exception: it took longer.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(_number: int, _frame: FrameType | None) -> None:
        # Playwright passes it on from its event loop to where the test waits for a browser.
        pytest.fail(f"took longer than {seconds:g} seconds")

    handler = signal.signal(signal.SIGALRM, ring)
    left, again = signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, left, again)
        signal.signal(signal.SIGALRM, handler)
