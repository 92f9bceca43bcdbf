"""The real server: TLS 1.3, both HTTP versions, several processes, a graceful stop, silent logs."""

from __future__ import annotations

import json
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from app.bootstrap import build
from app.certificates import write_self_signed
from app.operations.setup import migrate
from app.settings import Settings
from app.web.server import STOP_SECONDS
from tests.site import KEYS

PROGRAM = "import sys, pathlib; from app.settings import Settings; from app.web.server import serve; "
PROGRAM += "serve(Settings.load(pathlib.Path(sys.argv[1])))"
START_SECONDS = 60
CANARY = "kingfisher"


@dataclass
class Served:
    """A running server."""

    process: subprocess.Popen[bytes]
    folder: Path
    port: int

    def context(self) -> ssl.SSLContext:
        """TLS that trusts this server's certificate alone."""
        return ssl.create_default_context(cafile=str(self.folder / "tls.crt"))

    def client(self) -> httpx.Client:
        """A client of this server."""
        return httpx.Client(base_url=f"https://localhost:{self.port}", verify=self.context(), timeout=30)

    def log(self) -> str:
        """What it wrote so far."""
        return (self.folder / "log").read_text()


def start(folder: Path) -> Served:
    """Make a deployment and serve it."""
    folder.chmod(0o700)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    write_self_signed(folder / "tls.crt", folder / "tls.key", ["localhost"])
    names = {"DEPLOYMENT": uuid4(), "PORT": port, "WEB_PROCESSES": 2}
    names |= {"TLS_CERTIFICATE": folder / "tls.crt", "TLS_KEY": folder / "tls.key"}
    file = folder / "testimony.env"
    file.write_text("".join(f"TESTIMONY_{name}={value}\n" for name, value in names.items()))
    file.chmod(0o600)
    runtime = build(Settings.load(folder), "operator")
    migrate(runtime)
    for name, use in KEYS.items():
        runtime.collaborators.custody.create(name, use)
    runtime.collaborators.keystore.initialise()
    runtime.close()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(folder)], stderr=log, stdout=log)
    return Served(process, folder, port)


def wait_until_ready(served: Served) -> None:
    """Ask until it answers."""
    end = time.monotonic() + START_SECONDS
    with served.client() as client:
        while time.monotonic() < end:
            try:
                assert client.get("/v1/health/ready").json() == {"status": "ready"}
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                return
    pytest.fail(served.log())


@pytest.fixture
def starting(tmp_path: Path) -> Iterator[Served]:
    """A server of the test's own that was just started."""
    running = start(tmp_path)
    yield running
    running.process.kill()
    running.process.wait()


@pytest.fixture
def served(starting: Served) -> Served:
    """A server of the test's own that answers."""
    wait_until_ready(starting)
    return starting


def half_sent(served: Served, body: bytes) -> ssl.SSLSocket:
    """A connection on which a request was begun: the head and half of the body."""
    connection = handshake(served, served.context())
    head = "POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[: len(body) // 2])
    return connection


def handshake(served: Served, context: ssl.SSLContext) -> ssl.SSLSocket:
    """A TLS connection."""
    plain = socket.create_connection(("127.0.0.1", served.port))
    return context.wrap_socket(plain, server_hostname="localhost")


@pytest.mark.slow
def test_a_server_speaks_tls_serves_logs_nothing_and_stops_gracefully(served: Served) -> None:
    """One start for the whole journey: a server takes seconds to start.

    TLS 1.2 is refused, HTTP/2 offered; a body without a length is bounded; no line of the log has a path, a token or an
    address; on SIGTERM a request under way is still answered; then the processes end.
    """
    offers_both, old = served.context(), served.context()
    offers_both.set_alpn_protocols(["h2", "http/1.1"])
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with handshake(served, offers_both) as connection:
        assert (connection.version(), connection.selected_alpn_protocol()) == ("TLSv1.3", "h2")
    with pytest.raises(ssl.SSLError):
        handshake(served, old)

    with served.client() as client, ThreadPoolExecutor(1) as pool:
        refused = client.get(f"/v1/{CANARY}?token={CANARY}", headers={"authorization": f"Bearer {CANARY}"})
        assert (refused.status_code, refused.headers["content-type"]) == (404, "application/problem+json")
        large = client.post("/v1/sessions", content=iter([b" " * 65_536] * 40))
        assert large.status_code == 413

        body = {"name": "nobody", "password": CANARY, "code": "000000"}
        under_way = pool.submit(client.post, "/v1/sessions", json=body)
        time.sleep(0.3)
        served.process.send_signal(signal.SIGTERM)
        assert under_way.result().status_code == 401

    assert served.process.wait(30) == 0
    lines = [json.loads(line) for line in served.log().splitlines()]
    assert sum("Spawning worker" in line.get("step", "") for line in lines) == 2
    assert CANARY not in served.log()
    assert "127.0.0.1:" not in "".join(
        line.get("step", "") for line in lines if "Listening" not in line.get("step", "")
    )


@pytest.mark.slow
def test_a_request_that_came_in_half_is_still_answered_after_the_signal(served: Served) -> None:
    """A stop waits for requests under way, and no process is killed or reported as killed."""
    body = json.dumps({"name": "nobody", "password": CANARY, "code": "000000"}).encode()
    with half_sent(served, body) as connection:
        time.sleep(0.5)
        served.process.send_signal(signal.SIGTERM)
        time.sleep(1.5)
        connection.sendall(body[len(body) // 2 :])
        answer = connection.recv(64)

    assert answer.startswith(b"HTTP/1.1 401")
    assert served.process.wait(STOP_SECONDS) == 0
    assert "kill" not in served.log().lower()


@pytest.mark.slow
def test_a_server_that_is_still_starting_stops_at_once(starting: Served) -> None:
    """A signal that comes while the processes start is not lost: the stop does not wait for its whole time."""
    end = time.monotonic() + START_SECONDS
    while "Spawning worker-2" not in starting.log() and time.monotonic() < end:
        time.sleep(0.01)
    starting.process.send_signal(signal.SIGTERM)

    assert starting.process.wait(STOP_SECONDS - 10) == 0
    assert "kill" not in starting.log().lower()
