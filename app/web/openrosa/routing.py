"""Declaring what ODK's clients call: each address under three servers, as clients know them.

    /v1/key/{token}/studies/{study}     phones whose token stands in the address; refused with 403, because a 401 would
                                        make the app ask for a password
    /v1/studies/{study}                 user name and a password of the app's own (Basic)
    /v1/test/{token}/studies/{study}    drafts of forms, for trying them; what comes here is no testimony

    forms = OpenRosa()

    @forms.get("/formList", permission=Permission.INSTRUMENT_READ)
    def list_forms(study: UUID, actor: Acting, runtime: Runtime_, server: Server_) -> Response: ...

A token never leaves its address: logs, metrics and the trail know routes by their templates.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from app.access import Actor, Permission
from app.accounts import phones
from app.bootstrap import Runtime
from app.errors import Forbidden, Malformed, NotFound, TestimonyError, Unauthenticated
from app.studies import service as studies
from app.web.binding import Binding
from app.web.bodies import DEFAULT_LIMIT
from app.web.deps import Call, Injected
from app.web.handling import Handler, Pools, Terms
from app.web.openrosa.envelopes import VERSION, dress, refusal
from app.web.routing import Guarded, UnguardedRoute
from app.web.streams import STREAM, BodyStream

__all__ = ["SERVERS", "Asked", "OpenRosa", "OpenRosaRoute", "Server", "Server_"]

F = TypeVar("F", bound=Callable[..., Response])
# The three servers by kind of phone.
SERVERS: Final = {
    phones.ODK: "/v1/key/{token}/studies/{study}",
    phones.BASIC: "/v1/studies/{study}",
    phones.TEST: "/v1/test/{token}/studies/{study}",
}
# Parameters that clients add by themselves; a device's own id is not wanted.
PASSED_OVER: Final = frozenset({"deviceID", "formID", "listAllVersions", "verbose"})
LONGEST_CREDENTIAL: Final = 400


@dataclass(frozen=True, slots=True)
class Server:
    """The server that a phone was given; ``base`` is its absolute address as the phone knows it, and may be secret."""

    kind: str
    base: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Declared:
    """One address under the three servers."""

    method: str
    path: str
    endpoint: Callable[..., Response]
    permission: Permission
    limit: int


class OpenRosa:
    """Collects the addresses of one module, in order."""

    def __init__(self) -> None:
        self.declared: list[Declared] = []

    def get(self, path: str, *, permission: Permission) -> Callable[[F], F]:
        """Declare what is read; HEAD comes here too."""
        return self._declare("GET", path, permission, DEFAULT_LIMIT)

    def post(self, path: str, *, permission: Permission, limit: int) -> Callable[[F], F]:
        """Declare what takes a body of at most ``limit`` bytes."""
        return self._declare("POST", path, permission, limit)

    def _declare(self, method: str, path: str, permission: Permission, limit: int) -> Callable[[F], F]:
        if permission is Permission.NOTHING_NEEDED:
            raise UnguardedRoute(f"{method} {path} needs a permission")

        def declare(endpoint: F) -> F:
            self.declared.append(Declared(method, path, endpoint, permission, limit))
            return endpoint

        return declare

    def routes(self, runtime: Runtime, pools: Pools) -> list[OpenRosaRoute]:
        """A route for each address under each server."""
        return [OpenRosaRoute(one, kind, runtime, pools) for one in self.declared for kind in SERVERS]


@dataclass(slots=True)
class FormCall(Call):
    """One request of a phone on its way to its endpoint."""

    kind: str = phones.BASIC

    def authenticate(self, study: UUID | None) -> None:
        """Find out which phone calls.

        Raises:
            Unauthenticated: none, or none any more, by user name and password.
            Forbidden: the same by a token in the address; or this phone belongs to another study.
        """
        by_password = self.kind == phones.BASIC
        if study is None:
            raise NotFound
        try:
            with self.runtime.glance() as session:
                actor = self._who(session)
                self.actor, self.roster = studies.act_in(session, self.runtime.collaborators, actor, study)
        except (Unauthenticated, NotFound):
            if by_password:
                raise Unauthenticated("User name or password is wrong.") from None
            raise Forbidden("This phone may not send to this study.") from None

    def _who(self, session: Any) -> Actor:
        parts = self.runtime.collaborators
        if self.kind != phones.BASIC:
            return phones.by_token(session, parts, self.request.path_params["token"], self.kind)
        return phones.by_password(session, parts, *_credentials(self.request.headers.get("authorization", "")))

    @property
    def server(self) -> Server:
        """The server that the phone called."""
        path = SERVERS[self.kind].format_map(self.request.path_params)
        return Server(self.kind, f"{self._origin()}{path}")

    def _origin(self) -> str:
        settings = self.runtime.settings
        if settings.public_url:
            return settings.public_url
        # The host is one of those that this service answers to: ``Hosts`` saw to it.
        scheme = "https" if settings.tls_ends_at_proxy else self.request.url.scheme
        return f"{scheme}://{self.request.headers['host']}"


def _credentials(header: str) -> tuple[str, str]:
    """User name and password of RFC 7617; Unauthenticated if there are none."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic" or len(encoded) > LONGEST_CREDENTIAL:
        raise Unauthenticated
    try:
        name, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise Unauthenticated from None
    if not colon:
        raise Unauthenticated
    return name, password


class FormHandler(Handler):
    """Serves one address under one server: XML for JSON, envelopes for problems."""

    kind: str = phones.BASIC

    def call(self, request: Request) -> Call:
        """What the endpoint gets its arguments from."""
        return FormCall(request, self._runtime, kind=self.kind)

    def refusal(self, call: Call, error: TestimonyError) -> Response:  # noqa: ARG002  other handlers need the call
        """How an error is answered."""
        return refusal(error)

    def _answer(self, call: Call, raw: bytes) -> Response:
        if call.request.headers.get("x-openrosa-version", "").strip() != VERSION:
            raise Malformed("This address speaks OpenRosa 1.0: the header X-OpenRosa-Version is missing.")
        return super()._answer(call, raw)


class OpenRosaRoute(Route, Guarded):
    """The route of one address under one server."""

    def __init__(self, declared: Declared, kind: str, runtime: Runtime, pools: Pools) -> None:
        path = SERVERS[kind] + declared.path
        super().__init__(path, declared.endpoint, methods=[declared.method])
        self.methods = {declared.method}
        self.method = declared.method
        self.permission = declared.permission
        self._clock = runtime.clock
        # The token is nothing that an endpoint should see.
        self._binding = Binding(declared.endpoint, path.replace("{token}", "-"), passed_over=PASSED_OVER)
        terms = Terms(path, declared.permission, HTTPStatus.OK, declared.limit, roles_later=False)
        self.handler = FormHandler(declared.endpoint, terms, self._binding, None, runtime, pools)
        self.handler.kind = kind
        self.app = self._serve

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As any route, but an id that is none leads nowhere."""
        match, child = super().matches(scope)
        if match is not Match.NONE and not self._binding.fits(child["path_params"]):
            return Match.NONE, {}
        return match, child

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = dress(await self.handler(Request(scope, receive)), self._clock())
        await response(scope, receive, send)
        stream: BodyStream | None = scope.get(STREAM)
        if stream is not None:
            await stream.finish()


def _server(call: Call) -> Server:
    if not isinstance(call, FormCall):
        raise Unauthenticated
    return call.server


# The server that the phone called.
Server_ = Annotated[Server, Depends(Injected(_server))]
# The form that a list is asked for; empty for all.
Asked = Annotated[str, Depends(Injected(lambda call: call.request.query_params.get("formID", "")))]
