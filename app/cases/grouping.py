"""Group commit: what several threads ask for at the same moment is done by one of them, with one commit for all.

    arrive  ->  nobody leads: lead; else wait  ->  the leader does all that wait  ->  it wakes them and the next leader

A commit waits for the disk as long for sixteen records as for one, and one thread that works disturbs no other. Where
it is worth a moment, a leader waits for as many as were done together last time: whoever was answered then mostly asks
again, and a leader that went alone would keep all of them waiting for the disk.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Generic, TypeVar

__all__ = ["Group"]

T = TypeVar("T")
R = TypeVar("R")

# Longer groups make the first wait for the last.
MOST = 32


@dataclass(slots=True, eq=False)
class _Place(Generic[T, R]):
    """One thread's place in the queue; ``result`` is None until it is done, or if it must be done alone."""

    item: T
    called: threading.Event = field(default_factory=threading.Event)
    leads: bool = False
    result: R | None = None


class Group(Generic[T, R]):
    """Where threads meet. One leads at a time, in order of arrival; a leader always takes itself first.

    ``patience`` is how long, in seconds, a leader waits for as many as were done together last time.
    """

    def __init__(self, most: int = MOST, patience: float = 0.0) -> None:
        self._most = most
        self._patience = patience
        self._wanted = 1
        self._enough = threading.Event()
        self._lock = threading.Lock()
        self._waiting: deque[_Place[T, R]] = deque()
        self._led = False

    def do(self, item: T, alone: Callable[[T], R], together: Callable[[Sequence[T]], Sequence[R | None]]) -> R:
        """Do it together with what others ask for now, or alone if nobody else asks.

        ``together`` gives a result for each item, or None for one that is to be done alone, by its own thread. If it
        raises, the leader's caller gets that, and everybody else is done alone.
        """
        place = self._arrive(item)
        if not place.leads:
            place.called.wait()
        if place.leads:
            self._lead(alone, together)
        return alone(item) if place.result is None else place.result

    def __len__(self) -> int:
        """How many wait for a leader to take them along."""
        return len(self._waiting)

    def _arrive(self, item: T) -> _Place[T, R]:
        with self._lock:
            place: _Place[T, R] = _Place(item, leads=not self._led)
            self._waiting.append(place)
            if len(self._waiting) >= self._wanted:
                self._enough.set()
            self._led = True
            return place

    def _lead(self, alone: Callable[[T], R], together: Callable[[Sequence[T]], Sequence[R | None]]) -> None:
        if self._patience:
            self._gather()
        with self._lock:
            group = list(islice(self._waiting, self._most))
            for _ in group:
                self._waiting.popleft()
            self._wanted = len(group)
        try:
            items = [place.item for place in group]
            results = [alone(*items)] if len(items) == 1 else together(items)
            for place, result in zip(group, results, strict=True):
                place.result = result
        finally:
            self._hand_over(group)

    def _gather(self) -> None:
        with self._lock:
            if len(self._waiting) >= self._wanted:
                return
            self._enough.clear()
        self._enough.wait(self._patience)

    def _hand_over(self, group: Sequence[_Place[T, R]]) -> None:
        with self._lock:
            self._led = bool(self._waiting)
            if self._led:
                self._waiting[0].leads = True
                self._waiting[0].called.set()
        for place in group:
            place.called.set()
