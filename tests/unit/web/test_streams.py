"""A large body, read by a thread while its connection belongs to the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
from starlette.requests import Request

from app.errors import BodyCut, BodyStalled, BodyTooLarge
from app.web import streams
from app.web.bodies import read_bytes
from app.web.streams import BodyStream

T = TypeVar("T")
Message = MutableMapping[str, Any]


def body(*pieces: bytes) -> list[Message]:
    """A body in these pieces."""
    last = len(pieces) - 1
    return [{"type": "http.request", "body": piece, "more_body": at != last} for at, piece in enumerate(pieces)]


class Connection:
    """Hands over messages, then is silent; counts what was asked for."""

    def __init__(self, messages: list[Message]) -> None:
        self._messages = messages
        self.asked = 0

    async def __call__(self) -> Message:
        """The next message."""
        self.asked += 1
        if self.asked > len(self._messages):
            await asyncio.Event().wait()
        return self._messages[self.asked - 1]


def run(connection: Connection, work: Callable[[BodyStream], T], *, limit: int = 100, length: str = "") -> T:
    """Let a thread work with the stream of a connection."""

    async def serve() -> T:
        headers = [(b"content-length", length.encode())] if length else []
        request = Request({"type": "http", "headers": headers}, connection)
        loop = asyncio.get_running_loop()
        stream = BodyStream(request, loop, limit)
        with ThreadPoolExecutor(1) as pool:
            try:
                return await loop.run_in_executor(pool, work, stream)
            finally:
                await stream.finish()

    return asyncio.run(serve())


def test_pieces_as_they_come() -> None:
    """Empty ones are passed over; the end is the end however often one asks."""
    connection = Connection(body(b"a", b"", b"bc", b""))

    assert run(connection, lambda stream: [*stream, stream.read()]) == [b"a", b"bc", b""]
    assert connection.asked == 4


def test_nothing_is_fetched_that_nobody_reads() -> None:
    """Whoever sends faster than it is stored waits."""
    connection = Connection(body(*[b"x"] * 50))

    def two(stream: BodyStream) -> int:
        stream.read()
        stream.read()
        return connection.asked

    assert run(connection, two) == 2


@pytest.mark.parametrize(
    ("length", "asked"), [("", 2), ("101", 0), ("9" * 50, 0)], ids=["unknown", "announced", "beyond all measure"]
)
def test_too_large(length: str, asked: int) -> None:
    """What is announced as too large is not read at all."""
    connection = Connection(body(b"x" * 60, b"x" * 60))

    def read(stream: BodyStream) -> int:
        with pytest.raises(BodyTooLarge):
            list(stream)
        return connection.asked

    assert run(connection, read, length=length) == asked


def test_a_connection_that_ends() -> None:
    """It is told from an end of the body."""
    connection = Connection([*body(b"x", b"y")[:1], {"type": "http.disconnect"}])

    def read(stream: BodyStream) -> bytes:
        with pytest.raises(BodyCut):
            list(stream)
        return stream.read()

    assert run(connection, read) == b""


def test_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is waited for who says nothing."""
    monkeypatch.setattr(streams, "SILENT_SECONDS", 0.05)
    monkeypatch.setattr("app.web.bodies.DISCARD_SECONDS", 0.01)
    connection = Connection(body(b"x", b"y")[:1])

    def read(stream: BodyStream) -> None:
        with pytest.raises(BodyStalled):
            list(stream)

    run(connection, read)


def test_a_body_that_is_read_as_a_whole_may_not_take_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anybody knows who sends it, a byte now and then would hold a place among the requests."""
    monkeypatch.setattr("app.web.bodies.READ_SECONDS", 0.02)
    request = Request({"type": "http", "headers": []}, Connection(body(b"x", b"y")[:1]))

    with pytest.raises(BodyStalled):
        asyncio.run(read_bytes(request, 100))


def test_sending_for_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor for who sends on and on: whether it still may is asked anew with the next request."""
    monkeypatch.setattr(streams, "LONGEST_SECONDS", 0.0)

    def read(stream: BodyStream) -> None:
        with pytest.raises(BodyStalled):
            list(stream)

    run(Connection(body(b"x", b"y")), read)


def test_dripping(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor for who sends a byte now and then to hold the line."""
    monkeypatch.setattr(streams, "GRACE_SECONDS", 0.0)
    monkeypatch.setattr("app.web.bodies.DISCARD_SECONDS", 0.01)

    class Slow(Connection):
        """Drips."""

        async def __call__(self) -> Message:
            """Nothing, after a while."""
            await asyncio.sleep(0.02)
            return {"type": "http.request", "body": b"", "more_body": True}

    def read(stream: BodyStream) -> None:
        with pytest.raises(BodyStalled):
            list(stream)

    run(Slow([]), read)
