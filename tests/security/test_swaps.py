"""Rows moved about by whoever can write into the databases: everything fails closed, and shows nobody's content."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, Table, and_, select, update

from app.accounts.models import Session, User
from app.cases.models import Case, Grant, Pack, Record
from app.client import Client, Problem
from app.crypto import packs
from app.crypto.encoding import canonical_json
from app.crypto.sealed import Sealed
from app.crypto.tokens import token_hash
from app.keystore.models import share
from app.review.models import Ask, Disclosure
from app.studies.models import InstrumentVersion, Member
from tests.people import PASSWORD
from tests.security.scenes import Scene, staged

FAILS_CLOSED = {404, 409, 410, 500}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Two released records and one finished draft, everybody signed in."""
    with staged(tmp_path_factory.mktemp("swaps"), "sqlite") as staged_scene:
        story = staged_scene.story
        with story.everybody():
            for _ in range(3):
                story.submit()
            story.redact()
            for _ in range(3):
                story.finish()
            released = [story.release(), story.release()]
            story.people["approver"].review.take(story.place.id)
            story.records.sort(key=lambda record: record not in released)
            for record in released:
                ask, auditor = story.ask(record), story.fresh("auditor").disclosures
                auditor.approve(story.place.id, ask, digest=auditor.read_ask(story.place.id, ask)["digest"])
            yield staged_scene


@contextmanager
def changed(engine: Engine, table: Table, key: Mapping[str, Any], **values: Any) -> Iterator[None]:
    """Other values in one row, for as long as the block runs."""
    row = and_(*(table.c[name] == value for name, value in key.items()))
    with engine.begin() as connection:
        before = dict(connection.execute(select(table).where(row)).mappings().one())
        connection.execute(update(table).where(row).values(**values))
    try:
        yield
    finally:
        now = and_(*(table.c[name] == values.get(name, value) for name, value in key.items()))
        with engine.begin() as connection:
            connection.execute(update(table).where(now).values({name: before[name] for name in values}))


def row_of(scene: Scene, table: Table, **key: Any) -> dict[str, Any]:
    """One row."""
    engine = scene.system.runtime.keystore_engine if table is share else scene.system.runtime.engine
    with engine.begin() as connection:
        query = select(table).where(*(table.c[name] == value for name, value in key.items()))
        return dict(connection.execute(query).mappings().one())


def refused(scene: Scene, call: Any, *arguments: Any, status: set[int] = FAILS_CLOSED) -> str:
    """The code of the problem; the answer holds no canary."""
    with pytest.raises(Problem) as caught:
        call(scene.story.place.id, *arguments)
    assert caught.value.status in status
    assert scene.story.canary.found(repr(vars(caught.value)).encode()) == []
    return caught.value.code


def reads(scene: Scene) -> dict[str, tuple[Any, tuple[Any, ...]]]:
    """What each compartment of the first record is read with."""
    people, (first, _, third) = scene.story.people, scene.story.records
    ask = row_of(scene, Ask.table(), record_id=first)["id"]
    return {
        "research": (people["researcher"].research.release, (first,)),
        "protection": (people["guardian"].cases.protection, (first,)),
        "identity": (people["guardian"].disclosures.read, (ask,)),
        "source": (people["approver"].review.source, (third,)),
    }


VERSIONS = {"research": 1, "protection": 0, "identity": 0, "source": 0}


def test_everything_reads_before_anything_is_swapped(scene: Scene) -> None:
    """Each of the four reads shows a canary as long as nothing is moved."""
    for call, arguments in reads(scene).values():
        assert scene.story.canary.stem in str(call(scene.story.place.id, *arguments))


@pytest.mark.parametrize("compartment", VERSIONS)
def test_a_pack_in_another_records_row_does_not_open(scene: Scene, compartment: str) -> None:
    """The same compartment of another record, with its own digest, put in the place of this one's."""
    first, second, third = scene.story.records
    mine = third if compartment == "source" else first
    key = {"record_id": mine, "compartment": compartment, "version": VERSIONS[compartment]}
    other = row_of(scene, Pack.table(), **key | {"record_id": second})
    call, arguments = reads(scene)[compartment]
    with changed(scene.system.runtime.engine, Pack.table(), key, sealed=other["sealed"], digest=other["digest"]):
        assert refused(scene, call, *arguments) == "tampered"


def spoilt(sealed: Sealed, how: str) -> Sealed:
    """A pack whose fields were moved about, or whose bytes were damaged."""
    blobs = packs.unpack(sealed)
    first, second = list(blobs)[:2]
    if how == "fields exchanged":
        return packs.pack(blobs | {first: blobs[second], second: blobs[first]})
    if how == "field renamed":
        return packs.pack({name if name != first else f"{name}x": blob for name, blob in blobs.items()})
    flipped = sealed[:-9] + bytes([sealed[-9] ^ 1]) + sealed[-8:]
    damaged = {"cut": sealed[:-1], "longer": sealed + b"\0", "bit": flipped}
    return Sealed(damaged[how])


@pytest.mark.parametrize("compartment", ["research", "protection", "source"])
@pytest.mark.parametrize("how", ["fields exchanged", "field renamed", "cut", "longer", "bit"])
def test_a_pack_that_was_changed_does_not_open(scene: Scene, compartment: str, how: str) -> None:
    """Fields exchanged or renamed inside a pack, bytes cut, added, flipped."""
    first, _, third = scene.story.records
    mine = third if compartment == "source" else first
    key = {"record_id": mine, "compartment": compartment, "version": VERSIONS[compartment]}
    sealed = spoilt(row_of(scene, Pack.table(), **key)["sealed"], how)
    call, arguments = reads(scene)[compartment]
    with changed(scene.system.runtime.engine, Pack.table(), key, sealed=sealed):
        assert refused(scene, call, *arguments) == "tampered"


def test_a_release_without_its_fields_is_none(scene: Scene) -> None:
    """An empty pack is not shown as a release in which nothing was answered."""
    key = {"record_id": scene.story.records[0], "compartment": "research", "version": 1}
    call, arguments = reads(scene)["research"]
    with changed(scene.system.runtime.engine, Pack.table(), key, sealed=Sealed(b"")):
        assert refused(scene, call, *arguments) == "tampered"


@pytest.mark.parametrize("compartment", ["source"])
def test_a_pack_with_a_field_taken_out_does_not_open(scene: Scene, compartment: str) -> None:
    """Every field of the questionnaire is sealed, absent ones too: one that is missing was taken out."""
    call, arguments = reads(scene)[compartment]
    key = {"record_id": arguments[0], "compartment": compartment, "version": 0}
    fields = packs.unpack(row_of(scene, Pack.table(), **key)["sealed"])
    fields.pop("joined_period")
    with changed(scene.system.runtime.engine, Pack.table(), key, sealed=packs.pack(fields)):
        assert refused(scene, call, *arguments) == "tampered"


def test_a_questionnaire_changed_after_the_intake_is_not_believed(scene: Scene) -> None:
    """The signed receipt names the questionnaire, so a row with other release rules releases nothing."""
    call, arguments = reads(scene)["source"]
    key = {"id": row_of(scene, Record.table(), id=arguments[0])["instrument_id"]}
    definition = json.loads(row_of(scene, InstrumentVersion.table(), **key)["body"])
    definition["title"]["en"] += " (changed)"
    with changed(scene.system.runtime.engine, InstrumentVersion.table(), key, body=canonical_json(definition)):
        assert refused(scene, call, *arguments) == "tampered"


@pytest.mark.parametrize("changes", [{"key_id": "roster-1"}, {"signature": "A" * 86 + "=="}, {"day": "2001-01-01"}])
def test_a_receipt_that_was_changed_vouches_for_nothing(scene: Scene, changes: dict[str, str]) -> None:
    """What stands in for the questionnaire's digest is itself signed."""
    call, arguments = reads(scene)["source"]
    key = {"id": arguments[0]}
    receipt = row_of(scene, Record.table(), **key)["receipt"]
    with changed(scene.system.runtime.engine, Record.table(), key, receipt={**receipt, **changes}):
        assert refused(scene, call, *arguments) == "tampered"


def test_the_receipt_of_another_record_vouches_for_nothing(scene: Scene) -> None:
    """A true receipt in another row is not that row's."""
    call, arguments = reads(scene)["source"]
    other = row_of(scene, Record.table(), id=scene.story.records[0])["receipt"]
    with changed(scene.system.runtime.engine, Record.table(), {"id": arguments[0]}, receipt=other):
        assert refused(scene, call, *arguments) == "tampered"


def test_an_older_draft_does_not_stand_for_the_newest(scene: Scene) -> None:
    """Version 1 of the draft put in the row of version 2 does not open: the version is in the context."""
    third = scene.story.records[2]
    key = {"record_id": third, "compartment": "source", "version": 2}
    old = row_of(scene, Pack.table(), **key | {"version": 1})
    with changed(scene.system.runtime.engine, Pack.table(), key, sealed=old["sealed"], digest=old["digest"]):
        assert refused(scene, scene.story.people["approver"].review.source, third) == "tampered"


def test_a_draft_changed_after_it_was_finished_is_not_released(scene: Scene) -> None:
    """The digest fixed by the redactor no longer fits: not even the preview comes."""
    third, approver = scene.story.records[2], scene.story.people["approver"].review
    digest = approver.preview(scene.story.place.id, third)["digest"]
    key = {"record_id": third, "compartment": "source", "version": 2}
    old = row_of(scene, Pack.table(), **key | {"version": 1})
    scene.story.fresh("approver")
    with (
        changed(scene.system.runtime.engine, Pack.table(), key, sealed=old["sealed"], digest=old["digest"]),
        pytest.raises(Problem) as caught,
    ):
        approver.release(scene.story.place.id, third, digest=digest)
    assert caught.value.code == "digest-differs"


@pytest.mark.parametrize(
    ("compartment", "scope"), [("research", "research.1"), ("protection", "protection"), ("identity", "identity.g")]
)
def test_the_box_of_another_grant_does_not_open(scene: Scene, compartment: str, scope: str) -> None:
    """The box of another record's grant, of the same scope and epoch, in this one's row."""
    first, second, _ = scene.story.records
    mine, other = (row_of(scene, Grant.table(), record_id=record, scope=scope) for record in (first, second))
    call, arguments = reads(scene)[compartment]
    with changed(scene.system.runtime.engine, Grant.table(), {"id": mine["id"]}, box=other["box"]):
        assert refused(scene, call, *arguments) == "tampered"


def test_a_grant_row_moved_to_another_record_does_not_open(scene: Scene) -> None:
    """Two grants change places, ids and shares with them: each is bound to its record."""
    first, second, _ = scene.story.records
    mine, other = (row_of(scene, Grant.table(), record_id=record, scope="research.1") for record in (first, second))
    engine, table = scene.system.runtime.engine, Grant.table()
    with (
        changed(engine, table, {"id": mine["id"]}, scope="parked"),
        changed(engine, table, {"id": other["id"]}, record_id=first),
    ):
        call, arguments = reads(scene)["research"]
        assert refused(scene, call, *arguments) == "tampered"


def test_a_grant_row_moved_to_another_epoch_does_not_open(scene: Scene) -> None:
    """The guardians' grant said to be the researchers': it was not wrapped to them."""
    first = scene.story.records[0]
    research = row_of(scene, Grant.table(), record_id=first, scope="research.1")
    protection = row_of(scene, Grant.table(), record_id=first, scope="protection")
    engine, table = scene.system.runtime.engine, Grant.table()
    with (
        changed(engine, table, {"id": research["id"]}, scope="parked"),
        changed(engine, table, {"id": protection["id"]}, scope="research.1", epoch_id=research["epoch_id"]),
    ):
        call, arguments = reads(scene)["research"]
        assert refused(scene, call, *arguments) == "tampered"


def test_a_half_under_the_name_of_a_whole_does_not_open(scene: Scene) -> None:
    """The guardians' half of the source renamed to their protection grant: the scope is in the context."""
    first = scene.story.records[0]
    protection = row_of(scene, Grant.table(), record_id=first, scope="protection")
    half = row_of(scene, Grant.table(), record_id=first, scope="source.g")
    engine, table = scene.system.runtime.engine, Grant.table()
    with (
        changed(engine, table, {"id": protection["id"]}, scope="parked"),
        changed(engine, table, {"id": half["id"]}, scope="protection"),
    ):
        call, arguments = reads(scene)["protection"]
        assert refused(scene, call, *arguments) == "tampered"


def test_a_record_said_to_be_of_another_case_does_not_open(scene: Scene) -> None:
    """The case is part of every field's context."""
    first, second, _ = scene.story.records
    case = row_of(scene, Record.table(), id=second)["case_id"]
    assert row_of(scene, Case.table(), id=case)
    with changed(scene.system.runtime.engine, Record.table(), {"id": first}, case_id=case):
        call, arguments = reads(scene)["research"]
        assert refused(scene, call, *arguments) == "tampered"


def test_the_share_of_another_grant_does_not_open(scene: Scene) -> None:
    """Shares exchanged in the keystore: each is sealed to its own id and record."""
    first, second, _ = scene.story.records
    mine, other = (
        row_of(scene, Grant.table(), record_id=record, scope="research.1")["id"] for record in (first, second)
    )
    value = row_of(scene, share, id=other)["value"]
    with changed(scene.system.runtime.keystore_engine, share, {"id": mine}, value=value):
        call, arguments = reads(scene)["research"]
        assert refused(scene, call, *arguments) == "tampered"


def test_the_member_box_of_somebody_else_does_not_open(scene: Scene) -> None:
    """The lead's box of the researchers' key in the researcher's row."""
    epoch = row_of(scene, Grant.table(), record_id=scene.story.records[0], scope="research.1")["epoch_id"]
    mine, other = (scene.story.place[who].id for who in ("researcher", "lead"))
    box = row_of(scene, Member.table(), epoch_id=epoch, user_id=other)["box"]
    with changed(scene.system.runtime.engine, Member.table(), {"epoch_id": epoch, "user_id": mine}, box=box):
        call, arguments = reads(scene)["research"]
        assert refused(scene, call, *arguments) == "tampered"


def test_a_disclosure_does_not_answer_another_ask(scene: Scene) -> None:
    """The half handed over for one record put under the ask for another."""
    first, second, _ = scene.story.records
    mine = row_of(scene, Disclosure.table(), record_id=first)
    other = row_of(scene, Disclosure.table(), record_id=second)
    with changed(scene.system.runtime.engine, Disclosure.table(), {"id": mine["id"]}, box=other["box"]):
        call, arguments = reads(scene)["identity"]
        assert refused(scene, call, *arguments) == "tampered"


def test_a_disclosure_shows_no_other_fields_by_another_asks_text(scene: Scene) -> None:
    """The sealed names of one ask in the row of another do not open."""
    first, second, _ = scene.story.records
    mine, other = (row_of(scene, Ask.table(), record_id=record) for record in (first, second))
    with changed(scene.system.runtime.engine, Ask.table(), {"id": mine["id"]}, sealed=other["sealed"]):
        call, arguments = reads(scene)["identity"]
        assert refused(scene, call, *arguments) == "tampered"


def test_a_disclosure_passed_on_to_somebody_else_is_not_theirs(scene: Scene) -> None:
    """The row says that another guardian asked: neither the ask nor the half opens for that person."""
    first, other = scene.story.records[0], scene.story.place["guardian2"].id
    ask, row = row_of(scene, Ask.table(), record_id=first), row_of(scene, Disclosure.table(), record_id=first)
    engine = scene.system.runtime.engine
    with (
        scene.system.signed_in("guardian2", scene.story.place) as client,
        changed(engine, Ask.table(), {"id": ask["id"]}, asker_id=other),
        changed(engine, Disclosure.table(), {"id": row["id"]}, asker_id=other),
    ):
        assert refused(scene, client.disclosures.read, ask["id"]) in {"gone", "tampered"}


def signed_in(scene: Scene, who: str) -> tuple[Client, dict[str, Any]]:
    """A session and its row."""
    client = scene.system.client(scene.system.sign_in(scene.story.place[who]))
    return client, row_of(scene, Session.table(), token_hash=token_hash(str(client.http.token)))


@pytest.mark.parametrize("column", ["user_id", "sealed", "expires_at"])
def test_a_session_row_that_was_changed_is_no_session(scene: Scene, column: str) -> None:
    """Moved to another person, given another's bundle, or prolonged: the token opens nothing."""
    client, row = signed_in(scene, "interviewer")
    _, other = signed_in(scene, "guardian")
    values = {column: other[column] if column != "expires_at" else row[column].replace(year=2040)}
    values |= {"key_id": other["key_id"]} if column == "user_id" else {}
    with changed(scene.system.runtime.engine, Session.table(), {"id": row["id"]}, **values):
        with pytest.raises(Problem) as caught:
            client.accounts.me()
        assert caught.value.status == 401
    assert client.accounts.me()


@pytest.mark.parametrize("columns", [("bundle",), ("bundle", "salt"), ("bundle", "salt", "key_id")])
def test_the_bundle_of_somebody_else_opens_for_nobody(scene: Scene, columns: tuple[str, ...]) -> None:
    """One's own bundle, salt and key put into somebody else's account: one's password does not sign in there."""
    mine, theirs = (row_of(scene, User.table(), id=scene.story.place[who].id) for who in ("interviewer", "guardian"))
    values = {name: mine[name] for name in columns}
    with changed(scene.system.runtime.engine, User.table(), {"id": theirs["id"]}, **values):
        with pytest.raises(Problem) as caught:
            scene.system.client().accounts.sign_in(
                theirs["name"], PASSWORD, scene.system.code(scene.story.place["interviewer"])
            )
        assert caught.value.status == 401


def test_a_case_flag_taken_off_by_hand_opens_no_frozen_record(scene: Scene) -> None:
    """The keystore freezes too: unfreezing the row in the main database does not read."""
    second = scene.story.records[1]
    row = row_of(scene, Record.table(), id=second)
    keystore = scene.system.collaborators.keystore
    keystore.freeze([second])
    assert row["case_id"]
    assert refused(scene, scene.story.people["researcher"].research.release, second) == "frozen"
    keystore.thaw([second])


def test_uuid_of_another_study_reads_nothing(scene: Scene) -> None:
    """A record whose row says another study is absent, not shown."""
    first = scene.story.records[0]
    other: UUID = scene.system.study("Another", prefix="x.").id
    with changed(scene.system.runtime.engine, Record.table(), {"id": first}, study_id=other):
        call, arguments = reads(scene)["research"]
        assert refused(scene, call, *arguments, status={404}) == "not-found"
