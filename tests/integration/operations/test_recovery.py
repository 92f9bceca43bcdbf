"""After an older main database was put back: two people whom the old roster names let their study stand again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from app.access import Role
from app.client import Problem
from app.errors import DigestDiffers, Forbidden, Invalid, LastHolder, NotFound, StepUpRequired
from app.operations.restore import check_main
from app.studies import recovery
from app.studies.models import Recovery
from app.studies.recovery import Proposal
from tests.integration.operations.copies import copy_main, restore_main
from tests.people import Person
from tests.system import StudyPlace, System


@pytest.fixture
def study(system: System) -> StudyPlace:
    """A study whose main database is older than the removal of its researcher."""
    study = system.study()
    old = copy_main(system)
    with system.signed_in("lead", study) as client:
        client.studies.remove(study.id, study["researcher"].id)
    restore_main(system, old)
    assert check_main(system.runtime).stale_rosters == [study.id]
    return study


def everybody(study: StudyPlace, *but: str) -> frozenset[UUID]:
    """The ids of the study's people."""
    return frozenset(person.id for place, person in study.people.items() if place not in but)


def propose(system: System, study: StudyPlace, keep: frozenset[UUID], who: str = "lead") -> Proposal:
    """Propose who stays."""
    actor = system.actor(study[who])
    with system.runtime.transaction() as session:
        return recovery.propose(session, system.collaborators, actor, study.id, keep)


def confirm(system: System, study: StudyPlace, digest: str, who: str | Person = "guardian") -> int:
    """Confirm a proposal."""
    actor = system.actor(study[who] if isinstance(who, str) else who)
    with system.runtime.transaction() as session:
        return recovery.confirm(session, system.collaborators, actor, study.id, digest=digest)


def status(system: System, study: StudyPlace, who: str) -> int:
    """What somebody gets who opens the study."""
    try:
        with system.signed_in(who, study) as client:
            client.studies.read(study.id)
    except Problem as refused:
        return refused.status
    return 200


def test_two_people_let_the_study_stand_again(system: System, study: StudyPlace) -> None:
    """Before, nobody gets in; afterwards those who stay do, above the floor, and testimony comes in again."""
    floor = system.collaborators.keystore.floor(study.id)
    assert status(system, study, "guardian") == 500

    version = confirm(system, study, propose(system, study, everybody(study, "researcher")).digest)

    assert version > floor
    assert system.collaborators.keystore.floor(study.id) == version
    assert {who: status(system, study, who) for who in study.people} == {
        who: 404 if who == "researcher" else 200 for who in study.people
    }
    assert system.submit(study)["case"]
    assert check_main(system.runtime).stale_rosters == []


def test_whoever_does_not_stay_is_removed_as_in_any_removal(system: System, study: StudyPlace) -> None:
    """Their teams get a fresh key, so what comes in from now on is not sealed to the old one."""
    confirm(system, study, propose(system, study, everybody(study, "researcher")).digest)

    with system.signed_in("lead", study) as client:
        numbers = {team["team"]: team["number"] for team in client.studies.read(study.id)["teams"]}
    assert numbers == {"redaction": 1, "guardians": 1, "auditors": 1, "researchers": 2}


def test_nobody_is_both(system: System, study: StudyPlace) -> None:
    """Whoever proposed does not confirm, and who does not stay has no say."""
    proposal = propose(system, study, everybody(study, "researcher"))

    for who in ("lead", "researcher"):
        with pytest.raises(Forbidden):
            confirm(system, study, proposal.digest, who)


def test_only_a_lead_proposes(system: System, study: StudyPlace) -> None:
    """And names members, the lead among them."""
    for who in ("guardian", "approver", "interviewer"):
        with pytest.raises(Forbidden):
            propose(system, study, everybody(study), who)
    for keep in (everybody(study, "lead"), everybody(study) | {UUID(int=1)}):
        with pytest.raises(Invalid):
            propose(system, study, keep)


def test_both_need_a_fresh_factor(system: System, study: StudyPlace) -> None:
    """A session left open recovers nothing."""
    lead, guardian = system.actor(study["lead"]), system.actor(study["guardian"])
    proposal = propose(system, study, everybody(study))
    system.clock.advance(minutes=6)

    with system.runtime.transaction() as session, pytest.raises(StepUpRequired):
        recovery.propose(session, system.collaborators, lead, study.id, everybody(study))
    with system.runtime.transaction() as session, pytest.raises(StepUpRequired):
        recovery.confirm(session, system.collaborators, guardian, study.id, digest=proposal.digest)


def test_the_second_holds_the_keys_of_a_team(system: System) -> None:
    """A stranger whom a lead alone admitted is no second person."""
    study = system.study()
    stranger = system.person("stranger")
    actor = system.actor(stranger)
    fingerprint = actor.unlocked().fingerprint
    system.admit(study.id, system.actor(study["lead"]), stranger, frozenset({Role.GUARDIAN}), fingerprint)
    old = copy_main(system)
    with system.signed_in("lead", study) as client:
        client.studies.remove(study.id, study["researcher"].id)
    restore_main(system, old)
    proposal = propose(system, study, everybody(study) | {stranger.id})

    with pytest.raises(Forbidden):
        confirm(system, study, proposal.digest, stranger)


def test_what_was_shown_is_what_is_confirmed(system: System, study: StudyPlace) -> None:
    """A proposal replaced meanwhile has another digest; the earlier one is over."""
    first = propose(system, study, everybody(study, "researcher"))
    propose(system, study, everybody(study))

    with pytest.raises(DigestDiffers):
        confirm(system, study, first.digest)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"keep": [str(UUID(int=1))]}, id="who stays"),
        pytest.param({"proposed_by": UUID(int=1)}, id="who proposed"),
        pytest.param({"signature": bytes(64)}, id="signature"),
        pytest.param({"keep": ["nobody"]}, id="no ids"),
    ],
)
def test_a_changed_proposal_is_none(system: System, study: StudyPlace, changed: dict[str, Any]) -> None:
    """Whoever writes into the main database proposes nothing."""
    proposal = propose(system, study, everybody(study, "researcher"))
    with system.runtime.transaction() as session:
        session.execute(update(Recovery).values(changed))

    with pytest.raises(NotFound):
        confirm(system, study, proposal.digest)


def test_a_proposal_lasts_a_day(system: System, study: StudyPlace) -> None:
    """And is over at its second."""
    proposal = propose(system, study, everybody(study, "researcher"))
    system.clock.now = (system.clock.now + timedelta(hours=24)).replace(microsecond=0)

    with pytest.raises(NotFound):
        confirm(system, study, proposal.digest)


def test_no_team_is_left_without_its_keys(system: System, study: StudyPlace) -> None:
    """Refused whole: the roster is as stale as before."""
    proposal = propose(system, study, everybody(study, "auditor", "auditor2"))

    with pytest.raises(LastHolder):
        confirm(system, study, proposal.digest)
    assert check_main(system.runtime).stale_rosters == [study.id]


def test_a_roster_that_stands_is_nobodys_to_recover(system: System) -> None:
    """Neither by its lead nor by anybody else; a stale one only by whom it names."""
    study, other = system.study(), system.study("Another", prefix="o.")

    with pytest.raises(NotFound):
        propose(system, study, everybody(study))
    actor = system.actor(other["lead"])
    with system.runtime.transaction() as session, pytest.raises(NotFound):
        recovery.look(session, system.collaborators, actor, study.id)


def test_recovery_over_http(system: System, study: StudyPlace) -> None:
    """The lead looks and proposes, the guardian looks and confirms; then there is nothing left to recover."""
    lead, guardian = system.signed_in("lead", study), system.signed_in("guardian", study)
    names = {member["name"]: member["user"] for member in lead.studies.stale(study.id)["members"]}
    names.pop("researcher")
    lead.studies.propose_recovery(study.id, names.values())
    proposal = guardian.studies.stale(study.id)["proposal"]

    version = guardian.studies.confirm_recovery(study.id, digest=proposal["digest"])

    assert sorted(proposal["keep"]) == sorted(names.values())
    assert lead.studies.read(study.id)["version"] == version
    with pytest.raises(Problem) as gone:
        lead.studies.stale(study.id)
    assert gone.value.status == 404
