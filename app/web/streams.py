"""Large bodies, read piece by piece by the thread that serves the request.

An endpoint that takes ``body: Streamed`` gets the body as it arrives. Each read fetches one message of the connection,
so whoever sends faster than we store is slowed down, nothing is kept, and who may send is asked before the first byte.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated
from uuid import UUID

from fastapi import Depends
from starlette.requests import Request
from starlette.types import Message

from app.errors import BodyCut, BodyStalled, BodyTooLarge, TooManyStreams
from app.web.bodies import discard, length_of
from app.web.deps import Call, Injected

__all__ = ["BodyStream", "Places", "Streamed", "stream_of"]

# So long may a sender be silent, and so slow may it be on average after a while: a phone far from any mast.
SILENT_SECONDS = 30.0
GRACE_SECONDS = 60.0
SLOWEST_BYTES_PER_SECOND = 256
# No body takes longer. Who may send is asked when it begins: a phone that is revoked then sends no longer than this.
LONGEST_SECONDS = 6 * 3600.0
# Of the threads that take such bodies nobody holds more than this part: a phone in wrong hands leaves others room.
SHARE_OF_THREADS = 4
# Seconds after which one of somebody's own uploads may have ended.
PLACE_RETRY_AFTER = 30
STREAM = "testimony.body"


class BodyStream:
    """The body of one request. Read in a thread, while the connection belongs to the event loop."""

    def __init__(self, request: Request, loop: asyncio.AbstractEventLoop, limit: int) -> None:
        self._receive = request.receive
        self._loop = loop
        self._limit = limit
        self._size = 0
        self._began = time.monotonic()
        self._waited = 0.0
        self._ended = False
        self.announced = length_of(request)

    def read(self) -> bytes:
        """The next bytes, empty at the end.

        Raises:
            BodyTooLarge: more than the route takes; what was announced as longer is not read at all.
            BodyStalled: the sender is silent, far too slow, or has been sending for hours.
            BodyCut: the connection ended in the middle.
        """
        if self.announced is not None and self.announced > self._limit:
            raise BodyTooLarge
        while not self._ended:
            piece = self._next()
            if piece:
                return piece
        return b""

    def __iter__(self) -> Iterator[bytes]:
        """All pieces; raises as ``read``."""
        while piece := self.read():
            yield piece

    async def finish(self) -> None:
        """Throw away what was not read: a client that is still sending would only see a broken stream."""
        if not self._ended:
            await discard(self._receive)

    def _next(self) -> bytes:
        started = time.monotonic()
        message = asyncio.run_coroutine_threadsafe(self._message(), self._loop).result()
        now = time.monotonic()
        self._waited += now - started
        if message["type"] != "http.request":
            self._ended = True
            raise BodyCut
        self._ended = not message.get("more_body", False)
        piece: bytes = message.get("body", b"")
        self._size += len(piece)
        if self._size > self._limit:
            raise BodyTooLarge
        slow = self._waited > GRACE_SECONDS and self._size < self._waited * SLOWEST_BYTES_PER_SECOND
        if slow or now - self._began > LONGEST_SECONDS:
            raise BodyStalled
        return piece

    async def _message(self) -> Message:
        try:
            async with asyncio.timeout(SILENT_SECONDS):
                return await self._receive()
        except TimeoutError:
            raise BodyStalled from None


class Places:
    """How many bodies each person sends at this moment to this process, whatever the device."""

    def __init__(self, threads: int) -> None:
        self._most = max(1, threads // SHARE_OF_THREADS)
        self._held: Counter[UUID] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def taken(self, person: UUID) -> Iterator[None]:
        """Hold one place; TooManyStreams if the person has as many as anybody may have."""
        with self._lock:
            if self._held[person] >= self._most:
                raise TooManyStreams(PLACE_RETRY_AFTER)
            self._held[person] += 1
        try:
            yield
        finally:
            with self._lock:
                self._held[person] -= 1
                if not self._held[person]:
                    del self._held[person]


def stream_of(call: Call) -> BodyStream:
    """The stream that the handler put beside the request."""
    stream: BodyStream = call.request.scope[STREAM]
    return stream


STREAMED = Injected(stream_of)
# The body as it arrives; the route's ``limit`` bounds it.
Streamed = Annotated[BodyStream, Depends(STREAMED)]
