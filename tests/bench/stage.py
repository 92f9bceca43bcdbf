"""What is measured: a deployment with a study open for intake, released records, and the service over real TLS."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from app.accounts import devices
from app.certificates import write_self_signed
from app.client import Client
from app.settings import PREFIX, Settings
from app.studies import instruments
from tests.bench import submission
from tests.clock import Clock
from tests.databases import Kind
from tests.system import StudyPlace, System

START_SECONDS = 60.0
SERVE = "from app.settings import Settings; from app.web.server import serve; serve(Settings.load())"


@dataclass(frozen=True, slots=True)
class Stage:
    """One deployment on one kind of database."""

    system: System
    study: StudyPlace
    device: str
    researcher: str
    releases: Sequence[UUID]

    @property
    def urls(self) -> tuple[str, str]:
        """The main database and the keystore."""
        return self.system.urls[0], self.system.urls[1]

    @property
    def settings(self) -> Settings:
        """What the deployment runs with."""
        return self.system.settings

    @contextmanager
    def served(self, processes: int, threads: int) -> Iterator[str]:
        """The service in so many processes of so many threads; gives its address."""
        folder, port = self.system.folder, _free_port()
        certificate, key = folder / "tls.pem", folder / "tls.key"
        if not key.exists():
            write_self_signed(certificate, key, ["localhost", "127.0.0.1"])
        ours = self._environment(port, processes, threads) | {
            f"{PREFIX}TLS_CERTIFICATE": str(certificate),
            f"{PREFIX}TLS_KEY": str(key),
        }
        with (folder / "server.log").open("ab") as log:
            server = subprocess.Popen([sys.executable, "-c", SERVE], env=os.environ | ours, stdout=log, stderr=log)
        try:
            address = f"https://127.0.0.1:{port}"
            _wait(server, Client(address, verify=certificate), folder / "server.log")
            yield address
        finally:
            server.terminate()
            server.wait(timeout=60)

    def _environment(self, port: int, processes: int, threads: int) -> dict[str, str]:
        settings = {
            "DATA": str(self.system.folder),
            "DATABASE_URL": self.urls[0],
            "KEYSTORE_URL": self.urls[1],
            "DEPLOYMENT": str(self.settings.deployment),
            "ENVIRONMENT": self.settings.environment.value,
            "PORT": str(port),
            "WEB_PROCESSES": str(processes),
            "WEB_THREADS": str(threads),
            "LOG_LEVEL": "warning",
        }
        return {PREFIX + name: value for name, value in settings.items()}


@contextmanager
def prepared(kind: Kind, folder: Path, *, releases: int) -> Iterator[Stage]:
    """A deployment with everybody a study needs, a device, and some released records."""
    # People sign in faster than one-time codes change, so the clock that makes them ready runs ahead a little.
    system = System(folder, kind, Clock(datetime.now(UTC)))
    try:
        study = system.study()
        _publish(system, study)
        opened = _release(system, study, releases)
        yield Stage(system, study, _device(system, study), system.sign_in(study["researcher"]), opened)
    finally:
        system.close()


def _publish(system: System, study: StudyPlace) -> None:
    lead, approver = system.acting("lead", study), system.acting("approver", study)
    with system.runtime.transaction() as session:
        form = submission.questionnaire()
        key, _ = instruments.draft(session, system.runtime.collaborators, lead, study.id, form)
    with system.runtime.transaction() as session:
        instruments.publish(session, system.runtime.collaborators, approver, study.id, key)


def _device(system: System, study: StudyPlace) -> str:
    admin, interviewer = system.actor(system.admin), study["interviewer"].id
    with system.runtime.transaction() as session:
        return devices.enrol(session, system.runtime.collaborators, admin, interviewer, study.id).token


def _release(system: System, study: StudyPlace, count: int) -> list[UUID]:
    body: dict[str, Any] = json.loads(submission.body(study.id))
    with system.signed_in("interviewer", study) as client:
        for _ in range(count):
            client.http.put(f"/v1/records/{uuid4()}", body)
    system.redact_all()
    with system.signed_in("redactor", study) as client:
        for _ in range(count):
            record = UUID(client.review.take(study.id)["record"])
            client.review.finish(study.id, record, version=client.review.source(study.id, record)["version"])
    released = []
    with system.signed_in("approver", study) as client:
        for _ in range(count):
            record = UUID(client.review.take(study.id)["record"])
            shown = client.review.preview(study.id, record)
            client.review.release(study.id, record, digest=shown["digest"], doubts=len(shown["doubts"]))
            released.append(record)
    return released


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


def _wait(server: subprocess.Popen[bytes], client: Client, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    with client:
        while time.monotonic() < end and server.poll() is None:
            if client.ready():
                return
            time.sleep(0.1)
    raise RuntimeError(f"the service did not start:\n{log.read_text()[-4000:]}")
