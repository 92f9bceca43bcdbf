"""Cleaning a file in a process of its own: bytes go in by one pipe and come out by another; nothing rests anywhere.

Where Debian's bubblewrap works, the process also sees no folder of the service. A process that dies, takes too long or
says nothing has cleaned nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from pathlib import Path
from typing import IO

import app
from app.cleaning import base
from app.cleaning.limits import FOLDER, OFFICE, WALL_SECONDS
from app.errors import CannotBeCleaned, Unavailable

__all__ = ["CleanCopy", "cleaning"]

PIECE = 1 << 20
LONGEST_LINE = 1000
# How office files begin, and no other that can be cleaned.
ZIP = b"PK\x03\x04"
WAIT_SECONDS = 60.0
# Where some of what it needs is forbidden, bubblewrap may wait for good instead of failing.
TRIAL_SECONDS = 10.0
SYSTEM = ("/usr", "/bin", "/lib", "/lib64", "/etc/alternatives", "/etc/fonts", "/etc/ld.so.cache", "/etc/mime.types")
# Each kind of namespace is one that the systemd unit lets in.
APART = ("--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts")
# Where memory runs out, what cleans goes first, and not the service.
FIRST_TO_GO = ("/bin/sh", "-c", 'echo 1000 2>/dev/null >/proc/self/oom_score_adj; exec "$@"', "-")
PAUSE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class CleanCopy:
    """A clean copy on its way: its type, the ending and the first word of its neutral name, and its bytes."""

    media_type: str = field(repr=False)
    ending: str = field(repr=False)
    noun: str = field(repr=False)
    process: subprocess.Popen[bytes] = field(repr=False)

    def pieces(self) -> Iterator[bytes]:
        """The bytes, once; CannotBeCleaned at their end if the process did not end well."""
        out = _pipe(self.process.stdout)
        while piece := out.read(PIECE):
            yield piece
        if self.process.wait() != 0:
            raise CannotBeCleaned


@contextlib.contextmanager
def cleaning(pieces: Iterable[bytes]) -> Iterator[CleanCopy]:
    """Clean a file that comes in pieces.

    Raises:
        CannotBeCleaned: there is no cleaner for it, or it is broken, too large, or takes too long.
        Unavailable: others are being cleaned on this machine.
    """
    source = iter(pieces)
    first = next(source, b"")
    command = _command(office=first.startswith(ZIP))
    with _turn(), _running(command) as process:
        feeding = _Feeding(process, chain([first], source))
        feeding.start()
        try:
            told = _told(process)
            yield CleanCopy(told["type"], told["ending"], told["noun"], process)
        finally:
            _end(process)
            feeding.join()
            feeding.check()


@contextlib.contextmanager
def _turn() -> Iterator[None]:
    """Hold what one thread of all processes of this installation can hold; Unavailable if it is not free for long."""
    until = time.monotonic() + WAIT_SECONDS
    with Path(__file__).open("rb") as lock:
        while not _locked(lock):
            if time.monotonic() >= until:
                raise Unavailable
            time.sleep(PAUSE_SECONDS)
        yield


def _locked(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _command(*, office: bool) -> list[str]:
    sandbox = _sandbox()
    if office and (not sandbox or shutil.which("mat2") is None):
        raise CannotBeCleaned("Office files cannot be cleaned here: mat2 or bubblewrap is missing.")
    return [*FIRST_TO_GO, *sandbox, sys.executable, "-I", "-m", "app.cleaning", *([OFFICE] if office else [])]


@contextlib.contextmanager
def _running(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(  # noqa: S603  our own program
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        cwd="/",
        start_new_session=True,
    )
    timer = threading.Timer(WALL_SECONDS, _end, [process])
    timer.start()
    try:
        yield process
    finally:
        timer.cancel()
        _end(process)
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                _pipe(pipe).close()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and whatever it started; nothing happens where it has ended."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class _Feeding(threading.Thread):
    """Writes a file into a process; if the file cannot be read to its end, the process ends too."""

    def __init__(self, process: subprocess.Popen[bytes], pieces: Iterable[bytes]) -> None:
        super().__init__(name="cleaning")
        self._process = process
        self._pieces = pieces
        self._failed: Exception | None = None

    def run(self) -> None:
        """Write everything that the process takes."""
        pipe = _pipe(self._process.stdin)
        try:
            for piece in self._pieces:
                if not _write(pipe, piece):
                    return
        except Exception as failed:  # noqa: BLE001  told to whoever waits
            self._failed = failed
            _end(self._process)
        finally:
            with contextlib.suppress(OSError):
                pipe.close()

    def check(self) -> None:
        """Raise what kept the file from being read."""
        if self._failed is not None:
            raise self._failed


def _write(pipe: IO[bytes], piece: bytes) -> bool:
    """Whether the process still takes something."""
    try:
        pipe.write(piece)
    except OSError:
        return False
    return True


def _told(process: subprocess.Popen[bytes]) -> dict[str, str]:
    try:
        told: dict[str, str] = json.loads(_pipe(process.stdout).readline(LONGEST_LINE))
    except ValueError:
        raise CannotBeCleaned from None
    if "reason" in told:
        raise _refusal(told["reason"])
    return told


def _refusal(reason: str) -> CannotBeCleaned:
    match reason:
        case base.UNKNOWN:
            return CannotBeCleaned("Files of this type cannot be cleaned.")
        case base.BROKEN:
            return CannotBeCleaned("This file is broken, or not what it seems to be.")
        case base.TOO_LARGE:
            return CannotBeCleaned("This file is too large, or would be once unpacked.")
        case base.VIDEO:
            return CannotBeCleaned("Films, and several streams in one file, cannot be cleaned.")
    return CannotBeCleaned()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise CannotBeCleaned
    return pipe


@cache
def _sandbox() -> list[str]:
    """A command that shuts another one in, without network and folders; empty where that does not work."""
    program = shutil.which("bwrap")
    if program is None:
        return []
    python = {sys.prefix, sys.base_prefix, str(Path(app.__file__).parent)}
    seen = [part for path in (*SYSTEM, *sorted(python)) for part in ("--ro-bind-try", path, path)]
    command = [program, *APART, "--die-with-parent", "--new-session", "--dev", "/dev"]
    # No /proc: it would tell of other processes, and under a unit that hides parts of its own there can be no new one.
    # What is seen comes after the folder in memory: a checkout may lie in it.
    command += ["--size", str(FOLDER), "--tmpfs", "/tmp", *seen, "--chdir", "/"]  # noqa: S108
    try:
        subprocess.run([*command, "true"], capture_output=True, check=True, timeout=TRIAL_SECONDS)  # noqa: S603  our own words
    except subprocess.SubprocessError:
        return []
    return command
