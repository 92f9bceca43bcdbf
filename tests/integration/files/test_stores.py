"""What every store of files promises, on a folder and on a bucket; and what only a folder can suffer."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from app.cases import contents
from app.cases.contents import FileWriter, Opened
from app.crypto.sealed import Sealed
from app.crypto.secrets import Secret
from app.errors import StoreFull, StoreUnavailable, TamperedFile
from app.files.base import FileStore
from app.files.folder import FolderStore
from app.files.registry import open_store
from app.files.s3 import Keys
from tests.integration.files.conftest import KEYS

FILE, OTHER = UUID(int=1), UUID(int=2)
ONE, TWO = UUID(int=11), UUID(int=12)


def test_what_was_put_is_there(store: FileStore) -> None:
    """In any part, under its file's id and its own."""
    store.put(FILE, ONE, Sealed(b"0123456789"))

    assert store.get(FILE, ONE, 0, 10) == b"0123456789"
    assert store.get(FILE, ONE, 3, 5) == b"34"
    assert store.segments(FILE) == {ONE}
    assert list(store.files()) == [FILE]


@pytest.mark.parametrize(("file", "segment"), [(FILE, TWO), (OTHER, ONE)], ids=["segment", "file"])
def test_what_is_missing_is_no_outage(store: FileStore, file: UUID, segment: UUID) -> None:
    """Somebody took it away: that is told as such, and trying again would not help."""
    store.put(FILE, ONE, Sealed(b"0123456789"))

    with pytest.raises(TamperedFile):
        store.get(file, segment, 0, 4)


@pytest.mark.parametrize(("start", "end"), [(5, 11), (12, 20)], ids=["over the end", "beyond it"])
def test_a_cut_segment_is_told(store: FileStore, start: int, end: int) -> None:
    """Fewer bytes than its place says."""
    store.put(FILE, ONE, Sealed(b"0123456789"))

    with pytest.raises((TamperedFile, StoreUnavailable)):
        store.get(FILE, ONE, start, end)


def test_discarding_is_whole_and_repeats(store: FileStore) -> None:
    """All of a file goes, or all but what is named; other files stay; a second time is no error."""
    for file, segment in ((FILE, ONE), (FILE, TWO), (OTHER, ONE)):
        store.put(file, segment, Sealed(b"sealed"))

    store.discard(FILE, keep=frozenset({TWO}))
    kept = store.segments(FILE)
    store.discard(FILE)
    store.discard(FILE)

    assert kept == {TWO}
    assert store.segments(FILE) == set()
    assert list(store.files()) == [OTHER]


def test_removing_one_segment(store: FileStore) -> None:
    """It alone goes; a second time is no error, and neither is a file that is not there."""
    for segment in (ONE, TWO):
        store.put(FILE, segment, Sealed(b"sealed"))

    store.remove(FILE, ONE)
    store.remove(FILE, ONE)
    store.remove(OTHER, ONE)

    assert store.segments(FILE) == {TWO}


def test_a_file_in_several_pieces(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sealed into the store and opened from it, whole and in the middle."""
    monkeypatch.setattr(contents, "SEGMENT_BYTES", 1 << 17)
    key, content = Secret.random(), os.urandom(300_000)
    writer = FileWriter(store, FILE, key, b"context")
    writer.write(content)

    opened = Opened(store, FILE, key, b"context", writer.finish())

    assert len(store.segments(FILE)) == 3
    assert b"".join(opened.read(0, 300_000)) == content
    assert b"".join(opened.read(131_000, 131_100)) == content[131_000:131_100]
    with opened.file() as file:
        file.seek(-5, os.SEEK_END)
        assert file.read() == content[-5:]


def test_files_by_their_age(store: FileStore) -> None:
    """Only those to which nothing was added since."""
    store.put(FILE, ONE, Sealed(b"sealed"))
    now = datetime.now(UTC)

    assert list(store.files(before=now - timedelta(hours=1))) == []
    assert list(store.files(before=now + timedelta(hours=1))) == [FILE]


def test_nothing_is_there_at_first(store: FileStore) -> None:
    """An empty store answers."""
    assert list(store.files()) == []
    assert store.segments(FILE) == set()


@pytest.mark.parametrize(
    "url",
    [
        "file:relative/folder",
        "file://host/folder",
        "file:/folder?option=1",
        "s3:///prefix",
        "s3://bucket?acl=public",
        "ftp://host/folder",
        "",
    ],
)
def test_an_unclear_store_is_refused(url: str) -> None:
    """No store is guessed."""
    with pytest.raises(StoreUnavailable):
        open_store(url, KEYS)


def test_a_bucket_needs_its_keys() -> None:
    """Nothing is read from the environment of the process."""
    with pytest.raises(StoreUnavailable):
        open_store("s3://bucket")


def test_a_bucket_that_does_not_answer() -> None:
    """One error of ours, without the address in it."""
    store = open_store("s3://bucket?endpoint=http://127.0.0.1:9", Keys(Secret(b"a"), Secret(b"b")))

    with pytest.raises(StoreUnavailable) as refused:
        store.put(FILE, ONE, Sealed(b"sealed"))
    assert "127.0.0.1" not in str(refused.value)
    assert refused.value.__cause__ is None


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond this many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_nothing_half(tmp_path: Path) -> None:
    """The segment is there whole or not at all, and the next one has room again."""
    store = FolderStore(tmp_path / "files")

    with room_for(4_096), pytest.raises(StoreFull):
        store.put(FILE, ONE, Sealed(bytes(10_000)))

    assert store.segments(FILE) == set()
    assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []
    store.put(FILE, ONE, Sealed(bytes(10_000)))
    assert store.get(FILE, ONE, 9_999, 10_000) == b"\0"


def test_only_the_owner_reads(tmp_path: Path) -> None:
    """Folders 0700 and files 0600, whatever the umask."""
    before = os.umask(0)
    try:
        FolderStore(tmp_path / "files").put(FILE, ONE, Sealed(b"sealed"))
    finally:
        os.umask(before)

    made = [tmp_path / "files", *(tmp_path / "files").rglob("*")]
    assert {path.stat().st_mode & 0o777 for path in made if path.is_dir()} == {0o700}
    assert {path.stat().st_mode & 0o777 for path in made if path.is_file()} == {0o600}


def test_what_a_crash_left_is_no_segment(tmp_path: Path) -> None:
    """It is passed over, and goes with the file."""
    store = FolderStore(tmp_path / "files")
    store.put(FILE, ONE, Sealed(b"sealed"))
    half = tmp_path / "files" / FILE.hex[:2] / FILE.hex / f"{TWO.hex}.part"
    half.write_bytes(b"seal")

    assert store.segments(FILE) == {ONE}
    store.discard(FILE, keep=frozenset({ONE}))
    assert not half.exists()
    assert store.segments(FILE) == {ONE}


def test_a_folder_that_is_not_mounted_deletes_nothing(tmp_path: Path) -> None:
    """What the outbox names stays there until the store is back."""
    with pytest.raises(StoreUnavailable):
        FolderStore(tmp_path / "elsewhere").discard(uuid4())


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """Another file lies in its place."""
    (tmp_path / "files").write_text("")

    with pytest.raises(StoreUnavailable):
        FolderStore(tmp_path / "files").check()
    with pytest.raises(StoreUnavailable):
        FolderStore(tmp_path / "files").put(FILE, ONE, Sealed(b"sealed"))
