from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from app.access import Role
from app.cases.models import Grant, Pack, Record, Tombstone
from app.errors import BadSignature
from app.keystore.models import RecordState
from app.operations.checkpoint import read_checkpoint, write_checkpoint
from app.operations.restore import check_both, check_keystore, check_main
from app.operations.sweep import is_off
from tests.integration.operations.copies import copy_keystore, copy_main, restore_keystore, restore_main
from tests.system import System


def erase(system: System, case: str, preference: str = "erase_all") -> None:
    """Let a guardian and a lead erase a case."""
    study = system.first().id
    for place in ("guardian", "lead"):
        system.signed_in(place).cases.erase(study, case, preference=preference)


def shares(system: System, record: UUID) -> list[UUID]:
    """What the keystore still has of a record."""
    return system.collaborators.keystore.share_ids(record)


def test_an_old_keystore_forgets_no_erasure(system: System) -> None:
    """Shares that came back with the copy are destroyed again, and the record stays dead."""
    receipt = system.submit()
    old = copy_keystore(system)
    erase(system, receipt["case"])
    restore_keystore(system, old)
    record = UUID(receipt["record"])
    assert shares(system, record)

    found = check_keystore(system.runtime)

    assert found.killed == 1
    assert not shares(system, record)
    assert system.collaborators.keystore.state(record) is RecordState.DEAD


def test_an_old_keystore_forgets_no_revocation(system: System) -> None:
    """The worker's share, ended with the draft, does not come back."""
    receipt = system.submit()
    old = copy_keystore(system)
    system.redact_all()
    restore_keystore(system, old)

    found = check_keystore(system.runtime)

    assert found.dropped_shares == 1
    assert len(shares(system, UUID(receipt["record"]))) == 4
    assert found.clean


def test_an_old_keystore_forgets_no_freeze(system: System) -> None:
    """A withdrawal since the backup holds."""
    receipt = system.submit()
    old = copy_keystore(system)
    system.signed_in("interviewer").cases.withdraw(system.first().id, receipt["case"])
    restore_keystore(system, old)

    check_keystore(system.runtime)

    assert system.collaborators.keystore.state(UUID(receipt["record"])) is RecordState.FROZEN


def test_what_an_old_keystore_lacks_is_reported(system: System) -> None:
    """A record accepted since the backup has lost its five shares."""
    system.submit()
    old = copy_keystore(system)
    receipt = system.submit()
    restore_keystore(system, old)

    found = check_keystore(system.runtime)

    with system.runtime.glance() as session:
        grants = session.scalars(select(Grant.id).where(Grant.record_id == UUID(receipt["record"]))).all()
    assert sorted(found.missing_shares) == sorted(grants)
    assert not found.clean


def test_an_old_main_database_brings_no_erased_record_back(system: System) -> None:
    """Its rows are buried again, and its id answers as erased."""
    receipt = system.submit()
    old = copy_main(system)
    erase(system, receipt["case"])
    restore_main(system, old)
    record = UUID(receipt["record"])

    found = check_main(system.runtime)

    assert found.buried == [record]
    with system.runtime.glance() as session:
        assert session.get(Record, record) is None
        assert session.get(Tombstone, record) is not None
        assert not session.scalars(select(Pack).where(Pack.record_id == record)).all()


def test_an_old_main_database_keeps_the_release_of_a_partial_erasure(system: System) -> None:
    """Identity, protection and source go again, the anonymised release stays readable."""
    record = system.released()
    with system.runtime.glance() as session:
        code = session.get_one(Record, record).receipt["case"]
    old = copy_main(system)
    erase(system, code, "erase_identity_keep_anonymised")
    restore_main(system, old)

    check_main(system.runtime)

    with system.runtime.glance() as session:
        packs = set(session.scalars(select(Pack.compartment).where(Pack.record_id == record)))
    assert packs == {"research"}
    assert system.signed_in("researcher").research.release(system.first().id, record)["version"] == 1


def test_an_old_main_database_forgets_no_freeze(system: System) -> None:
    """A record withdrawn since the backup is frozen here again."""
    receipt = system.submit()
    old = copy_main(system)
    system.signed_in("interviewer").cases.withdraw(system.first().id, receipt["case"])
    restore_main(system, old)

    found = check_main(system.runtime)

    assert found.frozen == [UUID(receipt["record"])]
    assert system.redact_all() == 0


def test_records_newer_than_the_backup_are_listed(system: System) -> None:
    """The keystore still knows them; whoever submitted them is asked to send them again."""
    system.submit()
    old = copy_main(system)
    lost = system.submit()
    restore_main(system, old)

    found = check_main(system.runtime)

    assert found.lost_records == [UUID(lost["record"])]
    assert not found.clean


def test_rosters_older_than_their_floor_are_listed(system: System) -> None:
    """A roster from before an admission no longer serves; its lead signs anew."""
    study = system.first()
    old = copy_main(system)
    newcomer = system.person("newcomer")
    key = system.actor(newcomer).unlocked().fingerprint
    system.admit(study.id, system.actor(study["lead"]), newcomer, frozenset({Role.INTERVIEWER}), key)
    restore_main(system, old)

    assert check_main(system.runtime).stale_rosters == [study.id]


def test_with_both_restored_the_checkpoint_remembers(system: System, tmp_path: Path) -> None:
    """Old copies of both together would bring an erased interview back; the checkpoint kept outside does not."""
    receipt = system.submit()
    old_main, old_keystore = copy_main(system), copy_keystore(system)
    erase(system, receipt["case"])
    write_checkpoint(system.runtime, tmp_path / "checkpoint")
    restore_main(system, old_main)
    restore_keystore(system, old_keystore)
    record = UUID(receipt["record"])

    check_both(system.runtime, read_checkpoint(system.runtime, tmp_path / "checkpoint"))

    assert not shares(system, record)
    with system.runtime.glance() as session:
        assert session.get(Record, record) is None


def test_with_both_restored_rolled_back_rosters_are_found(system: System, tmp_path: Path) -> None:
    """The checkpoint's versions are the floor: a member removed since does not come back unseen."""
    study = system.first()
    old_main, old_keystore = copy_main(system), copy_keystore(system)
    system.signed_in("lead").studies.remove(study.id, study["auditor2"].id)
    write_checkpoint(system.runtime, tmp_path / "checkpoint")
    restore_main(system, old_main)
    restore_keystore(system, old_keystore)

    found = check_both(system.runtime, read_checkpoint(system.runtime, tmp_path / "checkpoint"))

    assert found.stale_rosters == [study.id]


def test_a_changed_checkpoint_is_refused(system: System, tmp_path: Path) -> None:
    """Nobody takes an erasure off the list."""
    file = tmp_path / "checkpoint"
    erase(system, system.submit()["case"])
    write_checkpoint(system.runtime, file)
    tree = json.loads(file.read_text())
    file.write_text(json.dumps(tree | {"body": json.dumps(json.loads(tree["body"]) | {"dead": {}})}))

    with pytest.raises(BadSignature):
        read_checkpoint(system.runtime, file)


def test_every_check_turns_the_sweep_off(system: System) -> None:
    """An old main database lacks claims: until somebody has looked, nothing is swept."""
    system.first()

    check_main(system.runtime)

    assert is_off(system.runtime)
