"""API tokens: made by their owner with a fresh second factor, good for what they name, over at once or at their end."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import select

from app.accounts.models import Device
from app.audit.models import Event
from tests.functional.caller import Caller, code_of
from tests.functional.steps import Json, ok
from tests.system import System

EVERY_SCOPE = ["instrument.read", "receipt.read", "record.submit"]
LABELS = count(1)


def wish(system: System, **changed: Any) -> Json:
    """What one asks for: a token for the first study, for a month."""
    until = (system.clock.now + timedelta(days=30)).isoformat()
    body = {"study": str(system.first().id), "label": f"Program {next(LABELS)}", "scopes": EVERY_SCOPE}
    return body | {"expires_at": until} | changed


def make(call: Caller, who: str = "interviewer", **changed: Any) -> Json:
    """Make one."""
    return ok(call(who, "POST", "/v1/devices/tokens", json=wish(call.system, **changed)), 201)


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    return answer.status_code, code_of(answer)


def put(call: Caller, token: str, number: UUID | None = None) -> httpx.Response:
    """Submit with a token."""
    return call.send(token, "PUT", f"/v1/records/{number or uuid4()}", json=call.system.body())


def test_token_submits_and_reads_its_receipts(call_both: Caller, both: System) -> None:
    """In its owner's name; it is told by its prefix."""
    made, number = make(call_both), uuid4()

    receipt = ok(put(call_both, made["token"], number), 201)["receipt"]

    assert made["token"].startswith("tu_")
    assert receipt["submitter"] == str(both.first()["interviewer"].id)
    assert ok(call_both.send(made["token"], "GET", f"/v1/records/{number}/receipt"))["receipt"] == receipt
    assert ok(call_both.send(made["token"], "GET", "/v1/intake-key"))["deployment"] == receipt["deployment"]


def test_token_sees_no_receipt_of_another_device(call: Caller) -> None:
    """Not even its owner's own: whoever finds a token learns what it sent, and nothing else."""
    one, two, number = make(call), make(call), uuid4()
    ok(put(call, one["token"], number), 201)

    assert problem(call.send(two["token"], "GET", f"/v1/records/{number}/receipt")) == (404, "not-found")


@pytest.mark.parametrize("scope", EVERY_SCOPE)
def test_token_is_good_for_its_scopes_alone(call: Caller, scope: str) -> None:
    """Each scope opens its addresses and no other."""
    made, number = make(call, scopes=[scope]), uuid4()
    study = call.system.first().id

    got = {
        "record.submit": put(call, made["token"], number).status_code,
        "receipt.read": call.send(made["token"], "GET", f"/v1/records/{number}/receipt").status_code,
        "instrument.read": call.send(made["token"], "GET", f"/v1/studies/{study}/instruments").status_code,
    }

    opened = {"record.submit": 201, "receipt.read": 404, "instrument.read": 200}
    closed = {"record.submit": 403, "receipt.read": 403 if scope == "record.submit" else 404, "instrument.read": 403}
    assert got == {name: opened[name] if name == scope else closed[name] for name in got}


@pytest.mark.parametrize("path", ["/v1/users/me", "/v1/devices", "/v1/studies", "/v1/sessions"])
def test_token_is_no_account(call: Caller, path: str) -> None:
    """Nothing of its owner's own is open to it."""
    assert problem(call.send(make(call)["token"], "GET", path)) == (403, "forbidden")


def test_token_makes_no_token(call: Caller) -> None:
    """Nobody prolongs what they found."""
    made = make(call)

    assert problem(call.send(made["token"], "POST", "/v1/devices/tokens", json=wish(call.system))) == (403, "forbidden")


def test_token_ends_at_its_second(call: Caller, shared: System) -> None:
    """A second before it submits, then it is nobody's."""
    made = make(call, expires_at=(shared.clock.now + timedelta(hours=1)).isoformat())

    shared.clock.advance(seconds=3599)
    ok(put(call, made["token"]), 201)
    shared.clock.advance(seconds=1)

    assert problem(put(call, made["token"])) == (401, "unauthenticated")


def test_revoked_token_is_out_at_once(call_both: Caller) -> None:
    """By its owner or by an admin."""
    for who in ("interviewer", "admin"):
        made = make(call_both)
        ok(call_both(who, "DELETE", f"/v1/devices/{made['device']}"), 204)

        assert problem(put(call_both, made["token"])) == (401, "unauthenticated")


def test_list_shows_what_and_until_when(call_both: Caller, both: System) -> None:
    """With its label, scopes, end and the day of its last use; never the token."""
    made = make(call_both, label="Survey bridge", scopes=["record.submit"])
    ok(put(call_both, made["token"]), 201)

    listed = call_both("interviewer", "GET", "/v1/devices")

    mine = next(each for each in ok(listed)["devices"] if each["id"] == made["device"])
    assert (mine["kind"], mine["label"], mine["scopes"]) == ("client", "Survey bridge", ["record.submit"])
    assert (mine["expires_at"], mine["last_seen_day"]) == (made["expires_at"], both.clock.now.date().isoformat())
    assert made["token"] not in listed.text


def test_only_its_hash_rests(call_both: Caller, both: System) -> None:
    """Nobody finds a token in the database, nor in the trail."""
    token = make(call_both)["token"]

    with both.runtime.glance() as session:
        rows = [*session.execute(select(Device.table())), *session.execute(select(Event.table()))]
    assert token not in str(rows)


def test_making_needs_a_fresh_factor(call: Caller, shared: System) -> None:
    """A session that was left open makes no token."""
    token = call.token("interviewer")
    shared.clock.advance(minutes=6)

    answer = call.send(token, "POST", "/v1/devices/tokens", json=wish(shared))

    assert problem(answer) == (403, "step-up-required")


def test_admin_makes_one_for_somebody(call: Caller, shared: System) -> None:
    """Nobody else does for others; and only for who submits in the study."""
    place = shared.first()
    others = {"user": str(place["interviewer"].id)}

    made = make(call, "admin", **others)

    assert ok(put(call, made["token"]), 201)["receipt"]["submitter"] == others["user"]
    refused = {
        who: problem(call(who, "POST", "/v1/devices/tokens", json=wish(shared, **asked)))
        for who, asked in {
            "lead": others,
            "redactor": {},
            "admin": {"user": str(place["redactor"].id)},
            "guardian": {"study": str(uuid4())},
        }.items()
    }
    missing = (404, "not-found")
    assert refused == {"lead": (403, "forbidden"), "redactor": missing, "admin": missing, "guardian": missing}


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"label": " x"}, "/label"),
        ({"label": "a\u200bb"}, "/label"),
        ({"scopes": ["source.read"]}, "/scopes"),
        ({"scopes": ["record.submit", "release.read"]}, "/scopes"),
        ({"expires_at": "2030-01-01T00:00:00Z"}, "/expires_at"),
        ({"expires_at": "2032-01-01T00:00:00Z"}, "/expires_at"),
    ],
    ids=["blank", "invisible", "unknown scope", "one unknown scope", "past", "too far"],
)
def test_refused_wishes(call: Caller, changed: Json, pointer: str) -> None:
    """Scopes that need a key are none, labels are plain, and no token lasts for ever."""
    answer = call("interviewer", "POST", "/v1/devices/tokens", json=wish(call.system, **changed))

    assert problem(answer) == (422, "invalid")
    assert [flaw["pointer"] for flaw in answer.json()["errors"]] == [pointer]


def test_trail_tells_of_it(call: Caller, shared: System) -> None:
    """Who made it, for whom, with which scopes and until when; and its end."""
    made = make(call, scopes=["record.submit"])
    ok(call("interviewer", "DELETE", f"/v1/devices/{made['device']}"), 204)

    with shared.runtime.glance() as session:
        told = session.scalars(select(Event).where(Event.action.like("device.%")).order_by(Event.id)).all()[-2:]
    assert [event.action for event in told] == ["device.enrolled", "device.revoked"]
    assert (told[0].details["kind"], told[0].details["scopes"]) == ("client", ["record.submit"])
    assert told[0].study_id == shared.first().id


def test_removed_member_leaves_no_token(call: Caller, shared: System) -> None:
    """Whoever is taken off the roster submits no more, by whatever means."""
    place = shared.study("With a token", prefix="token.")
    made = ok(
        call("interviewer", "POST", "/v1/devices/tokens", place=place, json=wish(shared, study=str(place.id))), 201
    )

    ok(call("lead", "DELETE", f"/v1/studies/{place.id}/members/{place['interviewer'].id}", place=place), 204)

    answer = call.send(made["token"], "PUT", f"/v1/records/{uuid4()}", json=shared.body(place))
    assert problem(answer) == (401, "unauthenticated")
