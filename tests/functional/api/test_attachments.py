"""Attachments once they are there: who reads them, in which ranges, and what becomes of them with their record."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import select, update

from app.access import Team
from app.cases import contents
from app.cases.models import File, Grant
from app.operations.audit import Verification
from app.operations.files import compare
from app.operations.restore import check_main
from app.studies import roster
from app.web.moves import move_batch
from tests.clock import Clock
from tests.functional.caller import Caller
from tests.functional.steps import approve, ask, base, drafted, finish, ok, release, take
from tests.functional.uploading import Uploading, code, digest
from tests.system import StudyPlace, System

PIECE = 1 << 17
CANARY = b"zqthecanarysangattheborder"
CONTENT = (b"RIFF\x00\x00\x00\x00WAVEfmt " + CANARY * 9_000 + hashlib.shake_256(b"a recording").digest(PIECE))[
    : 2 * PIECE
]
NAME = "zqbirdname.wav"


@pytest.fixture(scope="module", autouse=True)
def _small_pieces() -> Iterator[None]:
    """Let a piece in the store be small, so that short files have several."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(contents, "SEGMENT_BYTES", PIECE)
        yield


@dataclass
class Scene:
    """A record with one attachment that the redactor works on."""

    call: Caller
    place: StudyPlace
    record: UUID
    file: UUID
    sent: Uploading

    @property
    def path(self) -> str:
        """Where its attachments are read."""
        return f"{base(self.place)}/records/{self.record}/files"

    def read(self, who: str = "redactor", **headers: str) -> httpx.Response:
        """Read the attachment."""
        return self.call(who, "GET", f"{self.path}/{self.file}", place=self.place, headers=headers)

    def scopes(self) -> set[str]:
        """The scopes of the attachment that are granted."""
        with self.call.system.runtime.glance() as session:
            granted = session.scalars(select(Grant.scope).where(Grant.record_id == self.record))
            return {scope.replace(self.file.hex, "F") for scope in granted if scope.startswith("file.")}

    def pieces(self) -> list[Path]:
        """What the store holds of it, in the order in which it was sealed."""
        found = (self.call.system.folder / "files" / self.file.hex[:2] / self.file.hex).glob("*")
        return sorted(found, key=lambda path: path.stat().st_mtime_ns)


def attached(call: Caller, place: StudyPlace, content: bytes = CONTENT) -> Scene:
    """A new record with an attachment, on the redactor's desk."""
    client = uuid4()
    record = UUID(call.system.submit(place, client_uuid=client)["record"])
    sent = Uploading(call, client, place)
    sent.whole(content, testimony_file_name=NAME, repr_digest=digest(content))
    call.system.redact_all()
    while UUID(taken := take(call, place, "redactor")) != record:
        finish(call, place, taken)
    with call.system.runtime.glance() as session:
        file = session.scalars(select(File.id).where(File.client_uuid == sent.file)).one()
    return Scene(call, place, record, file, sent)


@pytest.fixture(scope="module")
def scene(call: Caller, shared: System) -> Scene:
    """One for those tests that only read."""
    return attached(call, shared.study("Reading", prefix="reading."))


@pytest.fixture
def own(call: Caller, study: StudyPlace) -> Scene:
    """One of the test's own, in a study of its own."""
    return attached(call, study)


def hand_on(scene: Scene) -> None:
    """Finish the draft, and let the approver take and release it."""
    finish(scene.call, scene.place, scene.record)
    assert UUID(take(scene.call, scene.place, "approver")) == scene.record
    release(scene.call, scene.place, scene.record)


def test_the_list_names_what_came(scene: Scene) -> None:
    """The name that the client gave, and the type that the content has."""
    listed = ok(scene.call("redactor", "GET", scene.path, place=scene.place))["files"]

    assert listed == [
        {
            "id": str(scene.file),
            "client_uuid": str(scene.sent.file),
            "name": NAME,
            "type": "audio/wave",
            "size": len(CONTENT),
            "sha256": hashlib.sha256(CONTENT).hexdigest(),
            "expected": True,
        }
    ]


def test_the_whole_content(scene: Scene) -> None:
    """As it came, under a name of ours, for a browser that neither guesses nor runs anything."""
    answer = scene.read()

    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["content-type"] == "audio/wave"
    assert answer.headers["content-length"] == str(len(CONTENT))
    assert answer.headers["content-disposition"].startswith(f'inline; filename="{scene.file.hex[:8]}')
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")


RANGES = {
    "bytes=0-0": (0, 1),
    "bytes=0-65535": (0, 65_536),
    "bytes=65530-65545": (65_530, 65_546),
    f"bytes={PIECE - 3}-{PIECE + 3}": (PIECE - 3, PIECE + 4),
    f"bytes={len(CONTENT) - 1}-": (len(CONTENT) - 1, len(CONTENT)),
    "bytes=-7": (len(CONTENT) - 7, len(CONTENT)),
    f"bytes=5-{len(CONTENT) + 99}": (5, len(CONTENT)),
}


@pytest.mark.parametrize("wanted", RANGES)
def test_a_range(scene: Scene, wanted: str) -> None:
    """Within a chunk, over chunks and over pieces of the store, from the end, and beyond it."""
    start, end = RANGES[wanted]

    answer = scene.read(range=wanted)

    assert (answer.status_code, answer.content) == (206, CONTENT[start:end])
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{len(CONTENT)}"


@pytest.mark.parametrize(
    "wanted", [f"bytes={len(CONTENT)}-", "bytes=9-3", "bytes=-0", "bytes=-", "bytes=0-1,3-4", "bytes=x"]
)
def test_no_such_range(scene: Scene, wanted: str) -> None:
    """Also several at once, which cost more than they give."""
    answer = scene.read(range=wanted)

    assert (answer.status_code, answer.content) == (416, b"")
    assert answer.headers["content-range"] == f"bytes */{len(CONTENT)}"


@pytest.mark.parametrize("wanted", ["items=0-5", f"bytes=0-{len(CONTENT) - 1}"])
def test_all_of_it_after_all(scene: Scene, wanted: str) -> None:
    """Another unit is passed over; a range of everything is everything."""
    assert scene.read(range=wanted).status_code == 200


def test_only_those_who_work_on_it(scene: Scene) -> None:
    """The approver before it is theirs, and a redactor of the study without it, get the 404 of what is not there."""
    absent = scene.call("redactor", "GET", f"{scene.path}/{uuid4()}", place=scene.place)

    assert code(absent) == code(scene.read("approver")) == (404, "not-found")
    for who in ("interviewer", "researcher", "lead", "guardian", "auditor"):
        assert code(scene.read(who)) == (403, "forbidden"), who


def test_every_opening_is_told(scene: Scene) -> None:
    """In the trail, with the file's id and nothing of the file; each range counts."""
    before = opened(scene)

    scene.read()
    scene.read(range="bytes=0-1")

    assert opened(scene) == before + 2


def opened(scene: Scene) -> int:
    """How many openings the trail tells of."""
    path = f"{base(scene.place)}/events"
    rows = ok(scene.call("lead", "GET", path, place=scene.place, params={"limit": 500}))["events"]
    return sum(row["action"] == "attachment.read" for row in rows)


def test_nothing_of_it_is_on_any_disk(scene: Scene) -> None:
    """Neither a word of the content nor the name, in the databases, their journals, the store or anywhere beside."""
    files = [path for path in scene.call.system.folder.rglob("*") if path.is_file()]

    assert len(scene.pieces()) >= 3
    assert [path for path in files if CANARY in (data := path.read_bytes()) or NAME.encode() in data] == []
    assert {path.parent.parent.parent.name for path in scene.pieces()} == {"files"}


def test_the_trail_covers_files(own: Scene) -> None:
    """A row that somebody changes, or takes away, is found."""
    system = own.call.system
    before = findings(system)
    with system.runtime.transaction() as session:
        size = session.get_one(File, own.file).size
        session.execute(update(File).where(File.id == own.file).values(size=1))
    after = findings(system)
    with system.runtime.transaction() as session:
        session.execute(update(File).where(File.id == own.file).values(size=size))

    assert before == []
    assert any(own.file.hex in each for each in after)


def findings(system: System) -> list[str]:
    """What a deep verification finds."""
    return [str(found) for found in Verification(system.runtime, deep=True).findings()]


def swap(pieces: list[Path]) -> None:
    """Let two pieces change places."""
    first, second = pieces[0].read_bytes(), pieces[1].read_bytes()
    pieces[0].write_bytes(second)
    pieces[1].write_bytes(first)


def cut(pieces: list[Path]) -> None:
    """Take the last chunk of the second piece, which ends with it."""
    pieces[1].write_bytes(pieces[1].read_bytes()[: -(1 << 16)])


def flip(pieces: list[Path]) -> None:
    """Change a byte in the middle."""
    data = bytearray(pieces[1].read_bytes())
    data[len(data) // 2] ^= 1
    pieces[1].write_bytes(data)


def lose(pieces: list[Path]) -> None:
    """Take a piece away."""
    pieces[1].unlink()


HARMS = {each.__name__: each for each in (swap, cut, flip, lose)}


def breaks_off(scene: Scene) -> bool:
    """Whether the whole of it is refused, or begins and never ends: the transport asserts that an answer ends."""
    try:
        return scene.read().status_code == 500
    except AssertionError:
        return True


@pytest.mark.parametrize("harm", HARMS)
def test_a_harmed_store(scene: Scene, tmp_path: Path, harm: str) -> None:
    """What cannot be opened is a problem, or a stream that breaks off before a wrong byte; never other content."""
    folder = scene.pieces()[0].parent
    shutil.copytree(folder, tmp_path / "kept")
    HARMS[harm](scene.pieces())
    try:
        answer = scene.read(range=f"bytes={2 * PIECE - 10}-")
        whole = breaks_off(scene)
    finally:
        shutil.rmtree(folder)
        shutil.copytree(tmp_path / "kept", folder)

    assert answer.status_code == 500 or (harm == "flip" and answer.content == CONTENT[-10:])
    assert whole


def test_a_release_splits_the_key(own: Scene) -> None:
    """The redaction team's ends; guardians and auditors have a half each, and alone open nothing."""
    before = own.scopes()

    hand_on(own)

    assert (before, own.scopes()) == ({"file.F"}, {"file.F.g", "file.F.a"})
    for who in ("redactor", "approver", "guardian"):
        assert own.read(who).status_code in {403, 404}


def test_a_file_that_came_during_the_release(own: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The approver did not see it: the release is refused, and made once it was looked at."""
    finish(own.call, own.place, own.record)
    take(own.call, own.place, "approver")
    late = Uploading(own.call, own.sent.record, own.place)
    put = type(own.call.system.collaborators.keystore).put
    calls = 0

    def put_late(self: Any, **given: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            late.whole(b"came late")
        put(self, **given)

    path = f"{base(own.place)}/records/{own.record}"
    shown = ok(own.call("approver", "POST", f"{path}/draft/preview", place=own.place, json={}))
    body = {"digest": shown["digest"], "doubts": len(shown["doubts"])}
    with monkeypatch.context() as patched:
        patched.setattr("app.keystore.service.Keystore.put", put_late)
        refused = own.call("approver", "POST", f"{path}/release", place=own.place, json=body)

    assert code(refused) == (409, "conflict")
    release(own.call, own.place, own.record)


def test_a_late_file_of_a_released_record(own: Scene) -> None:
    """It rests under two keys at once: the redaction team, done with the record, does not get it."""
    hand_on(own)
    late = Uploading(own.call, own.sent.record, own.place)

    late.whole(b"came late")

    with own.call.system.runtime.glance() as session:
        file = session.scalars(select(File).where(File.client_uuid == late.file)).one()
        granted = set(session.scalars(select(Grant.scope).where(Grant.scope.contains(file.id.hex))))
    assert granted == {f"file.{file.id.hex}.g", f"file.{file.id.hex}.a"}


def test_disclosing_and_reopening(own: Scene) -> None:
    """Two people open one file for an hour, for the one who asked; reopening gives it back to redaction."""
    call, place = own.call, own.place
    hand_on(own)
    early = call("guardian", "POST", f"{base(place)}/asks", place=place, json=asking(own, file=str(uuid4())))
    asked = ask(call, place, own.record, scope="file", file=str(own.file), fields=[])
    path = f"{base(place)}/asks/{asked}"
    before = call("guardian", "GET", f"{path}/file", place=place)
    approve(call, place, asked)

    answer = call("guardian", "GET", f"{path}/file", place=place, headers={"range": "bytes=4-7"})
    fields = call("guardian", "GET", f"{path}/disclosure", place=place)
    auditor = call("auditor", "GET", f"{path}/file", place=place)
    call.system.clock.advance(minutes=61)
    late = call("guardian", "GET", f"{path}/file", place=place)

    assert code(early) == (422, "invalid")
    assert code(before) == (409, "conflict")
    assert (answer.status_code, answer.content) == (206, CONTENT[4:8])
    assert fields.status_code == 404
    assert auditor.status_code == 403
    assert late.status_code == 410

    again = ask(call, place, own.record, scope="source", purpose="reopen", fields=[])
    approve(call, place, again)
    ok(call("guardian", "POST", f"{base(place)}/asks/{again}/reopening", place=place), 204)

    assert own.scopes() == {"file.F"}
    assert UUID(take(call, place, "redactor")) == own.record
    assert own.read().content == CONTENT


def asking(scene: Scene, **changed: str) -> dict[str, Any]:
    """The body of an ask for a file."""
    return {"record": str(scene.record), "scope": "file", "reason": "danger", **changed}


def test_keys_of_files_move_with_the_team(own: Scene) -> None:
    """After a rotation the team's members move them like any other grant, and read on."""
    place, system = own.place, own.call.system
    with system.signed_in("lead", place) as client:
        client.studies.remove(place.id, place["approver"].id)
    actor = system.acting("redactor", place)
    with system.runtime.glance() as session:
        signed = roster.latest(session, system.collaborators, place.id)
    moved = move_batch(system.runtime, actor, signed, Team.REDACTION, 500)

    assert moved.left == 0
    assert own.read().content == CONTENT


def erase(scene: Scene, preference: str) -> None:
    """Two people erase the case."""
    call, place = scene.call, scene.place
    client = scene.sent.record
    receipt = ok(call("interviewer", "GET", f"/v1/records/{client}/receipt", place=place))["receipt"]
    for who in ("guardian", "lead"):
        path = f"{base(place)}/cases/{receipt['case']}/erasure"
        answer = call(who, "POST", path, place=place, json={"preference": preference})
        assert answer.status_code in {200, 201, 202}, answer.text


@pytest.mark.parametrize("preference", ["erase_all", "erase_identity_keep_anonymised"])
def test_an_erasure_takes_the_files(own: Scene, preference: str) -> None:
    """Keys, rows and what is stored, whatever of the record is kept; no file comes after it."""
    hand_on(own)
    half = Uploading(own.call, own.sent.record, own.place)
    half.begin(CONTENT[:PIECE])

    erase(own, preference)

    system = own.call.system
    with system.runtime.glance() as session:
        assert session.scalars(select(File).where(File.record_id == own.record)).all() == []
    assert own.scopes() == set()
    assert own.pieces() == []
    assert code(half.begin()) == code(Uploading(own.call, own.sent.record, own.place).begin()) == (410, "gone")
    assert findings(system) == []


def test_a_restore_tells_what_does_not_match(tmp_path: Path) -> None:
    """Files whose pieces are missing, and pieces that no row names; both are told, nothing is deleted."""
    system = System(tmp_path / "data", "sqlite", Clock())
    caller = Caller(system)
    lost = attached(caller, system.first())
    stray = uuid4()
    folder = system.folder / "files" / stray.hex[:2] / stray.hex
    shutil.copytree(lost.pieces()[0].parent, folder)
    lost.pieces()[0].unlink()

    found, findings = compare(system.runtime), check_main(system.runtime)
    caller.close()
    system.close()

    assert (found.lost, found.strays) == ([lost.file], [stray])
    assert (findings.lost_files, findings.stray_files, findings.clean) == ([lost.file], [stray], False)
    assert folder.exists()


def test_a_record_without_attachments(call: Caller, shared: System) -> None:
    """An empty list, and no key is asked for."""
    place = shared.first()
    record = drafted(call, place)

    assert ok(call("redactor", "GET", f"{base(place)}/records/{record}/files", place=place)) == {"files": []}
