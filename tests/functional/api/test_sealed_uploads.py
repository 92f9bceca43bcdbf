"""Attachments that a phone sealed: opened chunk by chunk, kept whole and with a signed word for it, or not at all."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import func, select

from app.cases import contents
from app.cases.models import File
from app.crypto import contexts
from app.crypto.signing import verify
from app.errors import BadSignature
from app.operations import intake_keys
from app.operations.setup import OPERATOR
from tests.functional.api.test_uploads import Killed
from tests.functional.caller import Caller
from tests.functional.steps import base, finish, ok, take
from tests.functional.uploading import code
from tests.phone import CHUNK, Key, Phone, SealedFile, encoded
from tests.system import StudyPlace, System

WHOLE = CHUNK + 16
CANARY = b"zqthecanarysangattheborder"
CONTENT = (b"RIFF\x00\x00\x00\x00WAVEfmt " + CANARY * 9_000 + hashlib.shake_256(b"a recording").digest(CHUNK))[:250_000]
NAME = "zqbirdname.wav"
KIND = "application/vnd.testimony.sealed-file"


@pytest.fixture(scope="module", autouse=True)
def _small_pieces() -> Iterator[None]:
    """Let a piece in the store be small, so that short files have several."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(contents, "SEGMENT_BYTES", 2 * CHUNK)
        yield


@pytest.fixture(scope="module")
def phone(call: Caller, shared: System) -> Phone:
    """The interviewer's phone."""
    return Phone(call, shared.first())


@pytest.fixture
def key(phone: Phone) -> Key:
    """The intake key of now."""
    return phone.key()


@dataclass
class Sending:
    """One file of one record, as the phone sends it."""

    call: Caller
    phone: Phone
    record: UUID
    id: UUID
    file: SealedFile

    def send(self, method: str, content: bytes = b"", *, complete: bool = False, **headers: str) -> httpx.Response:
        """One request; names of headers with underscores."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        own = {"testimony-sealed-head": encoded(self.file.head), "content-type": KIND}
        own["upload-complete"] = f"?{int(complete)}"
        path = f"/v1/records/{self.record}/files/{self.id}"
        return self.call.send(self.phone.token, method, path, headers=own | given, content=content)

    def go_on(self, offset: int, content: bytes, *, complete: bool = False, **headers: str) -> httpx.Response:
        """PATCH."""
        return self.send("PATCH", content, complete=complete, upload_offset=str(offset), **headers)

    def stands(self) -> int | None:
        """The offset; None if there is none."""
        answer = self.send("GET")
        return int(answer.headers["upload-offset"]) if answer.status_code == 204 else None

    def rows(self) -> int:
        """How many rows there are of it."""
        with self.call.system.runtime.glance() as session:
            return session.scalar(select(func.count()).where(File.client_uuid == self.id)) or 0


def sending(call: Caller, phone: Phone, key: Key, content: bytes = CONTENT, **changed: Any) -> Sending:
    """A file of a new record that the phone sealed."""
    record, raw = phone.sealed()
    ok(phone.put(record, raw), 201)
    file = uuid4()
    return Sending(call, phone, record, file, key.seal_file(content, phone.place.id, record, file, **changed))


def word(sent: Sending, answer: httpx.Response) -> None:
    """Return if the answer has the signed word for this file."""
    message = contexts.file_receipt(
        sent.call.system.settings.deployment,
        key_id="receipt-1",
        client_uuid=sent.record,
        file=sent.id,
        head=hashlib.sha256(sent.file.head).digest(),
    )
    verify(sent.phone.pinned, message, base64.b64decode(answer.headers["testimony-file-receipt"]))


def test_a_sealed_file_is_an_attachment_like_any_other(call: Caller, shared: System, study: StudyPlace) -> None:
    """Sent in parts, each at a chunk; signed for; a reviewer reads what was sealed, and no disk holds a word of it."""
    phone = Phone(call, study)
    sent = sending(call, phone, phone.key())

    first = sent.send("POST")
    second = sent.go_on(0, b"".join(sent.file.chunks[:2]))
    last = sent.go_on(2 * WHOLE, b"".join(sent.file.chunks[2:]), complete=True)

    assert (first.status_code, first.headers["upload-offset"]) == (201, "0")
    assert int(first.headers["upload-length"]) == len(sent.file.content)
    assert (second.status_code, second.headers["upload-offset"]) == (204, str(2 * WHOLE))
    assert (last.status_code, last.headers["upload-complete"]) == (204, "?1")
    word(sent, last)
    shared.redact_all()
    record = take(call, study, "redactor")
    path = f"{base(study)}/records/{record}/files"
    (listed,) = ok(call("redactor", "GET", path, place=study))["files"]
    assert (listed["name"], listed["type"], listed["size"]) == (NAME, "audio/wave", len(CONTENT))
    assert call("redactor", "GET", f"{path}/{listed['id']}", place=study).content == CONTENT
    finish(call, study, record)
    files = [path for path in shared.folder.rglob("*") if path.is_file()]
    assert [path for path in files if CANARY in (data := path.read_bytes()) or NAME.encode() in data] == []


@pytest.mark.parametrize("size", [0, 1, 255, CHUNK - 1, CHUNK, 3 * CHUNK, 2_100_000])
def test_sizes_at_the_edges(call: Caller, phone: Phone, key: Key, size: int) -> None:
    """Also an empty file, one that fills its chunks, and one that ends with chunks of padding alone."""
    sent = sending(call, phone, key, bytes(size))

    answer = sent.send("POST", sent.file.content, complete=True)

    assert (answer.status_code, answer.headers["upload-complete"]) == (201, "?1")
    word(sent, answer)


def test_the_word_is_given_again_and_for_this_file_alone(call: Caller, phone: Phone, key: Key) -> None:
    """Whoever did not hear it asks; it is the same, and no word for another file or another head."""
    sent = sending(call, phone, key)
    first = sent.send("POST", sent.file.content, complete=True)
    again, asked = sent.send("POST"), sent.send("GET")

    other = sending(call, phone, key)
    assert other.send("GET").status_code == 404
    assert again.status_code == 200
    told = {answer.headers["testimony-file-receipt"] for answer in (first, again, asked)}
    assert len(told) == 1
    with pytest.raises(BadSignature):
        word(other, first)
    another_head = Sending(
        call, phone, sent.record, sent.id, key.seal_file(CONTENT, phone.place.id, sent.record, sent.id)
    )
    assert code(another_head.send("POST")) == (404, "not-found")


def test_goes_on_at_a_chunk(call: Caller, phone: Phone, key: Key) -> None:
    """What is no whole chunk is sent again; nothing else is taken for it."""
    sent = sending(call, phone, key)
    sent.send("POST", sent.file.content[: WHOLE + 12_345])

    assert sent.stands() == WHOLE
    assert code(sent.go_on(WHOLE + 12_345, b"x")) == (409, "mismatching-upload-offset")
    assert sent.go_on(WHOLE, sent.file.content[WHOLE:], complete=True).headers["upload-complete"] == "?1"


def test_a_cut_connection_keeps_whole_chunks(call: Caller, phone: Phone, key: Key) -> None:
    """What came of the next one is sent again."""
    sent = sending(call, phone, key)
    headers = {
        "host": "localhost",
        "authorization": f"Bearer {phone.token}",
        "testimony-sealed-head": encoded(sent.file.head),
        "content-type": KIND,
        "upload-complete": "?1",
    }
    scope = {
        "type": "http",
        "method": "POST",
        "path": f"/v1/records/{sent.record}/files/{sent.id}",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    coming: list[dict[str, Any]] = [
        {"type": "http.request", "body": sent.file.content[: WHOLE + 99], "more_body": True}
    ]

    async def receive() -> MutableMapping[str, Any]:
        return coming.pop(0) if coming else {"type": "http.disconnect"}

    async def send(_message: MutableMapping[str, Any]) -> None:
        """Nobody listens any more."""

    async def run() -> None:
        await call.app(scope, receive, send)

    asyncio.run(run())

    assert sent.stands() == WHOLE
    word(sent, sent.go_on(WHOLE, sent.file.content[WHOLE:], complete=True))


def test_goes_on_in_the_padding(call: Caller, phone: Phone, key: Key) -> None:
    """Where all that the file holds is there, and chunks of padding are missing, nothing is stored twice."""
    sent = sending(call, phone, key, bytes(2_100_000))
    sent.send("POST", b"".join(sent.file.chunks[:33]))

    offset = sent.stands()

    assert offset == 32 * WHOLE
    answer = sent.go_on(offset, sent.file.content[offset:], complete=True)
    assert answer.headers["upload-complete"] == "?1"
    assert sent.send("GET").headers["upload-offset"] == str(len(sent.file.content))


def test_killed_before_it_was_attached(call: Caller, phone: Phone, key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every byte was durable: the phone sends the last chunk again, and it is one file."""
    sent = sending(call, phone, key)

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("app.web.uploading.AttachFile.plan", die)
        with pytest.raises(Killed):
            sent.send("POST", sent.file.content, complete=True)
    offset = sent.stands()
    assert offset is not None
    answer = sent.go_on(offset, sent.file.content[offset:], complete=True)

    assert offset == 3 * WHOLE
    word(sent, answer)


def flipped(chunks: list[bytes]) -> list[bytes]:
    """One bit of the second chunk is another."""
    return [chunks[0], bytes((chunks[1][0] ^ 1,)) + chunks[1][1:], *chunks[2:]]


BROKEN: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "flipped": flipped,
    "swapped": lambda chunks: [chunks[1], chunks[0], *chunks[2:]],
    "repeated": lambda chunks: [chunks[0], chunks[0], *chunks[1:]],
    "left out": lambda chunks: [chunks[0], *chunks[2:]],
    "cut in a chunk": lambda chunks: [*chunks[:-1], chunks[-1][:-1]],
    "cut at a chunk": lambda chunks: chunks[:-1],
    "longer": lambda chunks: [*chunks, b"x"],
    "a chunk too many": lambda chunks: [*chunks, chunks[-1]],
}


@pytest.mark.parametrize("how", BROKEN)
def test_nothing_is_kept_of_a_broken_file(call: Caller, phone: Phone, key: Key, how: str) -> None:
    """A clear refusal, no row, and the right bytes are taken afterwards."""
    sent = sending(call, phone, key)

    answer = sent.send("POST", b"".join(BROKEN[how](sent.file.chunks)), complete=True)

    too = how in {"longer", "a chunk too many", "cut in a chunk", "cut at a chunk"}
    assert code(answer) == (400, "inconsistent-upload-length" if too else "malformed")
    assert sent.rows() == 0
    word(sent, sent.send("POST", sent.file.content, complete=True))


def test_a_last_chunk_without_the_flag(call: Caller, phone: Phone, key: Key) -> None:
    """The beginning of a longer file does not pass for the whole, whatever its head says."""
    sent = sending(call, phone, key, bytes(255_000), size=191 * 1024)

    answer = sent.send("POST", b"".join(sent.file.chunks[:3]), complete=True)

    assert code(answer) == (400, "malformed")
    assert sent.rows() == 0


@pytest.mark.parametrize("what", ["record", "file", "study", "bit", "header"])
def test_a_head_is_for_one_file_of_one_record(call: Caller, phone: Phone, key: Key, what: str) -> None:
    """Sealed for another place, changed, or none at all: refused before a byte is taken."""
    sent = sending(call, phone, key)
    ids = {"study": phone.place.id, "record": sent.record, "file": sent.id}
    if what in ids:
        sent.file = key.seal_file(CONTENT, **ids | {what: uuid4()})
    elif what == "bit":
        sent.file = SealedFile(sent.file.head[:-1] + bytes((sent.file.head[-1] ^ 1,)), sent.file.chunks)
    else:
        sent.file = SealedFile(b"TS" + sent.file.head[2:], sent.file.chunks)

    answer = sent.send("POST", sent.file.content, complete=True)

    assert code(answer) == ((404, "not-found") if what == "study" else (400, "malformed"))
    assert sent.rows() == 0


@pytest.mark.parametrize(
    "said", [{"salt": "x"}, {"size": -1}, {"size": 2**31 + 1}, {"more": 1}, {"name": None}], ids=str
)
def test_a_head_that_no_phone_writes(call: Caller, phone: Phone, key: Key, said: dict[str, Any]) -> None:
    """Refused with every flaw."""
    sent = sending(call, phone, key, **said)

    assert code(sent.send("POST")) == (422, "invalid")


def test_a_name_that_cannot_be_printed_is_no_reason_to_lose_the_file(call: Caller, phone: Phone, key: Key) -> None:
    """The phone can change it no more."""
    sent = sending(call, phone, key, name="a\x01\u202eb" + "c" * 300)

    assert sent.send("POST", sent.file.content, complete=True).headers["upload-complete"] == "?1"


def test_media_types(call: Caller, phone: Phone, key: Key) -> None:
    """A head goes with its own media type, and that with a head."""
    sent = sending(call, phone, key)

    assert code(sent.send("POST", content_type="application/octet-stream")) == (415, "unsupported-media-type")
    sent.send("POST")
    assert code(sent.go_on(0, b"", content_type="application/partial-upload")) == (415, "unsupported-media-type")
    path = f"/v1/records/{sent.record}/files/{sent.id}"
    assert code(call.send(phone.token, "POST", path, headers={"content-type": KIND})) == (422, "invalid")
    broken = call.send(phone.token, "POST", path, headers={"content-type": KIND, "testimony-sealed-head": "A"})
    assert code(broken) == (400, "malformed")


def test_a_destroyed_key_ends_the_file_and_not_the_interview(call: Caller, shared: System) -> None:
    """410 in the middle of a file; the record is there as before."""
    phone = Phone(call, shared.first())
    sent = sending(call, phone, phone.key())
    sent.send("POST", b"".join(sent.file.chunks[:2]))

    shared.clock.advance(days=90)
    intake_keys.turn(shared.runtime, OPERATOR)

    assert code(sent.go_on(2 * WHOLE, b"".join(sent.file.chunks[2:]))) == (410, "intake-key-gone")
    assert code(sent.send("GET")) == (410, "intake-key-gone")
    assert phone.get(f"/v1/records/{sent.record}/receipt").status_code == 200


def test_what_rests_between_two_requests_opens_with_the_head_alone(call: Caller, phone: Phone, key: Key) -> None:
    """Any secret that somebody could know who has seen the head finds nothing."""
    sent = sending(call, phone, key)
    sent.send("POST", b"".join(sent.file.chunks[:2]))

    path = f"/v1/records/{sent.record}/files/{sent.id}"
    for secret in (bytes(32), hashlib.sha256(sent.file.head).digest()):
        answer = call.send(phone.token, "GET", path, headers={"testimony-upload-secret": encoded(secret)})
        assert answer.status_code == 404


def test_memory_is_bounded(call: Caller, phone: Phone, key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the bytes come, hardly more than a chunk and a piece of the store is held."""
    sent = sending(call, phone, key, bytes(3_000_000))
    held: list[int] = []
    write = contents.FileWriter.write

    def watch(self: contents.FileWriter, piece: bytes) -> None:
        held.append(len(piece))
        write(self, piece)

    monkeypatch.setattr(contents.FileWriter, "write", watch)
    sent.send("POST", sent.file.content, complete=True)

    assert max(held) == CHUNK
    assert sum(held) == 3_000_000
