"""Processes that hold keys: closed to others, and our own program again as a child, started, watched, stopped."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path

from app.logs import get_logger
from app.settings import PREFIX

__all__ = ["ENDING", "close_memory", "companion", "started"]

ENDING = frozenset({signal.SIGINT, signal.SIGTERM})

STOP_SECONDS = 35.0
# Between the end of a companion that nobody asked to end and the next one.
AGAIN_SECONDS = 1.0
# Of linux/prctl.h.
PR_SET_DUMPABLE = 4

log = get_logger()


def close_memory() -> None:
    """Keep what this process holds to itself: no core dump, and no other process of its user reads or traces it.

    Children by fork inherit both; a program that is started anew keeps the limit alone.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # People's own machines, where they accept invitations, may be others.
    if sys.platform == "linux" and ctypes.CDLL(None, use_errno=True).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "PR_SET_DUMPABLE")


@contextmanager
def _kept_waiting() -> Iterator[None]:
    """Let signals that end us wait: between the fork of a child and the block that stops it, they would be lost.

    A child begins with them waiting too, until its ``main`` takes them.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start(
    arguments: Sequence[str],
    data: Path | None,
    *,
    log_file: Path | None = None,
    settings: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "app", *arguments, *(["--data", str(data)] if data is not None else [])]
    environment = {**os.environ, **{PREFIX + name: value for name, value in (settings or {}).items()}}
    with nullcontext() if log_file is None else log_file.open("ab") as log_to:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log_to, stderr=log_to, env=environment)  # noqa: S603  our own program


@contextmanager
def started(
    arguments: Sequence[str], data: Path | None, *, log_file: Path | None = None, settings: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``testimony`` with these arguments on a data folder beside the block.

    What it writes goes to ``log_file``, if one is named; ``settings`` go before those of the folder.
    """
    with ExitStack() as stack:
        with _kept_waiting():
            process = _start(arguments, data, log_file=log_file, settings=settings)
            stack.callback(_stop, process)
        yield process


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end and wait; what does not end in time is killed."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def companion(arguments: Sequence[str], data: Path | None) -> Iterator[None]:
    """Keep such a process running beside the block; one that ends by itself is started again."""
    stopping, turn = threading.Event(), threading.Lock()
    running: list[subprocess.Popen[bytes]] = []

    def watch() -> None:
        while True:
            status = running[0].wait()
            if stopping.wait(AGAIN_SECONDS):
                return
            with turn:
                if stopping.is_set():
                    return
                log.error("companion ended", job=arguments[0], status=status)
                running[0] = _start(arguments, data)

    def end() -> None:
        with turn:
            stopping.set()
        _stop(running[0])

    with ExitStack() as stack:
        with _kept_waiting():
            running.append(_start(arguments, data))
            stack.callback(end)
            threading.Thread(target=watch, name="companion", daemon=True).start()
        yield
