"""What waits for whom, counted by both databases."""

from __future__ import annotations

import pytest

from app.access import Actor
from app.errors import Forbidden
from app.review.waiting import Work, waiting
from app.studies import service
from tests.system import System


def work_of(system: System, role: str) -> list[Work]:
    """What waits for somebody of the first study."""
    actor = system.acting(role)
    with system.runtime.transaction() as session:
        acting, signed = service.act_in(session, system.collaborators, actor, system.first().id)
        return waiting(session, system.collaborators, acting, signed)


def test_every_kind_of_work_is_counted(system: System) -> None:
    """One of each: the kinds of a role in their order, with the day of the oldest, and none of another role's."""
    study, day = system.first(), system.collaborators.today()
    released = system.released(study)
    system.finished(study)
    body = system.body(study)
    threat = body["answers"] | {"threat_disclosed": {"value": "child_at_risk"}}
    system.submit(study, body | {"answers": threat})
    withdrawn, begun = system.submit(study)["case"], system.submit(study)["case"]
    system.drafted(study)
    with system.signed_in("approver") as client:
        client.research.draw_sample(study.id, released)
    with system.signed_in("lead") as client:
        client.research.report(study.id, released, field="exit_account", start=0, end=4, reason="a place")
        client.cases.erase(study.id, begun)
    with system.signed_in("guardian") as client:
        client.cases.withdraw(study.id, withdrawn)
        client.disclosures.ask(study.id, released, scope="identity", fields=["legal_name"], reason="danger")

    found = {role: work_of(system, role) for role in study.people}

    assert [(work.kind, work.count) for work in found["redactor"]] == [("redact", 2)]
    assert [(work.kind, work.count) for work in found["approver"]] == [("approve", 1), ("reports", 1)]
    assert [(work.kind, work.count) for work in found["lead"]] == [("withdrawn", 1)]
    guardian = [("threats", 1), ("decisions", 1), ("withdrawn", 1)]
    assert [(work.kind, work.count) for work in found["guardian"]] == guardian
    assert [(work.kind, work.count) for work in found["auditor"]] == [("asks", 1), ("samples", 1)]
    assert found["interviewer"] == found["researcher"] == []
    assert found["guardian"][0] == Work("threats", 1, 1, day)
    assert {work.since for work in found["auditor"]} == {day}


def test_outsider_is_refused(system: System) -> None:
    """Whoever is in no study, and whoever is nobody there, learns no count."""
    stranger = system.actor(system.person("stranger"))
    with system.runtime.transaction() as session:
        _, signed = service.act_in(session, system.collaborators, system.acting("lead"), system.first().id)
        for actor in (stranger, Actor(stranger.kind, stranger.id)):
            with pytest.raises(Forbidden):
                waiting(session, system.collaborators, actor, signed)
