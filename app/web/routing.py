"""Declaring routes: every one names its permission, or the module does not import.

A module makes a router and declares on it:

    router = Router("/v1/studies/{study}/records", tag="records")

    @router.get("/{record}", permission=Permission.SOURCE_READ)
    def read_source(study: UUID, record: UUID, actor: Acting, runtime: Runtime_) -> SourceOut: ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Required, TypedDict, TypeVar, Unpack, get_args, get_origin

from fastapi import Depends
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

from app.access import Permission
from app.bootstrap import Runtime
from app.web.binding import Binding
from app.web.bodies import DEFAULT_LIMIT, discard
from app.web.handling import Handler, Pools, Reply, Terms
from app.web.openapi import declared_statuses
from app.web.streams import STREAM, BodyStream

__all__ = ["Declared", "Guarded", "GuardedRoute", "Router", "UnguardedRoute", "check_guarded", "described"]

F = TypeVar("F", bound=Callable[..., Any])
OK, NO_CONTENT = 200, 204
# What an endpoint that answers nothing says it returns, before or after its annotations are evaluated.
NOTHING = (None, "None")
BEARER = HTTPBearer(
    scheme_name="bearer",
    description="A token of a session (ts_…), of a device (td_…) or of a program (tu_…).",
    auto_error=False,
)


class UnguardedRoute(Exception):
    """A route has no permission, so the application must not start."""


@dataclass(frozen=True, slots=True)
class Declared:
    """One route as a module declares it; see ``RouteTerms``."""

    method: str
    path: str
    endpoint: Callable[..., Any]
    tag: str
    permission: Permission
    status: int = 200
    limit: int = DEFAULT_LIMIT
    roles_later: bool = False
    also: Mapping[int, str] = field(default_factory=dict)
    in_schema: bool = True


class RouteTerms(TypedDict, total=False):
    """What a declaration says.

    ``permission`` is asked before the endpoint runs; with ``roles_later`` the service asks alone, because the study is
    known only to it. ``limit`` bounds the body in bytes. ``status`` is 200 unless it is said, or 204 for an endpoint
    that returns None. ``also`` lists further statuses with what they mean.
    """

    permission: Required[Permission]
    status: int
    limit: int
    roles_later: bool
    also: Mapping[int, str]
    in_schema: bool


class Router:
    """Collects the routes of one module, in order."""

    def __init__(self, prefix: str, *, tag: str) -> None:
        self._prefix = prefix
        self._tag = tag
        self.declared: list[Declared] = []

    def route(self, method: str, path: str, **terms: Unpack[RouteTerms]) -> Callable[[F], F]:
        """Declare a route; UnguardedRoute if it names no permission."""
        whole = self._prefix + path
        if not isinstance(terms.get("permission"), Permission):
            raise UnguardedRoute(f"{method} {whole} needs a permission")

        def declare(endpoint: F) -> F:
            terms.setdefault("status", NO_CONTENT if endpoint.__annotations__.get("return") in NOTHING else OK)
            self.declared.append(Declared(method, whole, endpoint, self._tag, **terms))
            return endpoint

        return declare

    def get(self, path: str, **terms: Unpack[RouteTerms]) -> Callable[[F], F]:
        """Declare a GET route."""
        return self.route("GET", path, **terms)

    def post(self, path: str, **terms: Unpack[RouteTerms]) -> Callable[[F], F]:
        """Declare a POST route."""
        return self.route("POST", path, **terms)

    def put(self, path: str, **terms: Unpack[RouteTerms]) -> Callable[[F], F]:
        """Declare a PUT route."""
        return self.route("PUT", path, **terms)

    def patch(self, path: str, **terms: Unpack[RouteTerms]) -> Callable[[F], F]:
        """Declare a PATCH route."""
        return self.route("PATCH", path, **terms)

    def delete(self, path: str, **terms: Unpack[RouteTerms]) -> Callable[[F], F]:
        """Declare a DELETE route."""
        return self.route("DELETE", path, **terms)


class Guarded(BaseRoute):
    """What every route is: one method and one permission."""

    permission: Permission
    method: str


class GuardedRoute(Route, Guarded):
    """A route that ``handling`` serves. FastAPI only describes it, when it is asked: that takes longer than a start."""

    def __init__(self, declared: Declared, runtime: Runtime, pools: Pools) -> None:
        super().__init__(declared.path, declared.endpoint, methods=[declared.method])
        self.methods = {declared.method}
        self.method = declared.method
        self.permission = declared.permission
        self._declared = declared
        self._binding = binding = Binding(declared.endpoint, declared.path)
        self._answers = answers = _answers(binding.returns)
        terms = Terms(declared.path, declared.permission, declared.status, declared.limit, declared.roles_later)
        self.handler = Handler(declared.endpoint, terms, binding, answers, runtime, pools)
        self.app = self._serve

    def described(self) -> APIRoute:
        """The same as FastAPI knows it."""
        declared, name = self._declared, self._declared.endpoint.__name__
        return APIRoute(
            declared.path,
            declared.endpoint,
            methods=[declared.method],
            status_code=declared.status,
            response_model=self._answers,
            responses=declared_statuses(declared, self._binding),
            operation_id=name,
            summary=name.replace("_", " ").capitalize(),
            tags=[declared.tag],
            dependencies=[] if declared.permission is Permission.NOTHING_NEEDED else [Depends(BEARER)],
            openapi_extra={"x-permission": declared.permission.value},
            include_in_schema=declared.in_schema,
        )

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As any route, but an id that is none leads nowhere: ``/users/me`` is no method short of ``/users/{user}``."""
        match, child = super().matches(scope)
        if match is not Match.NONE and not self._binding.fits(child["path_params"]):
            return Match.NONE, {}
        # Counts of requests go by it.
        return match, {**child, "route": self}

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self.handler(Request(scope, receive))
        await response(scope, receive, send)
        stream: BodyStream | None = scope.get(STREAM)
        if stream is not None:
            await stream.finish()
        elif response.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            await discard(receive)


def _answers(returns: Any) -> Any:
    """The type of the JSON that an endpoint answers with; None for none, and for endpoints that make their own."""
    if get_origin(returns) is Reply:
        returns = get_args(returns)[0]
    if returns is type(None) or (isinstance(returns, type) and issubclass(returns, Response)):
        return None
    return returns


def described(routes: Iterable[BaseRoute]) -> list[APIRoute]:
    """The routes of the API among these, as FastAPI describes them."""
    return [route.described() for route in routes if isinstance(route, GuardedRoute)]


def check_guarded(routes: Iterable[BaseRoute]) -> None:
    """Raise UnguardedRoute for any route, mount or socket that was not declared with a permission."""
    for route in routes:
        if not isinstance(route, Guarded) or not isinstance(route.permission, Permission):
            raise UnguardedRoute(f"{getattr(route, 'path', route)} needs a permission")
