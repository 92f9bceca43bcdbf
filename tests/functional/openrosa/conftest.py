"""A system with a study, its forms, and phones, for a whole module on each database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.forms.queries import FormView
from app.web.app import create_app
from tests.bridge import Bridge
from tests.clock import Clock
from tests.collect import Collect, Filled, close, enrolled, fill, publish
from tests.databases import KINDS, Kind
from tests.system import HOST, Mold, StudyPlace, System


@dataclass
class Field:
    """Where interviews are taken: forms by name, and the phones of one interviewer."""

    system: System
    place: StudyPlace
    http: httpx.Client
    forms: dict[str, FormView]
    collect: Collect
    answers: dict[str, Any]

    def phone(self, kind: str = "odk", who: str = "interviewer") -> Collect:
        """Another phone."""
        return Collect(self.http, enrolled(self.system, self.place, kind, who))

    def fill(self, name: str = "plain", *, without: str = "", **said: Any) -> Filled:
        """A form filled in with a demo testimony; ``without`` leaves an answer out."""
        answers: Mapping[str, Any] = {key: value for key, value in self.answers.items() if key != without}
        return fill(self.forms[name], answers, **said)


def opened_field(folder: Path, kind: Kind, mold: Callable[[Kind], Mold]) -> Iterator[Field]:
    """Forms: plain, sealed, lenient (sealed, but taken in clear too), closed and draft."""
    system = System(folder, kind, Clock(), mold=mold(kind))
    place = system.first()
    forms = {
        "plain": publish(system, place, "plain", attachments=("image",)),
        "sealed": publish(system, place, "sealed", encrypted=True, attachments=("image",)),
        "lenient": publish(system, place, "lenient", encrypted=True, policy="accept_and_flag"),
        "closed": publish(system, place, "closed"),
        "draft": publish(system, place, "draft", published=False),
    }
    close(system, place, forms["closed"])
    bridge = Bridge(create_app(system.web))
    with httpx.Client(base_url=HOST, transport=bridge, trust_env=False) as http:
        collect = Collect(http, enrolled(system, place))
        yield Field(system, place, http, forms, collect, system.body(place)["answers"])
    bridge.shut_down()
    system.close()


@pytest.fixture(
    scope="module",
    params=[pytest.param(kind, marks=[pytest.mark.postgres] * (kind == "postgresql")) for kind in KINDS],
)
def field(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, mold: Callable[[Kind], Mold]
) -> Iterator[Field]:
    """A system for a whole module, once on each database."""
    yield from opened_field(tmp_path_factory.mktemp("field") / "data", request.param, mold)
