"""One request from its body to its answer: one hop to a thread, in which everything happens in one order.

    read the body (bounded)  ->  who calls, as what  ->  may they  ->  bind and validate  ->  endpoint  ->  serialise

Nothing is validated for a stranger, so a 401 or 403 says nothing about the input. An answer exists only after the
endpoint returned, and endpoints commit before they return.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import nullcontext
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response

from app.access import ActorKind, Permission, require
from app.audit import service as audit
from app.bootstrap import Runtime
from app.errors import Forbidden, NotFound, TestimonyError
from app.logs import get_logger
from app.web.binding import Binding
from app.web.bodies import read_bytes
from app.web.deps import Call
from app.web.problems import problem_for, status_of
from app.web.streams import STREAM, STREAMED, BodyStream, Places

__all__ = ["Handler", "Pools", "Reply"]

T = TypeVar("T")
log = get_logger()


@dataclass(frozen=True, slots=True)
class Reply(Generic[T]):
    """An answer whose status or headers differ from what the route says by default."""

    body: T
    status: int
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a route demands and how it answers. ``roles_later``: the service learns the study and asks by itself."""

    path: str
    permission: Permission
    status: int
    limit: int
    roles_later: bool


@dataclass(frozen=True, slots=True)
class Pools:
    """The threads that serve requests, and those for bodies that may take hours: neither waits for the other.

    ``places`` is how many of the latter each person holds.
    """

    requests: Executor
    streams: Executor
    places: Places


class Handler:
    """Serves one route."""

    def __init__(
        self,
        endpoint: Callable[..., Any],
        terms: Terms,
        binding: Binding,
        answers: Any,
        runtime: Runtime,
        pools: Pools,
    ) -> None:
        self._endpoint = endpoint
        self._terms = terms
        self._binding = binding
        self._adapter: TypeAdapter[Any] | None = None if answers is None else TypeAdapter(answers)
        self._runtime = runtime
        self._streams = STREAMED in binding.injected.values()
        self._pool = pools.streams if self._streams else pools.requests
        self._places = pools.places

    async def __call__(self, request: Request) -> Response:
        """Read the body here, do everything else in a thread; a streamed body is read there too."""
        raw, loop = b"", asyncio.get_running_loop()
        if self._streams:
            request.scope[STREAM] = BodyStream(request, loop, self._terms.limit)
        if self.reads(request):
            try:
                raw = await read_bytes(request, self._terms.limit)
            except TestimonyError as error:
                return self.refusal(self.call(request), error)
        run = contextvars.copy_context().run
        return await loop.run_in_executor(self._pool, run, self.serve, request, raw)

    def reads(self, request: Request) -> bool:  # noqa: ARG002  pages ask the method
        """Whether this route takes a body."""
        return self._binding.body is not None

    def serve(self, request: Request, raw: bytes) -> Response:
        """Answer, whatever happens."""
        call = self.call(request)
        try:
            return self._answer(call, raw)
        except (Forbidden, NotFound) as error:
            return self._denied(call, error)
        except TestimonyError as error:
            _note(error)
            return self.refusal(call, error)
        except Exception:
            log.exception("unforeseen error", route=self._terms.path)
            return self.refusal(call, TestimonyError())

    def call(self, request: Request) -> Call:
        """What the endpoint gets its arguments from."""
        return Call(request, self._runtime)

    def refusal(self, call: Call, error: TestimonyError) -> Response:
        """How an error is answered."""
        return problem_for(error, call.id)

    def _answer(self, call: Call, raw: bytes) -> Response:
        terms = self._terms
        if terms.permission is not Permission.NOTHING_NEEDED:
            call.authenticate(self._binding.study(call.request))
            if not terms.roles_later:
                require(call.actor, terms.permission)
        with self._places.taken(call.actor.user()) if self._streams else nullcontext():
            result = self._endpoint(**self._binding.arguments(call, raw))
        if isinstance(result, Response):
            return result
        status, headers = terms.status, None
        if isinstance(result, Reply):
            result, status, headers = result.body, result.status, result.headers
        if self._adapter is None:
            return Response(status_code=status, headers=headers)
        # A value of another type than promised is an error of ours; pydantic's own warning would print the value.
        content = self._adapter.dump_json(result, warnings="error")
        return Response(content, status, headers, media_type="application/json")

    def _denied(self, call: Call, error: TestimonyError) -> Response:
        """Tell the caller, once the denial of somebody known is written; 503 if it cannot be."""
        if call.actor.kind is ActorKind.NOBODY:
            return self.refusal(call, error)
        try:
            with self._runtime.transaction() as session:
                audit.write(
                    session,
                    self._runtime.collaborators,
                    call.actor,
                    "denied",
                    route=self._terms.path,
                    permission=self._terms.permission.value,
                    code=error.code,
                )
        except TestimonyError as failed:
            _note(failed)
            return self.refusal(call, failed)
        return self.refusal(call, error)


def _note(error: TestimonyError) -> None:
    """Errors of ours that an operator should see; refusals are no news."""
    if status_of(error) >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("request failed", code=error.code, exc_info=error)
