"""The signed roster: what is not signed, not ours or not the newest gives nobody a role."""

from __future__ import annotations

import contextlib

import pytest
from sqlalchemy import delete, func, select, text, update

from app.access import Actor, Role
from app.errors import NotFound, RosterRejected
from app.studies import roster
from app.studies import service as studies
from app.studies.models import Roster
from app.studies.roster import SYSTEM_STUDY, SignedRoster
from tests.system import StudyPlace, System


@pytest.fixture
def study(system: System) -> StudyPlace:
    """A study with its people."""
    return system.study()


@pytest.fixture
def lead(system: System, study: StudyPlace) -> Actor:
    """Its lead, in no study yet."""
    return system.actor(study["lead"])


def act(system: System, actor: Actor, study: StudyPlace) -> SignedRoster:
    """Let somebody act in the study; the roster that was read."""
    with system.runtime.transaction() as session:
        return studies.act_in(session, system.collaborators, actor, study.id)[1]


def newest(system: System, study: StudyPlace) -> int:
    """The newest version in the database."""
    with system.runtime.transaction() as session:
        return session.scalar(select(func.max(Roster.version)).where(Roster.study_id == study.id)) or 0


def test_the_floor_is_the_newest_version(system: System, study: StudyPlace) -> None:
    """Every write was followed by the keystore once it was committed."""
    assert system.collaborators.keystore.floor(study.id) == newest(system, study)


def test_a_roster_that_is_not_committed_leaves_the_floor_alone(system: System, study: StudyPlace, lead: Actor) -> None:
    """Otherwise a failed commit would lock everybody out."""
    signed, before = act(system, lead, study), system.collaborators.keystore.floor(study.id)

    with contextlib.suppress(NotFound), system.runtime.transaction() as session:
        roster.write(session, system.collaborators, signed.next())
        raise NotFound

    assert system.collaborators.keystore.floor(study.id) == before
    assert act(system, lead, study).version == signed.version


def test_a_reader_raises_a_floor_that_lags_behind(system: System, study: StudyPlace, lead: Actor) -> None:
    """A keystore that was away after the commit learns of the version from whoever reads it first."""
    with system.runtime.keystore_engine.begin() as connection:
        connection.execute(text("UPDATE floor SET version = 1"))

    act(system, lead, study)

    assert system.collaborators.keystore.floor(study.id) == newest(system, study)


def test_a_rolled_back_roster_is_refused(system: System, study: StudyPlace, lead: Actor) -> None:
    """The version before verifies, and lies below the floor."""
    with system.runtime.transaction() as session:
        session.execute(delete(Roster).where(Roster.study_id == study.id, Roster.version == newest(system, study)))

    with pytest.raises(RosterRejected):
        act(system, lead, study)


@pytest.mark.parametrize("name", ["body", "signature"])
def test_a_changed_roster_is_refused(system: System, study: StudyPlace, lead: Actor, name: str) -> None:
    """One bit is enough, in what is signed or in the signature."""
    column = getattr(Roster, name)
    with system.runtime.transaction() as session:
        newest_one = (Roster.study_id == study.id) & (Roster.version == newest(system, study))
        value = session.scalars(select(column).where(newest_one)).one()
        session.execute(update(Roster).where(newest_one).values({name: value[:-1] + bytes([value[-1] ^ 1])}))

    with pytest.raises(RosterRejected):
        act(system, lead, study)


def test_a_signed_roster_counts_for_its_own_study_only(system: System, study: StudyPlace) -> None:
    """Put under another study's id it does not verify."""
    other = system.study("Another", prefix="o.")
    stranger = system.actor(study["lead"])
    with system.runtime.transaction() as session:
        mine = session.scalars(
            select(Roster).where(Roster.study_id == study.id).order_by(Roster.version.desc())
        ).first()
        assert mine is not None
        copied = {"key_id": mine.key_id, "body": mine.body, "signature": mine.signature, "version": mine.version + 50}
        session.add(Roster(study_id=other.id, written_at=mine.written_at, **copied))

    with pytest.raises(RosterRejected):
        act(system, stranger, other)


def test_a_forged_member_has_no_role(system: System, study: StudyPlace) -> None:
    """A body somebody wrote into the newest row without the custody key."""
    stranger = system.actor(system.person("nobody.yet"))
    with system.runtime.transaction() as session:
        signed = roster.latest(session, system.collaborators, study.id)
        place = roster.Membership(stranger.user(), frozenset({Role.LEAD}), stranger.unlocked().fingerprint)
        forged = roster.body_of(signed.with_member(place))
        session.execute(update(Roster).where(Roster.study_id == study.id).values(body=forged))

    with pytest.raises(RosterRejected):
        act(system, stranger, study)


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"study": 7}', b"\xff"])
def test_what_is_no_roster_is_refused(body: bytes) -> None:
    """Also when its signature would verify."""
    with pytest.raises(RosterRejected):
        roster.parse(body)


def test_a_study_without_roster_is_no_study(system: System) -> None:
    """Absent and not yours are the same."""
    system.study()

    with system.runtime.transaction() as session, pytest.raises(NotFound):
        roster.latest(session, system.collaborators, system.settings.deployment)


def test_the_system_roster_names_the_worker(system: System) -> None:
    """Intake seals to this key."""
    with system.runtime.transaction() as session:
        signed = roster.latest(session, system.collaborators, SYSTEM_STUDY)

    assert [key.number for key in signed.epochs.values()] == [1]
