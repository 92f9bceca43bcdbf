from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, select, update

from app.audit.models import Checkpoint, Event, Link
from app.cases.models import Case, Record
from app.operations.audit import Verification
from app.operations.baseline import take_over
from tests.integration.audit.tampering import found, inserted, rows, ruling
from tests.system import System


@pytest.fixture
def older(system: System) -> System:
    """A system that worked before there was a trail: events without checks or digests, rows without turns."""
    system.released()
    system.submit()
    # Keys to seal to are younger than the trail.
    events = [row for row in rows(system, Event.table()) if row["action"] != "intake_key.made"]
    with ruling(system) as connection:
        for table in (Link.table(), Checkpoint.table()):
            connection.execute(delete(table))
        for row in events:
            untold = {key: value for key, value in row["details"].items() if key not in {"turn", "made", "gone"}}
            untold = {key: value for key, value in untold.items() if not key.startswith("case_")}
            changed = {"id": uuid4(), "details": untold, "key_id": None, "mac": None}
            connection.execute(update(Event.table()).where(Event.table().c.id == row["id"]).values(changed))
        connection.execute(update(Record.table()).values(turn=0))
        connection.execute(update(Case.table()).values(turn=0))
    return system


def test_an_older_database_is_found_wanting_until_it_is_taken_over(older: System) -> None:
    """Nothing of it passes unseen; one command takes it over, and then everything verifies."""
    lines = found(older, deep=True)
    assert any("carries no check" in line for line in lines)
    assert any("older than the trail" in line for line in lines)

    taken = take_over(older.runtime)

    assert (taken.studies, taken.cases, taken.records) == (1, 2, 2)
    assert taken.events > 0
    run = Verification(older.runtime, deep=True)
    assert list(run.findings()) == []
    assert run.baseline > taken.events


def test_events_of_before_keep_their_order(older: System) -> None:
    """Their ids tell no time; they are sealed by when they happened."""
    found(older)

    with older.runtime.glance() as session:
        moments = session.scalars(select(Event.at).join(Link, Link.event_id == Event.id).order_by(Link.position)).all()
    assert list(moments) == sorted(moments)


def test_work_goes_on_before_and_after(older: System) -> None:
    """Verbs used on rows that were not taken over yet, and afterwards, are told as ever."""
    study = older.first().id
    older.redact_all()
    take_over(older.runtime)
    with older.signed_in("redactor") as client:
        record = client.review.take(study)["record"]
        client.review.finish(study, record, version=client.review.source(study, record)["version"])

    assert found(older, deep=True) == []


def test_taking_over_again_hides_nothing(system: System) -> None:
    """What an event accounts for already is not taken over as it is now."""
    record = system.released()
    with ruling(system) as connection:
        connection.execute(update(Record.table()).where(Record.table().c.id == record).values(release_version=9))

    taken = take_over(system.runtime)

    assert (taken.studies, taken.cases, taken.records) == (0, 0, 0)
    assert any(str(record) in line and "column.release_version" in line for line in found(system, deep=True))


def test_a_row_that_was_looked_at_is_taken_over_by_its_id(system: System) -> None:
    """The operator names the record; that it was taken over stands in the trail."""
    record = system.released()
    with ruling(system) as connection:
        connection.execute(update(Record.table()).where(Record.table().c.id == record).values(finished_by=None))
    assert found(system, deep=True)

    assert take_over(system.runtime, [record]).records == 1

    assert found(system, deep=True) == []
    with system.runtime.glance() as session:
        told = session.scalars(select(Event.record_id).where(Event.action == "record.baselined")).all()
    assert told == [record]


def test_the_loss_of_a_record_is_taken_over_by_its_id(system: System) -> None:
    """After a record was lost for good the trail can be at peace again, and says so."""
    record = UUID(system.submit()["record"])
    row = next(row for row in rows(system, Record.table()) if row["id"] == record)
    with ruling(system) as connection:
        for table in ("pack", "grant"):
            connection.execute(
                delete(Record.metadata.tables[table]).where(Record.metadata.tables[table].c.record_id == record)
            )
        connection.execute(delete(Record.table()).where(Record.table().c.id == record))
    assert any("It was deleted" in line and str(record) in line for line in found(system, deep=True))

    take_over(system.runtime, [record])

    assert found(system, deep=True) == []
    with inserted(system, Record.table(), row):
        assert any(str(record) in line for line in found(system, deep=True))


def test_an_event_without_a_check_after_the_takeover_is_named(older: System) -> None:
    """What was taken over opens no door for what comes later."""
    take_over(older.runtime)
    forged = {**rows(older, Event.table())[0], "id": uuid4(), "key_id": None, "mac": None}
    with ruling(older) as connection:
        connection.execute(Event.table().insert(), [forged])

    assert any(str(forged["id"]) in line and "carries no check" in line for line in found(older))
