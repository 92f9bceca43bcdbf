from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select
from structlog.testing import capture_logs

from app.access import Role
from app.accounts.models import Session
from app.cases.models import Claim, DiscardedFile
from app.crypto.sealed import Sealed
from app.crypto.secrets import Secret
from app.errors import Conflict, StoreUnavailable
from app.keystore.service import Share
from app.operations import sweep
from app.operations.files import sweep_strays
from app.operations.status import look
from app.studies import roster, service
from tests.system import System


def abandoned(system: System) -> tuple[UUID, UUID]:
    """The attempt and the share of an intake that died between keystore and database."""
    with system.runtime.glance() as session:
        floor = roster.latest(session, system.collaborators, system.first().id).floor
    attempt, share = uuid4(), uuid4()
    shares = [Share(share, "source", Secret.random())]
    system.collaborators.keystore.put(attempt=attempt, record=uuid4(), shares=shares, floor=floor, idem=Secret.random())
    return attempt, share


def test_an_abandoned_attempt_is_destroyed_after_a_day(system: System) -> None:
    """Not before: it could still be on its way."""
    _, share = abandoned(system)

    assert sweep.sweep(system.runtime).attempts == 0
    system.clock.advance(hours=24, seconds=1)

    assert sweep.sweep(system.runtime).attempts == 1
    assert share not in system.collaborators.keystore.share_ids()


def test_a_claimed_attempt_stays(system: System) -> None:
    """Accepted records keep their shares, however old."""
    record = UUID(system.submit()["record"])
    system.clock.advance(days=30)

    sweep.sweep(system.runtime)

    assert len(system.collaborators.keystore.share_ids(record)) == 5


def test_a_swept_attempt_cannot_be_claimed_any_more(system: System) -> None:
    """An intake that slept across the sweep fails instead of storing grants without shares."""
    attempt, _ = abandoned(system)
    system.clock.advance(hours=25)
    sweep.sweep(system.runtime)

    with pytest.raises(Conflict), system.runtime.transaction() as session:
        session.execute(insert(Claim).values(attempt=attempt, void=False))


def test_a_sweep_that_died_after_its_void_is_finished(system: System) -> None:
    """The claim says void, the shares are still there: the next sweep destroys them."""
    attempt, share = abandoned(system)
    system.clock.advance(hours=25)
    with system.runtime.transaction() as session:
        session.execute(insert(Claim).values(attempt=attempt, void=True))

    sweep.sweep(system.runtime)

    assert share not in system.collaborators.keystore.share_ids()


def test_attempts_are_left_alone_after_a_restore(system: System) -> None:
    """Until the operator turns the sweep on again; the rest of it runs."""
    _, share = abandoned(system)
    system.clock.advance(hours=25)
    sweep.turn_off(system.runtime)

    assert sweep.sweep(system.runtime).attempts is None
    assert share in system.collaborators.keystore.share_ids()

    sweep.turn_on(system.runtime)
    assert sweep.sweep(system.runtime).attempts == 1


def test_expired_shares_are_destroyed(system: System) -> None:
    """A disclosure's hour is over in the keystore too."""
    record, study = system.released(), system.first().id
    asking = system.signed_in("guardian").disclosures
    ask = asking.ask(study, record, scope="identity", fields=["legal_name"], reason="A call for help.")
    approving = system.signed_in("auditor").disclosures
    approving.approve(study, ask, digest=approving.read_ask(study, ask)["digest"])
    system.clock.advance(minutes=61)

    assert sweep.sweep(system.runtime).expired_shares == 1


def test_members_whose_agreement_ran_out_are_removed(system: System) -> None:
    """Their places and boxes go; who holds a key alone stays until somebody else has it."""
    study = system.first()
    lead, guest = system.actor(study["lead"]), system.person("guest")
    key = system.actor(guest).unlocked().fingerprint
    with system.runtime.transaction() as session:
        acting, signed = service.act_in(session, system.collaborators, lead, study.id)
        ends = system.clock.now + timedelta(days=1)
        roles = frozenset({Role.INTERVIEWER})
        service.admit(
            session, system.collaborators, acting, signed, guest.id, roles=roles, fingerprint=key, expires=ends
        )
    system.clock.advance(days=2)

    assert sweep.sweep(system.runtime).removed_members == 1

    with system.runtime.glance() as session:
        assert guest.id not in roster.latest(session, system.collaborators, study.id).members


def test_sessions_that_ended_leave_no_row(system: System) -> None:
    """Nobody can tell later who signed in when."""
    system.signed_in("researcher")
    system.clock.advance(hours=13)

    sweep.sweep(system.runtime)

    with system.runtime.glance() as session:
        assert not session.scalars(select(Session)).all()


def undeletable(system: System) -> UUID:
    """A file that the store cannot delete: no folder stands in its place."""
    file = uuid4()
    place = system.folder / "files" / file.hex[:2] / file.hex
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"")
    return file


def test_a_file_that_cannot_be_deleted_keeps_no_other_waiting(system: System) -> None:
    """The others go; it stays, behind them, and is told in the log and in the status."""
    bad, good, store = undeletable(system), uuid4(), system.collaborators.files
    store.put(good, uuid4(), Sealed(b"of an erased record"))
    with system.runtime.transaction() as session:
        session.add(DiscardedFile(id=bad, written_at=system.clock.now))
        session.add(DiscardedFile(id=good, written_at=system.clock.advance(seconds=1)))

    with capture_logs() as told:
        system.runtime.drain()

    assert not store.segments(good)
    with system.runtime.glance() as session:
        assert list(session.scalars(select(DiscardedFile.id))) == [bad]
    assert look(system.runtime).discarded == 1
    assert [(line["event"], line["count"]) for line in told] == [("files not deleted", 1)]


def test_a_stray_that_cannot_be_deleted_keeps_no_other_waiting(system: System) -> None:
    """Nor in the sweep of what no row names."""
    store, strays = system.collaborators.files, [uuid4() for _ in range(3)]
    undeletable(system)
    for stray in strays:
        store.put(stray, uuid4(), Sealed(b"of a crash"))
    system.clock.advance(days=2)

    assert sweep_strays(system.runtime) == 3
    assert not any(store.segments(stray) for stray in strays)


def test_a_store_that_is_away_is_not_asked_for_every_file(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is forgotten, and the first failure ends the round."""
    asked: list[UUID] = []

    def away(file: UUID) -> None:
        asked.append(file)
        raise StoreUnavailable

    def check() -> None:
        raise StoreUnavailable

    with system.runtime.transaction() as session:
        session.add_all(DiscardedFile(id=uuid4(), written_at=system.clock.now) for _ in range(3))
    monkeypatch.setattr(system.collaborators.files, "discard", away)
    monkeypatch.setattr(system.collaborators.files, "check", check)

    system.runtime.drain()

    assert len(asked) == 1
    with system.runtime.glance() as session:
        assert len(session.scalars(select(DiscardedFile.id)).all()) == 3
