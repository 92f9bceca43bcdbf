"""Who reads a release: consent, triage, reports, cuts, and the auditors' drawn sample."""

from __future__ import annotations

from typing import Any

import pytest

from tests.functional import steps
from tests.functional.caller import Caller, code_of
from tests.functional.steps import Json, answers, base, ok, read, released
from tests.system import StudyPlace, System

TEXT = "joining_account"
READERS = ("approver", "lead", "researcher")


@pytest.fixture(scope="module")
def place(shared: System) -> StudyPlace:
    """One study for the module: each test makes a record of its own and leaves the queue empty."""
    return shared.first()


def who_reads(call: Caller, place: StudyPlace, record: str) -> set[str]:
    """Who can open a release; listing and opening must agree."""
    opens, lists = set(), set()
    for who in READERS:
        answer = call(who, "GET", f"{base(place)}/releases/{record}", place=place)
        assert answer.status_code in {200, 404}
        opens |= {who} if answer.status_code == 200 else set()
        rows = ok(call(who, "GET", f"{base(place)}/releases", place=place))["releases"]
        lists |= {who} if record in {row["record"] for row in rows} else set()
    assert opens == lists
    return opens


def report(call: Caller, place: StudyPlace, record: str, who: str = "researcher", **changed: Any) -> None:
    """Report the first letters of a text."""
    body = {"field": TEXT, "start": 0, "end": 5, "reason": "a nickname"} | changed
    ok(call(who, "POST", f"{base(place)}/releases/{record}/reports", place=place, json=body), 201)


def cut(call: Caller, place: StudyPlace, record: str, **body: Any) -> Any:
    """Cut a release that the approver has just read."""
    digest = read(call, place, record, "approver")["digest"]
    path = f"{base(place)}/records/{record}/release/cut"
    listed = ok(call("approver", "GET", f"{base(place)}/releases/{record}/reports", place=place))["reports"]
    shown = {"digest": digest, "reports": [each["id"] for each in listed]}
    return call("approver", "POST", path, place=place, json=shown | body)


@pytest.mark.parametrize(
    ("scopes", "readers"),
    [
        (["team_analysis"], {"approver", "lead"}),
        (["team_analysis", "quote_publication", "aggregate_statistics"], {"approver", "lead"}),
        (["vetted_researchers"], {"approver", "lead", "researcher"}),
    ],
)
def test_consent_says_who_reads(call: Caller, place: StudyPlace, scopes: list[str], readers: set[str]) -> None:
    """The team's own analysis is not for researchers; other scopes open nothing to read."""
    record = released(call, place, answers=answers(call, place, consent_scopes=[*scopes, "recontact"]))

    assert who_reads(call, place, record) == readers


def test_consent_that_was_half_understood(call: Caller, place: StudyPlace) -> None:
    """A partial teach-back covers the team's analysis only, whatever was ticked."""
    given = answers(call, place, consent_comprehension="teach_back_partial", safe_contact=None)
    record = released(call, place, answers=given)

    assert who_reads(call, place, record) == {"approver", "lead"}


def test_consent_to_no_reading(call: Caller, place: StudyPlace) -> None:
    """With neither reading scope no release is made at all."""
    given = answers(call, place, consent_scopes=["aggregate_statistics", "recontact"])
    record = steps.finished(call, place, answers=given)
    path = f"{base(place)}/records/{record}"
    digest = ok(call("approver", "POST", f"{path}/draft/preview", json={}))["digest"]

    answer = call("approver", "POST", f"{path}/release", json={"digest": digest})

    assert (answer.status_code, code_of(answer)) == (409, "conflict")
    assert who_reads(call, place, record) == set()
    ok(call("interviewer", "POST", f"{base(place)}/cases/{steps.case_of(call, place, record)}/withdrawal"), 204)


def test_release_shows_no_identity(call: Caller, place: StudyPlace) -> None:
    """What stands in identity and protection is in no release, by name or by value."""
    given = answers(call, place)
    record = released(call, place)

    shown = read(call, place, record)

    assert "legal_name" not in shown["values"]
    text = str(shown)
    for canary in (given["legal_name"]["value"], "900417", given["assessment_notes"]["value"], "Rahmanov"):
        assert canary not in text


def test_disclosed_threat_hides_the_release(call: Caller, place: StudyPlace) -> None:
    """Until a guardian has looked at the threat, nobody but approvers reads; then everybody may."""
    record = released(call, place, answers=answers(call, place, threat_disclosed="planned_attack"))
    assert who_reads(call, place, record) == {"approver"}

    triage = {"version": 0, "outcome": "act", "hidden": False, "note": "passed on"}
    ok(call("guardian", "PUT", f"{base(place)}/protection/{record}/triage", json=triage), 204)

    assert who_reads(call, place, record) == set(READERS)


def test_reported_passage_hides_at_once(call: Caller, place: StudyPlace) -> None:
    """From the moment of the report nobody but approvers reads, the reporter neither."""
    record = released(call, place)

    report(call, place, record)

    assert who_reads(call, place, record) == {"approver"}
    rows = ok(call("approver", "GET", f"{base(place)}/releases/{record}/reports"))["reports"]
    shown = [{"id": rows[0]["id"], "field": TEXT, "start": 0, "end": 5, "reason": "a nickname"}]
    assert rows == shown


@pytest.mark.parametrize("changed", [{"start": 5}, {"end": 9_999_999}, {"field": "gender"}, {"field": "no_such"}])
def test_report_of_no_passage(call: Caller, place: StudyPlace, changed: Json) -> None:
    """A range that lies in no text hides nothing."""
    record = released(call, place)
    body = {"field": TEXT, "start": 0, "end": 5, "reason": "a nickname"} | changed

    answer = call("researcher", "POST", f"{base(place)}/releases/{record}/reports", json=body)

    assert (answer.status_code, code_of(answer)) == (422, "invalid")
    assert "researcher" in who_reads(call, place, record)


def test_cut_removes_and_shows_again(call: Caller, place: StudyPlace) -> None:
    """The passage becomes a mark, the dropped field is withheld, the version counts on, and readers are back."""
    record = released(call, place)
    before = read(call, place, record)["values"][TEXT]["value"]
    report(call, place, record)

    assert ok(cut(call, place, record, cuts={TEXT: [[0, 5]]}, drop=["turning_point"]))["version"] == 2

    after = read(call, place, record)
    assert after["version"] == 2
    assert after["values"][TEXT]["value"] == "[CUT]" + before[5:]
    assert after["values"]["turning_point"] == {"status": "withheld"}
    assert who_reads(call, place, record) == set(READERS)
    assert ok(call("approver", "GET", f"{base(place)}/releases/{record}/reports"))["reports"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"cuts": {TEXT: [[5, 5]]}},
        {"cuts": {TEXT: [[0, 9_999_999]]}},
        {"cuts": {TEXT: [[0, 9], [5, 12]]}},
        {"cuts": {"gender": [[0, 1]]}},
        {"cuts": {"no_such": [[0, 1]]}},
        {"drop": ["no_such"]},
        {"drop": ["legal_name"]},
    ],
)
def test_cut_of_nothing_there(call: Caller, place: StudyPlace, body: Json) -> None:
    """Ranges outside a text or across each other, and fields the release does not have."""
    record = released(call, place)

    answer = cut(call, place, record, **body)

    assert (answer.status_code, code_of(answer)) == (422, "invalid")
    assert read(call, place, record)["version"] == 1


def test_cut_that_answers_no_report(call: Caller, place: StudyPlace) -> None:
    """A report that was filed after the approver looked is not settled unread."""
    record = released(call, place)
    report(call, place, record)

    answer = cut(call, place, record, drop=["turning_point"], reports=[])

    assert (answer.status_code, code_of(answer)) == (409, "conflict")
    assert "researcher" not in who_reads(call, place, record)


def test_cut_of_an_older_release(call: Caller, place: StudyPlace) -> None:
    """The digest of the release that was read must be that of the one that is there."""
    record = released(call, place)
    old = read(call, place, record, "approver")["digest"]
    ok(cut(call, place, record, drop=["turning_point"]))

    body = {"digest": old, "drop": ["exit_account"]}
    answer = call("approver", "POST", f"{base(place)}/records/{record}/release/cut", json=body)

    assert (answer.status_code, code_of(answer)) == (409, "digest-differs")


def test_auditors_read_drawn_samples_only(call: Caller, place: StudyPlace) -> None:
    """Before it is drawn there is nothing for auditors; then exactly what researchers read."""
    record = released(call, place)
    path = f"{base(place)}/samples/{record}"
    assert call("auditor", "GET", path).status_code == 404

    ok(call("approver", "POST", path), 204)

    assert ok(call("auditor", "GET", path)) == read(call, place, record)
    assert call("auditor", "GET", f"{base(place)}/releases/{record}").status_code == 403


def test_sample_expires_after_two_weeks(call: Caller, shared: System, place: StudyPlace) -> None:
    """At its second it is over, and may be drawn again."""
    record = released(call, place)
    path = f"{base(place)}/samples/{record}"
    drawn = shared.clock.now
    ok(call("approver", "POST", path), 204)
    drawn = max(drawn, shared.clock.now)
    assert call("approver", "POST", path).status_code == 409

    shared.clock.advance(days=13, hours=23, minutes=50)
    assert call("auditor", "GET", path).status_code == 200

    shared.clock.advance(minutes=10)
    answer = call("auditor", "GET", path)
    assert (answer.status_code, code_of(answer)) == (410, "gone")
    ok(call("approver", "POST", path), 204)
    assert call("auditor", "GET", path).status_code == 200


def test_cut_ends_the_sample(call: Caller, place: StudyPlace) -> None:
    """What was drawn of the release before is gone with it."""
    record = released(call, place)
    path = f"{base(place)}/samples/{record}"
    ok(call("approver", "POST", path), 204)

    ok(cut(call, place, record, drop=["turning_point"]))

    assert call("auditor", "GET", path).status_code == 404


def test_auditor_reports_a_sampled_passage(call: Caller, place: StudyPlace) -> None:
    """Whoever reads may report: an auditor's report hides the release too."""
    record = released(call, place)
    ok(call("approver", "POST", f"{base(place)}/samples/{record}"), 204)

    body = {"field": TEXT, "start": 0, "end": 5, "reason": "a nickname"}
    ok(call("auditor", "POST", f"{base(place)}/releases/{record}/reports", json=body), 201)

    assert who_reads(call, place, record) == {"approver"}
