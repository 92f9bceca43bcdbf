"""How a case stands for guardians and leads, and lists of what waits for them. On each database."""

from __future__ import annotations

from uuid import UUID

import pytest

from app.access import Actor, Role
from app.cases import standing, withdrawal
from app.cases.standing import Obstacle, Verb
from app.errors import Forbidden, NotFound
from app.review import asks, protection
from app.review.disclosure import AskDisclosure
from app.web.protecting import triage_record
from app.web.withdrawing import erase
from tests.system import StudyPlace, System


@pytest.fixture
def place(system: System) -> StudyPlace:
    """A study with its people."""
    return system.study()


def possible(system: System, actor: Actor, code: str) -> dict[Verb, Obstacle | None]:
    """What this person can do with a case, or why not."""
    with system.runtime.glance() as session:
        return standing.standing(session, system.collaborators, actor, code).possible


def test_what_can_be_done_follows_the_case(system: System, place: StudyPlace) -> None:
    """Each step changes what is possible for the one who took it and for the others."""
    code = system.submit(place)["case"]
    guardian, other, lead = (system.acting(who, place) for who in ("guardian", "guardian2", "lead"))
    assert possible(system, guardian, code)[Verb.THAW] is Obstacle.NOT_FROZEN
    assert possible(system, lead, code)[Verb.WITHDRAW] is Obstacle.NOT_ALLOWED

    erase(system.web, guardian, code, "erase_all")

    told = {who.id: possible(system, who, code)[Verb.ERASE] for who in (guardian, other, lead)}
    assert told == {guardian.id: Obstacle.YOURS, other.id: Obstacle.YOUR_SIDE, lead.id: None}
    assert possible(system, guardian, code)[Verb.WITHDRAW] is Obstacle.FROZEN

    with system.web.transaction() as session:
        withdrawal.hold(session, system.web.collaborators, lead, code, held=True)
    assert possible(system, lead, code)[Verb.ERASE] is Obstacle.HELD


def test_whoever_is_not_confirmed_cannot_decide(system: System, place: StudyPlace) -> None:
    """A lead's word alone makes nobody the second of two: the page says so before they try."""
    code = system.submit(place)["case"]
    stranger = system.person("stranger")
    key = system.actor(stranger).unlocked().fingerprint
    system.admit(place.id, system.actor(place["lead"]), stranger, frozenset({Role.GUARDIAN}), key)

    told = possible(system, system.acting(stranger, place), code)

    assert {told[Verb.ERASE], told[Verb.THAW]} == {Obstacle.NOT_CONFIRMED}


def test_a_case_that_waits_for_me_stands_first(system: System, place: StudyPlace) -> None:
    """For the other side it waits, for the one who began it does not."""
    codes = [system.submit(place)["case"] for _ in range(3)]
    guardian, lead = system.acting("guardian", place), system.acting("lead", place)
    with system.web.transaction() as session:
        withdrawal.withdraw(session, system.web.collaborators, guardian, codes[0])
    erase(system.web, guardian, codes[1], "erase_all")

    with system.runtime.glance() as session:
        for_lead, for_guardian = (standing.open_cases(session, who) for who in (lead, guardian))

    assert for_lead[0].case.code == codes[1]
    assert [each.mine for each in for_lead] == [True, False]
    assert [each.mine for each in for_guardian] == [False, False]


def test_what_is_left_of_an_erased_case(system: System, place: StudyPlace) -> None:
    """Ids, day and the two who decided; the submitter finds the record by its id; other studies find nothing."""
    receipt = system.submit(place)
    guardian, lead = system.acting("guardian", place), system.acting("lead", place)
    erase(system.web, guardian, receipt["case"], "erase_all")
    decision = erase(system.web, lead, receipt["case"], "erase_all")

    with system.runtime.glance() as session:
        left = standing.erasure(session, lead, decision.id)
        own = standing.own_erased(session, system.acting("interviewer", place))
        with pytest.raises(NotFound):
            standing.standing(session, system.collaborators, lead, receipt["case"])

    assert [stone.record_id for stone in left.records] == [UUID(receipt["record"])]
    assert (left.first_by, left.second_by, left.kept) == (guardian.id, lead.id, False)
    assert [stone.record_id for stone in own] == [UUID(receipt["record"])]


def test_history_tells_each_act_once(system: System, place: StudyPlace) -> None:
    """Who did what, in order; a case of two interviews is frozen once."""
    first = system.submit(place)
    system.submit(place, system.body(place, case=first["case"]))
    guardian = system.acting("guardian", place)
    erase(system.web, guardian, first["case"], "erase_all")

    with system.runtime.glance() as session:
        found = standing.standing(session, system.collaborators, guardian, first["case"])

    assert [(told.action, told.by) for told in found.history] == [
        ("case.frozen", guardian.id),
        ("case.erase.decided", guardian.id),
    ]
    assert len(found.records) == 2


def test_own_cases_are_those_one_submitted_to(system: System, place: StudyPlace) -> None:
    """With how many interviews, and whether they are frozen."""
    mine, theirs = system.submit(place), system.submit(place, who="guardian")
    system.submit(place, system.body(place, case=mine["case"]))

    with system.runtime.glance() as session:
        own = standing.own_cases(session, system.acting("interviewer", place))

    assert [(each.code, each.records, each.frozen) for each in own] == [(mine["case"], 2, False)]
    assert theirs["case"] not in {each.code for each in own}


def test_waiting_asks_stand_before_answered_ones(system: System, place: StudyPlace) -> None:
    """Waiting ones oldest first; a guardian lists only those of their own."""
    record, guardian = UUID(system.submit(place)["record"]), system.acting("guardian", place)
    made = []
    for _ in range(2):
        asking = AskDisclosure(system.web.collaborators, guardian, record, "identity", ["legal_name"], "danger")
        made.append(system.web.make(asking))
        system.clock.advance(seconds=1)

    with system.runtime.glance() as session:
        lists = {who: asks.listed(session, system.acting(who, place)) for who in ("auditor", "guardian", "guardian2")}

    assert [[each.id for each in lists[who]] for who in ("auditor", "guardian", "guardian2")] == [made, made, []]


def test_a_threat_waits_until_it_is_triaged(system: System, place: StudyPlace) -> None:
    """Hidden on arrival and undecided; a frozen one cannot be triaged and does not wait."""
    answers = system.body(place)["answers"] | {"threat_disclosed": {"value": "child_at_risk"}}
    receipt = system.submit(place, system.body(place, answers=answers))
    guardian = system.acting("guardian", place)

    def waits() -> bool:
        with system.runtime.glance() as session:
            (row,) = protection.listed(session, guardian)
        return row.waits

    assert waits()
    triage_record(system.web, guardian, UUID(receipt["record"]), 0, protection.Triage("watch", hidden=True))
    assert not waits()


@pytest.mark.parametrize("who", ["interviewer", "redactor", "approver", "researcher", "auditor"])
def test_only_guardians_and_leads_see_how_a_case_stands(system: System, place: StudyPlace, who: str) -> None:
    """The service asks, whatever the page did."""
    code = system.submit(place)["case"]

    with pytest.raises(Forbidden):
        possible(system, system.acting(who, place), code)
