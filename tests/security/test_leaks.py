"""A canary's journey with everything failing on the way: it is in no log line, answer, event, exception or file."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from app.client import Problem
from tests.bridge import Bridge
from tests.security.canaries import Canary
from tests.security.scenes import Scene, staged
from tests.serving import Served

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Opened:
    """Paths that Python code of this process opens for writing, as long as it is on; a hook cannot be taken off."""

    def __init__(self) -> None:
        self._on = False
        self.paths: list[str] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._on and event == "open" and isinstance(arguments[0], str | bytes) and arguments[2] & WRITES:
            self.paths.append(os.fsdecode(arguments[0]))

    @contextlib.contextmanager
    def listening(self) -> Iterator[list[str]]:
        """The paths opened in the block."""
        self._on, self.paths = True, []
        try:
            yield self.paths
        finally:
            self._on = False


OPENED = Opened()


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every refusal as it was sent: status line, headers, body."""
    sent: list[bytes] = []
    real = Bridge.handle_request

    def kept(self: Bridge, request: httpx.Request) -> httpx.Response:
        answer = real(self, request)
        if answer.is_error:
            sent.append(repr(answer.headers).encode() + answer.content)
        return answer

    monkeypatch.setattr(Bridge, "handle_request", kept)
    return sent


@pytest.fixture
def foreign() -> Iterator[list[str]]:
    """What any library says to the root logger, message and arguments, at the levels that our set-up leaves them."""
    said: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            trace = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
            said.append(f"{record.name} {record.msg} {record.args} {trace}")

    ear = Ear()
    logging.getLogger().addHandler(ear)
    yield said
    logging.getLogger().removeHandler(ear)


@pytest.fixture(scope="module")
def long_scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One system for many journeys."""
    with staged(tmp_path_factory.mktemp("leaks"), "sqlite") as scene:
        yield scene


def steps(scene: Scene) -> list[Callable[[], object]]:
    """Submit, redact, edit, release, report, cut, triage, ask, refuse, disclose, erase: each may fail by itself."""
    story, study = scene.story, scene.story.place.id
    record = story.submit
    first = story.records

    def erase() -> None:
        case = next(row["case_id"] for row in scene.main.now()["record"] if row["id"] == first[0])
        code = next(row["code"] for row in scene.main.now()["case"] if row["id"] == case)
        for who in ("guardian", "lead"):
            story.fresh(who).cases.erase(study, code, preference="erase_all")

    return [
        record,
        story.redact,
        story.finish,
        story.send_back,
        story.release,
        lambda: story.read(first[0]),
        lambda: story.report_and_cut(first[0]),
        lambda: story.sample(first[0]),
        lambda: story.triage(first[0]),
        lambda: story.refuse(first[0]),
        lambda: story.disclose(first[0]),
        lambda: story.disclose(first[0], scope="source", fields=("exit_account",)),
        erase,
    ]


def travel(scene: Scene, answers: list[bytes], foreign: list[str], begin: Callable[[], None]) -> int:
    """Take every step, whatever becomes of it, and search all that was said; how many steps failed."""
    failed = 0
    scene.story.records.clear()
    with scene.story.everybody():
        begin()
        for step in steps(scene):
            try:
                step()
            except Exception as error:  # noqa: BLE001 - whatever comes out is what is searched
                failed += 1
                shown = f"{error!r} {error} {vars(error)}" if isinstance(error, Problem) else ""
                assert scene.story.canary.found(shown.encode()) == []
    canary = scene.story.canary
    assert [answer for answer in answers if canary.found(answer)] == []
    assert [line for line in foreign if canary.found(line.encode())] == []
    assert scene.canaries() == {}
    events = repr(scene.main.all()["event"])
    assert canary.found(events.encode()) == []
    return failed


# Where plaintext or keys pass: each of these is made to raise an error that carries all it was given.
FAILING = [
    "app.intake.service.seal_pack",
    "app.intake.service.canonical_json",
    "app.intake.service.content_digest",
    "app.studies.answers.validate",
    "app.redaction.service.open_pack",
    "app.deidentify.engine.Engine.read",
    "app.redaction.service.suggest",
    "app.redaction.service.seal_pack",
    "app.review.drafts.open_pack",
    "app.review.drafts.seal_pack",
    "app.cases.drafts.decide",
    "app.review.release.seal_pack",
    "app.research.library.open_pack",
    "app.research.library.seal_pack",
    "app.review.protection.seal_pack",
    "app.review.disclosure.seal_pack",
    "app.review.disclosure.open_pack",
    "app.review.opening.open_pack",
    "app.cases.sealing.unseal",
    "app.keystore.service.Keystore.put",
    "app.keystore.service.Keystore.get",
    "app.keystore.service.Keystore.kill",
    "app.custody.file.FileCustody.unwrap",
    "app.custody.file.FileCustody.sign",
    "app.audit.service.row",
    "app.web.bodies.parse",
]


class Calls(list[str]):
    """How often the broken part was reached."""


def break_it(monkeypatch: pytest.MonkeyPatch, target: str) -> Calls:
    """Let a function raise an error with everything that it was called with."""
    path, _, name = target.rpartition(".")
    try:
        owner: Any = importlib.import_module(path)
    except ModuleNotFoundError:
        module, _, kind = path.rpartition(".")
        owner = getattr(importlib.import_module(module), kind)
    calls = Calls()

    def telling(*arguments: Any, **named: Any) -> Any:
        calls.append(name)
        raise ValueError("the library says", *(_inside(each) for each in (*arguments, *named.values())))

    assert callable(getattr(owner, name))
    monkeypatch.setattr(owner, name, telling)
    return calls


def _inside(value: Any) -> Any:
    return value.reveal() if hasattr(value, "reveal") else getattr(value, "answers", value)


@pytest.mark.parametrize("target", FAILING)
def test_a_failure_with_testimony_in_its_message_tells_nobody(
    long_scene: Scene, answers: list[bytes], foreign: list[str], target: str
) -> None:
    """The part raises an error that holds the testimony it was handed: logs, answers, events and files stay clean."""
    with pytest.MonkeyPatch.context() as broken:
        calls: Calls | None = None

        def begin() -> None:
            nonlocal calls
            calls = break_it(broken, target)

        assert travel(long_scene, answers, foreign, begin) > 0
        assert calls, "the journey never came to this part"


def test_the_journey_goes_well_when_nothing_fails(long_scene: Scene, answers: list[bytes], foreign: list[str]) -> None:
    """The same steps without a failure: what is tested above is a whole journey."""
    long_scene.system.clock.advance(days=1)
    assert travel(long_scene, answers, foreign, lambda: None) == 0


@pytest.mark.parametrize("table", ["record", "pack", "grant", "event", "ask", "disclosure", "passage"])
def test_a_database_that_refuses_tells_nobody(
    long_scene: Scene, answers: list[bytes], foreign: list[str], table: str
) -> None:
    """Every insert into the table fails in the database itself, whose errors like to show rows."""
    engine = long_scene.system.runtime.engine

    def begin() -> None:
        with engine.begin() as connection:
            body = "SELECT RAISE(ABORT, 'refused')"
            connection.execute(text(f'CREATE TRIGGER refusing BEFORE INSERT ON "{table}" BEGIN {body}; END'))

    try:
        assert travel(long_scene, answers, foreign, begin) > 0
    finally:
        with engine.begin() as connection:
            connection.execute(text("DROP TRIGGER refusing"))


def test_no_part_of_ours_opens_a_temporary_file(scene: Scene) -> None:
    """A submission of more than a megabyte, and a whole journey: nothing is opened for writing outside our folders."""
    story, canary = scene.story, scene.story.canary
    with story.everybody(), OPENED.listening() as paths:
        for step in steps(scene):
            step()
        big = canary.answers()
        for name in ("joining_account", "inside_account", "turning_point", "exit_account", "message_to_others"):
            big[name] = {"value": f"{canary.word()} " + "\u0635" * 90_000}
        story.submit(big)
    ours = str(scene.system.folder)
    assert [path for path in paths if not path.startswith(ours) and not path.endswith(".pyc")] == []
    assert list((scene.folder / "tmp").iterdir()) == []


def limits(process: int) -> dict[str, str]:
    """The resource limits of a process, soft and hard."""
    lines = Path(f"/proc/{process}/limits").read_text().splitlines()[1:]
    return {line[:26].strip(): line[26:47].split()[0] + " " + line[47:].split()[0] for line in lines}


def family(process: int) -> list[int]:
    """A process and its children."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [process, *(each for child in children for each in family(int(child)))]


@pytest.mark.slow
def test_real_processes_dump_no_core_and_leave_closed_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Server, its workers and the redaction worker: core limit 0, files 0600, nothing in logs or temporary files."""
    temporary = tmp_path / "tmp"
    temporary.mkdir(mode=0o700)
    monkeypatch.setenv("TMPDIR", str(temporary))
    canary = Canary()
    served = Served(tmp_path / "data", "sqlite", with_worker=True, log_level="debug")
    try:
        place = served.study()
        with served.signed_in("interviewer", place) as client:
            body = served.body(place, answers=canary.answers())
            client.intake.submit(uuid4(), body, served.receipt_keys())
            with pytest.raises(Problem):
                client.intake.submit(uuid4(), body | {"surprise": canary.word()}, served.receipt_keys())
        processes = [each for process in served._running for each in family(process.pid)]
        assert len(processes) >= 3
        assert {limits(each)["Max core file size"] for each in processes} == {"0 0"}
        wait_for_draft(served, place.id)
    finally:
        served.close()
    written = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert [str(path) for path in written if canary.found(path.read_bytes())] == []
    made = [path for path in written if path != served.log and path.name not in {"tls.crt", "tls.key"}]
    assert [str(path) for path in made if path.stat().st_mode & 0o077] == []
    assert [path for path in temporary.rglob("*") if path.is_file()] == []


def wait_for_draft(served: Served, study: UUID) -> None:
    """Wait until the worker's process drafted the record."""
    with served.signed_in("redactor") as client:
        for _ in range(600):
            if any(row["status"] == "drafted" for row in client.review.queue(study)):
                return
            time.sleep(0.1)
    pytest.fail(served.log.read_text())
