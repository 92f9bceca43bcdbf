"""A site with an admin, a lead and an interviewer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest

from app.access import Role
from tests.clock import Clock
from tests.people import Person
from tests.site import Site


@pytest.fixture
def site(tmp_path: Path, clock: Clock, deployment: UUID) -> Iterator[Site]:
    """A site on SQLite: what differs between databases is tested below HTTP."""
    tmp_path.chmod(0o700)
    made = Site(tmp_path, "sqlite", clock, deployment)
    yield made
    made.close()


@dataclass(frozen=True)
class People:
    """Who is there, and the study they work in."""

    admin: Person
    lead: Person
    interviewer: Person
    stranger: Person
    study: UUID


@pytest.fixture
def people(site: Site) -> People:
    """An admin, a lead and an interviewer of one study, and somebody of none."""
    root = site.house.admin()
    admin = site.house.actor(root)
    lead, interviewer, stranger = (site.house.person(admin, name) for name in ("lina", "ilyas", "sol"))
    study = site.study(admin, lead)
    site.admit(lead, study, interviewer, Role.INTERVIEWER)
    return People(root, lead, interviewer, stranger, study)
