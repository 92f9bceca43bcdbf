"""After a removal the grants move to the new key in batches, and the old epoch ends when it is empty."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import func, select

from app.access import Actor, Permission, Team
from app.cases import grants, moving
from app.cases.grants import Scope
from app.cases.models import Grant
from app.cases.moving import MoveGrants
from app.errors import Forbidden
from app.review.protection import OpenProtection
from app.studies import service as studies
from app.studies.models import Epoch
from app.studies.roster import SignedRoster
from tests.system import StudyPlace, System

RECORDS = 3


@pytest.fixture
def study(system: System) -> StudyPlace:
    """A study whose second guardian left after some records came in."""
    study = system.study()
    for _ in range(RECORDS):
        system.submit(study)
    with system.signed_in("lead", study) as client:
        client.studies.remove(study.id, study["guardian2"].id)
    return study


def acting(system: System, study: StudyPlace, who: str = "guardian") -> tuple[Actor, SignedRoster]:
    """Somebody within the study, with its roster."""
    actor = system.actor(study[who])
    with system.runtime.transaction() as session:
        return studies.act_in(session, system.collaborators, actor, study.id)


def epochs(system: System, study: StudyPlace) -> list[int]:
    """The numbers of the guardians' epochs that exist."""
    with system.runtime.transaction() as session:
        query = select(Epoch.number).where(Epoch.study_id == study.id, Epoch.team == Team.GUARDIANS.value)
        return list(session.scalars(query.order_by(Epoch.number)))


def test_a_call_moves_a_batch_and_says_what_is_left(
    system: System, study: StudyPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Callers repeat until nothing is left; then the old epoch is gone with its boxes."""
    monkeypatch.setattr(moving, "MOVED_PER_CALL", 2)

    with system.signed_in("guardian", study) as client:
        first = client.studies.move(study.id, "guardians")
        assert epochs(system, study) == [1, 2]
        second = client.studies.move(study.id, "guardians")

    # Two grants of each record are the guardians'.
    assert (first["moved"], first["left"], first["ended"]) == (4, 2, 0)
    assert (second["moved"], second["left"], second["ended"]) == (2, 0, 1)
    assert epochs(system, study) == [2]


def test_moved_grants_have_new_shares_and_open(system: System, study: StudyPlace) -> None:
    """The old shares are destroyed: whoever kept an old box and an old key opens nothing."""
    before = set(system.collaborators.keystore.share_ids())
    with system.signed_in("guardian", study) as client:
        client.studies.move(study.id, "guardians")

    after = set(system.collaborators.keystore.share_ids())
    assert len(before - after) == len(after - before) == 2 * RECORDS
    with system.runtime.transaction() as session:
        assert {*session.scalars(select(Grant.id))} == after
        record = session.scalars(select(Grant.record_id).limit(1)).one()
    actor, _ = acting(system, study)
    assert system.web.read(OpenProtection(system.web.collaborators, actor, record)).values


def test_an_epoch_with_grants_does_not_end(system: System, study: StudyPlace) -> None:
    """The foreign key has the last word."""
    actor, signed = acting(system, study)

    with system.runtime.transaction() as session:
        assert moving.end_epochs(session, system.collaborators, actor, signed, Team.GUARDIANS) == 0

    assert epochs(system, study) == [1, 2]


def test_a_frozen_record_moves_and_stays_frozen(system: System, study: StudyPlace) -> None:
    """Its people of today hold the key for what is decided about it."""
    with system.runtime.transaction() as session:
        record = session.scalars(select(Grant.record_id).limit(1)).one()
    system.collaborators.keystore.freeze([record])

    with system.signed_in("guardian", study) as client:
        assert client.studies.move(study.id, "guardians")["left"] == 0

    assert system.collaborators.keystore.state(record) == "frozen"


def test_moving_twice_moves_nothing(system: System, study: StudyPlace) -> None:
    """A member who starts again finds it done."""
    actor, _ = acting(system, study)
    with system.runtime.transaction() as session:
        record: UUID = session.scalars(select(Grant.record_id).limit(1)).one()

    moves = [system.web.make(MoveGrants(system.web.collaborators, actor, record, Team.GUARDIANS)) for _ in range(2)]

    assert moves == [2, 0]
    with system.runtime.transaction() as session:
        scopes = session.scalars(select(Grant.scope).where(Grant.record_id == record)).all()
        assert len(scopes) == len(set(scopes))
        assert grants.find(session, actor, record, Scope.PROTECTION).epoch.number == 2


def test_only_members_of_the_team_move(system: System, study: StudyPlace) -> None:
    """An auditor holds no box of the guardians' epochs."""
    actor, signed = acting(system, study, "auditor")

    assert Permission.GRANT_MOVE in actor.permissions()
    with system.runtime.transaction() as session, pytest.raises(Forbidden):
        moving.to_move(session, actor, signed, Team.GUARDIANS)
    with system.runtime.transaction() as session:
        assert session.scalar(select(func.count()).select_from(Grant)) == 5 * RECORDS
