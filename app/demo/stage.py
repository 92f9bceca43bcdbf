"""The demo's stage: the data folder, the server and its worker as processes, and their end."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType

from rich.console import Console

from app import logs
from app.bootstrap import build
from app.client import Client
from app.demo import page
from app.demo.journey import Journey, Say, testimony
from app.demo.people import FILE, SignIns
from app.errors import Unavailable
from app.operations import installation, processes, setup
from app.settings import Settings

__all__ = ["run"]

LOG = "demo.log"
START_SECONDS = 60.0
LOOK_EVERY = 0.1
TERMINATED = 143


def run(data: Path, *, port: int, once: bool, console: Console) -> None:
    """Show the demo; then serve on until Ctrl-C, unless ``once``.

    Raises:
        Conflict: the folder is a real deployment's.
        Unavailable: the server does not start, or the worker does not draft.
    """
    signal.signal(signal.SIGTERM, _leave)
    data = data.absolute()
    began = time.monotonic()

    def say(done: str) -> None:
        console.print(f"[green]✓[/] {done} [dim]({time.monotonic() - began:.1f} s)[/]", highlight=False)

    kept = _unfinished_goes(data, SignIns.load(data))
    invitation = _set_up(data, kept, port)
    say(f"Data folder {data.name}: two databases, custody, a certificate")
    serving_at = _free(port)
    url = f"https://localhost:{serving_at}"
    certificate = data / installation.CERTIFICATE
    with _serving(data, serving_at) as server:
        with closing(_journey(url, certificate, data, kept, say)) as journey:
            _wait_until_ready(server, url, certificate)
            say(f"HTTPS server and redaction worker at {url}")
            if invitation is not None:
                journey.found(invitation)
            release = journey.release()
            say("Researcher: reads the release")
        page.print_release(console, testimony()["answers"], release)
        page.print_sign_ins(console, kept, url, str(certificate), str(data / FILE))
        if not once:
            console.print("Ctrl-C ends the demo.")
            server.wait()
            raise Unavailable(f"The server ended; {data / LOG} says why.")


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(TERMINATED)


def _unfinished_goes(data: Path, kept: SignIns | None) -> SignIns:
    """What earlier runs left, or a fresh start: a demo whose people were not all made is begun again."""
    if kept is not None and kept.complete:
        return kept
    if kept is not None:
        shutil.rmtree(data)
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = SignIns()
    fresh.save(data)
    return fresh


def _set_up(data: Path, kept: SignIns, port: int) -> str | None:
    """Lay the folder out and make what is missing; the admin's invitation if this is the first run."""
    installation.lay_out(data, port=port)
    settings = Settings.load(data)
    logs.configure("error")
    runtime = build(settings, "operator")
    setup.migrate(runtime)
    setup.prepare(runtime)
    invitation = None if kept.complete else setup.invite_admin(runtime, "demo.admin")
    runtime.close()
    return invitation


def _free(port: int) -> int:
    """This port, or another one if somebody has it."""
    for wanted in (port, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", wanted))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise Unavailable


@contextmanager
def _serving(data: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    # A demo study needs no quorum of people, which production refuses.
    settings = {"PORT": str(port), "WEB_PROCESSES": "1", "ENVIRONMENT": "development"}
    log_file = data / LOG
    os.close(os.open(log_file, os.O_WRONLY | os.O_CREAT, 0o600))
    with processes.started(["serve", "--with-worker"], data, log_file=log_file, settings=settings) as server:
        yield server


def _journey(url: str, certificate: Path, data: Path, kept: SignIns, say: Say) -> Journey:
    def connect(token: str | None) -> Client:
        return Client(url, token, verify=certificate)

    return Journey(connect, data, kept, say)


def _wait_until_ready(server: subprocess.Popen[bytes], url: str, certificate: Path) -> None:
    until = time.monotonic() + START_SECONDS
    with Client(url, verify=certificate) as client:
        while not client.ready():
            if server.poll() is not None or time.monotonic() > until:
                raise Unavailable("The server does not start; demo.log says why.")
            time.sleep(LOOK_EVERY)
