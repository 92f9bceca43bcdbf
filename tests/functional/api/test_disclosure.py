"""Two people for one look: asking, approving, reading for an hour, refusing, reopening."""

from __future__ import annotations

import pytest

from tests.functional import steps
from tests.functional.caller import Caller, code_of
from tests.functional.steps import Json, answers, approve, ask, base, events, ok, released
from tests.system import StudyPlace, System


@pytest.fixture(scope="module")
def place(shared: System) -> StudyPlace:
    """One study for the module."""
    return shared.first()


@pytest.fixture(scope="module")
def record(call: Caller, place: StudyPlace) -> str:
    """A released record: identity and source need two people."""
    return released(call, place)


def asked_path(place: StudyPlace, asked: str, *parts: str) -> str:
    """An address of an ask."""
    return "/".join((f"{base(place)}/asks/{asked}", *parts))


def test_named_fields_for_an_hour(call: Caller, place: StudyPlace, record: str) -> None:
    """After the approval the guardian reads the named fields, and only those."""
    asked = ask(call, place, record, fields=["legal_name", "safe_contact"])
    given = answers(call, place)

    approve(call, place, asked)

    values = ok(call("guardian", "GET", asked_path(place, asked, "disclosure")))["values"]
    assert values == {name: given[name] for name in ("legal_name", "safe_contact")}


def test_nothing_before_the_approval(call: Caller, place: StudyPlace, record: str) -> None:
    """An ask alone opens nothing, not for the one who asked either."""
    asked = ask(call, place, record)

    answer = call("guardian", "GET", asked_path(place, asked, "disclosure"))

    assert (answer.status_code, code_of(answer)) == (409, "conflict")


def test_over_at_its_second(call: Caller, shared: System, place: StudyPlace, record: str) -> None:
    """One second before the hour is over it opens; at the hour it is gone."""
    asked = ask(call, place, record)
    approve(call, place, asked)
    approved = shared.clock.now
    path = asked_path(place, asked, "disclosure")

    shared.clock.advance(minutes=59)
    token = call.token("guardian")
    shared.clock.now = approved.replace(microsecond=0)
    shared.clock.advance(minutes=59, seconds=59)
    assert call.send(token, "GET", path).status_code == 200

    shared.clock.advance(seconds=1)
    answer = call.send(token, "GET", path)
    assert (answer.status_code, code_of(answer)) == (410, "gone")


def test_only_the_asker_reads(call: Caller, place: StudyPlace, record: str) -> None:
    """Another guardian sees neither the ask nor the disclosure; the approver sees the ask and never the fields."""
    asked = ask(call, place, record)
    approve(call, place, asked)

    assert call("guardian2", "GET", asked_path(place, asked)).status_code == 404
    assert call("guardian2", "GET", asked_path(place, asked, "disclosure")).status_code == 404
    assert call("auditor", "GET", asked_path(place, asked, "disclosure")).status_code == 403


def test_lists_show_whose_they_are(call: Caller, place: StudyPlace, record: str) -> None:
    """Guardians list their own asks, auditors all of the study."""
    asked = ask(call, place, record)
    listed = {
        who: {row["id"] for row in ok(call(who, "GET", f"{base(place)}/asks"))["asks"]}
        for who in ("guardian", "guardian2", "auditor2")
    }

    assert asked in listed["guardian"]
    assert asked in listed["auditor2"]
    assert asked not in listed["guardian2"]


def test_approval_names_what_was_read(call: Caller, place: StudyPlace, record: str) -> None:
    """An approval of another digest approves nothing."""
    asked = ask(call, place, record)

    answer = call("auditor", "POST", asked_path(place, asked, "approval"), json={"digest": "0" * 64})

    assert (answer.status_code, code_of(answer)) == (409, "digest-differs")
    assert call("guardian", "GET", asked_path(place, asked, "disclosure")).status_code == 409


def test_answered_once(call: Caller, place: StudyPlace, record: str) -> None:
    """An approved ask can neither be approved again nor refused."""
    asked = ask(call, place, record)
    approve(call, place, asked)
    digest = ok(call("auditor", "GET", asked_path(place, asked)))["digest"]

    again = call("auditor2", "POST", asked_path(place, asked, "approval"), json={"digest": digest})
    refusal = call("auditor2", "POST", asked_path(place, asked, "refusal"), json={"reason": "no"})

    assert again.status_code == refusal.status_code == 409


def test_refused_with_a_reason(call: Caller, place: StudyPlace, record: str) -> None:
    """The asker reads why; it can then no longer be approved."""
    asked = ask(call, place, record)
    digest = ok(call("auditor", "GET", asked_path(place, asked)))["digest"]

    ok(call("auditor", "POST", asked_path(place, asked, "refusal"), json={"reason": "ask the family first"}), 204)

    shown = ok(call("guardian", "GET", asked_path(place, asked)))
    assert (shown["state"], shown["refusal"]) == ("refused", "ask the family first")
    late = call("auditor", "POST", asked_path(place, asked, "approval"), json={"digest": digest})
    assert late.status_code == 409
    assert call("guardian", "GET", asked_path(place, asked, "disclosure")).status_code == 409


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"fields": []}, "/fields"),
        ({"fields": ["joining_account"]}, "/fields"),
        ({"fields": ["no_such"]}, "/fields"),
        ({"fields": ["legal_name", "risk_level"]}, "/fields"),
        ({"reason": "   "}, "/reason"),
        ({"purpose": "reopen"}, "/scope"),
        ({"scope": "protection"}, "/scope"),
        ({"scope": "research"}, "/scope"),
    ],
)
def test_ask_for_what_cannot_be_asked(
    call: Caller, place: StudyPlace, record: str, changed: Json, pointer: str
) -> None:
    """Fields of another compartment, no fields, no reason, or a compartment that is never disclosed."""
    body = {"record": record, "scope": "identity", "fields": ["legal_name"], "reason": "danger"} | changed

    answer = call("guardian", "POST", f"{base(place)}/asks", json=body)

    assert (answer.status_code, code_of(answer)) == (422, "invalid")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_absent_identity_is_asked_like_a_given_one(call: Caller, place: StudyPlace) -> None:
    """Whether a name was given is not told before the approval."""
    nameless = released(call, place, answers=answers(call, place, legal_name=None))

    asked = ask(call, place, nameless)
    approve(call, place, asked)

    values = ok(call("guardian", "GET", asked_path(place, asked, "disclosure")))["values"]
    assert values == {"legal_name": {"status": "absent"}}


def test_source_before_the_release(call: Caller, place: StudyPlace) -> None:
    """Before the release nobody holds halves of the source: the approval says so and opens nothing."""
    fresh = steps.submit(call, place)
    asked = ask(call, place, fresh["record"], scope="source", fields=["joining_account"])
    digest = ok(call("auditor", "GET", asked_path(place, asked)))["digest"]

    answer = call("auditor", "POST", asked_path(place, asked, "approval"), json={"digest": digest})

    assert (answer.status_code, code_of(answer)) == (409, "conflict")
    ok(call("interviewer", "POST", f"{base(place)}/cases/{fresh['case']}/withdrawal"), 204)


def test_source_after_the_release(call: Caller, place: StudyPlace, record: str) -> None:
    """Two people read a named raw answer of a sealed source."""
    asked = ask(call, place, record, scope="source", fields=["joining_account"])

    approve(call, place, asked)

    values = ok(call("guardian", "GET", asked_path(place, asked, "disclosure")))["values"]
    assert values == {"joining_account": answers(call, place)["joining_account"]}


def test_reopening_gives_the_source_back(call: Caller, place: StudyPlace) -> None:
    """Redactors work on it again; the release stays until the next one, and no field was read on the way."""
    sealed = released(call, place)
    asked = ask(call, place, sealed, scope="source", fields=[], purpose="reopen", reason="a name was left")
    approve(call, place, asked)
    assert call("guardian", "GET", asked_path(place, asked, "disclosure")).status_code == 409

    ok(call("guardian", "POST", asked_path(place, asked, "reopening")), 204)

    assert steps.read(call, place, sealed)["version"] == 1
    assert steps.take(call, place, "redactor") == sealed
    version = steps.source(call, place, sealed)["version"]
    ok(call("redactor", "POST", f"{base(place)}/records/{sealed}/draft/finish", json={"version": version}))
    assert steps.take(call, place, "approver") == sealed
    assert steps.release(call, place, sealed)["version"] == 2
    assert steps.read(call, place, sealed)["version"] == 2


def test_reading_ask_does_not_reopen(call: Caller, place: StudyPlace, record: str) -> None:
    """An approval to read hands nothing back to redactors."""
    asked = ask(call, place, record, scope="source", fields=["joining_account"])
    approve(call, place, asked)

    answer = call("guardian", "POST", asked_path(place, asked, "reopening"))

    assert (answer.status_code, code_of(answer)) == (409, "conflict")


def test_trail_of_a_disclosure(call: Caller, place: StudyPlace, record: str) -> None:
    """Asking, reading the ask, approving and reading stand in the trail, without the reason or a field's name."""
    asked = ask(call, place, record, reason="Kestrel-Zanzibar")
    approve(call, place, asked)
    ok(call("guardian", "GET", asked_path(place, asked, "disclosure")))

    actions = events(call, place)
    text = call("lead", "GET", f"{base(place)}/events", params={"limit": 500}).text

    assert {"disclosure.asked", "ask.read", "disclosure.approved", "disclosure.read"} <= set(actions)
    assert "Kestrel-Zanzibar" not in text
    assert "legal_name" not in text
