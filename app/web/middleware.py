"""What stands around every request, as plain ASGI: an id, the host check, security headers, a net for the unforeseen.

Nothing here reads a body. Nothing that passes is logged: no address, no path, no header.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import uuid4

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.logs import get_logger
from app.web.headers import SECURITY_HEADERS
from app.web.problems import http_problem, internal_problem

__all__ = ["Frame", "Hosts"]

# Dropped before anything sees it: what is served in parts never changes. Only attachments look at ``range`` at all.
IGNORED_HEADERS = frozenset({b"if-range"})
# In the scope of a request whose answer's body nobody gets.
BODILESS = "testimony.bodiless"

log = get_logger()


class Frame:
    """The outermost layer: gives requests an id, answers their security headers, and swallows what nobody caught.

    HEAD is answered as GET without its body. An error that reaches this layer ends as a fixed problem; the server
    around us never sees it, because it would log its message.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the class."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        request = str(uuid4())
        scope["request_id"] = request
        scope["headers"] = [pair for pair in scope["headers"] if pair[0] not in IGNORED_HEADERS]
        answer = _Answer(send, request, bodiless=scope["method"] == "HEAD")
        if answer.bodiless:
            scope["method"], scope[BODILESS] = "GET", True
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request=request)
        await self._guarded(scope, receive, answer)

    async def _guarded(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        try:
            await self._app(scope, receive, answer)
        except Exception:
            log.exception("unforeseen error")
            if not answer.started:
                await internal_problem(answer.request)(scope, receive, answer)


class _Answer:
    """``send`` with the headers of every answer added."""

    def __init__(self, send: Send, request: str, *, bodiless: bool) -> None:
        self._send = send
        self.request = request
        self.bodiless = bodiless
        self.started = False

    async def __call__(self, message: Message) -> None:
        """See the class."""
        if message["type"] == "http.response.start":
            self.started = True
            given = list(message.get("headers", ()))
            named = {name for name, _ in given}
            headers = [*given, *(pair for pair in SECURITY_HEADERS if pair[0] not in named)]
            headers.append((b"x-request-id", self.request.encode()))
            message = {**message, "headers": headers}
        elif self.bodiless and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await self._send(message)


class Hosts:
    """Answers only to the names it was given: 421 for others, 400 when none or several are named."""

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        self._app = app
        self._names = frozenset(name.lower() for name in names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the class."""
        if scope["type"] == "http":
            named = [value for name, value in scope["headers"] if name in {b"host", b":authority"}]
            if len(set(named)) != 1:
                await http_problem(400, scope["request_id"])(scope, receive, send)
                return
            if _without_port(named[0].decode("latin-1").lower()) not in self._names:
                await http_problem(421, scope["request_id"])(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() and (name.startswith("[") == name.endswith("]")) else host
