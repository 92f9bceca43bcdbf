"""Attachments come in piece by piece, go on after whatever happened, and are attached once and whole, or not at all."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from asyncio import Task
from collections.abc import AsyncIterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import select

from app.access import Actor, ActorKind
from app.cases import contents, files, grants, queries
from app.cases.files import COMPLETE
from app.cases.grants import Scope
from app.cases.models import DiscardedFile, File, Record
from app.crypto.sealed import Sealed
from app.crypto.secrets import Secret
from app.errors import Conflict, NotFound, StoreFull
from app.files.folder import FolderStore
from app.intake.files import target
from app.keystore.service import Keystore
from app.operations.files import sweep_strays, sweep_uploads
from app.operations.sweep import sweep
from app.studies import roster
from app.web.uploading import Upload
from tests.functional.caller import Caller
from tests.functional.steps import base, events, ok
from tests.functional.uploading import Uploading, code, digest, secret, submitted
from tests.system import HOST, StudyPlace, System

PIECE = 1 << 17
CONTENT = hashlib.shake_256(b"a recording").digest(3 * PIECE + 77)


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a piece in the store be small, so that short files have several."""
    monkeypatch.setattr(contents, "SEGMENT_BYTES", PIECE)


def upload(call: Caller, **given: Any) -> Uploading:
    """An attachment of a new record."""
    client, _ = submitted(call, given.get("place"))
    return Uploading(call, client, **given)


def row_of(system: System, sent: Uploading) -> File | None:
    """The row of an upload."""
    with system.runtime.glance() as session:
        return session.scalar(select(File).where(File.client_uuid == sent.file))


def pieces(system: System, file: UUID) -> list[Path]:
    """What the store holds of a file."""
    return sorted((system.folder / "files" / file.hex[:2] / file.hex).glob("*"))


def content_of(system: System, sent: Uploading) -> bytes:
    """What the redaction team's key opens."""
    row, actor, parts = row_of(system, sent), system.acting("redactor", sent.place), system.collaborators
    assert row is not None
    with system.runtime.glance() as session:
        place = queries.place_of(parts, session.get_one(Record, row.record_id))
        signed = roster.latest(session, parts, place.study)
        found = grants.find(session, actor, row.record_id, Scope.file(row.id))
    key = grants.open_found(parts, actor, place, [found], signed.floor)[found.scope]
    opened = files.open_file(parts, place, row, key)
    return b"".join(opened.read(0, opened.size))


def test_a_file_in_parts(call_both: Caller, both: System) -> None:
    """Created, continued twice, completed: each answer says how far it is, and what comes out is what went in."""
    sent = upload(call_both)

    first = sent.begin(CONTENT[:1000], upload_length=str(len(CONTENT)), repr_digest=digest(CONTENT))
    second = sent.go_on(1000, CONTENT[1000 : 2 * PIECE])
    between = sent.stands()
    last = sent.go_on(2 * PIECE, CONTENT[2 * PIECE :], complete=True)

    assert (first.status_code, first.headers["upload-offset"]) == (201, "1000")
    assert first.headers["location"] == f"/v1/records/{sent.record}/files/{sent.file}"
    assert first.headers["upload-limit"] == "max-size=2147483648, max-age=604800"
    assert (second.status_code, second.headers["upload-complete"]) == (204, "?0")
    assert between == (2 * PIECE, False)
    assert (last.status_code, last.headers["upload-complete"]) == (204, "?1")
    assert sent.stands() == (len(CONTENT), True)
    assert content_of(both, sent) == CONTENT
    assert events(call_both, both.first()).count("attachment.accepted") == 1


@pytest.mark.parametrize("size", [0, 1, 255, 256, PIECE - 1, PIECE, 2 * PIECE])
def test_sizes_at_the_edges(call: Caller, shared: System, size: int) -> None:
    """Also an empty file, and one that fills its pieces to the last byte."""
    sent = upload(call)

    sent.whole(CONTENT[:size])

    assert sent.stands() == (size, True)
    assert content_of(shared, sent) == CONTENT[:size]


def test_the_exact_size_is_nowhere_in_clear(call: Caller, shared: System) -> None:
    """The row and the store tell the size class, for two files of one class the same."""
    sizes = []
    for size in (100_000, 100_100):
        sent = upload(call)
        sent.whole(CONTENT[:size])
        row = row_of(shared, sent)
        assert row is not None
        sizes.append((row.size, sum(path.stat().st_size for path in pieces(shared, row.id)), len(row.sealed)))

    assert sizes[0] == sizes[1]


@pytest.mark.parametrize("step", ["begun", "attached"])
def test_beginning_again_is_harmless(call: Caller, step: str) -> None:
    """The answer to the first request was lost: the second says how far it is, and reads no body."""
    sent = upload(call)
    sent.begin(CONTENT, complete=step == "attached")

    again = sent.begin(b"something else")

    assert (again.status_code, again.headers["upload-offset"]) == (200, str(len(CONTENT)))
    assert again.headers["upload-complete"] == f"?{int(step == 'attached')}"


def test_the_same_id_with_other_content(call: Caller) -> None:
    """As for records: what was attached stays what it is."""
    sent = upload(call)
    sent.whole(CONTENT)

    assert sent.begin(repr_digest=digest(CONTENT)).status_code == 200
    assert code(sent.begin(repr_digest=digest(b"other"))) == (409, "content-differs")


@pytest.mark.parametrize("offset", [0, 999, 1001, 2**31])
def test_a_wrong_offset(call: Caller, offset: int) -> None:
    """Nothing is overwritten and no gap is left; the answer names the true offset."""
    sent = upload(call)
    sent.begin(CONTENT[:1000])

    answer = sent.go_on(offset, b"more")

    assert code(answer) == (409, "mismatching-upload-offset")
    assert answer.headers["upload-offset"] == "1000"
    assert sent.stands() == (1000, False)


def test_nothing_follows_the_end(call: Caller) -> None:
    """A complete upload takes no bytes and is not cancelled."""
    sent = upload(call)
    sent.whole(CONTENT)

    assert code(sent.go_on(len(CONTENT), b"more")) == (409, "completed-upload")
    assert code(sent.send("DELETE")) == (409, "completed-upload")
    assert sent.stands() == (len(CONTENT), True)


@pytest.mark.parametrize("parts", [1, 2])
def test_a_wrong_digest(call: Caller, shared: System, parts: int) -> None:
    """All of it is forgotten, in the database and in the store, whether it came at once or in parts."""
    sent = upload(call)
    half = len(CONTENT) // 2
    row = None
    if parts == 2:
        sent.begin(CONTENT[:half])
        row = row_of(shared, sent)
        answer = sent.go_on(half, CONTENT[half:], complete=True, repr_digest=digest(b"another"))
    else:
        answer = sent.begin(CONTENT, complete=True, repr_digest=digest(b"another"))

    assert code(answer) == (409, "digest-differs")
    assert row_of(shared, sent) is None
    assert row is None or pieces(shared, row.id) == []
    assert sent.send("HEAD").status_code == 404


@pytest.mark.parametrize(("length", "content"), [(10, CONTENT[:9]), (10, CONTENT[:11])], ids=["less", "more"])
def test_a_wrong_length(call: Caller, length: int, content: bytes) -> None:
    """What was announced is what must come."""
    sent = upload(call)

    answer = sent.begin(content, complete=True, upload_length=str(length))

    assert code(answer) == (400, "inconsistent-upload-length")
    assert sent.stands()[1] is False


BAD = [
    ("begin", {"testimony_upload_secret": "short"}, 422),
    ("begin", {"testimony_upload_secret": ""}, 422),
    ("begin", {"upload_complete": "yes"}, 422),
    ("begin", {"upload_length": "-1"}, 422),
    ("begin", {"upload_length": str((2 << 30) + 1)}, 422),
    ("begin", {"upload_length": "1e3"}, 422),
    ("begin", {"testimony_file_name": "%00"}, 422),
    ("begin", {"testimony_file_name": "%ff"}, 422),
    ("begin", {"testimony_file_name": "a" * 256}, 422),
    ("begin", {"repr_digest": "sha-256=:AA=:"}, 201),
    ("go_on", {"content_type": "application/octet-stream"}, 415),
    ("go_on", {"upload_offset": "x"}, 422),
]


@pytest.mark.parametrize(("verb", "headers", "status"), BAD)
def test_malformed_headers(call: Caller, verb: str, headers: dict[str, str], status: int) -> None:
    """Refused by name, without repeating what was sent; a digest of a form that is not ours is passed over."""
    sent = upload(call)
    if verb == "go_on":
        sent.begin()

    given: Any = headers
    answer = sent.begin(**given) if verb == "begin" else sent.go_on(0, b"x", **given)

    assert answer.status_code == status, answer.text


@pytest.mark.parametrize("missing", ["upload-offset", "upload-complete"])
def test_a_part_says_where_it_belongs(call: Caller, missing: str) -> None:
    """Neither the place nor whether it is the last is guessed."""
    sent = upload(call)
    sent.begin()
    headers = {"upload-offset": "0", "upload-complete": "?0", "content-type": "application/partial-upload"}
    del headers[missing]

    answer = sent.send("PATCH", b"x", **{name.replace("-", "_"): value for name, value in headers.items()})

    assert code(answer) == (422, "invalid")


def test_another_secret_finds_nothing(call: Caller) -> None:
    """Whoever does not know the secret cannot ask how far it is, go on with it or cancel it, at any time."""
    sent = upload(call)
    sent.begin(CONTENT[:10])
    other = Uploading(call, sent.record, file=sent.file)

    for complete in (False, True):
        assert other.send("HEAD").status_code == 404
        assert code(other.go_on(10, b"x")) == (404, "not-found")
        assert code(other.begin()) == (404, "not-found")
        assert code(other.send("DELETE")) == (404, "not-found")
        if not complete:
            sent.go_on(10, b"", complete=True)


def test_only_the_submitter_attaches(call: Caller) -> None:
    """To a record of somebody else, or to none, there is the same answer."""
    sent = upload(call)
    sent.begin()

    for who in ("guardian", "redactor", "approver", "lead", "auditor"):
        other = Uploading(call, sent.record, who=who, file=sent.file, secret=sent.secret)
        absent = Uploading(call, uuid4(), who=who, secret=sent.secret)
        assert code(other.begin()) == code(absent.begin()) == (404, "not-found"), who
        assert other.send("HEAD").status_code == 404


def device(call: Caller, place: StudyPlace, who: str = "interviewer") -> str:
    """The token of a device enrolled for somebody."""
    body = {"user": str(place[who].id), "study": str(place.id)}
    return str(ok(call("admin", "POST", "/v1/devices", json=body), 201)["token"])


def test_a_phone_enrolled_anew_goes_on(call: Caller, shared: System) -> None:
    """Between a record and its files, and in the middle of a file: for the same interviewer, and nobody else."""
    place, client = shared.first(), uuid4()
    before, after = device(call, place), device(call, place)
    ok(call.send(before, "PUT", f"/v1/records/{client}", json=shared.body(place)), 201)
    begun = Uploading(call, client, token=before)
    begun.begin(CONTENT[:1000])

    begun.token = after
    assert begun.stands() == (1000, False)
    assert begun.go_on(1000, CONTENT[1000:], complete=True).status_code == 204
    Uploading(call, client, token=after).whole(CONTENT[:10])

    another = Uploading(call, client, token=device(call, place, "guardian"), file=begun.file, secret=begun.secret)
    assert code(another.begin()) == (404, "not-found")
    assert another.send("HEAD").status_code == 404


def test_a_device_of_another_study_attaches_nothing(call: Caller, shared: System) -> None:
    """Although its owner sent the record."""
    _, record = submitted(call)
    actor = shared.acting("interviewer")
    elsewhere = Actor(ActorKind.DEVICE, actor.id, device=uuid4(), study=uuid4())

    with shared.runtime.glance() as session, pytest.raises(NotFound):
        target(session, shared.collaborators, elsewhere, record)


def test_a_withdrawn_record_takes_nothing(call: Caller, shared: System) -> None:
    """Neither a new upload nor the rest of one that had begun."""
    sent = upload(call)
    sent.begin(CONTENT[:100])
    receipt = ok(call("interviewer", "GET", f"/v1/records/{sent.record}/receipt"))["receipt"]
    ok(call("interviewer", "POST", f"{base(shared.first())}/cases/{receipt['case']}/withdrawal"), 204)

    assert code(sent.go_on(100, CONTENT[100:], complete=True)) == (409, "frozen")
    assert code(Uploading(call, sent.record).begin()) == (409, "frozen")


def test_files_of_a_record_are_counted(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody fills the store by one record."""
    monkeypatch.setattr("app.intake.files.MOST_FILES", 2)
    client, _ = submitted(call)
    for _ in range(2):
        Uploading(call, client).begin()

    assert code(Uploading(call, client).begin()) == (409, "too-many-files")


def test_pieces_of_a_file_are_counted(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that sends byte by byte is stopped before its file's description grows without end."""
    monkeypatch.setattr(contents, "MOST_SEGMENTS", 3)
    sent = upload(call)
    sent.begin(b"0")

    sent.go_on(1, b"1")
    sent.go_on(2, b"2")

    assert code(sent.go_on(3, b"3")) == (409, "too-many-files")
    assert sent.stands() == (3, False)


def test_a_file_that_is_too_large(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """Announced or not, by the request or over several."""
    monkeypatch.setattr(contents, "LARGEST", 1000)
    sent = upload(call)
    sent.begin(CONTENT[:600])

    assert code(sent.go_on(600, CONTENT[:401])) == (413, "body-too-large")
    assert sent.stands() == (600, False)
    assert sent.go_on(600, CONTENT[:400], complete=True).status_code == 204


def test_two_parts_at_once(call: Caller, shared: System) -> None:
    """Sent twice in parallel, a part counts once, and the file is one of the two, whole."""
    sent = upload(call)
    sent.begin(CONTENT[:1000])

    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: sent.go_on(1000, CONTENT[1000:], complete=True), range(3)))

    codes = sorted(answer.status_code for answer in answers)
    assert codes == [204, 409, 409]
    assert sent.stands() == (len(CONTENT), True)
    assert content_of(shared, sent) == CONTENT


def test_nobody_holds_every_thread(call: Caller, shared: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of twelve slow bodies of one person's devices three are taken; the others come later, and other people now."""
    monkeypatch.setattr("app.web.bodies.DISCARD_SECONDS", 0.1)
    place, waiting = shared.first(), asyncio.Event()
    (mine, _), (theirs, _) = submitted(call), (uuid4(), None)
    ok(call("guardian", "PUT", f"/v1/records/{theirs}", json=shared.body(place)), 201)
    tokens = [device(call, place), device(call, place)]

    async def slowly() -> AsyncIterator[bytes]:
        yield CONTENT[:10]
        await waiting.wait()

    async def story() -> tuple[list[httpx.Response], httpx.Response, list[httpx.Response]]:
        transport = httpx.ASGITransport(call.app)
        async with asyncio.timeout(30), httpx.AsyncClient(base_url=HOST, transport=transport) as http:

            def begin(token: str, record: UUID, body: AsyncIterator[bytes] | bytes) -> Task[httpx.Response]:
                headers = {"authorization": f"Bearer {token}", "testimony-upload-secret": secret()}
                path = f"/v1/records/{record}/files/{uuid4()}"
                return asyncio.create_task(http.post(path, headers=headers, content=body))

            slow = [begin(tokens[number % 2], mine, slowly()) for number in range(12)]
            refused: list[httpx.Response] = []
            for early in asyncio.as_completed(slow):
                refused.append(await early)
                if len(refused) == 9:
                    break
            other = await begin(call.token("guardian"), theirs, b"x")
            waiting.set()
            answers = await asyncio.gather(*slow)
            return refused, other, [answer for answer in answers if answer not in refused]

    refused, other, taken = asyncio.run(story())

    assert {code(answer) for answer in refused} == {(429, "too-many-uploads")}
    assert {answer.headers["retry-after"] for answer in refused} == {"30"}
    assert other.status_code == 201
    assert [answer.status_code for answer in taken] == [201] * 3
    assert Uploading(call, mine).begin().status_code == 201


def test_begun_twice_at_once(call: Caller) -> None:
    """One row, whoever was first."""
    sent = upload(call)

    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: sent.begin(), range(3)))

    assert sorted(answer.status_code for answer in answers) == [200, 200, 201]


def cut_off(call: Caller, sent: Uploading, parts: list[bytes], *, ends: bool = False) -> None:
    """Begin an upload whose connection ends after these parts of its body, or whose body ends with them."""
    headers = {
        "host": "localhost",
        "authorization": f"Bearer {call.token('interviewer', sent.place)}",
        "testimony-upload-secret": sent.secret,
        "upload-complete": "?1",
    }
    scope = {
        "type": "http",
        "method": "POST",
        "path": f"/v1/records/{sent.record}/files/{sent.file}",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    coming: list[dict[str, Any]] = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    coming += [{"type": "http.request", "body": b"", "more_body": False}] * ends

    async def receive() -> MutableMapping[str, Any]:
        return coming.pop(0) if coming else {"type": "http.disconnect"}

    async def send(_message: MutableMapping[str, Any]) -> None:
        """Nobody listens any more."""

    async def run() -> None:
        await call.app(scope, receive, send)

    asyncio.run(run())


def test_a_cut_connection_keeps_what_came(call: Caller, shared: System) -> None:
    """The client asks where it stands and goes on from there."""
    sent = upload(call)
    cut_off(call, sent, [CONTENT[:PIECE], CONTENT[PIECE : PIECE + 12_345]])

    offset, complete = sent.stands()
    sent.go_on(offset, CONTENT[offset:], complete=True)

    assert (offset, complete) == (PIECE + 12_345, False)
    assert content_of(shared, sent) == CONTENT


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("kept", [1, 3], ids=["in the middle", "at the end"])
def test_killed_between_two_pieces(call: Caller, shared: System, monkeypatch: pytest.MonkeyPatch, kept: int) -> None:
    """What was noted stays; the rest is sent again, with other bytes if the client likes: it is one file."""
    sent, put, count = upload(call), FolderStore.put, 0

    def put_some(self: FolderStore, file: UUID, segment: UUID, sealed: Sealed) -> None:
        nonlocal count
        put(self, file, segment, sealed)
        count += 1
        if count > kept:
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(FolderStore, "put", put_some)
        with pytest.raises(Killed):
            cut_off(call, sent, [CONTENT], ends=True)
    stood = sent.stands()
    other = CONTENT[: stood[0]] + CONTENT[stood[0] :][::-1]
    answer = sent.go_on(stood[0], other[stood[0] :], complete=True)

    assert stood == (kept * PIECE, False)
    assert answer.status_code == 204, answer.text
    assert content_of(shared, sent) == other


def test_killed_before_it_was_attached(call: Caller, shared: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every byte is there: the last request, sent again without a body, attaches it."""
    sent = upload(call)

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Keystore, "put", die)
        with pytest.raises(Killed):
            cut_off(call, sent, [CONTENT], ends=True)
    stood = sent.stands()

    assert stood == (len(CONTENT), False)
    assert code(sent.go_on(len(CONTENT), b"more")) == (409, "completed-upload")
    assert sent.go_on(len(CONTENT), b"", complete=True).status_code == 204
    assert content_of(shared, sent) == CONTENT


def test_pieces_of_other_tries_go(call: Caller, shared: System) -> None:
    """Once the file is attached the store holds exactly its own."""
    sent = upload(call)
    sent.begin(CONTENT[:100])
    row = row_of(shared, sent)
    assert row is not None
    shared.collaborators.files.put(row.id, uuid4(), Sealed(b"of a process that was killed"))

    sent.go_on(100, CONTENT[100:], complete=True)

    done = row_of(shared, sent)
    assert done is not None
    assert len(pieces(shared, row.id)) == done.segments


def test_a_full_store(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """507, and what was durable before is still there to go on from."""
    sent = upload(call)
    sent.begin(CONTENT[:1000])

    def full(*_: object) -> None:
        raise StoreFull

    with monkeypatch.context() as patched:
        patched.setattr(FolderStore, "put", full)
        assert code(sent.go_on(1000, CONTENT[1000:], complete=True)) == (507, "storage-full")

    assert sent.stands() == (1000, False)
    assert sent.go_on(1000, CONTENT[1000:], complete=True).status_code == 204


def test_one_person_fills_no_disk(call: Caller, shared: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a share in two days, arriving or attached, from whatever device, uploads are refused; records are not."""
    monkeypatch.setattr("app.intake.quota.GIB", 50_000)  # so the share of 20 is a million bytes
    place, other = shared.first(), uuid4()
    shared.clock.advance(days=8)  # what other tests left half is over
    sweep_uploads(shared.runtime)
    ok(call("guardian", "PUT", f"/v1/records/{other}", json=shared.body(place)), 201)
    whole = upload(call)
    whole.whole(CONTENT * 2)
    arriving = upload(call)
    arriving.begin(CONTENT)
    row = row_of(shared, arriving)
    assert row is not None
    stored = pieces(shared, row.id)

    refused = arriving.go_on(len(CONTENT), CONTENT)

    assert code(refused) == (429, "too-much-today")
    assert int(refused.headers["retry-after"]) > 0
    assert (arriving.stands()[0], pieces(shared, row.id)) == (len(CONTENT), stored)
    assert code(Uploading(call, arriving.record, token=device(call, place)).begin()) == (429, "too-much-today")
    assert submitted(call)
    assert Uploading(call, other, who="guardian").begin().status_code == 201
    arriving.send("DELETE")
    assert upload(call).begin(CONTENT[:10]).status_code == 201
    shared.clock.advance(days=2)
    upload(call).whole(CONTENT * 2)


def test_a_share_counts_by_the_day_a_file_came(call: Caller, shared: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the day of its record, and of the upload's beginning; what came before yesterday counts no more."""
    monkeypatch.setattr("app.intake.quota.GIB", 50_000)  # so the share of 20 is a million bytes
    shared.clock.advance(days=8)  # what other tests left is over
    old, early = upload(call), upload(call)
    early.begin(CONTENT[:1000])
    shared.clock.advance(days=3)

    Uploading(call, old.record).whole(CONTENT)
    early.go_on(1000, CONTENT * 2)

    assert code(Uploading(call, old.record).begin()) == (429, "too-much-today")
    shared.clock.advance(days=2)
    assert early.go_on(early.stands()[0], b"", complete=True).status_code == 204


def test_a_piece_that_lost_a_race(call: Caller, shared: System) -> None:
    """Another request noted its own first: the piece goes from the store, and what the other one stored stays."""
    sent = upload(call)
    sent.begin(CONTENT[:10])
    row = row_of(shared, sent)
    assert row is not None
    actor = shared.acting("interviewer")
    key = Secret(base64.urlsafe_b64decode(sent.secret + "="))
    both = [Upload.find(shared.web, actor, row.record_id, sent.file, key) for _ in range(2)]
    both[0].write(CONTENT[10:])
    both[0].pause()
    stored = pieces(shared, row.id)

    with pytest.raises(Conflict):
        both[1].write(CONTENT[10:])

    assert len(stored) > 1
    assert pieces(shared, row.id) == stored
    assert sent.go_on(len(CONTENT), b"", complete=True).status_code == 204
    assert content_of(shared, sent) == CONTENT


def test_cancelling(call: Caller, shared: System) -> None:
    """Row and pieces go at once, and the id can be used again."""
    sent = upload(call)
    sent.begin(CONTENT)
    row = row_of(shared, sent)
    assert row is not None

    ok(sent.send("DELETE"), 204)

    assert row_of(shared, sent) is None
    assert pieces(shared, row.id) == []
    assert sent.begin().status_code == 201


def test_an_upload_that_nobody_goes_on_with(call: Caller, shared: System) -> None:
    """After seven days without a part it is swept; one that goes on lives."""
    left, alive = upload(call), upload(call)
    for sent in (left, alive):
        sent.begin(CONTENT[:100])
    shared.clock.advance(days=6)
    alive.go_on(100, b"more")
    shared.clock.advance(days=1, seconds=1)

    swept = sweep(shared.runtime)

    assert swept.uploads >= 1
    assert row_of(shared, left) is None
    assert alive.stands() == (104, False)
    with shared.runtime.glance() as session:
        assert session.scalars(select(DiscardedFile)).all() == []


def test_pieces_that_no_row_names(shared: System) -> None:
    """They are swept a day after the last of them came, not before: a clean copy is stored before its row is."""
    file = uuid4()
    shared.collaborators.files.put(file, uuid4(), Sealed(b"of a crash"))
    place = shared.folder / "files" / file.hex[:2] / file.hex
    now = shared.clock.now.timestamp()
    os.utime(place, (now, now))
    shared.clock.advance(hours=23)
    early = sweep_strays(shared.runtime), place.exists()
    shared.clock.advance(hours=2)

    assert early == (0, True)
    assert (sweep_strays(shared.runtime), place.exists()) == (1, False)


def test_an_upload_is_swept_by_its_own_time_alone(call: Caller, shared: System) -> None:
    """An attached file never expires."""
    sent = upload(call)
    sent.whole(CONTENT[:10])
    shared.clock.advance(days=30)

    sweep_uploads(shared.runtime)

    row = row_of(shared, sent)
    assert row is not None
    assert (row.status, row.expires_at) == (COMPLETE, None)
