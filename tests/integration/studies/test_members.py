"""Admission takes a lead and a present member; removal ends access and makes new keys for the rest."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.access import Actor, Role, Team
from app.errors import (
    Conflict,
    CustodyUnavailable,
    DigestDiffers,
    Forbidden,
    Invalid,
    LastHolder,
    NotFound,
    StudyNotOpen,
)
from app.operations.setup import OPERATOR
from app.studies import policies, roster, teams
from app.studies import service as studies
from app.studies.models import Epoch, Member
from app.studies.roster import SignedRoster
from tests.people import Person
from tests.system import StudyPlace, System


@pytest.fixture
def study(system: System) -> StudyPlace:
    """A study with its people."""
    return system.study()


def within(system: System, study: StudyPlace, who: str | Person) -> tuple[Actor, SignedRoster]:
    """Somebody acting in the study, and its roster."""
    actor = system.actor(study[who] if isinstance(who, str) else who)
    with system.runtime.transaction() as session:
        return studies.act_in(session, system.collaborators, actor, study.id)


def fingerprint(system: System, person: Person) -> bytes:
    """What the person reads aloud."""
    return system.actor(person).unlocked().fingerprint


def admit(system: System, study: StudyPlace, person: Person, *roles: Role, days: int | None = None) -> None:
    """Let the lead admit somebody, for so many days."""
    read_aloud = fingerprint(system, person)
    lead, signed = within(system, study, "lead")
    expires = None if days is None else system.clock() + timedelta(days=days)
    with system.runtime.transaction() as session:
        studies.admit(
            session,
            system.collaborators,
            lead,
            signed,
            person.id,
            roles=frozenset(roles),
            fingerprint=read_aloud,
            expires=expires,
        )


def confirm(system: System, study: StudyPlace, member: str | Person, person: Person) -> int:
    """Let a member hand the keys over; how many boxes."""
    read_aloud = fingerprint(system, person)
    actor, signed = within(system, study, member)
    with system.runtime.transaction() as session:
        return studies.confirm(session, system.collaborators, actor, signed, person.id, fingerprint=read_aloud)


def remove(system: System, study: StudyPlace, who: str) -> None:
    """Let the lead remove somebody."""
    lead, signed = within(system, study, "lead")
    with system.runtime.transaction() as session:
        studies.remove(session, system.collaborators, lead, signed, study[who].id)


def boxes(system: System, study: StudyPlace, person: Person) -> int:
    """How many epochs the person holds a box of."""
    with system.runtime.transaction() as session:
        return len(teams.held(session, study.id, person.id))


def test_admission_alone_gives_no_key(system: System, study: StudyPlace) -> None:
    """The lead cannot hand over what the lead does not hold, and nobody confirms themselves."""
    newcomer = system.person("newcomer")

    admit(system, study, newcomer, Role.GUARDIAN)

    assert boxes(system, study, newcomer) == 0
    with pytest.raises(Forbidden):
        confirm(system, study, newcomer, newcomer)
    with pytest.raises(NotFound):
        confirm(system, study, "redactor", newcomer)


def test_a_confirmed_member_holds_every_epoch_in_use(system: System, study: StudyPlace) -> None:
    """Old grants rest under the old epoch until they moved, so the newcomer needs both."""
    system.submit(study)
    remove(system, study, "guardian2")
    newcomer = system.person("newcomer")
    admit(system, study, newcomer, Role.GUARDIAN)

    assert confirm(system, study, "guardian", newcomer) == 2
    assert boxes(system, study, newcomer) == 2
    assert confirm(system, study, "guardian", newcomer) == 0


def test_whoever_admitted_leaves_confirming_to_another(system: System, study: StudyPlace) -> None:
    """A lead, being of the researchers' team, cannot bring somebody in alone once the team has another member."""
    newcomer = system.person("newcomer")
    admit(system, study, newcomer, Role.RESEARCHER)

    with pytest.raises(Forbidden):
        confirm(system, study, "lead", newcomer)
    assert confirm(system, study, "approver", newcomer) == 1


def test_a_member_without_every_key_confirms_nobody(system: System, study: StudyPlace) -> None:
    """Otherwise somebody would count as confirmed who cannot open old records."""
    half, newcomer = system.person("half"), system.person("newcomer")
    admit(system, study, half, Role.GUARDIAN)
    admit(system, study, newcomer, Role.GUARDIAN)

    with pytest.raises(Conflict):
        confirm(system, study, half, newcomer)


def test_another_fingerprint_is_refused(system: System, study: StudyPlace) -> None:
    """At admission and at confirmation: what was read aloud is what counts."""
    newcomer, wrong = system.person("newcomer"), bytes(32)
    lead, signed = within(system, study, "lead")
    with system.runtime.transaction() as session, pytest.raises(DigestDiffers):
        studies.admit(
            session,
            system.collaborators,
            lead,
            signed,
            newcomer.id,
            roles=frozenset({Role.REDACTOR}),
            fingerprint=wrong,
        )
    admit(system, study, newcomer, Role.REDACTOR)
    redactor, signed = within(system, study, "redactor")

    with system.runtime.transaction() as session, pytest.raises(DigestDiffers):
        studies.confirm(session, system.collaborators, redactor, signed, newcomer.id, fingerprint=wrong)


def test_roles_that_exclude_each_other_are_refused(system: System, study: StudyPlace) -> None:
    """One person must not hold both halves."""
    newcomer = system.person("newcomer")

    with pytest.raises(Invalid):
        admit(system, study, newcomer, Role.GUARDIAN, Role.AUDITOR)
    with pytest.raises(Invalid):
        admit(system, study, newcomer, Role.REDACTOR, days=-1)


def test_a_lead_admits_neither_themselves_nor_an_admin(system: System, study: StudyPlace) -> None:
    """Nobody grants to themselves, and admins hold no other role."""
    for person in (study["lead"], system.admin):
        with pytest.raises(Forbidden):
            admit(system, study, person, Role.RESEARCHER)


def test_a_second_founding_is_refused(system: System, study: StudyPlace) -> None:
    """A team that ever had a key gets the next one by removal only; and only its members found it."""
    guardian, signed = within(system, study, "guardian")
    with system.runtime.transaction() as session, pytest.raises(Conflict):
        studies.found_team(session, system.collaborators, guardian, signed, Team.GUARDIANS)
    with system.runtime.transaction() as session, pytest.raises(Forbidden):
        studies.found_team(session, system.collaborators, guardian, signed, Team.AUDITORS)


def test_removal_makes_new_keys_for_the_rest(system: System, study: StudyPlace) -> None:
    """The removed person has no box left and no way in; each team gets an epoch that the others hold."""
    gone = system.actor(study["approver"])

    remove(system, study, "approver")

    assert boxes(system, study, study["approver"]) == 0
    with system.runtime.transaction() as session, pytest.raises(NotFound):
        studies.act_in(session, system.collaborators, gone, study.id)
    _, signed = within(system, study, "lead")
    assert {team for team, key in signed.epochs.items() if key.number == 2} == {Team.REDACTION, Team.RESEARCHERS}
    with system.runtime.transaction() as session:
        holders = session.scalars(
            select(Member.user_id).join(Epoch).where(Epoch.id == signed.key_of(Team.RESEARCHERS).epoch)
        ).all()
    assert set(holders) == {study["lead"].id, study["researcher"].id}


def test_the_last_holder_of_a_key_stays(system: System, study: StudyPlace) -> None:
    """Their testimony would be lost; another one must be confirmed first."""
    remove(system, study, "guardian2")

    with pytest.raises(LastHolder):
        remove(system, study, "guardian")


def test_the_last_lead_stays(system: System, study: StudyPlace) -> None:
    """Nobody could admit a next one."""
    with pytest.raises(Conflict):
        remove(system, study, "lead")


def test_an_agreement_ends_at_its_second(system: System, study: StudyPlace) -> None:
    """The roles are gone at once; the keys when the timer removes the member."""
    temporary = system.person("temporary")
    admit(system, study, temporary, Role.RESEARCHER, days=1)
    confirm(system, study, "approver", temporary)
    system.clock.advance(days=1)
    actor = system.actor(temporary)

    with system.runtime.transaction() as session, pytest.raises(NotFound):
        studies.act_in(session, system.collaborators, actor, study.id)
    with system.runtime.transaction() as session:
        assert studies.remove_expired(session, system.collaborators, OPERATOR, study.id) == 1
    with system.runtime.transaction() as session:
        assert studies.remove_expired(session, system.collaborators, OPERATOR, study.id) == 0
    assert boxes(system, study, temporary) == 0
    assert within(system, study, "lead")[1].key_of(Team.RESEARCHERS).number == 2


def test_only_the_operator_removes_the_expired(system: System, study: StudyPlace) -> None:
    """It is no one's permission."""
    lead, _ = within(system, study, "lead")

    with system.runtime.transaction() as session, pytest.raises(Forbidden):
        studies.remove_expired(session, system.collaborators, lead, study.id)


@pytest.mark.parametrize("who", ["guardian2", "auditor2", "approver"])
def test_a_study_that_lost_somebody_takes_nothing_in(system: System, study: StudyPlace, who: str) -> None:
    """Two people per half, a redactor and another approver: else the loss of one person loses testimony."""
    system.submit(study)
    remove(system, study, who)

    with pytest.raises(StudyNotOpen):
        system.submit(study)


@pytest.mark.parametrize("exempt", [False, True])
def test_a_study_whose_teams_are_not_founded_takes_nothing_in(system: System, exempt: bool) -> None:
    """There is no key to seal to; a demo study is no exception."""
    lead = system.person("only.lead")
    key, admin = fingerprint(system, lead), system.actor(system.admin)
    with system.runtime.transaction() as session:
        made = studies.create_study(
            session, system.collaborators, admin, "New", lead=lead.id, fingerprint=key, exempt=exempt
        )

    with system.runtime.transaction() as session, pytest.raises(StudyNotOpen):
        policies.check_open(session, roster.latest(session, system.collaborators, made), system.clock())


def test_a_demo_study_needs_no_quorum(system: System) -> None:
    """It needs every key all the same."""
    study = system.study("Demo", prefix="d.", exempt=True)
    remove(system, study, "guardian2")

    assert system.submit(study)["study"] == str(study.id)


def test_web_nodes_cannot_load_the_worker_key(system: System) -> None:
    """Its private half is wrapped under a custody key that lies in the worker's file."""
    with system.web.transaction() as session, pytest.raises(CustodyUnavailable):
        studies.worker_pairs(session, system.web.collaborators)
    with system.worker.transaction() as session:
        assert len(studies.worker_pairs(session, system.worker.collaborators)) == 1
