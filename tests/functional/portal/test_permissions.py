"""Every page and form, every way of being somebody, in one's own study, in another's and in none.

The table stands in ``tests/functional/portal/permissions.py``, written by hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from app.web.app import SITES
from tests.functional.portal.permissions import (
    ELSEWHERE,
    ENDS_SESSIONS,
    IN_A_STUDY,
    MEMBERS,
    NOBODY_THERE,
    OPEN,
    Row,
)
from tests.functional.portal.visitor import Seen, Visitor
from tests.system import StudyPlace, System

ROLES = tuple(MEMBERS.split())
OUTSIDERS = ("admin", "stranger", "other lead", "other guardian")
LITERAL = re.compile(r"(?<=/)(?:AAAA-2222|redaction|guardians|worker|identity)(?=/|$)")
SHOWN_ANEW = re.compile(r'name="form_token" value="[^"]+"|<code>[0-9a-f-]{36}</code>|name="back" value="[^"]*"')


class World:
    """Two studies, and a browser for everybody."""

    def __init__(self, system: System, visit: Callable[..., Visitor]) -> None:
        self.study, self.other = system.study(), system.study("Another", prefix="o.")
        self.browsers = {role: visit(role, self.study) for role in ROLES}
        self.browsers |= {"admin": visit("admin"), "stranger": visit(system.person("stranger"))}
        self.browsers |= {f"other {role}": visit(role, self.other) for role in ("lead", "guardian")}
        self.nobody = visit(None)

    def call(self, who: str, row: Row, study: StudyPlace | str) -> Seen:
        """What a row asks for, as somebody, in a study."""
        return self.send(self.browsers[who], row, study)

    def send(self, browser: Visitor, row: Row, study: StudyPlace | str) -> Seen:
        """What a row asks for, in any browser."""
        at = study if isinstance(study, str) else study.id
        path = row.path.format(study=at, absent=NOBODY_THERE)
        return browser.get(path) if row.method == "GET" else browser.submit(path, row.form)


@pytest.fixture(scope="module")
def world(shared: System, visit: Callable[..., Visitor]) -> World:
    """Built once: nothing in this module changes it."""
    return World(shared, visit)


def _cases(rows: tuple[Row, ...]) -> list[Any]:
    return [pytest.param(row, id=row.name) for row in rows]


def _plain(path: str) -> str:
    """A path whose parameters all read alike."""
    return re.sub(r"{[a-z_]+}", "{}", LITERAL.sub("{}", path))


def _same(seen: Seen) -> str:
    """A page without what differs from request to request."""
    return SHOWN_ANEW.sub("", seen.text)


def test_table_has_every_page() -> None:
    """A page that nobody wrote down here fails, and so does a row for a page that is gone."""
    there = {(method, _plain(path)) for pages in SITES for method, path, _, _ in pages.declared}
    rows = {(row.method, _plain(row.path)) for row in (*IN_A_STUDY, *ELSEWHERE, *OPEN)}
    rows |= {(method, _plain(path)) for method, path in ENDS_SESSIONS}
    rows = {(method, path.replace("/static/0/portal.css", "/static/{}/{}")) for method, path in rows}

    assert rows == there


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("row", _cases(IN_A_STUDY))
def test_member_may_what_the_table_says(world: World, row: Row, role: str) -> None:
    """In one's own study: what the table names, or the page that refuses with 403."""
    seen = world.call(role, row, world.study)

    assert seen.status == (row.status if role in row.who.split() else 403), seen.words


@pytest.mark.parametrize("who", OUTSIDERS)
@pytest.mark.parametrize("row", _cases(IN_A_STUDY))
def test_another_study_is_an_absent_one(world: World, row: Row, who: str) -> None:
    """Not in the study, or only with the system: to the byte the page of a study that there is not."""
    theirs, absent = world.call(who, row, world.study), world.call(who, row, NOBODY_THERE)

    assert (theirs.status, absent.status) == (404, 404)
    assert _same(theirs) == _same(absent)
    assert _same(theirs) == _same(world.browsers[who].get("/no/such/address"))


@pytest.mark.parametrize("row", _cases((*IN_A_STUDY, *ELSEWHERE)))
def test_nobody_is_sent_to_the_sign_in(world: World, row: Row) -> None:
    """Whether the study exists or not; a page is come back to, a form is not sent again."""
    for study in (str(world.study.id), NOBODY_THERE):
        seen = world.send(world.nobody, row, study)

        assert seen.status == 303
        path = row.path.format(study=study, absent=NOBODY_THERE)
        expected = "/sign-in" if row.method == "POST" or path == "/" else f"/sign-in?then={path}"
        assert seen.to == expected


@pytest.mark.parametrize("who", [*ROLES, "admin", "stranger"])
@pytest.mark.parametrize("row", _cases(ELSEWHERE))
def test_outside_studies_admin_or_everybody(world: World, row: Row, who: str) -> None:
    """One's own account is everybody's; people, devices and studies are the admin's."""
    may = who in row.who.split() or (who == "stranger" and "researcher" in row.who)

    assert world.call(who, row, world.study).status == (row.status if may else 403)


@pytest.mark.parametrize("row", _cases(OPEN))
def test_open_pages_need_no_sign_in(world: World, row: Row) -> None:
    """What anybody may ask is answered without a session."""
    assert world.send(world.nobody, row, world.study).status == row.status


def test_admin_reads_no_testimony(shared: System, world: World) -> None:
    """With the very ids of a record that exists, at every stage, no page of it opens for the admin."""
    records = {str(shared.released(world.study)), str(shared.drafted(world.study))}
    paths = {row.path for row in IN_A_STUDY if row.method == "GET"}

    for record in records:
        for path in sorted(paths):
            seen = world.browsers["admin"].get(path.format(study=world.study.id, absent=record))

            assert seen.status == 404, path
