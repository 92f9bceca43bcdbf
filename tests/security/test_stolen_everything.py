"""Everything stolen while nobody is signed in: databases with their old rows, keystore, custody, logs, temporary files.

One story of ten released testimonies for each kind of database; every test looks at what it left behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest

from tests.databases import KINDS, Kind
from tests.people import PASSWORD
from tests.security.attacker import Attacker
from tests.security.canaries import Canary, written_in_every_way
from tests.security.loot import Rows
from tests.security.scenes import Scene, staged

pytestmark = pytest.mark.slow
RELEASED = 10
ON_EACH = [pytest.param(kind, marks=[pytest.mark.postgres] * (kind == "postgresql")) for kind in KINDS]


@dataclass
class Theft:
    """The scene, and the keystore as it was carried off before and after a rotation."""

    scene: Scene
    captured: Rows
    opened_before_rotation: dict[str, set[UUID]]
    keystore: Rows

    def loot(self, *people: str) -> dict[str, set[UUID]]:
        """What a thief opens who knows these people's passwords."""
        return self.thief(*people).loot()

    def thief(self, *people: str) -> Attacker:
        """A thief of everything who knows these people's passwords."""
        passwords = {self.scene.story.place[who].id: PASSWORD for who in people}
        return self.scene.attacker(self.keystore, passwords=passwords)


@pytest.fixture(scope="module", params=ON_EACH)
def theft(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theft]:
    """Ten testimonies released, everybody signed out, the hour of the disclosure over; then everything is stolen.

    From SQLite at once: what stands in the keystore's file and what can be carved from it. From PostgreSQL after a
    rotation: what stands in the keystore and every share that ever stood there.
    """
    kind: Kind = request.param
    with ExitStack() as stack:
        scene = stack.enter_context(staged(tmp_path_factory.mktemp("theft"), kind))
        scene.story.tell(RELEASED)
        scene.system.clock.advance(hours=2)
        scene.tidy()
        captured = scene.keystore.all()
        before = scene.attacker(captured).loot()
        if kind == "postgresql":
            scene.rotate()
        yield Theft(scene, captured, before, scene.stolen_keystore() if kind == "sqlite" else scene.keystore.all())


@pytest.mark.parametrize(("way", "written"), list(written_in_every_way(Canary("planted").word())))
def test_the_search_finds_a_canary_in_every_way_of_writing(way: str, written: bytes) -> None:
    """A canary in some noise is found however it is written, and nothing is found in the noise alone."""
    canary, noise = Canary("planted"), bytes(range(256))
    assert canary.found(noise + written + noise), way
    assert not canary.found(noise)


def test_no_canary_of_any_field_is_in_any_file(theft: Theft) -> None:
    """Databases, WAL, keystore, custody, backups, logs and temporary files hold no text that anybody entered."""
    files = theft.scene.own_files()
    assert theft.scene.system.folder / "custody" / "web.keys" in files
    assert (theft.scene.folder / "log").stat().st_size
    assert theft.scene.canaries() == {}


def test_every_field_of_every_record_was_canaried_and_read(theft: Theft) -> None:
    """The search means something: with two passwords each text of each record turns up in what is decrypted."""
    scene = theft.scene
    opened = theft.thief("guardian", "auditor").opened()
    texts = {field.name for field in scene.form().fields.values() if field.type in TEXTS}
    with_canary = {
        (each.record, each.name) for each, text in opened.items() if scene.story.canary.stem.encode() in text
    }
    named = {name for record in scene.story.records for name in texts if (record, name) in with_canary}
    assert named == texts
    assert {record for record, _ in with_canary} == set(scene.story.records)


TEXTS = frozenset({"string", "strings", "text", "object", "objects", "staff_ref"})


def test_nothing_opens_while_nobody_is_signed_in(theft: Theft) -> None:
    """Every box and every field, live or put back, tried with every key of custody and keystore: nothing opens."""
    attacker = theft.thief()
    assert attacker.opened() == {}
    assert attacker.read_asks() == []
    assert attacker.unlocked_sessions() == 0


def test_the_thief_has_the_worker_pair_live_shares_and_the_old_grants(theft: Theft) -> None:
    """What fails above does not fail for want of loot."""
    attacker = theft.thief()
    live = {row["id"] for row in theft.scene.main.now()["grant"]}
    assert len(attacker.pairs) == 1
    assert {share for share, _ in attacker.shares} >= live
    put_back = {row["scope"] for row in attacker.main["grant"] if row["id"] not in live}
    assert {"work", "source", "research.1", "sample.1"} <= put_back


def test_shares_from_before_would_open_it_so_destroying_them_is_what_counts(theft: Theft) -> None:
    """With shares captured while they stood, the same thief reads what the worker could: identity and source."""
    assert theft.opened_before_rotation == {compartment: set(theft.scene.story.records) for compartment in WORKERS}


WORKERS = ("identity", "source")


def test_one_password_opens_what_that_person_may_and_no_more(theft: Theft) -> None:
    """A researcher's opens releases, a guardian's the protection compartment with its notes, others' nothing."""
    everything = set(theft.scene.story.records)
    assert theft.loot("researcher") == {"research": everything}
    opened = theft.loot("guardian")
    assert opened.pop("note") <= everything
    assert opened == {"protection": everything}
    assert theft.loot("auditor", "redactor", "interviewer") == {}


def test_only_two_passwords_open_a_direct_field_or_the_source(theft: Theft) -> None:
    """A guardian's and an auditor's password together open identity and source: each half alone opens neither."""
    everything = set(theft.scene.story.records)
    both = theft.loot("guardian", "auditor")
    assert (both["identity"], both["source"]) == (everything, everything)


def test_a_rotation_ends_every_share_that_was_captured_before(theft: Theft) -> None:
    """After a rotation, rows of the keystore from before it open nothing, nor does its old key lie in custody."""
    if theft.scene.kind == "sqlite":
        theft.scene.rotate()
    attacker = theft.scene.attacker(theft.captured)
    assert attacker.versions == {}
    assert attacker.opened() == {}
    assert list(attacker.custody.glob("*.keys"))


def test_destroyed_shares_linger_in_files_of_postgresql_and_not_of_sqlite(theft: Theft) -> None:
    """Why it takes a rotation there: old tuples stay in heap and write-ahead log. SQLite zeroes what it deletes."""
    scene = theft.scene
    live = {row["id"] for row in scene.keystore.now()["share"]}
    destroyed = [bytes(row["value"]) for row in theft.captured["share"] if row["id"] not in live]
    content = [path.read_bytes() for path in scene.database_files()]
    assert destroyed
    lingers = any(value in data for value in destroyed for data in content)
    assert lingers == (scene.kind == "postgresql" and bool(content))


def test_files_are_open_to_their_owner_only(theft: Theft) -> None:
    """Everything that we write is 0600, every folder 0700."""
    ours = [theft.scene.system.folder, *theft.scene.system.folder.rglob("*")]
    modes = {str(path): oct(path.stat().st_mode & 0o777) for path in ours if not _mode_is_right(path)}
    assert modes == {}


def _mode_is_right(path: Path) -> bool:
    return path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600)


def test_no_temporary_file_is_left(theft: Theft) -> None:
    """Uploads, sorts and reports: nothing was put into the folder for temporary files."""
    assert list((theft.scene.folder / "tmp").iterdir()) == []
