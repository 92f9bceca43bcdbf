from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from app.crypto.secrets import Secret
from app.custody import keyfile
from app.custody.base import KeyKind
from app.custody.file import FileCustody
from app.custody.registry import open_custody
from app.errors import Conflict, CustodyUnavailable
from tests.unit.custody.contract import CustodyContract

EVERY_GROUP = ("web", "worker", "audit", "intake", "kk")


class Crash(BaseException):
    """Stands for the process dying at that moment."""


class TestFileCustody(CustodyContract):
    """The contract, held by files."""

    @pytest.fixture
    def custody(self, custody_folder: Path) -> FileCustody:
        """Empty, with every group."""
        return FileCustody(custody_folder, EVERY_GROUP)


@pytest.fixture
def filled(custody: FileCustody) -> FileCustody:
    """Custody with one key of each purpose that a node uses."""
    for name, kind in (("pepper-1", KeyKind.MAC), ("receipt-1", KeyKind.SIGN), ("worker-1", KeyKind.WRAP)):
        custody.create(name, kind)
    custody.create("event-1", KeyKind.MAC)
    custody.create("kk-1", KeyKind.WRAP)
    return custody


def test_a_key_of_before_the_trails_own_file_is_taken_over(custody: FileCustody, custody_folder: Path) -> None:
    """An audit key that rests in the web nodes' file moves when it is made again: the same key, its old name."""
    custody.create("audit-1", KeyKind.SIGN)
    signature, public = custody.sign("audit-1", b"message"), custody.public("audit-1")
    (custody_folder / "audit.keys").rename(custody_folder / "web.keys")
    older = FileCustody(custody_folder, EVERY_GROUP)
    assert not older.has("audit-1")

    older.create("audit-1", KeyKind.SIGN)

    assert (older.public("audit-1"), older.sign("audit-1", b"message")) == (public, signature)
    with pytest.raises(Conflict):
        older.create("audit-1", KeyKind.SIGN)


@pytest.mark.parametrize("role", ["web", "worker", "operator"])
def test_every_role_checks_events(filled: FileCustody, custody_folder: Path, role: str) -> None:
    """Whoever writes events has the key of their checks."""
    assert filled.has("event-1")
    assert open_custody(f"file:{custody_folder}#{role}").has("event-1")


@pytest.mark.parametrize(
    ("group", "name", "allowed"),
    [
        ("web", "pepper-1", True),
        ("web", "worker-1", False),
        ("web", "kk-1", False),
        ("web", "event-1", False),
        ("worker", "worker-1", True),
        ("worker", "pepper-1", False),
        ("audit", "event-1", True),
        ("audit", "pepper-1", False),
        ("kk", "kk-1", True),
        ("kk", "worker-1", False),
    ],
)
def test_a_group_loads_its_own_keys_only(
    filled: FileCustody, custody_folder: Path, group: str, name: str, allowed: bool
) -> None:
    """A web node cannot use the worker's key, nor a worker the pepper."""
    narrow = FileCustody(custody_folder, [group])

    assert filled.has(name)
    assert narrow.has(name) is allowed


def test_a_web_node_never_opens_the_worker_file(filled: FileCustody, custody_folder: Path) -> None:
    """Web custody works where the worker's file is not there at all, and refuses every verb on its key."""
    blob = filled.wrap("worker-1", Secret.random(), b"context")
    (custody_folder / "worker.keys").unlink()
    web = FileCustody(custody_folder, ("web", "kk"))

    assert web.mac("pepper-1", b"data")
    for verb in (
        lambda: web.unwrap("worker-1", blob, b"context"),
        lambda: web.wrap("worker-1", Secret.random(), b"context"),
        lambda: web.create("worker-2", KeyKind.WRAP),
        lambda: web.destroy("worker-1"),
    ):
        with pytest.raises(CustodyUnavailable):
            verb()


def test_every_group_reads_the_public_halves(filled: FileCustody, custody_folder: Path) -> None:
    """A worker verifies receipts that it cannot sign."""
    worker = FileCustody(custody_folder, ("worker", "kk"))

    assert worker.public("receipt-1") == filled.public("receipt-1")
    with pytest.raises(CustodyUnavailable):
        worker.sign("receipt-1", b"message")


def test_files_are_open_to_their_owner_only(custody_folder: Path) -> None:
    """Files have mode 0600 and the folder 0700, whatever the umask."""
    before = os.umask(0)
    try:
        custody = FileCustody(custody_folder, EVERY_GROUP)
        for name, kind in (("pepper-1", KeyKind.MAC), ("receipt-1", KeyKind.SIGN), ("kk-1", KeyKind.WRAP)):
            custody.create(name, kind)
    finally:
        os.umask(before)

    assert stat.S_IMODE(custody_folder.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in custody_folder.iterdir()}
    assert set(modes.values()) == {0o600}
    assert {"web.keys", "kk.keys", "public.keys"} <= set(modes)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_file_open_to_others_is_refused(filled: FileCustody, custody_folder: Path, mode: int) -> None:
    """Keys that others can read or write are not used."""
    assert filled.has("kk-1")
    (custody_folder / "kk.keys").chmod(mode)
    fresh = FileCustody(custody_folder, EVERY_GROUP)

    with pytest.raises(CustodyUnavailable):
        fresh.wrap("kk-1", Secret.random(), b"context")
    assert not fresh.has("kk-1")


def test_a_folder_open_to_others_is_refused(custody_folder: Path) -> None:
    """No key is made where others could put their own file in its place."""
    custody_folder.mkdir(mode=0o755)
    custody_folder.chmod(0o755)

    with pytest.raises(CustodyUnavailable):
        FileCustody(custody_folder, EVERY_GROUP).create("kk-1", KeyKind.WRAP)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{",
        b"\xff",
        b'{"kk-1": {}}',
        b'{"kk-1": "x"}',
        b'{"kk-1": {"kind": "wrap", "key": "%%"}}',
        b'{"kk-1": {"kind": "none", "key": "AAAA"}}',
        b'{"kk-1": {"kind": "wrap", "key": 1}}',
    ],
)
def test_a_damaged_file_is_refused(filled: FileCustody, custody_folder: Path, content: bytes) -> None:
    """A file that is not exactly what we write is neither used nor overwritten."""
    path = custody_folder / "kk.keys"
    path.write_bytes(content)

    with pytest.raises(CustodyUnavailable):
        filled.wrap("kk-1", Secret.random(), b"context")
    with pytest.raises(CustodyUnavailable):
        filled.create("kk-2", KeyKind.WRAP)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "name", ["", "kk", "kk-", "kk-0", "kk-01", "KK-1", "kk-1 ", "../kk-1", "other-1", "kk-٣", "kk-1\n"]
)
def test_a_name_is_a_known_purpose_and_a_number(custody: FileCustody, name: str) -> None:
    """One spelling per key, and no purpose that has no file."""
    with pytest.raises(CustodyUnavailable):
        custody.create(name, KeyKind.WRAP)


@pytest.mark.parametrize("groups", [[], ["web", "other"]])
def test_groups_are_known(custody_folder: Path, groups: list[str]) -> None:
    """A misspelled group is an error at the start, not a missing key later."""
    with pytest.raises(CustodyUnavailable):
        FileCustody(custody_folder, groups)


def test_a_change_by_another_process_is_seen(custody: FileCustody, custody_folder: Path) -> None:
    """Keys made and destroyed elsewhere appear and vanish here without a restart."""
    other = FileCustody(custody_folder, EVERY_GROUP)
    assert not custody.has("kk-1")

    other.create("kk-1", KeyKind.WRAP)
    blob = other.wrap("kk-1", Secret.random(), b"context")
    assert custody.unwrap("kk-1", blob, b"context")

    other.destroy("kk-1")
    with pytest.raises(CustodyUnavailable):
        custody.unwrap("kk-1", blob, b"context")


def test_a_missing_name_is_looked_for_again(
    filled: FileCustody, custody_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key is found even where the file's stamp does not show the change."""
    assert filled.has("kk-1")
    FileCustody(custody_folder, EVERY_GROUP).create("kk-2", KeyKind.WRAP)
    monkeypatch.setattr(keyfile, "_stamp_of", lambda _path: filled._files["kk"]._stamp)

    assert filled.has("kk-2")


@pytest.mark.parametrize("step", ["replace", "fsync"])
def test_a_crash_before_the_rename_loses_nothing(
    filled: FileCustody, custody_folder: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """A process that dies with the new file written or half written leaves the old keys, and the next change works."""

    def crash(*_: object) -> None:
        raise Crash

    before = (custody_folder / "kk.keys").read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(*{"replace": (Path, "replace"), "fsync": (os, "fsync")}[step], crash)
        with pytest.raises(Crash):
            filled.create("kk-2", KeyKind.WRAP)

    assert (custody_folder / "kk.keys").read_bytes() == before
    fresh = FileCustody(custody_folder, EVERY_GROUP)
    assert fresh.has("kk-1")
    assert not fresh.has("kk-2")
    fresh.create("kk-2", KeyKind.WRAP)
    assert fresh.has("kk-2")


def test_an_interrupted_creation_is_completed(
    custody: FileCustody, custody_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signing key whose public half was not yet published is published, not replaced."""

    def crash(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as patched:
        patched.setattr(custody._public, "change", crash)
        with pytest.raises(Crash):
            custody.create("receipt-1", KeyKind.SIGN)
    kept = json.loads((custody_folder / "web.keys").read_bytes())["receipt-1"]

    custody.create("receipt-1", KeyKind.SIGN)

    assert json.loads((custody_folder / "web.keys").read_bytes())["receipt-1"] == kept
    assert len(custody.public("receipt-1")) == 32


def test_the_replaced_file_is_zeroed(filled: FileCustody, custody_folder: Path) -> None:
    """A process that still holds the old file open, as free blocks do, reads no destroyed key in it."""
    path = custody_folder / "kk.keys"
    with path.open("rb") as old:
        size = path.stat().st_size

        filled.destroy("kk-1")

        assert old.read() == bytes(size)


def test_a_second_link_keeps_its_content(filled: FileCustody, custody_folder: Path, tmp_path: Path) -> None:
    """Only what nobody can reach any more is overwritten: a hard-linked copy is the operator's."""
    copy = tmp_path / "copy"
    copy.hardlink_to(custody_folder / "kk.keys")

    filled.destroy("kk-1")

    assert b"kk-1" in copy.read_bytes()


def test_an_unusable_folder_is_unavailable(tmp_path: Path) -> None:
    """What the system refuses is a refusal of ours, without the path in it."""
    (tmp_path / "file").write_text("not a folder")
    custody = FileCustody(tmp_path / "file", EVERY_GROUP)

    with pytest.raises(CustodyUnavailable) as caught:
        custody.create("kk-1", KeyKind.WRAP)
    assert str(tmp_path) not in str(caught.value)


def test_keys_made_at_once_are_all_kept(custody_folder: Path) -> None:
    """Sixteen writers, each with a custody of its own, lose none of each other's keys."""
    numbers = range(1, 17)

    def make(n: int) -> None:
        FileCustody(custody_folder, EVERY_GROUP).create(f"kk-{n}", KeyKind.WRAP)

    threads = [threading.Thread(target=make, args=(n,)) for n in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    custody = FileCustody(custody_folder, EVERY_GROUP)
    assert all(custody.has(f"kk-{n}") for n in numbers)


def test_one_of_two_makers_of_a_key_wins(custody_folder: Path) -> None:
    """The lock spans reading and writing: exactly one creation of a name succeeds."""
    results: list[str] = []

    def make() -> None:
        try:
            FileCustody(custody_folder, EVERY_GROUP).create("kk-1", KeyKind.WRAP)
            results.append("made")
        except Conflict:
            results.append("refused")

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(results) == ["made", *["refused"] * 7]


def test_a_killed_writer_leaves_whole_files(custody_folder: Path) -> None:
    """A process killed in the middle of many changes leaves files that load, with every key it had announced."""
    program = (
        "import sys; from pathlib import Path\n"
        "from app.custody.base import KeyKind; from app.custody.file import FileCustody\n"
        "custody = FileCustody(Path(sys.argv[1]), ('kk',))\n"
        "for n in range(1, 100000):\n"
        "    custody.create(f'kk-{n}', KeyKind.WRAP); print(n, flush=True)\n"
    )
    root = Path(__file__).parents[3]
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(custody_folder)], stdout=subprocess.PIPE, text=True, cwd=root
    )
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.2)
    process.kill()
    announced = [1, *map(int, process.stdout.read().split())]
    process.wait()
    process.stdout.close()

    custody = FileCustody(custody_folder, EVERY_GROUP)

    assert all(custody.has(f"kk-{n}") for n in announced)
