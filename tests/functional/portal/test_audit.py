"""Pages of the audit trail: filtered, paged, verified; of one's own study, and of the service for admins."""

from __future__ import annotations

import json
from collections.abc import Callable
from uuid import uuid4

import pytest
from sqlalchemy import text

from app.operations.trail import seal_all, sign
from tests.functional.portal.visitor import Visitor
from tests.system import StudyPlace, System

Visit = Callable[..., Visitor]


@pytest.fixture
def place(shared: System) -> StudyPlace:
    """A study of the test's own, with everybody in it."""
    prefix = uuid4().hex[:6]
    return shared.study(f"Study {prefix}", prefix=f"{prefix}.")


@pytest.mark.parametrize("role", ["lead", "guardian", "auditor"])
def test_events_of_the_study_are_shown(visit: Visit, shared: System, place: StudyPlace, role: str) -> None:
    """Acts with who, when and which case; another study's are not there."""
    receipt = shared.submit(place)
    page = visit(role, place).get(f"/studies/{place.id}/audit")
    assert page.status == 200
    assert "record.accepted" in page.words
    assert str(receipt["case"]) in page.words
    assert place["interviewer"].name in page.words
    other = visit("auditor", shared.study("Other " + uuid4().hex[:6], prefix=uuid4().hex[:6] + "."))
    assert other.get(f"/studies/{place.id}/audit").status == 404


def test_filters(visit: Visit, shared: System, place: StudyPlace) -> None:
    """By act, by person, by case and by day; what names nothing shows nothing, and does not say why."""
    first, second = (str(shared.submit(place)["case"]) for _ in range(2))
    visitor = visit("auditor", place)
    base = f"/studies/{place.id}/audit?action=record.accepted"
    assert second not in visitor.get(f"{base}&case={first}").words
    assert first in visitor.get(f"{base}&by={place['interviewer'].name}").words
    assert first in visitor.get(f"{base}&until=9999-12-31").words
    for nothing in ("by=nobody-at-all", f"by={place['lead'].name}", "case=AAAA-AAAA", "until=2001-01-01"):
        page = visitor.get(f"{base}&{nothing}")
        assert (page.status, "No event fits." in page.words) == (200, True), nothing
    assert visitor.get(f"{base}&since=soon").status == 422


def test_leads_do_not_learn_of_threats_by_the_trail(visit: Visit, shared: System, place: StudyPlace) -> None:
    """That a guardian decided about a case, or wrote of it, is for guardians and auditors."""
    answers = shared.body(place)["answers"] | {"threat_disclosed": {"value": "child_at_risk"}}
    record = shared.submit(place, shared.body(place, answers=answers))["record"]
    notes, address = f"/studies/{place.id}/protection/{record}/notes", f"/studies/{place.id}/audit"
    visit("guardian", place).submit(notes, {"text": "call again"})

    seen = {who: visit(who, place).get(address).words for who in ("guardian", "auditor", "lead")}

    assert "protection.noted" in seen["guardian"]
    assert "protection.noted" in seen["auditor"]
    assert "record.accepted" in seen["lead"]
    assert "protection" not in seen["lead"]
    assert "hidden" not in seen["lead"]
    assert "No event fits." in visit("lead", place).get(f"{address}?action=protection.noted").words


def test_older_events_are_a_page_away(visit: Visit, place: StudyPlace) -> None:
    """Pages follow each other without a gap and without repeating."""
    lead, base = visit("lead", place), f"/studies/{place.id}/audit"
    for _ in range(101):
        lead.get(f"/studies/{place.id}/queue")
    first = lead.get(f"{base}?action=denied")
    older = next(link for link in first.links if "before=" in link)
    second = lead.get(older)
    assert first.text.count('<code dir="ltr">denied</code>') == 100
    assert 1 <= second.text.count('<code dir="ltr">denied</code>') < 100
    assert "action=denied" in older


def test_chain_is_verified_and_a_changed_event_is_found(visit: Visit, shared: System, place: StudyPlace) -> None:
    """What an administrator of the database changes shows, with its position."""
    shared.submit(place)
    seal_all(shared.runtime)
    visitor = visit("auditor", place)
    address = f"/studies/{place.id}/audit/verification"
    assert "Nothing is wrong" in visitor.get(address).words
    with shared.runtime.engine.begin() as connection:
        connection.execute(
            text("UPDATE event SET action = 'denied' WHERE action = 'record.accepted' AND study_id = :s"),
            {"s": place.id.hex},
        )
    page = visitor.get(address)
    assert "Not as the trail says" in page.words
    assert visitor.get(address, accept="application/json").answer.json()["found"]


def test_checkpoints_are_downloaded_as_a_file(visit: Visit, shared: System, place: StudyPlace) -> None:
    """One signed checkpoint a line."""
    shared.submit(place)
    seal_all(shared.runtime)
    sign(shared.runtime)
    answer = visit("auditor", place).get(f"/studies/{place.id}/audit/checkpoints").answer
    assert answer.headers["content-disposition"].startswith("attachment")
    assert all("signature" in json.loads(line) for line in answer.text.splitlines())
    assert answer.text


def test_admin_sees_what_belongs_to_no_study_only(visit: Visit, shared: System, place: StudyPlace) -> None:
    """Sign-ins, not testimony."""
    receipt = shared.submit(place)
    page = visit(shared.admin).get("/admin/audit")
    assert "signed_in" in page.words
    assert str(receipt["case"]) not in page.text
    assert visit(shared.admin).get(f"/studies/{place.id}/audit").status == 404
