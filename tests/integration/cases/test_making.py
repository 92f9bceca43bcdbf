"""The ground moves while a record is sealed: intake seals again, and what was sealed in vain is destroyed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from app.access import Team
from app.cases import moving
from app.cases.making import Attempt
from app.cases.models import Claim, Grant, Outbox
from app.errors import Conflict, KeystoreUnavailable
from app.intake.service import AcceptRecord, Submission
from app.keystore.rotation import rotate
from app.operations.sweep import sweep
from app.review.protection import OpenProtection
from app.worker import Worker
from tests.durability import books
from tests.system import StudyPlace, System


@pytest.fixture
def study(system: System) -> StudyPlace:
    """A study with its people."""
    return system.study()


class Disturbed(AcceptRecord):
    """An intake during whose first sealing something happens."""

    tries = 0
    disturb: Callable[[], object]

    def seal(self) -> Attempt:
        """Seal, and let it happen before the shares are handed over."""
        attempt = AcceptRecord.seal(self)
        self.tries += 1
        if self.tries == 1:
            self.disturb()
        return attempt


def intake(system: System, study: StudyPlace, disturb: Callable[[], object]) -> Disturbed:
    """An intake that will be disturbed."""
    body = system.body(study)
    submission = Submission(
        client_uuid=uuid4(),
        study=study.id,
        case=None,
        instrument=body["instrument"]["id"],
        version=body["instrument"]["version"],
        answers=body["answers"],
        withdrawal=None,
    )
    making = Disturbed(system.web.collaborators, system.actor(study["interviewer"]), submission)
    making.disturb = disturb
    return making


def change_roster(system: System, study: StudyPlace) -> None:
    """Admit somebody: the roster in hand is no longer the newest."""
    with system.signed_in("lead", study) as client:
        newcomer = system.person("newcomer")
        fingerprint = system.actor(newcomer).unlocked().fingerprint.hex()
        client.studies.admit(study.id, newcomer.id, roles=["researcher"], fingerprint=fingerprint)


def check_one_whole_record(system: System, study: StudyPlace) -> None:
    """Raise AssertionError unless one record is there, whole and legible, and no share of an earlier try."""
    found = books.read(system)
    assert len(found.records) == 1
    books.check_whole(found)
    assert set(system.collaborators.keystore.share_ids()) == found.shares
    guardian = system.acting("guardian", study)
    assert system.web.read(OpenProtection(system.web.collaborators, guardian, found.records[0].id)).values


def claims(system: System) -> list[bool]:
    """Whether each attempt that reached the main database is void."""
    with system.runtime.transaction() as session:
        return sorted(session.scalars(select(Claim.void)))


def test_a_newer_roster_makes_intake_seal_again(system: System, study: StudyPlace) -> None:
    """The keystore refuses shares sealed by an older one; nothing of that try was stored."""
    making = intake(system, study, lambda: change_roster(system, study))

    system.web.make(making)

    assert making.tries == 2
    check_one_whole_record(system, study)


def test_a_keystore_rotation_meanwhile_is_met_inside_put(system: System, study: StudyPlace, tmp_path: Path) -> None:
    """The shares are sealed under the next key version; the record is not sealed again."""
    making = intake(system, study, lambda: rotate(system.collaborators.keystore, tmp_path))

    system.web.make(making)

    assert making.tries == 1
    check_one_whole_record(system, study)


def after_put(system: System, monkeypatch: pytest.MonkeyPatch, happen: Callable[[], None]) -> None:
    """Let something happen once, between the keystore's commit and the main transaction."""
    keystore, once = system.web.collaborators.keystore, [happen]
    put = keystore.put

    def put_then(**arguments: Any) -> None:
        put(**arguments)
        if once:
            once.pop()()

    monkeypatch.setattr(keystore, "put", put_then)


def rotate_guardians(system: System, study: StudyPlace) -> None:
    """Remove a guardian and end the old epoch, then let a newcomer take the place."""
    with system.signed_in("lead", study) as client:
        client.studies.remove(study.id, study["guardian2"].id)
        newcomer = system.person("newcomer")
        read_aloud = system.actor(newcomer).unlocked().fingerprint.hex()
        client.studies.admit(study.id, newcomer.id, roles=["guardian"], fingerprint=read_aloud)
    with system.signed_in("guardian", study) as client:
        assert client.studies.move(study.id, "guardians")["ended"] == 1
        client.studies.confirm(study.id, newcomer.id, fingerprint=read_aloud)


def test_an_epoch_that_ended_after_the_put_makes_intake_seal_again(
    system: System, study: StudyPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The foreign key refuses the rows; that try's claim is void and its shares are gone."""
    making = intake(system, study, lambda: None)
    after_put(system, monkeypatch, lambda: rotate_guardians(system, study))

    system.web.make(making)

    assert making.tries == 2
    assert claims(system) == [False, True]
    check_one_whole_record(system, study)


def test_a_swept_attempt_can_no_longer_be_claimed(
    system: System, study: StudyPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An intake that slept for a day finds its attempt void: no record without shares, no receipt."""
    making = intake(system, study, lambda: None)

    def sleep_and_sweep() -> None:
        system.clock.advance(hours=25)
        assert sweep(system.runtime).attempts == 1

    after_put(system, monkeypatch, sleep_and_sweep)

    with pytest.raises(Conflict):
        system.web.make(making)

    assert books.read(system).records == []
    assert system.collaborators.keystore.share_ids() == []


def test_a_claimed_attempt_is_not_swept(system: System, study: StudyPlace) -> None:
    """However old it is."""
    system.web.make(intake(system, study, lambda: None))
    system.clock.advance(days=400)

    assert sweep(system.runtime).attempts == 0

    assert len(system.collaborators.keystore.share_ids()) == 5


def test_the_sweep_voids_what_a_crash_left(system: System, study: StudyPlace) -> None:
    """The process died between the two databases: after a day the shares go, not before."""
    making = intake(system, study, lambda: None)
    with system.web.transaction() as session:
        making.plan(session)
    attempt = making.seal()
    system.web.collaborators.keystore.put(
        attempt=attempt.id, record=attempt.record, shares=attempt.shares, floor=attempt.floor, idem=attempt.idem
    )

    assert sweep(system.runtime).attempts == 0
    system.clock.advance(hours=25)
    assert sweep(system.runtime).attempts == 1

    assert system.collaborators.keystore.share_ids() == []
    assert claims(system) == [True]


def test_the_outbox_is_emptied_after_a_crash(
    system: System, study: StudyPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The grants are gone with their commit; the worker destroys the shares when the keystore answers again."""
    record = UUID(system.submit(study)["record"])
    keystore = system.worker.collaborators.keystore

    def away(_ids: object) -> None:
        raise KeystoreUnavailable

    with monkeypatch.context() as patched:
        patched.setattr(keystore, "destroy", away)
        system.redact_all()
    with system.runtime.transaction() as session:
        owed = session.scalars(select(Outbox)).one().share_ids
        assert UUID(owed[0]) not in set(session.scalars(select(Grant.id)))
    assert UUID(owed[0]) in keystore.share_ids(record)

    Worker(system.worker).tidy()

    assert UUID(owed[0]) not in keystore.share_ids(record)
    with system.runtime.transaction() as session:
        assert session.scalars(select(Outbox)).all() == []


def test_two_members_who_move_at_once_do_not_both_win(
    system: System, study: StudyPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second finds the grants gone, and its shares go again."""
    record = UUID(system.submit(study)["record"])
    with system.signed_in("lead", study) as client:
        client.studies.remove(study.id, study["guardian2"].id)
    guardian = system.acting("guardian", study)
    collaborators = system.web.collaborators

    def other() -> None:
        system.runtime.make(moving.MoveGrants(system.collaborators, guardian, record, Team.GUARDIANS))

    after_put(system, monkeypatch, other)

    with pytest.raises(Conflict):
        system.web.make(moving.MoveGrants(collaborators, guardian, record, Team.GUARDIANS))

    with system.runtime.transaction() as session:
        assert set(session.scalars(select(Grant.id))) == set(system.collaborators.keystore.share_ids())
