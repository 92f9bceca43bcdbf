from __future__ import annotations

import shutil
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, make_url, select, update

from app.crypto.sealed import Sealed
from app.custody.file import FileCustody
from app.db import make_engine
from app.errors import BadEncoding, Conflict, CustodyUnavailable, KeystoreUnavailable, TamperedShare
from app.keystore import backup, queries, restore, rotation
from app.keystore.models import kk, metadata, record, share
from app.keystore.rotation import backup_path, rotate
from app.keystore.service import Keystore
from tests.clock import Clock
from tests.databases import Kind, opened
from tests.integration.keystore.factories import FLOOR, STUDY, Stored, make_share, store


class Crash(BaseException):
    """Stands for the process dying at that moment."""


class DyingCustody:
    """A real custody that dies at the n-th call from now on, before or after the call has had its effect."""

    def __init__(self, custody: FileCustody, calls: int, *, after: bool) -> None:
        self._custody = custody
        self._left = calls
        self._after = after

    def __getattr__(self, verb: str) -> Any:
        def call(*args: Any) -> Any:
            self._left -= 1
            if self._left == 0 and not self._after:
                raise Crash
            result = getattr(self._custody, verb)(*args)
            if self._left == 0:
                raise Crash
            return result

        return call


def on(keystore: Keystore, engine: Engine, custody: Any = None) -> Keystore:
    """The same deployment on another engine or custody."""
    return Keystore(engine, custody or keystore.custody, keystore.deployment, keystore.clock)


@pytest.fixture
def empty(keystore: Keystore, database_kind: Kind) -> Iterator[Keystore]:
    """The same deployment's keystore on a second database, without a key version."""
    with opened(database_kind, "keystore") as engine:
        yield on(keystore, engine)


def check_rotated(keystore: Keystore, stored: list[Stored], n: int) -> None:
    """Everything opens under version n, and no older version is left anywhere."""
    with keystore.transaction() as connection:
        assert list(connection.scalars(select(kk.c.n))) == [n]
        assert set(connection.scalars(select(share.c.kk))) == {n}
        assert set(connection.scalars(select(record.c.kk))) == {n}
    assert not any(keystore.custody.has(f"kk-{old}") for old in range(1, n))
    fresh = on(keystore, keystore.engine)
    for item in stored:
        assert fresh.get(item.ids, floor=FLOOR) == item.values
        assert fresh.idem(item.record) == item.idem


def test_a_rotation_keeps_everything_under_a_new_version(keystore: Keystore, tmp_path: Path) -> None:
    """Shares and idems open as before; the old version is gone from the database and from custody."""
    stored = [store(keystore) for _ in range(3)]
    steps: list[tuple[int, int]] = []

    assert rotate(keystore, tmp_path, lambda *step: steps.append(step), batch=4) == 2

    check_rotated(keystore, stored, 2)
    assert steps[0] == (0, 21)
    assert steps[-1] == (21, 21)
    assert len(steps) > 3
    assert rotate(keystore, tmp_path) == 3
    check_rotated(keystore, stored, 3)


def test_an_empty_keystore_rotates(keystore: Keystore, tmp_path: Path) -> None:
    """Without shares a rotation only changes the version."""
    assert rotate(keystore, tmp_path) == 2

    check_rotated(keystore, [store(keystore)], 2)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("calls", range(1, 8))
def test_a_rotation_that_dies_at_any_custody_call_goes_on(
    keystore: Keystore, custody: FileCustody, tmp_path: Path, calls: int, after: bool
) -> None:
    """The process dies before or after its n-th custody call: reads go on meanwhile, and the next call finishes."""
    stored = [store(keystore) for _ in range(2)]
    dying = on(keystore, keystore.engine, DyingCustody(custody, calls, after=after))

    try:
        rotate(dying, tmp_path, batch=3)
        died = False
    except Crash:
        died = True
    between = on(keystore, keystore.engine)
    for item in stored:
        assert between.get(item.ids, floor=FLOOR) == item.values
    stored.append(store(between))

    reached = rotate(between, tmp_path, batch=3)

    assert died or reached == 3
    check_rotated(between, stored, reached)


@pytest.mark.parametrize("step", ["_reseal_batch", "write_backup", "read_backup", "_finish"])
def test_a_rotation_that_dies_between_steps_goes_on(
    keystore: Keystore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Whatever step does not happen, the next call takes it up without making another version."""
    stored = [store(keystore) for _ in range(2)]

    def crash(*_: object, **__: object) -> None:
        raise Crash

    with monkeypatch.context() as patched:
        patched.setattr(rotation, step, crash)
        with pytest.raises(Crash):
            rotate(keystore, tmp_path)
    assert keystore.custody.has("kk-1")
    stored.append(store(keystore))

    assert rotate(keystore, tmp_path) == 2

    check_rotated(keystore, stored, 2)


def test_a_rotation_that_dies_in_the_middle_of_the_batches_goes_on(keystore: Keystore, tmp_path: Path) -> None:
    """Some rows are under the new version and some under the old: all are served, and the rest follows."""
    stored = [store(keystore) for _ in range(3)]
    seen: list[int] = []

    def crash_at_second(done: int, _total: int) -> None:
        seen.append(done)
        if len(seen) == 2:
            raise Crash

    with pytest.raises(Crash):
        rotate(keystore, tmp_path, crash_at_second, batch=2)
    with keystore.transaction() as connection:
        assert set(connection.scalars(select(share.c.kk))) == {1, 2}
    for item in stored:
        assert on(keystore, keystore.engine).get(item.ids, floor=FLOOR) == item.values

    assert rotate(keystore, tmp_path) == 2

    check_rotated(keystore, stored, 2)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_an_old_copy_opens_nothing_after_a_rotation(keystore: Keystore, keystore_url: str, tmp_path: Path) -> None:
    """A copy of the keystore's file taken before the rotation, with today's custody, opens no share and no idem."""
    stored = store(keystore)
    copy = tmp_path / "copy.sqlite"
    shutil.copyfile(make_url(keystore_url).database or "", copy)
    old_engine = make_engine(f"sqlite:///{copy}", journal="delete")
    assert on(keystore, old_engine).get(stored.ids, floor=FLOOR) == stored.values

    rotate(keystore, tmp_path)

    old = on(keystore, old_engine)
    with pytest.raises(CustodyUnavailable):
        old.get(stored.ids, floor=FLOOR)
    with pytest.raises(CustodyUnavailable):
        old.idem(stored.record)
    assert keystore.get(stored.ids, floor=FLOOR) == stored.values
    old_engine.dispose()


def test_puts_go_on_through_rotations(keystore: Keystore, tmp_path: Path) -> None:
    """Eight threads put while the keystore rotates twice: no put fails and none is lost."""
    stored: list[Stored] = []
    failures: list[BaseException] = []
    done = threading.Event()

    def put_until_done() -> None:
        mine = on(keystore, keystore.engine)
        mine._turn = keystore._turn
        try:
            while not done.is_set():
                stored.append(store(mine))
        except BaseException as exc:  # noqa: BLE001 - judged in the test's own thread
            failures.append(exc)

    threads = [threading.Thread(target=put_until_done) for _ in range(8)]
    for thread in threads:
        thread.start()
    rotate(keystore, tmp_path)
    rotate(keystore, tmp_path)
    done.set()
    for thread in threads:
        thread.join(timeout=60)

    assert failures == []
    check_rotated(keystore, stored, 3)


def test_two_rotations_at_one_moment_make_one_version(
    keystore: Keystore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that comes second to the lock gives up, and the first stands."""
    stored = store(keystore)
    real = queries.lock_version

    def overtaken(connection: Any, n: int) -> str | None:
        queries.retire_version(connection, n)
        return real(connection, n)

    monkeypatch.setattr(queries, "lock_version", overtaken)
    with pytest.raises(Conflict):
        rotate(keystore, tmp_path)
    monkeypatch.undo()

    assert rotate(keystore, tmp_path) == 2
    check_rotated(keystore, [stored], 2)


def test_a_changed_share_stops_the_rotation(keystore: Keystore, keystore_engine: Engine, tmp_path: Path) -> None:
    """Nothing is destroyed while a row does not open."""
    stored = store(keystore)
    with keystore_engine.begin() as connection:
        blob = connection.scalars(select(share.c.value).where(share.c.id == stored.ids[0])).one()
        broken = Sealed(bytes([blob[0] ^ 1]) + blob[1:])
        connection.execute(update(share).where(share.c.id == stored.ids[0]).values(value=broken))

    with pytest.raises(TamperedShare):
        rotate(keystore, tmp_path)

    assert keystore.custody.has("kk-1")
    assert keystore.get(stored.ids[1:], floor=FLOOR)


@pytest.mark.postgres
@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_a_row_that_somebody_holds_is_waited_for(keystore: Keystore, custody: FileCustody, tmp_path: Path) -> None:
    """A rotation passes over a locked row, comes back to it, and only then destroys the old version."""
    stored = store(keystore)
    result: list[int] = []
    with keystore.transaction() as connection:
        queries.locked_record(connection, stored.record, shared=True)
        thread = threading.Thread(target=lambda: result.append(rotate(keystore, tmp_path)))
        thread.start()
        thread.join(timeout=0.5)
        assert thread.is_alive()
        assert custody.has("kk-1")
    thread.join(timeout=30)

    assert result == [2]
    check_rotated(keystore, [stored], 2)


def test_an_uninitialised_keystore_does_not_rotate(
    keystore_engine: Engine, custody: FileCustody, deployment: UUID, clock: Clock, tmp_path: Path
) -> None:
    """There is nothing to rotate."""
    with pytest.raises(KeystoreUnavailable):
        rotate(Keystore(keystore_engine, custody, deployment, clock), tmp_path)


def test_a_backup_is_for_its_owner_only_and_reads_back(keystore: Keystore, tmp_path: Path) -> None:
    """The file has mode 0600, proves itself, and no secret is in it."""
    stored = store(keystore)

    n = rotate(keystore, tmp_path / "backups")

    path = backup_path(tmp_path / "backups", n)
    header = backup.read_backup(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (header.deployment, header.version, header.rows) == (keystore.deployment, 2, 1 + 1 + 6 + 1)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    assert all(secret.reveal() not in path.read_bytes() for secret in stored.values.values())


@pytest.mark.parametrize("damage", ["cut", "bit", "extra", "empty", "text", "format"])
def test_a_damaged_backup_is_refused(keystore: Keystore, tmp_path: Path, damage: str) -> None:
    """A cut, changed or lengthened file is no backup."""
    store(keystore)
    path = backup_path(tmp_path, rotate(keystore, tmp_path))
    content = path.read_bytes()
    middle = content.index(b'"value":"') + 12
    changed = {
        "cut": content[: content.rindex(b"{")],
        "bit": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
        "extra": content + b"\n",
        "empty": b"",
        "text": b"not a backup\n",
        "format": content.replace(b"testimony-keystore-1", b"testimony-keystore-2"),
    }
    path.write_bytes(changed[damage])

    with pytest.raises(BadEncoding):
        backup.read_backup(path)


@pytest.mark.parametrize("damage", [b"", b'{"format": "testimony-keystore-1"}\n'])
def test_a_backup_that_does_not_read_back_keeps_the_old_version(
    keystore: Keystore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes
) -> None:
    """A disk that loses what was written stops the rotation before anything is destroyed; the next call ends it."""
    stored = store(keystore)
    real = backup.write_backup

    def lossy(connection: Any, path: Path, **keywords: Any) -> backup.Header:
        header = real(connection, path, **keywords)
        path.write_bytes(damage)
        return header

    with monkeypatch.context() as patched:
        patched.setattr(rotation, "write_backup", lossy)
        with pytest.raises(KeystoreUnavailable):
            rotate(keystore, tmp_path)
    assert keystore.custody.has("kk-1")

    assert rotate(keystore, tmp_path) == 2
    check_rotated(keystore, [stored], 2)


def test_another_whole_backup_in_its_place_keeps_the_old_version(
    keystore: Keystore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is read back must be what was written."""
    store(keystore)
    first = backup_path(tmp_path, rotate(keystore, tmp_path))
    monkeypatch.setattr(rotation, "read_backup", lambda _path: backup.read_backup(first))

    with pytest.raises(KeystoreUnavailable):
        rotate(keystore, tmp_path)

    assert keystore.custody.has("kk-2")


def test_a_backup_that_cannot_be_written_keeps_the_old_version(keystore: Keystore, tmp_path: Path) -> None:
    """A missing disk is an error of ours, before anything is destroyed."""
    store(keystore)
    (tmp_path / "file").write_text("")

    with pytest.raises(KeystoreUnavailable):
        rotate(keystore, tmp_path / "file")

    assert keystore.custody.has("kk-1")
    with pytest.raises(KeystoreUnavailable):
        backup.read_backup(tmp_path / "absent")


def test_a_backup_fills_an_empty_keystore(keystore: Keystore, empty: Keystore, clock: Clock, tmp_path: Path) -> None:
    """The newest backup brings back every row, and the shares open."""
    stored = store(keystore)
    brief = make_share("disclosure", clock.now.replace(minute=59))
    keystore.put(attempt=uuid4(), record=stored.record, shares=[brief], floor=FLOOR)
    keystore.kill(stored.record, ["work"])
    path = backup_path(tmp_path, rotate(keystore, tmp_path))

    rows = restore.load_backup(empty, path)

    assert rows == 1 + 1 + 6 + 1
    for table in metadata.sorted_tables:
        with keystore.transaction() as one, empty.transaction() as two:
            statement = select(table).order_by(*table.primary_key)
            assert one.execute(statement).all() == two.execute(statement).all()
    assert empty.get([brief.id], floor=FLOOR) == {brief.id: brief.value}
    with pytest.raises(Conflict):
        restore.load_backup(empty, path)


def test_a_backup_dies_with_the_next_rotation(keystore: Keystore, tmp_path: Path) -> None:
    """A backup whose key version was destroyed, or of another deployment, is refused before anything is loaded."""
    store(keystore)
    old = backup_path(tmp_path, rotate(keystore, tmp_path))
    new = backup_path(tmp_path, rotate(keystore, tmp_path))

    with pytest.raises(CustodyUnavailable):
        restore.load_backup(keystore, old)
    with pytest.raises(BadEncoding):
        restore.load_backup(Keystore(keystore.engine, keystore.custody, uuid4(), keystore.clock), new)


def test_a_backup_exchanged_while_it_is_loaded_is_given_up(
    keystore: Keystore, empty: Keystore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows loaded must be those that were verified; else none stay."""
    store(keystore)
    path = backup_path(tmp_path, rotate(keystore, tmp_path))
    genuine = backup.read_backup(path)
    other = backup.Header(genuine.deployment, genuine.version, genuine.rows, bytes(32))
    monkeypatch.setattr(restore, "read_backup", lambda _path: other)

    with pytest.raises(BadEncoding):
        restore.load_backup(empty, path)

    assert empty.share_ids() == []


def test_an_old_copy_is_made_safe(keystore: Keystore) -> None:
    """Erasures are replayed, shares that nothing names are destroyed, and lost ones are reported."""
    erased, partly, revoked, kept = (store(keystore) for _ in range(4))
    lost = uuid4()
    live = {*partly.ids, *kept.ids, lost}

    restore.replay_dead(keystore, [(erased.record, None), (partly.record, ["source"])])
    dropped = restore.drop_unknown(keystore, live)

    assert set(dropped) == set(revoked.ids)
    assert restore.missing(keystore, live) == {lost, partly.of("source")}
    assert keystore.get(kept.ids, floor=FLOOR) == kept.values
    assert keystore.floor(STUDY) == 1
