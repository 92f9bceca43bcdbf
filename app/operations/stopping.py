"""A flag by which a signal asks the main thread to stop."""

from __future__ import annotations

import time

__all__ = ["Flag"]

LOOK_UP_SECONDS = 0.1


class Flag:
    """What a signal's handler may set. ``threading.Event`` is none such.

    Python runs a handler inside whatever the main thread does. If that is waiting for an Event, the handler can come
    while the thread holds the Event's lock, and setting it then waits for ever. This one has no lock: the waiter looks
    up ten times a second, also when the kernel gave the signal to another thread, which wakes nobody.
    """

    def __init__(self) -> None:
        self._set = False

    def is_set(self) -> bool:
        """Whether it was set."""
        return self._set

    def set(self) -> None:
        """Set it."""
        self._set = True

    def clear(self) -> None:
        """Take it back."""
        self._set = False

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it is set, or for so many seconds; whether it is."""
        end = None if seconds is None else time.monotonic() + seconds
        while not self._set:
            left = LOOK_UP_SECONDS if end is None else min(LOOK_UP_SECONDS, end - time.monotonic())
            if left <= 0:
                break
            time.sleep(left)
        return self._set
