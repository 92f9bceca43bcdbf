"""What waits for each role on the first page, and what nobody learns from it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from app.access import Role
from app.studies import service
from tests.functional.portal.visitor import Visitor
from tests.system import StudyPlace, System

Visit = Callable[..., Visitor]


def tiles(visitor: Visitor) -> list[str]:
    """The kinds of work that the first page names, in its order."""
    seen = visitor.get("/")
    assert seen.status == 200
    reader = seen.reader
    begins = [
        at for at, (tag, found) in enumerate(reader.attributes) if (tag, found.get("class", "")[:4]) == ("li", "tile")
    ]
    links = [reader.attributes[at + 1][1]["href"] for at in begins]
    texts = [text for text in reader.texts if text[0].isdigit() and "priority" not in text]
    assert len(texts) == len(links)
    return texts


def body(system: System, study: StudyPlace, **answers: str) -> dict[str, Any]:
    """A testimony of a case of its own, with some answers changed."""
    made = system.body(study)
    return made | {"answers": made["answers"] | {name: {"value": value} for name, value in answers.items()}}


def threat(system: System, study: StudyPlace) -> dict[str, Any]:
    """A testimony that tells of a threat to a child."""
    return system.submit(study, body(system, study, threat_disclosed="child_at_risk"))


def test_redactor_sees_counts_and_ages(shared: System, visit: Visit, study: StudyPlace) -> None:
    """How many wait, since when, and what is already in one's hands."""
    shared.drafted(study)
    shared.clock.advance(days=3)
    shared.drafted(study)
    redactor = visit("redactor", study)

    assert tiles(redactor) == ["2 records to redact"]
    assert "the oldest waits for 3 days" in redactor.get("/").words

    with shared.signed_in("redactor", study) as client:
        client.review.take(study.id)
    assert tiles(visit("redactor", study)) == ["1 record in your hands", "1 record to redact"]


def test_approver_sees_what_another_finished(shared: System, visit: Visit, study: StudyPlace) -> None:
    """Only what waits for a second pair of eyes, and reported passages of releases."""
    assert tiles(visit("approver", study)) == []

    shared.finished(study)
    assert tiles(visit("approver", study)) == ["1 record to approve"]


def test_own_interviews_are_not_ones_own_work(shared: System, visit: Visit, study: StudyPlace) -> None:
    """Whoever redacts and interviewed hears nothing of the case they brought in."""
    lead, both = shared.actor(study["lead"]), study["redactor"]
    shared.admit(
        study.id, lead, both, frozenset({Role.REDACTOR, Role.INTERVIEWER}), shared.actor(both).unlocked().fingerprint
    )
    shared.submit(study, who="redactor")
    shared.redact_all()

    assert tiles(visit("redactor", study)) == []


def test_threats_come_first_for_guardians(shared: System, visit: Visit, study: StudyPlace) -> None:
    """Untriaged threats stand before everything else, and a triaged one waits no longer."""
    record = threat(shared, study)
    case = shared.submit(study)["case"]
    with shared.signed_in("interviewer", study) as client:
        client.cases.withdraw(study.id, case)
    guardian = visit("guardian", study)

    assert tiles(guardian) == ["1 threat to triage", "1 withdrawn case to erase"]
    assert [link for link in guardian.get("/").links if link.endswith("/protection")]

    with shared.signed_in("guardian2", study) as client:
        client.cases.triage(study.id, record["record"], version=0, outcome="watch", hidden=True)
    assert tiles(guardian) == ["1 withdrawn case to erase"]


def test_second_person_is_asked(shared: System, visit: Visit, study: StudyPlace) -> None:
    """An erasure that a guardian began waits for a lead, and no longer for a guardian."""
    case = shared.submit(study)["case"]
    with shared.signed_in("guardian", study) as client:
        client.cases.erase(study.id, case)

    assert tiles(visit("lead", study)) == ["1 decision needs you as the second person"]
    assert tiles(visit("guardian2", study)) == []


def test_asks_wait_for_auditors(shared: System, visit: Visit, study: StudyPlace) -> None:
    """Until one of them answers; then the guardian who asked has an open disclosure, for an hour."""
    record = shared.submit(study)["record"]
    with shared.signed_in("guardian", study) as client:
        asked = client.disclosures.ask(study.id, record, scope="identity", fields=["legal_name"], reason="danger")
    assert tiles(visit("auditor", study)) == ["1 ask to answer"]

    with shared.signed_in("auditor", study) as client:
        client.disclosures.approve(study.id, asked, digest=client.disclosures.read_ask(study.id, asked)["digest"])
    assert tiles(visit("auditor", study)) == []
    assert tiles(visit("guardian", study)) == ["1 approved disclosure is open"]
    assert tiles(visit("guardian2", study)) == []
    shared.clock.advance(minutes=61)
    assert tiles(visit("guardian", study)) == []


def test_people_wait_to_be_confirmed(shared: System, visit: Visit, study: StudyPlace) -> None:
    """For those alone who hold the key that is to be handed over; the lead hears of agreements that end."""
    person, lead = shared.person(f"late.{study['lead'].name}"), shared.actor(study["lead"])
    fingerprint = shared.actor(person).unlocked().fingerprint
    with shared.runtime.transaction() as session:
        acting, signed = service.act_in(session, shared.collaborators, lead, study.id)
        service.admit(
            session,
            shared.collaborators,
            acting,
            signed,
            person.id,
            roles=frozenset({Role.GUARDIAN}),
            fingerprint=fingerprint,
            expires=shared.clock.now + timedelta(days=7),
        )

    assert tiles(visit("guardian", study)) == ["1 person to confirm"]
    assert tiles(visit("auditor", study)) == []
    assert tiles(visit("lead", study)) == ["1 agreement ends soon or has ended"]


@pytest.mark.parametrize("role", ["interviewer", "researcher", "auditor", "redactor"])
def test_frozen_and_hidden_cases_are_not_counted(shared: System, visit: Visit, study: StudyPlace, role: str) -> None:
    """A withdrawal and a threat leave no trace on the page of whoever may not see them."""
    before = visit(role, study).get("/").words
    threat(shared, study)
    case = shared.submit(study)["case"]
    with shared.signed_in("interviewer", study) as client:
        client.cases.withdraw(study.id, case)

    assert visit(role, study).get("/").words == before


def test_page_names_no_case_and_nobody(shared: System, visit: Visit, study: StudyPlace) -> None:
    """Counts and ages only."""
    case = shared.submit(study)["case"]
    shared.redact_all()

    for role in study.people:
        assert case not in visit(role, study).get("/").text
