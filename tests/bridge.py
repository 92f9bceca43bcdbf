"""The application called by a synchronous client, without a socket: its event loop runs in a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import MutableMapping
from typing import Any

import httpx
from starlette.types import ASGIApp


class Bridge(httpx.BaseTransport):
    """Hands requests to an application; many threads may use it at once. ``close`` shuts the application down."""

    def __init__(self, app: ASGIApp, *, source: str = "192.0.2.9") -> None:
        self._app = app
        self._inner = httpx.ASGITransport(app, client=(source, 12345))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="bridge", daemon=True)
        self._thread.start()
        self._stop = asyncio.Event()
        self._lifespan = asyncio.run_coroutine_threadsafe(self._live(), self._loop)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request and wait for its whole answer."""
        return asyncio.run_coroutine_threadsafe(self._send(request, request.read()), self._loop).result()

    async def _send(self, request: httpx.Request, body: bytes) -> httpx.Response:
        again = httpx.Request(request.method, request.url, headers=request.headers, content=body)
        answer = await self._inner.handle_async_request(again)
        return httpx.Response(answer.status_code, headers=answer.headers, content=await answer.aread())

    async def _live(self) -> None:
        begun = False

        async def receive() -> MutableMapping[str, Any]:
            nonlocal begun
            if begun:
                await self._stop.wait()
                return {"type": "lifespan.shutdown"}
            begun = True
            return {"type": "lifespan.startup"}

        async def send(_message: MutableMapping[str, Any]) -> None:
            """Nobody listens."""

        await self._app({"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send)

    def shut_down(self) -> None:
        """End the application and its loop."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._lifespan.result(timeout=30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=30)
        self._loop.close()
