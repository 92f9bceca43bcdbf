"""The description of the API against the API: schemathesis with every check, signed in as each role in turn.

Nothing may answer 500, or with a status, body or header that is not described. Each role drives the operations it may
use: the refusals of everybody else are walked by ``test_permissions``. More examples for a longer run:
``TESTIMONY_TEST_EXAMPLES=200 TESTIMONY_TEST_SECONDS=3600 pytest tests/functional/test_openapi.py``.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from granian.constants import Interfaces
from granian.server.embed import Server

from app.access import DEVICE_PERMISSIONS, ROLE_TABLE, Permission, Role
from app.web.api import ROUTERS
from app.web.app import create_app, create_inner
from app.web.metrics import Metrics
from app.web.openapi import describe
from app.web.routing import described
from tests.clock import Clock
from tests.functional import steps
from tests.functional.caller import Caller
from tests.system import System

EXAMPLES = os.environ.get("TESTIMONY_TEST_EXAMPLES", "3")
# Several roles have these: the lead, or the interviewer, is enough to drive them.
SHARED = frozenset(
    {
        Permission.SESSION_OWN,
        Permission.FACTOR_CHANGE,
        Permission.STUDY_READ,
        Permission.INSTRUMENT_READ,
        Permission.MEMBER_CONFIRM,
        Permission.GRANT_MOVE,
        Permission.AUDIT_READ,
    }
)
SUBMITTING = frozenset({Permission.RECORD_SUBMIT, Permission.RECEIPT_READ})
# They end the session that drives the others.
SIGNS_OUT = frozenset({"end_all_sessions", "sign_out", "change_password"})
WHO = {
    "nobody": frozenset({Permission.NOTHING_NEEDED}),
    "device": DEVICE_PERMISSIONS,
    "lead": ROLE_TABLE[Role.LEAD],
    **{role.value: ROLE_TABLE[role] - SHARED for role in Role if role is not Role.LEAD},
    "guardian": ROLE_TABLE[Role.GUARDIAN] - SHARED - SUBMITTING,
}
# 422 also for rules that a schema cannot say (who goes with whom); 400 for JSON that only a strict reader refuses.
CONFIGURATION = """
parameters = {parameters}
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 400, 401, 403, 404, 409, 410, 422, 429]
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 429]
"""


@dataclass
class Target:
    """A running service, what is described of it, tokens by who, and ids of things that exist."""

    url: str
    description: dict[str, Any]
    tokens: dict[str, str] = field(repr=False)
    parameters: dict[str, str]


class Running:
    """The application behind a real socket, in this process, on the clock of the test."""

    def __init__(self, system: System) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._system = system
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="server")
        self._thread.start()
        self._ready.wait(timeout=30)
        self.url = f"http://127.0.0.1:{self.port}"
        self._wait()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._server = Server(
            create_app(self._system.web), address="127.0.0.1", port=self.port, interface=Interfaces.ASGI
        )
        self._ready.set()
        await self._server.serve()

    def _wait(self) -> None:
        for _ in range(300):
            try:
                httpx.get(f"{self.url}/v1/health/live", headers={"host": "localhost"}, trust_env=False)
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                return
        raise TimeoutError

    def stop(self) -> None:
        """End it and wait for its end."""
        self._loop.call_soon_threadsafe(self._server.stop)
        self._thread.join(timeout=60)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A service with a study, a released record, an ask and an enrolled device."""
    hosts = ("localhost", "127.0.0.1")
    system = System(tmp_path_factory.mktemp("openapi") / "data", "sqlite", Clock(), allowed_hosts=hosts)
    caller = Caller(system)
    place = system.first()
    record = steps.released(caller, place)
    instruments = steps.ok(caller("lead", "GET", f"{steps.base(place)}/instruments"))["instruments"]
    device = {"user": str(place["interviewer"].id), "study": str(place.id)}
    parameters = {
        "study": str(place.id),
        "record": record,
        "ask": steps.ask(caller, place, record),
        "instrument": instruments[0]["id"],
        "code": steps.case_of(caller, place, record),
    }
    tokens = {role: system.sign_in(place[role]) for role in WHO if role in place.people}
    tokens |= {"admin": system.sign_in(system.admin), "nobody": ""}
    tokens["device"] = steps.ok(caller("admin", "POST", "/v1/devices", json=device), 201)["token"]
    description = describe(described(create_inner(system.web, ROUTERS, Metrics()).routes))
    running = Running(system)
    yield Target(running.url, description, tokens, parameters)
    running.stop()
    caller.close()
    system.close()


def of(description: dict[str, Any], permissions: frozenset[Permission]) -> set[str]:
    """The names of the operations that these permissions allow, but for those that sign out."""
    return {
        operation["operationId"]
        for operations in description["paths"].values()
        for operation in operations.values()
        if Permission(operation["x-permission"]) in permissions
    } - SIGNS_OUT


def test_every_operation_is_driven_by_somebody(target: Target) -> None:
    """Nothing described is left out but what signs the driver out."""
    told = {each["operationId"] for path in target.description["paths"].values() for each in path.values()}
    driven = set[str]().union(*(of(target.description, permissions) for permissions in WHO.values()))

    assert told - driven == SIGNS_OUT


@pytest.mark.slow
@pytest.mark.parametrize("who", WHO)
def test_service_does_what_it_says(target: Target, tmp_path: Path, who: str) -> None:
    """Examples, coverage of every constraint, and fuzzing: every check of every answer holds."""
    parameters = ", ".join(f'"path.{name}" = "{value}"' for name, value in target.parameters.items())
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION.format(parameters=f"{{ {parameters} }}"))
    (tmp_path / "openapi.json").write_text(json.dumps(target.description))
    driven = [part for name in sorted(of(target.description, WHO[who])) for part in ("--include-operation-id", name)]
    token = ["--header", f"Authorization: Bearer {target.tokens[who]}"] if target.tokens[who] else []

    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml"),
        *("run", "openapi.json", "--url", target.url, "--checks", "all", *token, *driven),
        *("--phases", "examples,coverage,fuzzing", "--max-examples", EXAMPLES),
        *("--seed", "7", "--generation-database", "none", "--warnings", "off", "--no-color"),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
