"""Real servers and workers on a system's databases, over real TLS, that a test may kill."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Literal
from uuid import UUID, uuid4

import httpx

from app.accounts import devices
from app.certificates import write_self_signed
from app.client import Client
from tests.system import StudyPlace, System

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 30.0
POLL_SECONDS = 0.01


class Launcher:
    """Starts processes from one that has imported everything; see ``launcher``."""

    def __init__(self, folder: Path) -> None:
        counts = folder / "counts"
        counts.mkdir()
        # prometheus_client asks for its folder when it is imported; the server then names its own.
        environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(counts)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.durability.launcher"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment,
        )
        assert self._answer() == "ready"

    def start(self, role: Literal["web", "worker"], environment: dict[str, str], log: Path) -> Running:
        """Start a server or a worker; it is not ready yet."""
        assert self._process.stdin is not None
        order = {"role": role, "environment": environment, "log": str(log)}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return Running(int(self._answer()))

    def close(self) -> None:
        """End the launcher; what it started must have ended before."""
        self._process.communicate(timeout=30)

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


class Running:
    """A server with its processes, or a worker."""

    def __init__(self, group: int) -> None:
        self.group = group

    def kill(self) -> None:
        """End every process of it at once, as a power cut does, and wait until none runs."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.group, signal.SIGKILL)
        while self.members():
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Ask it to end, and wait until it did."""
        os.kill(self.group, signal.SIGTERM)
        deadline = time.monotonic() + START_SECONDS
        while self.members():
            if time.monotonic() > deadline:
                self.kill()
                raise TimeoutError
            time.sleep(POLL_SECONDS)

    def members(self) -> list[int]:
        """The processes that still run; those that only wait to be forgotten do not count."""
        found = []
        for folder in Path("/proc").iterdir():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split() if folder.name.isdigit() else []
            except OSError:
                continue
            if fields and int(fields[2]) == self.group and fields[0] not in "ZX":
                found.append(int(folder.name))
        return found


class Site:
    """A system with one study, reached over TLS through whatever server runs at the moment."""

    def __init__(self, system: System, launcher: Launcher, *, processes: int) -> None:
        self.system = system
        self.study: StudyPlace = system.study()
        self.device = enrol(system, self.study)
        self.log = system.folder / "log"
        self._launcher = launcher
        self._certificate = system.folder / "tls.crt"
        key = system.folder / "tls.key"
        write_self_signed(self._certificate, key, ["127.0.0.1"])
        self._port = _free_port()
        self._environment = {
            "TESTIMONY_DATA": str(system.folder),
            "TESTIMONY_DEPLOYMENT": str(system.settings.deployment),
            "TESTIMONY_DATABASE_URL": system.urls[0],
            "TESTIMONY_KEYSTORE_URL": system.urls[1],
            "TESTIMONY_PORT": str(self._port),
            "TESTIMONY_WEB_PROCESSES": str(processes),
            "TESTIMONY_TLS_CERTIFICATE": str(self._certificate),
            "TESTIMONY_TLS_KEY": str(key),
            "TESTIMONY_LOG_LEVEL": "warning",
        }

    def serve(self) -> Running:
        """Start the server; it is not ready yet."""
        return self._launcher.start("web", self._environment, self.log)

    def work(self) -> Running:
        """Start the worker."""
        return self._launcher.start("worker", self._environment, self.log)

    def client(self) -> Client:
        """A client with the device's token."""
        return Client(f"https://127.0.0.1:{self._port}", self.device, verify=self._certificate)

    def put(self, client_uuid: UUID, body: dict[str, Any]) -> httpx.Response:
        """Submit once, over a connection of its own."""
        trust = ssl.create_default_context(cafile=self._certificate)
        headers = {"authorization": f"Bearer {self.device}"}
        with httpx.Client(verify=trust, timeout=START_SECONDS, trust_env=False, headers=headers) as client:
            return client.put(f"https://127.0.0.1:{self._port}/v1/records/{client_uuid}", json=body)

    def wait_until_ready(self) -> None:
        """Wait until the server answers and can work."""
        deadline = time.monotonic() + START_SECONDS
        with self.client() as client:
            while not client.ready():
                assert time.monotonic() < deadline, self.log.read_text()
                time.sleep(POLL_SECONDS)

    def body(self, **changed: Any) -> dict[str, Any]:
        """A whole interview."""
        return self.system.body(self.study, **changed)

    def short_body(self) -> dict[str, Any]:
        """An interview whose narratives are short, so that its redaction takes milliseconds."""
        body = self.body()
        for name in body["answers"]:
            value = body["answers"][name].get("value")
            if isinstance(value, str) and len(value) > len("a sentence or two of testimony"):
                body["answers"][name] = {"value": f"My name is Rahmanov. I left in June. {uuid4()}"}
        return body


def enrol(system: System, study: StudyPlace) -> str:
    """Enrol a device for the study's interviewer; its token does not expire."""
    admin = system.actor(system.admin)
    with system.runtime.transaction() as session:
        return devices.enrol(session, system.collaborators, admin, study["interviewer"].id, study.id).token


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
