"""The flag by which a signal asks the main thread to stop."""

from __future__ import annotations

import subprocess
import sys
import time

from app.operations.stopping import Flag

# A timer's signal comes at every place of the wait; each handler sets the flag that the very thread waits for.
PROGRAM = """
import signal, time
from app.operations.stopping import Flag
flag = Flag()
signal.signal(signal.SIGALRM, lambda *_: flag.set())
signal.setitimer(signal.ITIMER_REAL, 0.00005, 0.00005)
end, waits = time.monotonic() + 1.0, 0
while time.monotonic() < end:
    waits += flag.wait(0.00002)
    flag.clear()
signal.setitimer(signal.ITIMER_REAL, 0)
print(waits)
"""


def test_a_signal_at_any_moment_of_the_wait_is_heard() -> None:
    """A handler runs inside the waiting thread: a flag with a lock would wait for itself."""
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=True, timeout=30)

    assert int(ended.stdout) > 0


def test_wait_ends_after_its_time() -> None:
    """Nobody sets it."""
    began = time.monotonic()

    assert not Flag().wait(0.15)
    assert time.monotonic() - began >= 0.15


def test_wait_ends_at_once_when_set() -> None:
    """Set before or while it waits."""
    flag = Flag()
    flag.set()

    assert flag.wait()
    assert flag.is_set()
    flag.clear()
    assert not flag.is_set()
