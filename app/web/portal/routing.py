"""Declaring pages: as API routes are declared, each with its permission.

    pages = Pages("/studies/{study}/records")

    @pages.get("/{record}/desk", permission=Permission.SOURCE_READ)
    def show_desk(study: UUID, record: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response: ...

Every form carries its token; a verb that needs a fresh second factor asks for it on a page of its own and then goes on
with the same form.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from app.access import Permission
from app.accounts import passkeys
from app.accounts.step_up import StepUp
from app.bootstrap import Runtime
from app.errors import Invalid, NotFound, StepUpRequired, TestimonyError, Throttled, Unauthenticated
from app.web.binding import Binding
from app.web.bodies import INTAKE_LIMIT
from app.web.deps import Call
from app.web.handling import Handler, Pools, Terms
from app.web.portal import refusals
from app.web.portal.forms import Form
from app.web.portal.page import Page
from app.web.problems import status_of
from app.web.routing import Guarded, UnguardedRoute

__all__ = ["PageRoute", "Pages"]

F = TypeVar("F", bound=Callable[..., Response])
# What any address may carry beside its own parameters.
PASSED_OVER = frozenset({"notice"})
# A fresh code, or a passkey's answer, inside the form of a dangerous verb.
STEP_UP_CODE, STEP_UP_PASSKEY = "step_up_code", "step_up_passkey"


class Pages:
    """Collects the pages of one module, in order."""

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self.declared: list[tuple[str, str, Callable[..., Response], Permission]] = []

    def get(self, path: str, *, permission: Permission) -> Callable[[F], F]:
        """Declare a page that shows."""
        return self._declare("GET", path, permission)

    def post(self, path: str, *, permission: Permission) -> Callable[[F], F]:
        """Declare where a form is sent; it answers with a redirect, or with the page and what is wrong."""
        return self._declare("POST", path, permission)

    def _declare(self, method: str, path: str, permission: Permission) -> Callable[[F], F]:
        whole = self._prefix + path
        if not isinstance(permission, Permission):
            raise UnguardedRoute(f"{method} {whole} needs a permission")

        def declare(endpoint: F) -> F:
            self.declared.append((method, whole, endpoint, permission))
            return endpoint

        return declare


class PageHandler(Handler):
    """Serves one page: cookies for bearer tokens, forms for JSON, pages for problems."""

    def reads(self, request: Request) -> bool:
        """Forms are posted."""
        return request.method == "POST"

    def call(self, request: Request) -> Call:
        """The page; its form is read where a malformed one can be refused."""
        return Page(request, self._runtime, Form())

    def _answer(self, call: Call, raw: bytes) -> Response:
        if isinstance(call, Page) and self.reads(call.request):
            call.form = Form.read(call.request.headers, raw)
            call.check_form(for_visitors=self._terms.permission is Permission.NOTHING_NEEDED)
            if STEP_UP_CODE in call.form:
                self._step_up(call)
        return super()._answer(call, raw)

    def _step_up(self, page: Page) -> None:
        page.authenticate(None)
        runtime, form = self._runtime, page.form
        step_up = StepUp(
            runtime.collaborators,
            runtime.throttling,
            page.actor,
            token=page.token(),
            code=form.line(STEP_UP_CODE),
            passkey=form.text(STEP_UP_PASSKEY),
            ceremonies=runtime.ceremonies,
        )
        runtime.run(step_up)

    def refusal(self, call: Call, error: TestimonyError) -> Response:
        """A page that says what is wrong and what can be done about it."""
        page = call if isinstance(call, Page) else Page(call.request, self._runtime, Form())
        status = status_of(error)
        if isinstance(error, Unauthenticated) and self._terms.permission is not Permission.NOTHING_NEEDED:
            return page.to_sign_in("" if self.reads(page.request) else page.path)
        if isinstance(error, StepUpRequired) and self.reads(page.request):
            return self._ask_again(page, status)
        title, advice = refusals.of(error)
        flaws = error.flaws if isinstance(error, Invalid) else []
        answer = page.render("refusal.html", status=status, title=title, advice=advice, flaws=flaws, request=page.id)
        if isinstance(error, Throttled):
            answer.headers["retry-after"] = str(error.retry_after)
        return answer

    def _ask_again(self, page: Page, status: int) -> Response:
        fields = page.form.without(STEP_UP_CODE, STEP_UP_PASSKEY, "form_token")
        parts, options = self._runtime.collaborators, ""
        with suppress(NotFound), self._runtime.glance() as session:
            asked = passkeys.step_up_options(session, parts, page.actor, self._runtime.ceremonies, page.token())
            options = json.dumps(asked)
        again = STEP_UP_CODE in page.form
        return page.render("step_up.html", status=status, fields=fields, again=again, options=options)


class PageRoute(Route, Guarded):
    """The route of one page."""

    def __init__(
        self,
        method: str,
        path: str,
        endpoint: Callable[..., Any],
        permission: Permission,
        runtime: Runtime,
        pools: Pools,
    ) -> None:
        super().__init__(path, endpoint, methods=[method])
        self.methods = {method}
        self.method = method
        self.permission = permission
        self._binding = Binding(endpoint, path, passed_over=PASSED_OVER)
        terms = Terms(path, permission, HTTPStatus.OK, INTAKE_LIMIT, roles_later=False)
        self.handler = PageHandler(endpoint, terms, self._binding, None, runtime, pools)
        self.app = self._serve

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As any route, but an id that is none leads nowhere."""
        match, child = super().matches(scope)
        if match is not Match.NONE and not self._binding.fits(child["path_params"]):
            return Match.NONE, {}
        return match, child

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self.handler(Request(scope, receive))
        await response(scope, receive, send)
