from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from app.audit.checkpoints import Signed
from app.certificates import write_self_signed
from app.errors import BadEncoding
from app.operations import trail, witness
from app.operations.trail import FIRST_PAUSE, Keeper
from app.operations.witness import FileWitness, HttpsWitness, WitnessAway, deliver, open_witness, read_file
from app.settings import Settings, SettingsRefused
from tests.integration.audit.tampering import found
from tests.integration.audit.test_sealing import write
from tests.system import System

TOKEN = "a long token"


@dataclass
class Taking:
    """An HTTPS service that takes checkpoints; ``answer`` is its status."""

    url: str
    certificate: Path
    answer: int = 201
    taken: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)


@pytest.fixture
def taking(tmp_path: Path) -> Iterator[Taking]:
    """A real server with TLS."""
    certificate, key = tmp_path / "witness.crt", tmp_path / "witness.key"
    write_self_signed(certificate, key, ["127.0.0.1"])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            service.tokens.append(self.headers["authorization"])
            if 200 <= service.answer < 300:
                service.taken.append(body)
            self.send_response(service.answer)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    service = Taking(f"https://127.0.0.1:{server.server_address[1]}/checkpoints", certificate)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield service
    server.shutdown()
    server.server_close()
    thread.join()


def told(system: System, url: str, certificate: Path | None = None) -> Settings:
    """The system's settings with a witness."""
    changed = {"witness": url, "witness_token": SecretStr(TOKEN), "witness_certificate": certificate}
    return system.settings.model_copy(update=changed)


def sign(system: System, times: int = 1) -> None:
    """Make checkpoints."""
    for _ in range(times):
        write(system)
        trail.seal_all(system.runtime)
        assert trail.sign(system.runtime) is not None


def test_a_file_gets_every_checkpoint_once(system: System, tmp_path: Path) -> None:
    """A line each, in their order, and none again; the file is its owner's alone and verifies."""
    file = tmp_path / "witness.jsonl"
    kept = open_witness(told(system, f"file:{file}"))
    assert isinstance(kept, FileWitness)
    sign(system, 3)

    assert deliver(system.runtime, kept) == 3
    sign(system)
    assert deliver(system.runtime, kept) == 1
    assert deliver(system.runtime, kept) == 0

    positions = [each.position for each in read_file(file)]
    assert positions == sorted(set(positions))
    assert len(positions) == 4
    assert file.stat().st_mode & 0o777 == 0o600
    assert found(system, witness_file=file) == []


def test_a_line_that_was_cut_off_is_no_checkpoint(system: System, tmp_path: Path) -> None:
    """A crash in the middle of a line loses nothing: the line is left unread, and sent again on one of its own."""
    file = tmp_path / "witness.jsonl"
    kept = FileWitness(file, "0" * 64)
    sign(system, 2)
    deliver(system.runtime, kept)
    whole = file.read_bytes()
    file.write_bytes(whole[:-20])

    assert len(list(read_file(file))) == 1
    sign(system)
    deliver(system.runtime, kept)
    with pytest.raises(BadEncoding):
        list(read_file(file))
    assert any("holds a line that is no checkpoint" in line for line in found(system, witness_file=file))


def test_a_forged_line_is_found(system: System, tmp_path: Path) -> None:
    """Whoever changes the witness's file cannot sign what he writes."""
    file = tmp_path / "witness.jsonl"
    sign(system)
    deliver(system.runtime, FileWitness(file, "0" * 64))
    line = json.loads(file.read_text())
    file.write_text(json.dumps({**line, "hash": "0" * 64}) + "\n")

    (finding,) = found(system, witness_file=file)

    assert finding.startswith("A checkpoint is not signed by this deployment")


def test_https_takes_each_checkpoint(system: System, taking: Taking) -> None:
    """Over verified TLS, with the token, as it would stand in a file."""
    kept = open_witness(told(system, taking.url, taking.certificate))
    assert isinstance(kept, HttpsWitness)
    sign(system, 2)

    assert deliver(system.runtime, kept) == 2

    assert [Signed.from_json(each).position for each in taking.taken] == [each["position"] for each in taking.taken]
    assert taking.tokens == [f"Bearer {TOKEN}"] * 2


def test_a_witness_with_another_certificate_gets_nothing(system: System, taking: Taking) -> None:
    """Somebody else at that address is not trusted."""
    kept = open_witness(told(system, taking.url))
    assert kept is not None
    sign(system)

    with pytest.raises(WitnessAway):
        deliver(system.runtime, kept)
    assert not taking.taken
    assert not taking.tokens


@pytest.mark.parametrize("answer", [400, 401, 500, 503, 302])
def test_what_the_witness_refuses_is_sent_again(system: System, taking: Taking, answer: int) -> None:
    """It counts as kept only when the witness says so; from there delivery goes on."""
    kept = open_witness(told(system, taking.url, taking.certificate))
    assert kept is not None
    sign(system, 2)
    taking.answer = answer
    with pytest.raises(WitnessAway):
        deliver(system.runtime, kept)
    assert witness.standing(system.runtime, kept)[0] == 0

    taking.answer = 201
    assert deliver(system.runtime, kept) == 2
    assert witness.standing(system.runtime, kept)[0] == witness.standing(system.runtime, kept)[1]


def test_one_that_is_there_already_counts_as_kept(system: System, taking: Taking) -> None:
    """After a crash between sending and remembering, the witness says 409 and delivery goes on."""
    kept = open_witness(told(system, taking.url, taking.certificate))
    assert kept is not None
    sign(system)
    taking.answer = 409

    assert deliver(system.runtime, kept) == 1


def test_the_worker_delivers_and_waits_longer_each_time(
    system: System, taking: Taking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A witness that is away is asked again after a pause, and what gathered meanwhile is delivered."""
    moment = [1_000_000.0]
    monkeypatch.setattr("app.operations.trail.time.monotonic", lambda: moment[0])
    object.__setattr__(system.worker, "settings", told(system, taking.url, taking.certificate))
    keeper, taking.answer = Keeper(system.worker), 503
    keeper.turn()
    keeper.turn()
    assert len(taking.tokens) == 1, "not asked again at once"

    moment[0] += FIRST_PAUSE
    keeper.turn()
    moment[0] += FIRST_PAUSE
    keeper.turn()
    assert len(taking.tokens) == 2, "the second pause is longer"
    moment[0] += FIRST_PAUSE
    taking.answer = 201
    keeper.turn()
    assert len(taking.taken) == 1


@pytest.mark.parametrize(
    "url", ["http://witness.example.org/", "file:relative", "file://host/path", "https://", "https://a:b@example.org/"]
)
def test_a_witness_that_cannot_be_trusted_is_refused(tmp_path: Path, url: str) -> None:
    """A witness is a file here or an address with TLS, without a password in it."""
    with pytest.raises(SettingsRefused, match="TESTIMONY_WITNESS"):
        Settings.load(tmp_path, deployment="019500a1-0000-7000-8000-000000000000", witness=url)
