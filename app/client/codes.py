"""One-time codes for programs that sign in: each code once, the next step's early if need be, and a wait only then."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

import pyotp

__all__ = ["OneTimeCodes"]

STEP_SECONDS = 30
# The service takes the codes of the step before and of the step after.
EARLY_STEPS = 1


def _now() -> datetime:
    return datetime.now(UTC)


class OneTimeCodes:
    """Codes of one TOTP secret (base32, RFC 6238). ``wait`` is told how many seconds must pass before the next one.

    ``spent`` is the last time step whose code was given out: whoever keeps the secret keeps it too.
    """

    def __init__(
        self,
        secret: str,
        *,
        clock: Callable[[], datetime] = _now,
        wait: Callable[[float], None] = time.sleep,
        spent: int = 0,
    ) -> None:
        self._totp = pyotp.TOTP(secret)
        self._clock = clock
        self._wait = wait
        self.spent = spent

    def __repr__(self) -> str:
        return "OneTimeCodes(…)"

    def next(self) -> str:
        """A code that was not given out before and that the service takes now."""
        now = self._clock().timestamp()
        step = max(int(now) // STEP_SECONDS, self.spent + 1)
        begins = (step - EARLY_STEPS) * STEP_SECONDS
        if begins > now:
            self._wait(begins - now)
        self.spent = step
        return self._totp.generate_otp(step)
