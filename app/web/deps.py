"""What an endpoint may ask for beside its parameters: annotate an argument with one of these types.

    def take(study: UUID, record: UUID, actor: Acting, runtime: Runtime_) -> Taken: ...

They are names for FastAPI's sake; ``handling`` fills them in, in the same thread as the endpoint and without further
hops.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, NoReturn, Self
from uuid import UUID

from fastapi import Depends
from starlette.requests import Request

from app.access import Actor, ActorKind
from app.accounts import devices, sessions
from app.bootstrap import Runtime
from app.errors import Unauthenticated
from app.studies import service as studies
from app.studies.roster import SignedRoster
from app.web.headers import source_of
from app.web.middleware import BODILESS

__all__ = ["Acting", "Call", "Part", "Roster", "Runtime_", "Signed", "Source", "Token", "Wanted"]

NOBODY = Actor(ActorKind.NOBODY)
# A token has 46 characters; nothing much longer is looked up.
LONGEST_TOKEN = 200


@dataclass(frozen=True, slots=True)
class Part:
    """What of some content is asked for: the Range header if there is one, or nothing but the headers of the answer."""

    range: str | None = None
    head: bool = False

    @classmethod
    def of(cls, request: Request) -> Self:
        """As the request says."""
        return cls(request.headers.get("range"), BODILESS in request.scope)


@dataclass(slots=True)
class Call:
    """One request on its way to its endpoint."""

    request: Request
    runtime: Runtime
    actor: Actor = NOBODY
    roster: SignedRoster | None = field(default=None, repr=False)

    def token(self) -> str:
        """What shows who calls: the bearer token (RFC 6750, in the header only); Unauthenticated if there is none."""
        scheme, _, token = self.request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated
        return checked_token(token.strip())

    @property
    def id(self) -> str:
        """The request's id."""
        return str(self.request.scope["request_id"])

    def authenticate(self, study: UUID | None) -> None:
        """Find out who calls, and as what in this study.

        Raises:
            Unauthenticated: nobody, or nobody any more.
            NotFound: no such study, or the caller is not in it.
        """
        token = self.token()
        collaborators = self.runtime.collaborators
        from_device = token.startswith(devices.TOKEN_PREFIXES)
        if from_device:
            self.actor = self.runtime.device(token)
            if study is None:
                return
        with self.runtime.glance() as session:
            if not from_device:
                self.actor = sessions.authenticate(session, collaborators, token)
            if study is not None:
                self.actor, self.roster = studies.act_in(session, collaborators, self.actor, study)


def checked_token(token: str) -> str:
    """The token, if it can be one of ours; Unauthenticated if not, before anything is looked up."""
    if not token.isascii() or not 0 < len(token) <= LONGEST_TOKEN:
        raise Unauthenticated
    return token


@dataclass(frozen=True, eq=False)
class Injected:
    """Marks an argument that is filled in from the call."""

    give: Callable[[Call], Any]

    def __call__(self) -> NoReturn:
        """Never called: only ``handling`` runs endpoints."""
        raise NotImplementedError


def _roster(call: Call) -> SignedRoster:
    if call.roster is None:
        raise RuntimeError("a roster is there only where the path names the study")
    return call.roster


# The process's parts and its ways to work.
Runtime_ = Annotated[Runtime, Depends(Injected(lambda call: call.runtime))]
# The caller. On routes under /v1/studies/{study} with the roles in that study, elsewhere with none of any study.
Signed = Annotated[Actor, Depends(Injected(lambda call: call.actor))]
Acting = Signed
# The verified roster of the study in the path.
Roster = Annotated[SignedRoster, Depends(Injected(_roster))]
# Which part of some content the request asks for.
Wanted = Annotated[Part, Depends(Injected(lambda call: Part.of(call.request)))]
# The caller's own token.
Token = Annotated[str, Depends(Injected(lambda call: call.token()))]
# The address the request comes from, behind trusted proxies.
Source = Annotated[str, Depends(Injected(lambda call: source_of(call.request, call.runtime.settings.trusted_proxies)))]
