"""A System with ``testimony serve`` running over real TLS, on the wall clock, in processes of its own.

    served.client(token)             # the REST client over TLS, verifying the server's own certificate
    served.signed_in("approver")     # signed in over TLS
    served.kill()                    # SIGKILL to server and worker; ``served.start()`` starts them again
    served.log                       # what the processes wrote

Everything else is ``System`` (``tests/system.py``) on the same databases: ``served.study()``, ``served.submit()``, ….
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from app.certificates import write_self_signed
from app.client import Client
from app.settings import PREFIX
from tests.databases import Kind
from tests.system import System

START_SECONDS = 60.0
STOP_SECONDS = 40.0
LOOK_EVERY = 0.05


class Served(System):
    """See the module. ``with_worker`` also redacts in a process; else call ``redact_all`` here."""

    def __init__(
        self,
        folder: Path,
        kind: Kind,
        *,
        with_worker: bool = False,
        processes: int = 1,
        start: bool = True,
        **settings: Any,
    ) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.certificate = folder / "tls.crt"
        write_self_signed(self.certificate, folder / "tls.key", ["localhost", "127.0.0.1"])
        self.port = free_port()
        super().__init__(
            folder,
            kind,
            port=self.port,
            web_processes=processes,
            tls_certificate=self.certificate,
            tls_key=folder / "tls.key",
            **settings,
        )
        self.log = folder / "served.log"
        self._commands = [["serve"], ["worker"]] if with_worker else [["serve"]]
        self._running: list[subprocess.Popen[bytes]] = []
        if start:
            self.start()

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"https://localhost:{self.port}"

    def client(self, token: str | None = None) -> Client:
        """The REST client over TLS, with this token or none."""
        return self._keep(Client(self.url, token, verify=self.certificate))

    def start(self) -> None:
        """Start the processes and wait until the server answers."""
        for command in self._commands:
            self._running.append(self._run(command))
        until = time.monotonic() + START_SECONDS
        with self.client() as client:
            while not client.ready():
                assert time.monotonic() < until, self.log.read_text()
                assert self._running[0].poll() is None, self.log.read_text()
                time.sleep(LOOK_EVERY)

    def kill(self) -> None:
        """End every process at once, children included, as a power cut would."""
        for process in self._running:
            # The server's own processes lead groups of their own, and would go on serving without it.
            for pid in (*children(process.pid), process.pid):
                with suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)
            process.wait()
        self._running.clear()

    def stop(self) -> None:
        """Ask every process to end, and wait."""
        for process in self._running:
            process.terminate()
        for process in self._running:
            process.wait(STOP_SECONDS)
        self._running.clear()

    def close(self) -> None:
        """Stop the processes and delete the databases."""
        try:
            self.stop()
        finally:
            self.kill()
            super().close()

    def environment(self) -> dict[str, str]:
        """The environment of a command on this deployment."""
        settings = self.settings
        values = {
            "DATA": str(settings.data),
            "DEPLOYMENT": str(settings.deployment),
            "DATABASE_URL": self.urls[0],
            "KEYSTORE_URL": self.urls[1],
            "ENVIRONMENT": settings.environment.value,
            "DEIDENTIFY": settings.deidentify.value,
            "PORT": str(self.port),
            "WEB_PROCESSES": str(settings.web_processes),
            "TLS_CERTIFICATE": str(settings.tls_certificate),
            "TLS_KEY": str(settings.tls_key),
        }
        return {**os.environ, **{PREFIX + name: value for name, value in values.items()}}

    def _run(self, arguments: list[str]) -> subprocess.Popen[bytes]:
        command, environment = [sys.executable, "-m", "app", *arguments], self.environment()
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )


def children(pid: int) -> list[int]:
    """The processes that a process started, as Linux lists them; none for one that is gone."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def free_port() -> int:
    """A port that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
