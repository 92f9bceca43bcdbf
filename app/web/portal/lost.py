"""Addresses that lead nowhere, for browsers: the very page that stands for what one may not see."""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from app.access import Permission
from app.bootstrap import Runtime
from app.errors import NotFound
from app.web.binding import Binding
from app.web.bodies import INTAKE_LIMIT
from app.web.deps import Call
from app.web.handling import Pools, Terms
from app.web.portal.page import Page
from app.web.portal.routing import PageHandler

__all__ = ["Lost", "wants_page"]

# Addresses of programs, whatever they say they accept.
PROGRAMS = ("/v1/", "/metrics")


def wants_page(scope: Scope) -> bool:
    """Whether a browser asks for something to read."""
    accepted = Request(scope).headers.get("accept", "")
    return "text/html" in accepted and not scope["path"].startswith(PROGRAMS)


class Lost(PageHandler):
    """Answers with the refusal page; nothing is written, for nobody was denied anything."""

    def __init__(self, status: int, runtime: Runtime, pools: Pools) -> None:
        terms = Terms("", Permission.NOTHING_NEEDED, status, INTAKE_LIMIT, roles_later=False)
        super().__init__(_nothing, terms, Binding(_nothing, ""), None, runtime, pools)

    def reads(self, request: Request) -> bool:  # noqa: ARG002  forms that lead nowhere are not read
        """No body."""
        return False

    def _answer(self, call: Call, raw: bytes) -> Response:  # noqa: ARG002
        if isinstance(call, Page):
            call.recognize()
        answer = self.refusal(call, NotFound())
        if self._terms.status == HTTPStatus.METHOD_NOT_ALLOWED:
            answer.status_code = HTTPStatus.METHOD_NOT_ALLOWED
        return answer


def _nothing() -> None:
    """Never called."""
