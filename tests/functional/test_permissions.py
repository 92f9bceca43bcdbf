"""Every route, every way of being somebody, in one's own study, in another's and in none.

The table stands in ``tests/functional/permissions.py``, written by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import select

from app.access import Role
from app.audit.models import Event
from app.studies import roster
from app.web.api import ROUTERS
from app.web.app import create_inner
from app.web.metrics import Metrics
from app.web.routing import GuardedRoute
from tests.clock import Clock
from tests.functional.caller import Caller, code_of
from tests.functional.permissions import (
    BY_RECORD,
    ELSEWHERE,
    ENDS_SESSIONS,
    IN_A_STUDY,
    MEMBERS,
    NOBODY_THERE,
    OPEN,
    Row,
)
from tests.people import Person
from tests.system import StudyPlace, System

ROLES = tuple(MEMBERS.split())
# People who are in no way in the study, or no longer.
OUTSIDERS = ("admin", "stranger", "other lead", "other researcher", "other device", "expired", "removed")
THINGS = re.compile(r"{(?:record|ask|instrument)}")
LITERAL = re.compile(r"(?<=/)(?:AAAA-2222|redaction|researchers|guardians|auditors|worker)(?=/|$)")


@dataclass
class World:
    """Two studies, everybody's tokens, and a few things to touch."""

    system: System
    caller: Caller
    study: StudyPlace
    other: StudyPlace
    tokens: dict[str, str] = field(default_factory=dict, repr=False)
    stale: dict[str, str] = field(default_factory=dict, repr=False)
    things: dict[str, str] = field(default_factory=dict)

    def call(self, token: str | None, row: Row, study: UUID) -> httpx.Response:
        """The request of a row, in a study, at a moment of its own."""
        self.system.clock.advance(microseconds=1)
        path = row.path.format(study=study, absent=NOBODY_THERE, **self.things)
        request: dict[str, Any] = {} if row.body is None else {"json": row.body}
        return self.caller.send(token, row.method, path, **request)

    def denial(self) -> Event:
        """The denial that was written at this moment; there must be exactly one."""
        with self.system.runtime.transaction() as session:
            now = self.system.clock.now
            return session.scalars(select(Event).where(Event.action == "denied", Event.at == now)).one()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Built once: nothing in this module changes it."""
    system = System(tmp_path_factory.mktemp("permissions") / "data", "sqlite", Clock())
    caller = Caller(system)
    yield _build(system, caller)
    caller.close()
    system.close()


def _build(system: System, caller: Caller) -> World:
    study, other = system.study(), system.study("Another", prefix="o.")
    world = World(system, caller, study, other)
    record = system.released(study)
    assert caller("approver", "POST", f"/v1/studies/{study.id}/samples/{record}").status_code == 204
    asking = {"record": str(record), "scope": "identity", "fields": ["legal_name"], "reason": "danger"}
    asked = caller("guardian", "POST", f"/v1/studies/{study.id}/asks", json=asking).json()["ask"]
    instruments = caller("lead", "GET", f"/v1/studies/{study.id}/instruments").json()["instruments"]
    world.things = {"record": str(record), "ask": asked, "instrument": instruments[0]["id"]}
    people = {role: study[role] for role in ROLES}
    people |= {"admin": system.admin, "stranger": system.person("stranger")}
    people |= {"other lead": other["lead"], "other researcher": other["researcher"]}
    people |= {"expired": _once(world, "expired", timedelta(minutes=1)), "removed": _once(world, "removed")}
    removal = caller("lead", "DELETE", f"/v1/studies/{study.id}/members/{people['removed'].id}")
    assert removal.status_code == 204
    world.stale = {name: system.sign_in(person) for name, person in people.items()}
    system.clock.advance(minutes=5, seconds=1)
    world.tokens = {name: system.sign_in(person) for name, person in people.items()}
    world.tokens |= {"device": _device(caller, study), "other device": _device(caller, other)}
    return world


def _once(world: World, name: str, lasts: timedelta | None = None) -> Person:
    """Somebody who is a researcher for now."""
    person = world.system.person(name)
    body = {
        "roles": [Role.RESEARCHER],
        "fingerprint": world.system.actor(person).unlocked().fingerprint.hex(),
        "expires": None if lasts is None else (world.system.clock.now + lasts).isoformat(),
    }
    answer = world.caller("lead", "PUT", f"/v1/studies/{world.study.id}/members/{person.id}", json=body)
    assert answer.status_code == 204, answer.text
    return person


def _device(caller: Caller, study: StudyPlace) -> str:
    body = {"user": str(study["interviewer"].id), "study": str(study.id)}
    return str(caller("admin", "POST", "/v1/devices", json=body).json()["token"])


def _cases(rows: tuple[Row, ...]) -> list[Any]:
    return [pytest.param(row, id=row.name) for row in rows]


def _shape(answer: httpx.Response) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    body.pop("instance")
    return body


NOT_FOUND = {
    "type": "urn:testimony:problem:not-found",
    "title": "Not Found",
    "status": 404,
    "detail": "There is nothing here for you.",
}


def test_table_has_every_route(world: World) -> None:
    """A route that nobody wrote down here fails, and so does a row for a route that is gone."""
    app = create_inner(world.system.web, ROUTERS, Metrics())
    there = {(route.method, _plain(route.path)) for route in app.routes if isinstance(route, GuardedRoute)}
    rows = {(row.method, _plain(row.path)) for row in (*IN_A_STUDY, *ELSEWHERE, *OPEN)}
    rows |= {(method, _plain(path)) for method, path in (*ENDS_SESSIONS, *BY_RECORD)}

    assert rows == there


def _plain(path: str) -> str:
    """A path whose parameters all read alike."""
    return re.sub(r"{[a-z_]+}", "{}", LITERAL.sub("{}", path.partition("?")[0]))


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("row", _cases(IN_A_STUDY))
def test_member_may_what_the_table_says(world: World, row: Row, role: str) -> None:
    """In one's own study: the answer the table names, or 403 with an event of the denial."""
    answer = world.call(world.tokens[role], row, world.study.id)

    if role in row.who.split():
        assert answer.status_code == row.status, answer.text
        # The 404 of a member is one of a thing inside the study, and the event says so.
        assert row.status != 404 or world.denial().study_id == world.study.id
        return
    assert (answer.status_code, code_of(answer)) == (403, "forbidden")
    event = world.denial()
    assert (event.actor_id, event.study_id) == (world.study[role].id, world.study.id)
    assert event.details["code"] == "forbidden"


@pytest.mark.parametrize("row", _cases(tuple(row for row in IN_A_STUDY if row.factor)))
def test_old_factor_is_not_enough(world: World, row: Row) -> None:
    """Whoever may still needs a code given in the last five minutes, and the denial is written."""
    for role in row.who.split():
        answer = world.call(world.stale[role], row, world.study.id)

        assert (answer.status_code, code_of(answer)) == (403, "step-up-required"), role
        assert world.denial().details["code"] == "step-up-required"


@pytest.mark.parametrize("row", _cases(tuple(row for row in ELSEWHERE if row.factor)))
def test_old_factor_is_not_enough_for_ones_own_account(world: World, row: Row) -> None:
    """A session left open changes nobody's factors, an admin's neither."""
    for who in ("researcher", "admin", "stranger"):
        answer = world.call(world.stale[who], row, world.study.id)

        assert (answer.status_code, code_of(answer)) == (403, "step-up-required"), who


@pytest.mark.parametrize("row", _cases(tuple(row for row in IN_A_STUDY if not row.factor and row.who)))
def test_old_factor_is_enough_for_the_rest(world: World, row: Row) -> None:
    """What the table does not mark needs no fresh code."""
    for role in row.who.split():
        assert world.call(world.stale[role], row, world.study.id).status_code == row.status, role


@pytest.mark.parametrize("who", OUTSIDERS)
@pytest.mark.parametrize("row", _cases(IN_A_STUDY))
def test_outsider_finds_nothing(world: World, row: Row, who: str) -> None:
    """Not in the study, not any more, or only with the system: the 404 of a study that does not exist."""
    answer = world.call(world.tokens[who], row, world.study.id)

    assert (answer.status_code, _shape(answer)) == (404, NOT_FOUND)
    assert world.denial().details["code"] == "not-found"


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("row", _cases(IN_A_STUDY))
def test_other_and_absent_study_are_the_same(world: World, row: Row, role: str) -> None:
    """Whatever one may at home, another study and no study at all answer alike, and alike for every role."""
    for study in (world.other.id, UUID(NOBODY_THERE)):
        answer = world.call(world.tokens[role], row, study)

        assert (answer.status_code, _shape(answer)) == (404, NOT_FOUND)


@pytest.mark.parametrize("row", _cases(tuple(row for row in IN_A_STUDY if THINGS.search(row.path))))
def test_things_of_another_study_do_not_exist(world: World, row: Row) -> None:
    """An id that exists elsewhere is no more than an id that exists nowhere."""
    for role in row.who.split():
        token = world.caller.token(role, world.other)
        answer = world.call(token, row, world.other.id)

        assert (answer.status_code, _shape(answer)) == (404, NOT_FOUND), role


@pytest.mark.parametrize("row", _cases(IN_A_STUDY))
def test_device_only_submits(world: World, row: Row) -> None:
    """A device reads questionnaires, and nothing else of its study."""
    answer = world.call(world.tokens["device"], row, world.study.id)

    assert answer.status_code == (row.status if row.device else 403)


@pytest.mark.parametrize("row", _cases((*IN_A_STUDY, *ELSEWHERE)))
@pytest.mark.parametrize("token", [None, "ts_" + "A" * 43, "td_" + "A" * 43, ""], ids=repr)
def test_nobody_is_told_to_sign_in(world: World, row: Row, token: str | None) -> None:
    """Without a valid token every address answers 401, whether its study exists or not, and says how to sign in."""
    for study in (world.study.id, UUID(NOBODY_THERE)):
        answer = world.call(token, row, study)

        assert (answer.status_code, code_of(answer)) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("who", [*ROLES, "admin", "stranger", "expired", "removed"])
@pytest.mark.parametrize("row", _cases(ELSEWHERE))
def test_outside_studies_admin_or_everybody(world: World, row: Row, who: str) -> None:
    """One's own account is everybody's; people, devices, studies and the system's events are the admin's."""
    may = row.who.split()

    answer = world.call(world.tokens[who], row, world.study.id)

    if who in may or ("researcher" in may and who not in ROLES):
        assert answer.status_code == row.status, answer.text
    else:
        assert (answer.status_code, code_of(answer)) == (403, "forbidden")
        assert world.denial().details["code"] == "forbidden"


@pytest.mark.parametrize("row", _cases(ELSEWHERE))
def test_device_cannot_touch_an_account(world: World, row: Row) -> None:
    """Whoever finds the phone cannot list, end or change anything of its owner."""
    answer = world.call(world.tokens["device"], row, world.study.id)

    assert (answer.status_code, code_of(answer)) == (403, "forbidden")


@pytest.mark.parametrize("row", _cases(OPEN))
def test_open_addresses_need_no_sign_in(world: World, row: Row) -> None:
    """What anybody may ask is answered without a token."""
    assert world.call(None, row, world.study.id).status_code == row.status


@pytest.mark.parametrize(("method", "path"), ENDS_SESSIONS)
def test_sessions_are_ended_by_their_owner_only(world: World, method: str, path: str) -> None:
    """Nobody and devices are refused; the session's own token ends it, and then it is nobody's."""
    person = world.system.person("leaver" + path.rpartition("/")[2])
    token = world.system.sign_in(person)

    assert world.caller.send(None, method, path).status_code == 401
    assert world.caller.send(world.tokens["device"], method, path).status_code == 403
    assert world.caller.send(token, method, path).status_code == 204
    assert world.caller.send(token, method, path).status_code == 401


MEMBERS_WHO_DO_NOT_SUBMIT = {(role, "study") for role in ["redactor", "approver", "researcher", "lead", "auditor"]} | {
    ("other lead", "other"),
    ("other researcher", "other"),
}


@pytest.mark.parametrize("who", [None, *ROLES, *OUTSIDERS, "device"])
@pytest.mark.parametrize("where", ["study", "other", "absent"])
def test_who_may_submit_where(world: World, who: str | None, where: str) -> None:
    """Interviewers, guardians and devices submit in their own study; every other study reads like an absent one."""
    study = {"study": world.study.id, "other": world.other.id, "absent": uuid4()}[where]
    body = world.system.body(world.study, case="AAAA-2222") | {"study": str(study)}
    token = None if who is None else world.tokens[who]

    answer = world.caller.send(token, "PUT", f"/v1/records/{uuid4()}", json=body)

    if who is None:
        assert (answer.status_code, code_of(answer)) == (401, "unauthenticated")
    elif (who, where) in MEMBERS_WHO_DO_NOT_SUBMIT:
        assert (answer.status_code, code_of(answer)) == (403, "forbidden")
    else:
        # Those who may submit named a case that is not theirs: all of them get the same 404.
        assert (answer.status_code, _shape(answer)) == (404, NOT_FOUND)


@pytest.mark.parametrize("who", ["interviewer", "guardian", "device"])
def test_submitters_submit(world: World, who: str) -> None:
    """The other half of the table: with nothing wrong it is 201."""
    body = world.system.body(world.study)

    answer = world.caller.send(world.tokens[who], "PUT", f"/v1/records/{uuid4()}", json=body)

    assert answer.status_code == 201


@pytest.mark.parametrize("who", [None, *ROLES, *OUTSIDERS, "device"])
def test_receipts_are_the_submitters_own(world: World, who: str | None) -> None:
    """Whoever submitted reads the receipt; for everybody else there is none."""
    number = uuid4()
    world.system.submit(world.study, client_uuid=number)
    token = None if who is None else world.tokens[who]

    answer = world.caller.send(token, "GET", f"/v1/records/{number}/receipt")

    # The interviewer's device sent other records, not this one.
    expected = {None: 401, "interviewer": 200}.get(who, 404)
    assert answer.status_code == expected


def test_expired_member_is_out_of_the_roster_too(world: World) -> None:
    """The expired member still stands in the roster: it is the moment that keeps them out, not a clean-up."""
    with world.system.runtime.transaction() as session:
        signed = roster.current(session, world.system.collaborators, world.study.id)

    live = [place.live(world.system.clock.now) for place in signed.members.values()]

    assert live.count(False) == 1
