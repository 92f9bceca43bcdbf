"""The worker's key is renewed: new records use the new one, waiting ones move, the old one ends."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select

from app.access import Team
from app.cases.models import Grant
from app.operations import setup
from app.studies.models import Epoch
from app.studies.roster import SYSTEM_STUDY
from app.worker import Worker
from tests.system import System


def worker_epochs(system: System) -> list[UUID]:
    """The worker's epochs, oldest first."""
    with system.runtime.glance() as session:
        query = select(Epoch.id).where(Epoch.study_id == SYSTEM_STUDY, Epoch.team == Team.WORKER.value)
        return list(session.scalars(query.order_by(Epoch.number)))


def work_epoch(system: System, record: UUID) -> UUID:
    """Under which of the worker's keys a record waits."""
    with system.runtime.glance() as session:
        return session.scalars(select(Grant.epoch_id).where(Grant.record_id == record, Grant.scope == "work")).one()


def test_a_waiting_record_moves_and_the_old_key_ends(system: System) -> None:
    """After a renewal what waited lies under the new key, its old share is gone, and the old pair is deleted."""
    record = UUID(system.submit()["record"])
    (old,) = worker_epochs(system)
    with system.runtime.glance() as session:
        old_share = session.scalars(select(Grant.id).where(Grant.record_id == record, Grant.scope == "work")).one()

    setup.renew_worker_key(system.runtime)
    Worker(system.worker).renew()

    (new,) = worker_epochs(system)
    assert new != old
    assert work_epoch(system, record) == new
    assert old_share not in system.collaborators.keystore.share_ids(record)


def test_a_moved_record_is_drafted_with_the_names_it_came_with(system: System) -> None:
    """Moving keeps both keys of the work grant: the identity names still reach the redaction."""
    record = UUID(system.submit()["record"])
    setup.renew_worker_key(system.runtime)
    Worker(system.worker).renew()

    assert Worker(system.worker).step()

    with system.runtime.glance() as session:
        waiting = session.scalar(
            select(func.count()).select_from(Grant).where(Grant.record_id == record, Grant.scope == "work")
        )
    assert waiting == 0


def test_new_records_use_the_new_key_at_once(system: System) -> None:
    """Intake seals to the renewed key before any worker has moved anything."""
    system.first()
    setup.renew_worker_key(system.runtime)

    record = UUID(system.submit()["record"])

    assert work_epoch(system, record) == worker_epochs(system)[-1]


def test_a_worker_still_drafts_what_waits_under_the_old_key(system: System) -> None:
    """Between renewal and move nothing stands still."""
    UUID(system.submit()["record"])
    setup.renew_worker_key(system.runtime)

    assert Worker(system.worker).step()
