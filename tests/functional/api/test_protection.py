"""The guardians' compartment: reading it, triage, and two guardians at once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from app.errors import Conflict
from app.review import protection
from app.review.protection import AddNote, OpenProtection
from app.web.protecting import add_note
from tests.functional.caller import Caller, code_of
from tests.functional.steps import Json, answers, base, events, ok, submit
from tests.system import StudyPlace, System


@pytest.fixture(scope="module")
def place(shared: System) -> StudyPlace:
    """One study for the module."""
    return shared.first()


def triage(call: Caller, place: StudyPlace, record: str, seen: int, **changed: Any) -> Any:
    """Record a decision."""
    body = {"version": seen, "outcome": "watch", "hidden": True, "note": "called twice"} | changed
    return call("guardian", "PUT", f"{base(place)}/protection/{record}/triage", json=body)


def opened(call: Caller, place: StudyPlace, record: str, who: str = "guardian") -> Json:
    """The compartment as a guardian reads it."""
    return ok(call(who, "GET", f"{base(place)}/protection/{record}"))


def test_guardians_read_what_was_said_about_danger(call: Caller, place: StudyPlace) -> None:
    """Every answer of the compartment, and none of another one."""
    record, given = submit(call, place)["record"], answers(call, place)

    values = opened(call, place, record)["values"]

    assert values["risk_family"] == given["risk_family"]
    assert values["assessment_notes"] == given["assessment_notes"]
    assert "legal_name" not in values
    assert "joining_account" not in values


def test_threats_come_first(call: Caller, place: StudyPlace) -> None:
    """A record with a disclosed threat is hidden on arrival and heads the guardians' list."""
    submit(call, place)
    threat = submit(call, place, answers=answers(call, place, threat_disclosed="child_at_risk"))["record"]

    rows = ok(call("guardian", "GET", f"{base(place)}/protection"))["records"]

    assert {row["record"]: row["hidden"] for row in rows}[threat] is True
    hidden = [row["hidden"] for row in rows]
    assert hidden == sorted(hidden, reverse=True)


def test_triage_is_kept_beside_the_answers(call: Caller, place: StudyPlace) -> None:
    """The next guardian reads outcome and notes, all of them, and the answers as they came."""
    record = submit(call, place)["record"]
    before = opened(call, place, record)["values"]

    ok(triage(call, place, record, 0), 204)
    ok(triage(call, place, record, 1, outcome="act", note="moved house"), 204)

    after = opened(call, place, record, "guardian2")
    assert after["version"] == 2
    assert [note["text"] for note in after["notes"]] == ["called twice", "moved house"]
    assert after["values"]["guardians.triage"]["outcome"] == "act"
    assert after["values"]["guardians.triage"]["by"] == str(place["guardian"].id)
    assert before.items() <= after["values"].items()


def test_triaged_threats_wait_no_longer(call: Caller, place: StudyPlace) -> None:
    """A threat that was triaged and stays hidden no longer stands before those that nobody looked at."""
    given = answers(call, place, threat_disclosed="child_at_risk")
    first = submit(call, place, answers=given)["record"]
    ok(triage(call, place, first, 0, hidden=True), 204)
    second = submit(call, place, answers=given)["record"]

    rows = ok(call("guardian", "GET", f"{base(place)}/protection"))["records"]

    order = [row["record"] for row in rows]
    assert order.index(second) < order.index(first)
    assert {row["record"]: row["triaged"] for row in rows if row["record"] in {first, second}} == {
        first: True,
        second: False,
    }


def test_notes_are_added_and_signed(call: Caller, place: StudyPlace) -> None:
    """Each note keeps its moment and who wrote it; writing one is no triage."""
    record = submit(call, place)["record"]
    for who, text in (("guardian", "called, nobody there"), ("guardian2", "reached the sister")):
        ok(call(who, "POST", f"{base(place)}/protection/{record}/notes", json={"text": text}), 201)

    after = opened(call, place, record)

    assert [(note["number"], note["by"], note["text"]) for note in after["notes"]] == [
        (1, str(place["guardian"].id), "called, nobody there"),
        (2, str(place["guardian2"].id), "reached the sister"),
    ]
    assert after["version"] == 0


def test_two_notes_at_once(call: Caller, place: StudyPlace, shared: System) -> None:
    """A note whose number was taken meanwhile is stored under the next one; both are kept."""
    record, runtime = UUID(submit(call, place)["record"]), shared.web
    actor = shared.acting("guardian", place)
    late = runtime.read(AddNote(OpenProtection(runtime.collaborators, actor, record), "late"))
    add_note(runtime, actor, record, "early")

    with pytest.raises(Conflict), runtime.transaction() as session:
        protection.store_note(session, runtime.collaborators, actor, record, late)
    add_note(runtime, actor, record, "late")

    assert [note["text"] for note in opened(call, place, str(record))["notes"]] == ["early", "late"]


@pytest.mark.parametrize("text", ["", "   ", "x" * 10_001])
def test_note_that_says_nothing(call: Caller, place: StudyPlace, text: str) -> None:
    """An empty note, or one that is too long."""
    record = submit(call, place)["record"]

    answer = call("guardian", "POST", f"{base(place)}/protection/{record}/notes", json={"text": text})

    assert (answer.status_code, code_of(answer)) == (422, "invalid")
    assert opened(call, place, record)["notes"] == []


def test_two_guardians_at_once(call: Caller, place: StudyPlace) -> None:
    """A decision made on an older version is refused, and nothing of it stays."""
    record = submit(call, place)["record"]
    ok(triage(call, place, record, 0, hidden=True), 204)

    late = triage(call, place, record, 0, hidden=False)

    assert (late.status_code, code_of(late)) == (409, "conflict")
    rows = ok(call("guardian", "GET", f"{base(place)}/protection"))["records"]
    assert {row["record"]: row["hidden"] for row in rows}[record] is True


@pytest.mark.parametrize(
    "changed", [{"outcome": "nothing"}, {"note": "x" * 10_001}, {"hidden": "yes"}, {"version": -1}]
)
def test_triage_that_says_nothing_known(call: Caller, place: StudyPlace, changed: Json) -> None:
    """An outcome, a note, a flag or a version that is none."""
    record = submit(call, place)["record"]

    answer = triage(call, place, record, 0, **changed)

    assert (answer.status_code, code_of(answer)) == (422, "invalid")
    assert opened(call, place, record)["version"] == 0


def test_trail_of_a_triage_has_no_note(call: Caller, place: StudyPlace) -> None:
    """The events say that it was read and changed, never what was written."""
    record = submit(call, place)["record"]
    ok(triage(call, place, record, 0, note="Kestrel-Zanzibar"), 204)

    assert {"protection.read", "protection.changed"} <= set(events(call, place, "guardian"))
    assert "Kestrel" not in call("guardian", "GET", f"{base(place)}/events").text
