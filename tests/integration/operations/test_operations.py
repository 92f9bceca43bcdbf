from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from app.accounts.models import Invitation
from app.audit.models import Event
from app.cases.models import Outbox
from app.errors import CustodyUnavailable
from app.operations import queries, setup
from app.operations.rotation import rotate
from app.operations.status import look
from app.studies.models import Epoch, Roster
from tests.system import System


def test_preparing_again_changes_nothing(system: System) -> None:
    """Keys, key version and worker pair are made once."""
    public, epochs = system.collaborators.custody.public("receipt-1"), select(func.count()).select_from(Epoch)
    with system.runtime.glance() as session:
        before = session.scalar(epochs)

    setup.prepare(system.runtime)
    setup.migrate(system.runtime)

    with system.runtime.glance() as session:
        assert session.scalar(epochs) == before
    assert system.collaborators.custody.public("receipt-1") == public
    assert system.collaborators.keystore.standing()[0] == 1


def test_no_invitation_once_there_is_an_admin(system: System) -> None:
    """Running init again invites nobody."""
    assert setup.first_invitation(system.runtime, "another") is None
    assert setup.first_invitation(system.runtime, "another", anew=True) is None


def test_an_invitation_on_its_way_is_not_ended(system: System) -> None:
    """Only one that is unused and not expired counts."""
    with system.runtime.transaction() as session:
        session.execute(update(Invitation).values(used_at=None))

    with system.runtime.glance() as session:
        assert queries.admin_invited(session, system.clock.now)
        assert not queries.admin_invited(session, system.clock.advance(days=8))


def test_a_rotation_turns_the_intake_keys(system: System, tmp_path: Path) -> None:
    """The daily timer that there always was is enough: the next key is made, and one whose time is over destroyed."""
    system.clock.advance(days=90)

    rotate(system.runtime, tmp_path, lambda _done, _total: None)

    assert [system.collaborators.custody.has(f"intake-{number}") for number in (1, 2)] == [False, True]
    assert look(system.runtime).intake_key_days == 0


def test_a_rotation_drains_backs_up_and_writes_its_event(system: System, tmp_path: Path) -> None:
    """What waited to be destroyed is gone before, the old backup after it."""
    system.drafted()
    rotate(system.runtime, tmp_path, lambda _done, _total: None)

    version = rotate(system.runtime, tmp_path, lambda _done, _total: None)

    assert version == 3
    assert [file.name for file in tmp_path.glob("*.backup")] == ["keystore-3.backup"]
    with system.runtime.glance() as session:
        assert not session.scalars(select(Outbox)).all()
        assert len(session.scalars(select(Event).where(Event.action == "keystore.rotated")).all()) == 2


def test_everything_opens_after_a_rotation(system: System, tmp_path: Path) -> None:
    """A release made before is read after."""
    record = system.released()

    rotate(system.runtime, tmp_path, lambda _done, _total: None)

    assert system.signed_in("researcher").research.release(system.first().id, record)["version"] == 1


def test_status_counts_and_dates(system: System) -> None:
    """Stages with their oldest day, shares, the key version; a healthy system says so."""
    system.submit()
    system.clock.advance(days=3)
    system.submit()

    found = look(system.runtime)

    assert found.healthy
    assert (found.stages["received"].count, found.stages["received"].oldest_days) == (2, 3)
    assert (found.shares, found.key_version, found.outbox, found.abandoned) == (10, 1, 0, 0)


def test_status_tells_of_grants_to_be_moved(system: System) -> None:
    """After a removal the old epoch's grants wait for somebody to move them."""
    system.submit()
    study = system.first()
    system.signed_in("lead").studies.remove(study.id, study["guardian2"].id)

    assert look(system.runtime).to_move == 2


def test_status_tells_of_a_forged_roster(system: System) -> None:
    """A roster that does not verify makes the deployment unhealthy."""
    system.first()
    with system.runtime.transaction() as session:
        session.execute(update(Roster).where(Roster.study_id == system.first().id).values(signature=bytes(64)))

    found = look(system.runtime)

    assert found.rejected_rosters == 1
    assert not found.healthy


def test_a_worker_node_cannot_sign_and_a_web_node_cannot_redact(system: System) -> None:
    """Each role's custody holds the keys of its work alone."""
    with pytest.raises(CustodyUnavailable):
        system.worker.collaborators.custody.sign("roster-1", b"")
    with pytest.raises(CustodyUnavailable):
        system.web.collaborators.custody.unwrap("worker-1", b"", b"")
