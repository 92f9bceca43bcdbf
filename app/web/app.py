"""The web application: routes, and around them the layers that every request passes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import cache
from http import HTTPStatus

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from app.access import Permission
from app.bootstrap import Runtime
from app.web.api import ROUTERS
from app.web.collect import routes as collect
from app.web.handling import Pools
from app.web.metrics import Measure, Metrics
from app.web.middleware import Frame, Hosts
from app.web.openapi import describe
from app.web.openrosa import FORMS
from app.web.openrosa.routing import OpenRosa
from app.web.portal import PAGES
from app.web.portal.lost import Lost, wants_page
from app.web.portal.routing import PageRoute, Pages
from app.web.problems import http_problem
from app.web.routing import Guarded, GuardedRoute, Router, UnguardedRoute, check_guarded, described
from app.web.streams import Places

__all__ = ["Dispatch", "create_app", "create_inner"]

SITES: tuple[Pages, ...] = (*PAGES, collect.pages)


def create_app(
    runtime: Runtime,
    routers: Sequence[Router] = ROUTERS,
    pages: Sequence[Pages] = SITES,
    forms: Sequence[OpenRosa] = FORMS,
) -> ASGIApp:
    """The application with every layer around it.

    Raises:
        UnguardedRoute: a route lacks a permission, or two share a name.
    """
    metrics = Metrics()
    inner = create_inner(runtime, routers, metrics, pages, forms)
    return Frame(Measure(Hosts(Dispatch(inner), runtime.settings.allowed_hosts), metrics))


def create_inner(
    runtime: Runtime,
    routers: Sequence[Router],
    metrics: Metrics,
    pages: Sequence[Pages] = (),
    forms: Sequence[OpenRosa] = (),
) -> FastAPI:
    """The routes alone; those of the API describe themselves as OpenAPI."""
    threads = runtime.settings.web_threads
    requests, streams = ThreadPoolExecutor(threads, "request"), ThreadPoolExecutor(threads, "stream")
    pools = Pools(requests, streams, Places(threads))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        pools.requests.shutdown(wait=True)
        pools.streams.shutdown(wait=True)
        runtime.close()

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan, redirect_slashes=False)
    declared = [one for router in (*routers, _own_routes(app, runtime, metrics)) for one in router.declared]
    app.router.routes[:] = [
        *(GuardedRoute(one, runtime, pools) for one in declared),
        *(route for each in forms for route in each.routes(runtime, pools)),
        *(PageRoute(*page, runtime, pools) for each in pages for page in each.declared),
    ]
    app.state.lost = {status: Lost(status, runtime, pools) for status in (404, 405)}
    check_guarded(app.routes)
    names = [one.endpoint.__name__ for one in declared]
    if len(names) != len(set(names)):
        raise UnguardedRoute("two routes share a name")
    return app


class Dispatch:
    """Hands requests to the routes, without FastAPI's own layers: ours do their work, in fewer microseconds.

    Unknown addresses and methods are answered with problems, to browsers with pages, and OPTIONS with the methods of an
    address.
    """

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the class."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        scope["app"] = self._app
        try:
            await self._app.router(scope, receive, send)
        except HTTPException as refused:
            answer = await self._refusal(scope, refused.status_code)
            await answer(scope, receive, send)

    async def _refusal(self, scope: Scope, status: int) -> Response:
        lost = self._app.state.lost.get(status) if wants_page(scope) else None
        answer: Response = http_problem(status, scope["request_id"]) if lost is None else await lost(Request(scope))
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            if scope["method"] == "OPTIONS":
                answer = Response(status_code=204)
            answer.headers["allow"] = ", ".join(sorted(self._allowed(scope)))
        return answer

    def _allowed(self, scope: Scope) -> set[str]:
        fitting = (route for route in self._app.routes if route.matches(scope)[0] is not Match.NONE)
        allowed = {route.method for route in fitting if isinstance(route, Guarded)} | {"OPTIONS"}
        return allowed | ({"HEAD"} if "GET" in allowed else set())


def _own_routes(app: FastAPI, runtime: Runtime, metrics: Metrics) -> Router:
    """The description and the metrics: about this application, so made with it."""
    router = Router("", tag="service")
    for_signed_in = Permission.SESSION_OWN if runtime.settings.production else Permission.NOTHING_NEEDED

    @cache
    def description() -> bytes:
        return json.dumps(describe(described(app.routes))).encode()

    @router.get("/v1/openapi.json", permission=for_signed_in, in_schema=False)
    def read_description() -> Response:
        """This description; in production for signed-in people only."""
        return Response(description(), media_type="application/json")

    @router.get("/metrics", permission=Permission.AUDIT_SYSTEM, in_schema=False)
    def read_metrics() -> Response:
        """Counts and times by route, in the Prometheus text format."""
        return Response(metrics.render(), media_type="text/plain; version=0.0.4")

    return router
