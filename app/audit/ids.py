"""Ids of events: ordered by the moment at which they were made (UUIDv7, RFC 9562, sections 5.7 and 6.2).

    48 bits milliseconds since 1970 | 4 bits version | 12 bits of the next millisecond | 2 bits variant | 62 random bits

The first 60 bits of time are a clock in units of 1/4096 ms (section 6.2, method 3). Within one process they never stand
still or go back, whatever the system's clock does, so what happens later has the larger id.
"""

from __future__ import annotations

import secrets
import threading
import time
from uuid import UUID

__all__ = ["event_id", "id_at"]

VERSION = 7
VARIANT = 0b10
# Nanoseconds times 4096, divided by a million, are units of the clock.
UNITS, NANOSECONDS = 4096, 1_000_000

_turn = threading.Lock()
_last = 0


def event_id() -> UUID:
    """The next id."""
    global _last  # noqa: PLW0603  one clock per process
    now = time.time_ns() * UNITS // NANOSECONDS
    with _turn:
        _last = now = max(now, _last + 1)
    return _id(now, secrets.randbits(62))


def id_at(seconds: float) -> UUID:
    """The smallest id of a moment, in unix seconds."""
    return _id(max(0, int(seconds * 1000)) * UNITS, 0)


def _id(clock: int, low: int) -> UUID:
    millisecond, fraction = divmod(clock, UNITS)
    return UUID(int=millisecond << 80 | VERSION << 76 | fraction << 64 | VARIANT << 62 | low)
