"""A clock that tests move by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

START = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


class Clock:
    """Call it for the moment; it stands still until ``advance`` or ``set``."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """The present moment, aware UTC."""
        return self.now

    def advance(self, **by: float) -> datetime:
        """Move on by the keywords of ``timedelta``, such as ``hours=1``."""
        self.now += timedelta(**by)
        return self.now
