"""Reading the trail: filters, how it stands, verifying it in stretches, taking signed checkpoints away."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from app.audit.checkpoints import Signed
from app.audit.models import Event, Link
from app.operations import trail
from tests.functional import steps
from tests.functional.caller import Caller
from tests.functional.steps import base, ok
from tests.system import StudyPlace


@pytest.fixture(scope="module")
def call(call_both: Caller) -> Caller:
    """Requests to a system on each database."""
    return call_both


@pytest.fixture(scope="module")
def place(call: Caller) -> StudyPlace:
    """One study for all of these tests."""
    return call.system.first()


def listed(call: Caller, place: StudyPlace, who: str = "auditor", **params: Any) -> list[dict[str, Any]]:
    """Events of a study."""
    events: list[dict[str, Any]] = ok(call(who, "GET", f"{base(place)}/events", place=place, params=params))["events"]
    return events


def sealed(call: Caller) -> int:
    """Seal and sign what was written; the chain's length."""
    trail.seal_all(call.system.runtime)
    signed = trail.sign(call.system.runtime)
    assert signed is not None
    return signed.position


def test_events_are_filtered(call: Caller, place: StudyPlace) -> None:
    """By kind, by who acted, by record, by case and by time; filters add up."""
    receipt = steps.submit(call, place)
    other = steps.submit(call, place)
    record, interviewer = receipt["record"], str(place["interviewer"].id)
    by_record = listed(call, place, record=record)

    assert [(row["action"], row["record"]) for row in by_record] == [("record.accepted", record)]
    case, at = by_record[0]["case"], by_record[0]["at"]
    assert [row["record"] for row in listed(call, place, case=case)] == [record]
    accepted = listed(call, place, action="record.accepted", by=interviewer)
    assert {row["record"] for row in accepted} >= {record, other["record"]}
    assert {row["action"] for row in accepted} == {"record.accepted"}
    assert listed(call, place, record=record, until=at) == []
    assert listed(call, place, record=record, since=at) == by_record
    assert listed(call, place, record=record, action="release.made") == []


def test_filtered_events_come_page_by_page(call: Caller, place: StudyPlace) -> None:
    """Going on from the last one of a page misses none and repeats none."""
    for _ in range(3):
        steps.submit(call, place)
    whole = [row["id"] for row in listed(call, place, action="record.accepted", limit=500)]

    pages: list[str] = []
    while page := listed(call, place, action="record.accepted", limit=2, **({"before": pages[-1]} if pages else {})):
        pages += [row["id"] for row in page]

    assert len(whole) >= 3
    assert pages == whole


def test_position_comes_with_the_seal(call: Caller, place: StudyPlace) -> None:
    """An event has no place in the chain until it is sealed."""
    record = steps.submit(call, place)["record"]
    assert listed(call, place, record=record)[0]["position"] is None

    length = sealed(call)

    assert 0 < listed(call, place, record=record)[0]["position"] <= length


def test_standing_and_signed_checkpoints(call: Caller, place: StudyPlace) -> None:
    """How far chain and signatures are; each checkpoint verifies with the deployment's audit key alone."""
    steps.submit(call, place)
    length = sealed(call)

    stands = ok(call("auditor", "GET", f"{base(place)}/trail", place=place))
    assert (stands["entries"], stands["unsigned"], stands["newest"]["position"]) == (length, 0, length)
    assert (stands["baseline"], stands["witnessed"]) == (0, None)
    kept = ok(call("lead", "GET", f"{base(place)}/trail/checkpoints", place=place))["checkpoints"]
    assert kept[0] == stands["newest"]
    for each in kept:
        Signed.from_json(each).check(call.system.collaborators.custody, call.system.settings.deployment)
    path, params = f"{base(place)}/trail/checkpoints", {"before": length}
    assert ok(call("lead", "GET", path, place=place, params=params))["checkpoints"] == kept[1:]
    assert ok(call("admin", "GET", "/v1/trail"))["entries"] >= length


def test_verifying_in_stretches(call: Caller, place: StudyPlace) -> None:
    """Each request verifies a stretch and says where the next one begins, until the end."""
    steps.submit(call, place)
    length, after, asked = sealed(call), 0, 0

    while True:
        params = {"after": after, "limit": 20}
        found = ok(call("guardian", "GET", f"{base(place)}/trail/verification", place=place, params=params))
        assert found["findings"] == []
        after, asked = found["position"], asked + 1
        if found["ended"]:
            break

    assert after == length
    assert asked > length // 20


def test_a_finding_names_what_is_ones_own(call: Caller, place: StudyPlace) -> None:
    """An altered event is named to its own study; to the admin, and so to any other, by its position alone."""
    record = steps.submit(call, place)["record"]
    sealed(call)
    with call.system.runtime.transaction() as session:
        event = session.scalars(select(Event).where(Event.record_id == UUID(record))).one()
        position = session.scalars(select(Link.position).where(Link.event_id == event.id)).one()
        details = event.details
        session.execute(update(Event).where(Event.id == event.id).values(details={}))
    params = {"after": position - 1, "limit": 1}

    own = ok(call("auditor", "GET", f"{base(place)}/trail/verification", place=place, params=params))["findings"]
    foreign = ok(call("admin", "GET", "/v1/trail/verification", params=params))["findings"]

    with call.system.runtime.transaction() as session:
        session.execute(update(Event).where(Event.id == event.id).values(details=details))
    assert {(each["position"], each["event"], each["record"]) for each in own} == {(position, str(event.id), record)}
    assert {(each["position"], each["event"], each["record"]) for each in foreign} == {(position, None, None)}
    assert {each["what"] for each in own} == {each["what"] for each in foreign}
