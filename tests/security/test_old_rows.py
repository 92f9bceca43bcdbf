"""Rows that were deleted, put back by a thief or a database administrator: they open nothing."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import insert, select, update

from app.access import Team
from app.cases.models import Grant, Record
from app.cases.queries import Status
from app.client import Problem
from app.operations.restore import check_keystore
from app.review.models import Disclosure
from app.studies.models import Epoch, Member
from tests.people import PASSWORD
from tests.security.loot import Rows
from tests.security.scenes import Scene


def put_back(scene: Scene, scope: str, record: UUID) -> None:
    """Insert a deleted grant again, as a database administrator can."""
    row = next(row for row in scene.main.all()["grant"] if (row["scope"], row["record_id"]) == (scope, record))
    with scene.system.runtime.transaction() as session:
        session.execute(insert(Grant).values(row))


def released(scene: Scene) -> UUID:
    """One record on its whole way, everybody signed out."""
    scene.story.tell(1)
    scene.system.clock.advance(hours=2)
    scene.tidy()
    return scene.story.records[0]


def test_a_pending_record_is_open_to_a_thief_and_nothing_else_is(each_scene: Scene) -> None:
    """Said honestly: until its draft is stored, identity and source of a waiting record open with the worker's key."""
    scene, story = each_scene, each_scene.story
    story.tell(1)
    with story.everybody():
        pending = story.submit()
    scene.system.clock.advance(hours=2)
    scene.tidy()
    if scene.kind == "postgresql":
        scene.rotate()
    opened = scene.attacker(scene.keystore.all() if scene.kind == "postgresql" else scene.stolen_keystore()).opened()
    assert {each.record for each in opened} == {pending}
    assert {(each.compartment, each.version) for each in opened} == {("identity", 0), ("source", 0)}
    assert any(story.canary.stem.encode() in text for text in opened.values())


def test_a_record_that_failed_stays_open_to_a_thief_until_it_is_drafted_by_hand(scene: Scene) -> None:
    """A failed record keeps the worker's grant; the draft by hand destroys its share."""
    story = scene.story
    with story.everybody():
        record = story.submit()
        with scene.system.runtime.transaction() as session:
            session.execute(update(Record).where(Record.id == record).values(status=Status.FAILED))
        assert scene.attacker(scene.stolen_keystore()).loot() == {"identity": {record}, "source": {record}}
        review = story.people["redactor"].review
        review.take(story.place.id)
        review.edit(story.place.id, record, version=0, texts={})
    scene.tidy()
    assert scene.attacker(scene.stolen_keystore()).loot() == {}


def test_a_record_to_be_drafted_again_shows_its_source_only(scene: Scene) -> None:
    """The second grant of the worker holds no identity key."""
    story = scene.story
    with story.everybody():
        record = story.submit()
        story.redact()
        review = story.people["redactor"].review
        review.take(story.place.id)
        review.draft_again(story.place.id, record)
        story.looking()
    scene.tidy()
    assert scene.attacker(scene.stolen_keystore()).loot() == {"source": {record}}


def test_deleted_rows_are_found_in_sqlite_files_and_open_nothing(scene: Scene) -> None:
    """Carving alone brings back the worker's and the redactors' grants; with a password, still nothing."""
    record, place = released(scene), scene.story.place
    carved, live = scene.carved(), {row["id"] for row in scene.main.now()["grant"]}
    assert {"work", "source"} <= {row["scope"] for row in carved["grant"] if row["id"] not in live}
    assert {row["id"] for row in carved["grant"]} >= live
    thief = scene.attacker(scene.stolen_keystore(), passwords={place["redactor"].id: PASSWORD})
    assert thief.loot() == {}
    assert record in thief.places


def test_a_worker_grant_put_back_is_not_redacted_again(scene: Scene) -> None:
    """The worker meets it, opens nothing, and the record ends as failed, with its release untouched."""
    record = released(scene)
    put_back(scene, "work", record)
    with scene.system.runtime.transaction() as session:
        session.execute(update(Record).where(Record.id == record).values(status=Status.RECEIVED, tries=4))
    scene.story.redact()
    with scene.system.runtime.transaction() as session:
        assert session.scalar(select(Record.status).where(Record.id == record)) == Status.FAILED
    with scene.story.everybody():
        assert scene.story.canary.stem in str(scene.story.read(record))


def test_a_redaction_grant_put_back_opens_nothing_for_the_redactor(scene: Scene) -> None:
    """After the release the share is gone: the redactor, with session and key, gets 410."""
    record, story = released(scene), scene.story
    put_back(scene, "source", record)
    with story.everybody(), pytest.raises(Problem) as refused:
        story.people["redactor"].review.source(story.place.id, record)
    assert (refused.value.status, refused.value.code) == (410, "gone")


def remove(scene: Scene, who: str, mover: str, team: Team) -> None:
    """Let the lead remove a member and another member move the team's grants."""
    study = scene.story.place.id
    with scene.story.everybody():
        scene.story.fresh("lead").studies.remove(study, scene.story.place[who].id)
        scene.look()
        moved = scene.story.people[mover].studies.move(study, team.value)
        assert moved["left"] == 0
    scene.tidy()


def test_a_removed_member_opens_nothing_with_old_rows(scene: Scene) -> None:
    """Password and old member box, put back: before the move they open what the member could, after it nothing."""
    record, place = released(scene), scene.story.place
    password = {place["guardian2"].id: PASSWORD}
    theirs = {"protection": {record}, "note": {record}}
    assert scene.attacker(scene.stolen_keystore(), passwords=password).loot() == theirs
    remove(scene, "guardian2", "guardian", Team.GUARDIANS)
    assert scene.attacker(scene.stolen_keystore(), passwords=password).loot() == {}
    assert scene.attacker(scene.stolen_keystore(), passwords={place["guardian"].id: PASSWORD}).loot() == theirs


def test_a_member_row_put_back_is_no_membership(scene: Scene) -> None:
    """A removed guardian whose epoch and box an administrator inserts again is still a stranger: 404."""
    record, story = released(scene), scene.story
    remove(scene, "guardian2", "guardian", Team.GUARDIANS)
    place, rows = story.place, scene.main.all()
    box = next(row for row in rows["member"] if row["user_id"] == place["guardian2"].id)
    epoch = next(row for row in rows["epoch"] if row["id"] == box["epoch_id"])
    with scene.system.runtime.transaction() as session:
        session.execute(insert(Epoch).values(epoch))
        session.execute(insert(Member).values(box))
    with scene.system.signed_in("guardian2", place) as client, pytest.raises(Problem) as refused:
        client.cases.protection(place.id, record)
    assert refused.value.status == 404


def grants_of(rows: Rows, *scopes: str) -> dict[str, tuple[UUID, UUID]]:
    """Grant and epoch by scope, of the grants that stand now."""
    return {row["scope"]: (row["id"], row["epoch_id"]) for row in rows["grant"] if row["scope"] in scopes}


@pytest.mark.parametrize(
    ("leaves", "moves", "team", "moved"),
    [
        ("guardian2", "guardian", Team.GUARDIANS, ("identity.g", "source.g", "protection")),
        ("auditor2", "auditor", Team.AUDITORS, ("identity.a", "source.a")),
    ],
)
def test_each_half_rotates_alone(scene: Scene, leaves: str, moves: str, team: Team, moved: tuple[str, ...]) -> None:
    """One team's halves move to its new epoch, the other's do not change, and both together still give the key."""
    record, story = released(scene), scene.story
    other = [
        scope for scope in ("identity.g", "identity.a", "source.g", "source.a", "protection") if scope not in moved
    ]
    before = scene.main.now()
    remove(scene, leaves, moves, team)
    after = scene.main.now()
    assert grants_of(before, *other) == grants_of(after, *other)
    assert set(grants_of(before, *moved).values()).isdisjoint(grants_of(after, *moved).values())
    with story.everybody():
        for scope, field in (("identity", "legal_name"), ("source", "exit_account")):
            assert story.canary.stem in str(story.disclose(record, scope=scope, fields=(field,)))
    live = {row["id"] for row in scene.keystore.now()["share"]}
    assert live.isdisjoint(grant for grant, _ in grants_of(before, *moved).values())


def test_a_disclosure_taken_from_a_backup_opens_nothing_after_its_hour(scene: Scene) -> None:
    """Within the hour it opens for the asker's password alone; afterwards the row, put back, has no share."""
    story = scene.story
    with story.everybody():
        record = story.submit()
        story.disclose(record)
    password = {story.place["guardian"].id: PASSWORD}
    story.redact()
    scene.tidy()
    within = scene.attacker(scene.stolen_keystore(), passwords=password).loot()
    assert within == {"identity": {record}, "protection": {record}}
    scene.system.clock.advance(minutes=61)
    scene.tidy()
    assert scene.attacker(scene.stolen_keystore(), passwords=password).loot() == {"protection": {record}}


@pytest.mark.parametrize("prolonged", [False, True])
def test_a_disclosure_whose_old_rows_are_all_restored_is_refused_after_its_hour(
    scene: Scene, *, prolonged: bool
) -> None:
    """Both databases restored to within the hour: refused by the clock, and a prolonged expiry does not fit the box."""
    story = scene.story
    with story.everybody():
        record = story.submit()
        ask = story.ask(record)
        auditor = story.fresh("auditor").disclosures
        auditor.approve(story.place.id, ask, digest=auditor.read_ask(story.place.id, ask)["digest"])
    scene.system.clock.advance(minutes=61)  # nobody tidied: rows and share stand as they stood
    if prolonged:
        later = scene.system.clock.now.replace(year=2031)
        with scene.system.runtime.transaction() as session:
            session.execute(update(Disclosure).values(expires_at=later))
        with scene.system.runtime.keystore_engine.begin() as connection:
            connection.exec_driver_sql("UPDATE share SET expires_at = NULL")
    with story.everybody(), pytest.raises(Problem) as refused:
        story.people["guardian"].disclosures.read(story.place.id, ask)
    assert refused.value.status == (500 if prolonged else 410)


def test_an_old_keystore_put_back_and_checked_opens_nothing_that_was_revoked(scene: Scene) -> None:
    """A copy from before the release, within one key version: it opens the source, and after the check it does not."""
    story, path = scene.story, Path(scene.system.urls[1].removeprefix("sqlite:///"))
    with story.everybody():
        record = story.submit()
        story.redact()
        old = path.read_bytes()
        story.finish()
        story.release()
    scene.tidy()
    scene.system.runtime.keystore_engine.dispose()
    path.write_bytes(old)
    password = {story.place["redactor"].id: PASSWORD}
    assert scene.attacker(scene.stolen_keystore(), passwords=password).loot() == {"source": {record}}
    findings = check_keystore(scene.system.runtime)
    assert findings.dropped_shares >= 1
    assert not findings.clean  # the release's own shares are younger than the copy: they are reported as missing
    assert scene.attacker(scene.stolen_keystore(), passwords=password).loot() == {}
