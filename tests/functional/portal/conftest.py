"""Fixtures of the pages' tests without a browser; see ``tests/functional/portal/visitor.py``."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from app.web.app import create_app
from tests.bridge import Bridge
from tests.functional.portal.visitor import Visitor
from tests.people import Person
from tests.system import StudyPlace, System


@pytest.fixture(scope="module")
def bridge(shared: System) -> Iterator[Bridge]:
    """The application of the module's system."""
    bridge = Bridge(create_app(shared.web))
    yield bridge
    bridge.shut_down()


@pytest.fixture(scope="module")
def visit(shared: System, bridge: Bridge) -> Iterator[Callable[..., Visitor]]:
    """Opens a browser for somebody: a role's name (of the first study, or of ``study``), a Person, or None.

    ``fresh`` signs in anew, for tests that end sessions; else a session is used again while it lives.
    """
    opened: list[Visitor] = []

    def visit(
        who: str | Person | None, study: StudyPlace | None = None, *, locale: str = "en", fresh: bool = False
    ) -> Visitor:
        token = None
        if who is not None:
            person = shared.who(who, study)
            token = shared.sign_in(person) if fresh else str(shared.signed_in(person).http.token)
        opened.append(Visitor(bridge, token, locale))
        return opened[-1]

    yield visit
    for visitor in opened:
        visitor.close()
