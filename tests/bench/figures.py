"""What a measurement gives: how many a second, and how long one took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import quantiles
from typing import Self


@dataclass(frozen=True, slots=True)
class Figures:
    """Done in so many seconds; the percentiles of one are in milliseconds.

    ``cpu`` is the processor time in seconds that all of it took: databases, service and load generator.
    """

    done: int
    seconds: float
    p50: float
    p95: float
    p99: float
    cpu: float

    @property
    def rate(self) -> float:
        """How many a second."""
        return self.done / self.seconds

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of processor time that one took."""
        return self.cpu / self.done * 1000

    @classmethod
    def of(cls, taken: Sequence[float], seconds: float, cpu: float) -> Self:
        """From the seconds that each one took; at least two of them."""
        cuts = quantiles(taken, n=100, method="inclusive")
        p50, p95, p99 = (cuts[percent - 1] * 1000 for percent in (50, 95, 99))
        return cls(len(taken), seconds, p50, p95, p99, cpu)
