"""Doing the same in several processes at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar

from tests.bench import cpu

T = TypeVar("T")

# Longer than any process takes to start on a busy machine.
READY_SECONDS = 120.0
_ready: Any = None


def everywhere(processes: int, work: Callable[..., T], *arguments: object) -> tuple[list[T], float]:
    """What each of so many fresh processes gives, and the processor seconds that went into it.

    ``work`` calls ``ready`` when it begins. An error in one is an error.
    """
    context = get_context("spawn")
    barrier = context.Barrier(processes + 1)
    with ProcessPoolExecutor(processes, context, initializer=_begin, initargs=(barrier,)) as pool:
        futures = [pool.submit(work, *arguments) for _ in range(processes)]
        barrier.wait(READY_SECONDS)
        before = cpu.seconds()
        results = [future.result() for future in futures]
        return results, cpu.seconds() - before


def ready() -> None:
    """Wait until every process is."""
    _ready.wait(READY_SECONDS)


def _begin(barrier: Any) -> None:
    global _ready  # noqa: PLW0603  a barrier reaches workers only when they are made
    _ready = barrier
