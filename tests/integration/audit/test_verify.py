from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, insert, select, update

from app.audit import entries
from app.audit import service as audit
from app.audit.demands import DEMANDS
from app.audit.findings import Finding
from app.audit.ids import event_id
from app.audit.models import Checkpoint, Event, Link
from app.cases.models import Case, Decision, File, Grant, Outbox, Pack, Passage, Record, Tombstone
from app.crypto import packs
from app.crypto.sealed import Sealed
from app.db import Base
from app.forms.models import Form
from app.intake.models import IntakeKey
from app.operations import compare, compare_rows, trail
from app.operations.setup import OPERATOR
from app.operations.witness import FileWitness, deliver
from app.review.models import Ask, Disclosure
from app.studies.models import Study, StudyApp
from tests.integration.audit.journey import Told
from tests.integration.audit.tampering import (
    altered,
    deleted,
    flipped,
    found,
    inserted,
    other,
    rows,
    ruling,
    trail_kept,
)

Compare = Callable[..., Iterator[Finding]]


def nothing(_done: int) -> None:
    """Nobody watches."""


def compared(told: Told, compare_: Compare) -> list[str]:
    """What one comparison finds."""
    arguments = (nothing,) if compare_ in {compare.compare_records, compare.compare_cases} else ()
    return [str(finding) for finding in compare_(told.system.runtime, *arguments)]


# By table: how it is compared, and the column that says which record, case or study a row belongs to.
OF_RECORDS: dict[type[Base], tuple[Compare, str]] = {
    Record: (compare.compare_records, "id"),
    Pack: (compare.compare_records, "record_id"),
    Grant: (compare.compare_records, "record_id"),
    Passage: (compare.compare_records, "record_id"),
    File: (compare.compare_records, "record_id"),
    Ask: (compare.compare_records, "record_id"),
    Disclosure: (compare.compare_records, "record_id"),
    Tombstone: (compare.compare_records, "record_id"),
    Case: (compare.compare_cases, "id"),
    Decision: (compare.compare_cases, "case_id"),
    Study: (compare.compare_studies, "id"),
    Form: (compare.compare_forms, "id"),
    IntakeKey: (compare_rows.compare_intake_keys, "id"),
    StudyApp: (compare_rows.compare_apps, "study_id"),
}
# When a lease ends, how often was tried, what counts for a person's share: bookkeeping that opens and shows nothing.
UNTOLD = {"lease_id", "next_try_at", "tries", "arrived_day"}

BY_TABLE = pytest.mark.parametrize("model", [pytest.param(model, id=model.__tablename__) for model in OF_RECORDS])


def names(line: str, value: UUID) -> bool:
    """Whether a printed finding names an id, in either writing."""
    return str(value) in line or value.hex in line


def test_a_whole_journey_leaves_nothing_to_find(told: Told) -> None:
    """Every verb told what it changed, and what it told is what is there."""
    with told.system.runtime.glance() as session:
        seen = set(session.scalars(select(Event.action)))

    assert found(told.system, deep=True) == []
    assert {action for action in DEMANDS if not action.endswith(".baselined")} <= seen


@BY_TABLE
def test_an_altered_column_is_found_and_named(told: Told, model: type[Base]) -> None:
    """Each column of a row, changed by itself, is found, and the record, case or study is named."""
    compare_, owner = OF_RECORDS[model]
    table = model.table()
    row = rows(told.system, table)[0]
    missed = []

    for column in table.columns:
        if column.name in UNTOLD:
            continue
        with altered(told.system, table, row, **{column.name: other(row[column.name], column)}):
            if not any(names(line, row[owner]) for line in compared(told, compare_)):
                missed.append(column.name)

    assert missed == []
    assert compared(told, compare_) == []


@BY_TABLE
def test_a_deleted_row_is_found_and_named(told: Told, model: type[Base]) -> None:
    """Every single row that is deleted is found, and the record, case or study is named."""
    compare_, owner = OF_RECORDS[model]
    missed = []

    for row in rows(told.system, model.table())[:4]:
        with deleted(told.system, model.table(), row):
            if not any(names(line, row[owner]) for line in compared(told, compare_)):
                missed.append(row[owner])

    assert missed == []


@BY_TABLE
def test_an_inserted_row_is_found_and_named(told: Told, model: type[Base]) -> None:
    """A row that no event tells of is found, and the record, case or study is named."""
    compare_, owner = OF_RECORDS[model]
    new: dict[str, Any] = {**rows(told.system, model.table())[0]}
    if model in {Record, Case, Study, Tombstone, Form, IntakeKey, StudyApp}:
        new[owner] = uuid4()
    new |= {"version": 99} if model is Pack else {"id": uuid4()} if "id" in new and owner != "id" else {}
    unique = {
        IntakeKey: "number",
        Record: "client_uuid",
        Case: "code",
        Study: "name",
        Form: "version",
        File: "client_uuid",
        Grant: "scope",
        Disclosure: "ask_id",
    }
    if model in unique:
        new[unique[model]] = other(new[unique[model]], None)

    with inserted(told.system, model.table(), new):
        assert any(names(line, new[owner]) for line in compared(told, compare_))


def test_a_grant_that_was_dropped_and_put_back_is_named(told: Told) -> None:
    """Each grant of before the release that stands there again is found by its id and scope."""
    now = {row["id"] for row in rows(told.system, Grant.table())}
    dropped = [row for row in told.before["grant"] if row["id"] not in now]
    assert {"source", "protection"} <= {row["scope"] for row in dropped}

    for row in dropped:
        with inserted(told.system, Grant.table(), row):
            lines = compared(told, compare.compare_records)
            assert any(names(line, row["id"]) and f"scope {row['scope']}" in line for line in lines)


def test_a_pack_that_was_put_back_is_named(told: Told) -> None:
    """An old version of a release is found by record, compartment and version."""
    now = {(row["record_id"], row["compartment"], row["version"]) for row in rows(told.system, Pack.table())}
    before = [row for row in told.before["pack"] if (row["record_id"], row["compartment"], row["version"]) not in now]
    assert before

    for row in before:
        part = f"pack.{row['compartment']}.{row['version']}"
        with inserted(told.system, Pack.table(), row):
            lines = compared(told, compare.compare_records)
            assert any(names(line, row["record_id"]) and part in line for line in lines)


@pytest.mark.parametrize("name", ["record", "case"])
def test_a_row_set_back_to_an_earlier_state_is_named(told: Told, name: str) -> None:
    """A record or case as it stood before its release is found, by the columns that went back."""
    model, compare_ = (Record, compare.compare_records) if name == "record" else (Case, compare.compare_cases)
    reviewed = told.records["reviewed"]
    key = reviewed if name == "record" else told.case_of(reviewed)
    row = next(row for row in told.before[name] if row["id"] == key)

    with inserted(told.system, model.table(), row):
        lines = [line for line in compared(told, compare_) if names(line, key)]

    assert any("column." in line for line in lines)
    assert any(told.code_of(reviewed) in line for line in lines)


def test_an_altered_field_is_named(told: Told) -> None:
    """One bit in one field of a pack: record, case, pack and field are named, with the event that made it."""
    row = next(row for row in rows(told.system, Pack.table()) if row["compartment"] == "identity")
    fields = packs.unpack(row["sealed"])
    changed = packs.pack({**fields, "legal_name": Sealed(flipped(fields["legal_name"]))})

    with altered(told.system, Pack.table(), row, sealed=changed, digest=packs.digest(changed)):
        (line,) = compared(told, compare.compare_records)

    assert "pack.identity.0 field legal_name" in line
    assert str(row["record_id"]) in line
    assert "position " in line


def test_an_erased_record_that_is_put_back_is_named(told: Told) -> None:
    """A row of what two people erased is found."""
    erased, table = told.records["erased"], Record.table()
    template = rows(told.system, table)[0]

    with inserted(told.system, table, {**template, "id": erased, "client_uuid": uuid4()}):
        assert any(names(line, erased) for line in compared(told, compare.compare_records))


def test_shares_that_are_about_to_be_destroyed_are_named(told: Told) -> None:
    """A row in the outbox that names the share of a grant that stands is found before it is carried out."""
    grant = rows(told.system, Grant.table())[0]
    row = {"id": uuid4(), "share_ids": [str(grant["id"])], "written_at": told.system.now()}

    with inserted(told.system, Outbox.table(), row):
        assert any(names(line, grant["id"]) for line in found(told.system, deep=True))


class TestChain:
    """The order of what happened."""

    @pytest.fixture(autouse=True)
    def kept(self, told: Told) -> Iterator[None]:
        """Each test leaves the trail as it was."""
        with trail_kept(told.system):
            yield

    def test_an_altered_event_is_named(self, told: Told) -> None:
        """Each column of an event, changed by itself, is found by the event's position."""
        row = rows(told.system, Event.table())[40]
        position = position_of(told, row["id"])

        for column in Event.table().columns:
            changed = {column.name: other(row[column.name], column)}
            with trail_kept(told.system), altered(told.system, Event.table(), row, **changed):
                assert any(f"position {position} " in line for line in found(told.system)), column.name

    def test_a_deleted_event_is_named(self, told: Told) -> None:
        """Its position and its id are told."""
        row = rows(told.system, Event.table())[50]

        with deleted(told.system, Event.table(), row):
            (line,) = found(told.system)

        assert line == f"An event was deleted: position {position_of(told, row['id'])} event {row['id']}"

    def test_a_deleted_entry_is_named(self, told: Told) -> None:
        """An event that is deleted with its entry leaves a gap in the chain."""
        row = rows(told.system, Event.table())[60]
        position = position_of(told, row["id"])
        link = rows(told.system, Link.table())[position - 1]

        with deleted(told.system, Link.table(), link), deleted(told.system, Event.table(), row):
            lines = found(told.system)

        assert lines == [f"Entries of the chain are missing: part positions {position}"]

    def test_an_event_sealed_again_at_the_end_is_named(self, told: Told) -> None:
        """An entry that is deleted while its event stands leaves a gap, although the event gets a new place."""
        link = rows(told.system, Link.table())[70]

        with deleted(told.system, Link.table(), link):
            lines = found(told.system)
            with ruling(told.system) as connection:
                connection.execute(delete(Link.table()).where(Link.table().c.event_id == link["event_id"]))

        assert lines == [f"Entries of the chain are missing: part positions {link['position']}"]

    def test_swapped_entries_are_named(self, told: Told) -> None:
        """Two events in each other's place are found by both positions."""
        one, two = rows(told.system, Link.table())[30:32]
        table = Link.table()
        with ruling(told.system) as connection:
            for position, event in ((one, uuid4()), (two, one["event_id"]), (one, two["event_id"])):
                where = table.c.position == position["position"]
                connection.execute(update(table).where(where).values(event_id=event))

        lines = found(told.system)

        what = "An entry was put elsewhere in the chain"
        assert [line.partition(" event ")[0] for line in lines] == [
            f"{what}: position {each['position']}" for each in (one, two)
        ]

    @pytest.mark.parametrize(
        "check",
        [
            pytest.param({}, id="anothers"),
            pytest.param({"key_id": None, "mac": None}, id="none"),
            pytest.param({"key_id": "event-2"}, id="unknown-key"),
            pytest.param({"key_id": "pepper-1"}, id="key-of-another-use"),
        ],
    )
    def test_an_inserted_event_is_named(self, told: Told, check: dict[str, Any]) -> None:
        """Whoever has no key of custody cannot write an event, neither without a check nor with another's."""
        forged = {**rows(told.system, Event.table())[10], "id": event_id(), **check}
        with ruling(told.system) as connection:
            connection.execute(insert(Event.table()), [forged])

        (line,) = found(told.system)

        assert line.startswith("An event carries no check of ours: it was altered or inserted: position ")
        assert names(line, forged["id"])

    def test_a_rewritten_chain_is_found_by_its_signatures(self, told: Told) -> None:
        """An event taken out and everything after it chained anew: consistent, and not what was signed."""
        _rewrite(told, without=25)

        assert any("The chain is not the one that was signed" in line for line in found(told.system))

    def test_signatures_that_are_taken_away_are_missed_by_the_keystore(self, told: Told) -> None:
        """The same without the checkpoints: another database remembers that there was one."""
        _rewrite(told, without=25)
        with ruling(told.system) as connection:
            connection.execute(delete(Checkpoint.table()))

        assert any("The keystore has seen a checkpoint that is gone" in line for line in found(told.system))

    def test_a_forged_checkpoint_is_named(self, told: Told) -> None:
        """Each column of a checkpoint, changed by itself, is found."""
        row = rows(told.system, Checkpoint.table())[0]

        for column in Checkpoint.table().columns:
            changed = {column.name: other(row[column.name], column)}
            with altered(told.system, Checkpoint.table(), row, **changed):
                assert any("checkpoint" in line for line in found(told.system)), column.name

    def test_a_witness_sees_an_older_copy(self, told: Told, tmp_path: Path) -> None:
        """What was sealed since the older copy is gone; the witness's file tells, whatever the databases say."""
        file = tmp_path / "witness.jsonl"
        deliver(told.system.runtime, FileWitness(file, "0" * 64))
        assert found(told.system, witness_file=file) == []
        _set_back(told, rows(told.system, Checkpoint.table())[0]["position"])

        lines = found(told.system, witness_file=file)

        assert any("an older copy was put back" in line and "part witness" in line for line in lines)
        assert any("The keystore has seen" in line for line in lines)

    def test_an_event_that_commits_late_gets_a_later_place(self, told: Told) -> None:
        """It is made first and committed last: it is not lost, and the chain stands."""
        collaborators = told.system.runtime.collaborators
        late = audit.row(collaborators, OPERATOR, "attempts.swept", count=1)
        told.system.sign_in(told.place["lead"])
        trail.seal_all(told.system.runtime)
        with told.system.runtime.transaction() as session:
            session.execute(insert(Event.table()).values(late))

        assert trail.seal_all(told.system.runtime) == 1

        assert position_of(told, late["id"]) == len(rows(told.system, Link.table()))
        assert found(told.system) == []


def position_of(told: Told, event: UUID) -> int:
    """Where an event stands."""
    with told.system.runtime.glance() as session:
        position = session.scalar(select(Link.position).where(Link.event_id == event))
    assert position is not None
    return position


def _set_back(told: Told, position: int) -> None:
    """The trail as it was at a position."""
    with ruling(told.system) as connection:
        later = select(Link.event_id).where(Link.position > position)
        connection.execute(delete(Event.table()).where(Event.table().c.id.in_(later)))
        for table in (Link.table(), Checkpoint.table()):
            connection.execute(delete(table).where(table.c.position > position))


def _rewrite(told: Told, *, without: int) -> None:
    """Take an entry and its event out, and chain everything after it anew."""
    links = rows(told.system, Link.table())
    events = {row["id"]: row for row in rows(told.system, Event.table())}
    kept = [link["event_id"] for link in links if link["position"] != without]
    before, fresh = entries.START, []
    deployment = told.system.settings.deployment
    for position, event in enumerate(kept, 1):
        before = entries.link_hash(deployment, position, before, entries.message(deployment, events[event]))
        fresh.append({"position": position, "event_id": event, "hash": before})
    with ruling(told.system) as connection:
        connection.execute(delete(Link.table()))
        connection.execute(insert(Link.table()), fresh)
