"""Who reads a release: by consent, by triage, until a passage is reported; and auditors by a drawn sample."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from app.audit.models import Event
from app.cases.grants import Scope
from app.cases.models import Grant
from app.client import Problem
from app.operations.sweep import sweep
from app.research.library import SAMPLE_LASTS
from tests.system import StudyPlace, System

MISSING, CONFLICT, INVALID = 404, 409, 422
TEXT = "joining_account"


@pytest.fixture
def study(system: System) -> StudyPlace:
    """A study with its people."""
    return system.study()


def consenting(system: System, study: StudyPlace, *scopes: str) -> dict[str, Any]:
    """An interview with these consent scopes."""
    body = system.body(study)
    body["answers"]["consent_scopes"] = {"value": list(scopes)}
    del body["answers"]["safe_contact"]
    return body


def reads(system: System, study: StudyPlace, who: str, record: UUID) -> bool:
    """Whether somebody finds the release in the list and can read it: both or neither."""
    with system.signed_in(who, study) as client:
        listed = str(record) in {str(each["record"]) for each in client.research.releases(study.id)}
        try:
            read = bool(client.research.release(study.id, record)["values"])
        except Problem as problem:
            if problem.status != MISSING:
                raise
            read = False
    assert listed == read
    return read


@pytest.mark.parametrize(
    ("scope", "readers"),
    [("team_analysis", {"lead", "approver"}), ("vetted_researchers", {"lead", "approver", "researcher"})],
)
def test_consent_says_who_reads(system: System, study: StudyPlace, scope: str, readers: set[str]) -> None:
    """For whom it was not given the release does not exist."""
    record = system.released(study, body=consenting(system, study, scope))

    assert {who for who in ("lead", "approver", "researcher") if reads(system, study, who, record)} == readers


def test_a_read_is_on_record(system: System, study: StudyPlace) -> None:
    """Who, which record, which version; no content."""
    record = system.released(study)
    reads(system, study, "researcher", record)

    with system.runtime.transaction() as session:
        query = select(Event).where(Event.action == "release.read", Event.actor_id == study["researcher"].id)
        event = session.scalars(query).one()
    assert (event.record_id, event.details) == (record, {"version": 1})


def test_a_hidden_case_is_for_approvers(system: System, study: StudyPlace) -> None:
    """A disclosed threat hides it until guardians looked."""
    body = system.body(study)
    body["answers"]["threat_disclosed"] = {"value": "risk_to_self"}
    record = system.released(study, body=body)

    assert not reads(system, study, "researcher", record)
    assert reads(system, study, "approver", record)

    with system.signed_in("guardian", study) as client:
        client.cases.triage(study.id, record, version=0, outcome="watch", hidden=False, note="spoke to them")
    assert reads(system, study, "researcher", record)


def test_a_reported_passage_closes_the_release_until_it_is_cut(system: System, study: StudyPlace) -> None:
    """At once for all but approvers, who read the report under the release's key."""
    record = system.released(study)
    with system.signed_in("researcher", study) as client:
        client.research.report(study.id, record, field=TEXT, start=3, end=9, reason="his nickname")

    assert not reads(system, study, "researcher", record)
    with system.signed_in("approver", study) as client:
        reports = client.research.reports(study.id, record)
        digest = client.research.release(study.id, record)["digest"]
        answered = [each["id"] for each in reports]
        client.review.cut(study.id, record, digest=digest, cuts={TEXT: [[3, 9]]}, reports=answered)
        assert client.research.reports(study.id, record) == []
    assert reports == [{"id": answered[0], "field": TEXT, "start": 3, "end": 9, "reason": "his nickname"}]
    assert reads(system, study, "researcher", record)


@pytest.mark.parametrize(("start", "end", "field"), [(5, 5, TEXT), (0, 10**6, TEXT), (0, 1, "no_such_field")])
def test_a_report_lies_in_a_text(system: System, study: StudyPlace, start: int, end: int, field: str) -> None:
    """Otherwise nobody could find it again, and the release stays open."""
    record = system.released(study)
    with system.signed_in("researcher", study) as client, pytest.raises(Problem) as refused:
        client.research.report(study.id, record, field=field, start=start, end=end, reason="a name")

    assert refused.value.status == INVALID
    assert reads(system, study, "researcher", record)


def test_auditors_read_a_drawn_sample_for_two_weeks(system: System, study: StudyPlace) -> None:
    """Nothing before it is drawn, nothing after it expired; then it may be drawn again."""
    record = system.released(study)
    with system.signed_in("auditor", study) as client, pytest.raises(Problem):
        client.research.sample(study.id, record)
    with system.signed_in("approver", study) as client:
        client.research.draw_sample(study.id, record)
        with pytest.raises(Problem) as twice:
            client.research.draw_sample(study.id, record)
    assert twice.value.status == CONFLICT
    with system.signed_in("auditor", study) as client:
        assert client.research.sample(study.id, record)["version"] == 1

    system.clock.advance(days=SAMPLE_LASTS.days)

    with system.signed_in("auditor", study) as client, pytest.raises(Problem):
        client.research.sample(study.id, record)
    sweep(system.runtime)
    with system.runtime.transaction() as session:
        sample = session.scalars(select(Grant.id).where(Grant.scope == Scope.sample(1))).one_or_none()
    assert sample not in system.collaborators.keystore.share_ids(record)
    with system.signed_in("approver", study) as client:
        client.research.draw_sample(study.id, record)
    with system.signed_in("auditor", study) as client:
        assert client.research.sample(study.id, record)["version"] == 1


def test_a_withdrawn_release_is_gone_at_once(system: System, study: StudyPlace) -> None:
    """For everybody, approvers too; thawed by two people it is back."""
    record = system.released(study)
    with system.signed_in("approver", study) as client:
        code = client.research.release(study.id, record)["case"]
    with system.signed_in("interviewer", study) as client:
        client.cases.withdraw(study.id, code)

    assert not any(reads(system, study, who, record) for who in ("lead", "approver", "researcher"))
    for who in ("guardian", "lead"):
        with system.signed_in(who, study) as client:
            client.cases.thaw(study.id, code)
    assert reads(system, study, "researcher", record)
