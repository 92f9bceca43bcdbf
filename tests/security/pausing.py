"""A keystore that stands still at a named verb until the test lets it go on: the moment between two databases."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from app.bootstrap import Runtime
from app.keystore.service import Keystore

R = TypeVar("R")
LONGEST_WAIT = 30.0


class PausingKeystore(Keystore):
    """The real keystore; the first call of ``verb`` is done and then waits, or waits and is then done."""

    def __init__(self, real: Keystore, verb: str, *, before: bool = False) -> None:
        super().__init__(real.engine, real.custody, real.deployment, real.clock)
        self.reached, self.go_on = threading.Event(), threading.Event()
        self._paused = False
        done: Callable[..., Any] = getattr(self, verb)

        def paused(*args: Any, **kwargs: Any) -> Any:
            if before:
                self._pause()
            result = done(*args, **kwargs)
            if not before:
                self._pause()
            return result

        setattr(self, verb, paused)

    def _pause(self) -> None:
        if not self._paused:
            self._paused = True
            self.reached.set()
            assert self.go_on.wait(LONGEST_WAIT)


def pausing(runtime: Runtime, verb: str, *, before: bool = False) -> tuple[Runtime, PausingKeystore]:
    """A process of its own whose keystore pauses at this verb."""
    keystore = PausingKeystore(runtime.collaborators.keystore, verb, before=before)
    return replace(runtime, collaborators=replace(runtime.collaborators, keystore=keystore)), keystore


@contextmanager
def stopped_at(keystore: PausingKeystore, work: Callable[[], R]) -> Iterator[Future[R]]:
    """Run the work in a thread until it pauses; the block runs meanwhile, then it goes on and ends."""
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(work)
        try:
            assert keystore.reached.wait(LONGEST_WAIT), "it never came to the pause"
            yield running
        finally:
            keystore.go_on.set()
