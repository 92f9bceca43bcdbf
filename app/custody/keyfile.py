"""One file of keys: mode 0600, replaced as a whole, never half written.

Writers hold an exclusive lock and readers a shared one while they load, so the inode that a change replaced can be
overwritten with zeros: on storage that writes in place, a destroyed key is not left in free blocks.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import json
import os
import stat
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.crypto.secrets import Secret
from app.custody.base import KeyKind
from app.errors import CustodyUnavailable

__all__ = ["Entry", "KeyFile"]

FILE_MODE = 0o600
FOLDER_MODE = 0o700
WIDER_THAN_OWNER = 0o077

Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Entry:
    """A key and its one use."""

    kind: KeyKind
    key: Secret


class KeyFile:
    """The entries of one file, loaded again whenever the file has changed.

    Raises ``CustodyUnavailable`` for a file that others may read, that is not well formed, or that the system refuses.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()
        self._mutex = threading.Lock()
        self._stamp: Stamp | None = None
        self._entries: dict[str, Entry] = {}

    def get(self, name: str) -> Entry | None:
        """The entry of that name; an unknown name is looked for on disk once more."""
        with self._mutex, _translated():
            self._refresh()
            if name not in self._entries:
                self._load()
            return self._entries.get(name)

    @contextmanager
    def change(self) -> Iterator[dict[str, Entry]]:
        """Edit the entries; they reach the disk when the block ends without an error."""
        with self._mutex, _translated():
            _make_folder(self._path.parent)
            with _locked(self._path, fcntl.LOCK_EX):
                _, entries = _read(self._path)
                yield entries
                _replace(self._path, _render(entries))
                self._stamp, self._entries = _read(self._path)

    def _refresh(self) -> None:
        if _stamp_of(self._path) != self._stamp:
            self._load()

    def _load(self) -> None:
        if not self._path.parent.exists():
            return
        with _locked(self._path, fcntl.LOCK_SH):
            self._stamp, self._entries = _read(self._path)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError:
        raise CustodyUnavailable from None


def _make_folder(folder: Path) -> None:
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    if stat.S_IMODE(folder.stat().st_mode) & WIDER_THAN_OWNER:
        detail = "The custody folder must be open to its owner only."
        raise CustodyUnavailable(detail)


@contextmanager
def _locked(path: Path, how: int) -> Iterator[None]:
    descriptor = os.open(path.with_name(f".{path.name}.lock"), os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


def _stamp_of(path: Path) -> Stamp | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _read(path: Path) -> tuple[Stamp | None, dict[str, Entry]]:
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return None, {}
    with file:
        status = os.fstat(file.fileno())
        if stat.S_IMODE(status.st_mode) & WIDER_THAN_OWNER:
            detail = "Custody files must be open to their owner only."
            raise CustodyUnavailable(detail)
        return (status.st_ino, status.st_mtime_ns, status.st_size), _parse(file.read())


def _parse(text: bytes) -> dict[str, Entry]:
    try:
        return {
            name: Entry(KeyKind(item["kind"]), Secret(base64.b64decode(item["key"], validate=True)))
            for name, item in json.loads(text).items()
        }
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        detail = "A custody file is damaged."
        raise CustodyUnavailable(detail) from None


def _render(entries: Mapping[str, Entry]) -> bytes:
    plain = {
        name: {"kind": entry.kind.value, "key": base64.b64encode(entry.key.reveal()).decode()}
        for name, entry in sorted(entries.items())
    }
    return json.dumps(plain, indent=1).encode()


def _replace(path: Path, content: bytes) -> None:
    fresh = path.with_name(f".{path.name}.tmp")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    with _zeroed_after(path):
        fresh.replace(path)
        _sync_folder(path.parent)


@contextmanager
def _zeroed_after(path: Path) -> Iterator[None]:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield
        return
    try:
        yield
        status = os.fstat(descriptor)
        if status.st_nlink == 0:
            os.pwrite(descriptor, bytes(status.st_size), 0)
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
