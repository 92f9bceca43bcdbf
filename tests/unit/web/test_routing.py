"""No route without a permission: not declared, not mounted, not slipped in."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import pytest
from fastapi import Depends, FastAPI
from starlette.responses import Response
from starlette.routing import Mount, Route

from app.access import Permission
from app.web.api import ROUTERS
from app.web.binding import Binding
from app.web.routing import Router, UnguardedRoute, check_guarded


def endpoint() -> None:
    """Answers nothing."""


@pytest.mark.parametrize("terms", [{}, {"permission": None}, {"permission": "source.read"}])
def test_a_route_without_a_permission_cannot_be_declared(terms: dict[str, Any]) -> None:
    """Forgetting it, or naming it by a text, is an error at import."""
    with pytest.raises(UnguardedRoute):
        Router("/v1/x", tag="x").get("", **terms)(endpoint)


plain = Response()


def with_fastapi() -> FastAPI:
    """An application that somebody added a route to, past ours."""
    app = FastAPI(openapi_url=None)
    app.add_api_route("/v1/x", endpoint)
    return app


@pytest.mark.parametrize("routes", [[Route("/x", lambda _request: plain)], [Mount("/x", plain)], with_fastapi().routes])
def test_a_route_from_elsewhere_keeps_the_application_from_starting(routes: list[Any]) -> None:
    """Plain routes, mounts and FastAPI's own have no permission."""
    with pytest.raises(UnguardedRoute):
        check_guarded(routes)


def test_every_declared_route_has_a_permission_and_a_name_of_its_own() -> None:
    """The names are the operation ids of the description."""
    declared = [one for router in ROUTERS for one in router.declared]

    assert declared
    assert all(isinstance(one.permission, Permission) for one in declared)
    assert len({one.endpoint.__name__ for one in declared}) == len(declared)


async def asynchronous() -> None:
    """One colour of function is enough."""


def asks_for_a_dependency(thing: Annotated[int, Depends(endpoint)]) -> None:
    """Dependencies would run in threads of their own, before the permission is asked."""


def forgets_the_study() -> None:
    """The path has a parameter that this does not take."""


def takes_everything(study: UUID) -> None:
    """Fits the path."""


@pytest.mark.parametrize("wrong", [asynchronous, asks_for_a_dependency, forgets_the_study])
def test_an_endpoint_that_cannot_be_bound_is_refused_at_the_start(wrong: Any) -> None:
    """Coroutines, foreign dependencies and forgotten parameters."""
    Binding(takes_everything, "/v1/{study}")

    with pytest.raises(TypeError):
        Binding(wrong, "/v1/{study}")
