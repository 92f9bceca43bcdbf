"""The guardians' notes rest sealed, bound to their number, and known to the trail. On each database."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import delete, select, update

from app.cases.models import Pack
from app.errors import RecordFrozen, TamperedField
from app.operations import trail
from app.operations.audit import Verification
from app.review.notes import NOTE
from app.review.protection import OpenProtection
from app.web.protecting import add_note
from tests.system import StudyPlace, System

FIRST = (Pack.compartment == NOTE, Pack.version == 1)


@pytest.fixture
def place(system: System) -> StudyPlace:
    """A study with its people."""
    return system.study()


def noted(system: System, place: StudyPlace) -> UUID:
    """A record with two notes."""
    record = UUID(system.submit(place)["record"])
    for text in ("called, nobody there", "reached the sister"):
        add_note(system.web, system.acting("guardian", place), record, text)
    return record


def findings(system: System) -> list[str]:
    """What a deep verification finds."""
    return [str(each) for each in Verification(system.runtime, True, None, lambda *_: None).findings()]


def opened(system: System, place: StudyPlace, record: UUID) -> list[str]:
    """The notes as a guardian reads them."""
    reading = OpenProtection(system.web.collaborators, system.acting("guardian", place), record)
    return [note.text for note in system.web.read(reading).notes]


def test_a_note_taken_away_is_found(system: System, place: StudyPlace) -> None:
    """The trail holds every note; a deep verification names the one that is gone."""
    record = noted(system, place)
    trail.seal_all(system.runtime)
    assert findings(system) == []

    with system.runtime.transaction() as session:
        session.execute(delete(Pack).where(*FIRST))

    assert [str(record) in found and "pack.note.1" in found for found in findings(system)] == [True]


def test_notes_cannot_change_places(system: System, place: StudyPlace) -> None:
    """A note under another number does not open."""
    record = noted(system, place)
    with system.runtime.transaction() as session:
        other = session.scalar(select(Pack.sealed).where(Pack.compartment == NOTE, Pack.version == 2))
        session.execute(update(Pack).where(*FIRST).values(sealed=other))

    with pytest.raises(TamperedField):
        opened(system, place, record)


def test_no_note_is_written_to_a_frozen_case(system: System, place: StudyPlace) -> None:
    """Its key is not given out, not for writing either."""
    receipt = system.submit(place)
    system.signed_in("guardian", place).cases.withdraw(place.id, receipt["case"])

    with pytest.raises(RecordFrozen):
        add_note(system.web, system.acting("guardian", place), UUID(receipt["record"]), "called")


def test_notes_go_with_the_record(system: System, place: StudyPlace) -> None:
    """An erasure that keeps the release keeps no note."""
    record = system.released(place)
    add_note(system.web, system.acting("guardian", place), record, "called")
    code = system.signed_in("guardian", place).cases.protection_list(place.id)[0]["case"]
    for who in ("guardian", "lead"):
        preference = "erase_identity_keep_anonymised"
        system.signed_in(who, place).cases.erase(place.id, code, preference=preference)

    with system.runtime.glance() as session:
        left = session.scalars(select(Pack.compartment).where(Pack.record_id == record)).all()
    assert left == ["research"]
