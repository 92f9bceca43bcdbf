"""Segments in a folder: ``ab/abcd…/0123…``, by the hex of the file's id and of the segment's.

A segment is written beside its place, synced, and renamed into it; then its folder is synced. Whatever a crash leaves
bears another name than a segment and goes with the file.
"""

from __future__ import annotations

import errno
import math
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from uuid import UUID

from app.crypto.sealed import Sealed
from app.errors import StoreFull, StoreUnavailable, TamperedFile

__all__ = ["FolderStore"]

FOLDER_MODE, FILE_MODE = 0o700, 0o600
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
SHARD = 2


class FolderStore:
    """See ``FileStore``; the folder is made when the first segment comes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, file: UUID, segment: UUID, sealed: Sealed) -> None:
        """Write, sync, rename, sync."""
        place = self._of(file)
        half = place / f"{segment.hex}.part"
        with _translated():
            self._make(place)
            try:
                _write(half, sealed)
                half.rename(place / segment.hex)
            except BaseException:
                half.unlink(missing_ok=True)
                raise
            _sync(place)

    def get(self, file: UUID, segment: UUID, start: int, end: int) -> bytes:
        """Read a part."""
        with _translated():
            try:
                with (self._of(file) / segment.hex).open("rb") as stored:
                    stored.seek(start)
                    part = stored.read(end - start)
            except FileNotFoundError:
                raise TamperedFile from None
        if len(part) != end - start:
            raise TamperedFile
        return part

    def segments(self, file: UUID) -> set[UUID]:
        """What bears a segment's name."""
        with _translated():
            return {found for entry in _entries(self._of(file)) if (found := _id(entry.name)) is not None}

    def discard(self, file: UUID, keep: frozenset[UUID] = frozenset()) -> None:
        """Unlink; the folder too if nothing is kept."""
        place = self._of(file)
        if not self._folder.is_dir():
            # Another folder than that of the file, or one that is not mounted: nothing is gone.
            raise StoreUnavailable
        with _translated():
            if not keep:
                with suppress(FileNotFoundError):
                    shutil.rmtree(place)
                return
            for entry in _entries(place):
                if _id(entry.name) not in keep:
                    entry.unlink(missing_ok=True)

    def remove(self, file: UUID, segment: UUID) -> None:
        """Unlink; the folder stays, for others may be on their way into it."""
        with _translated():
            (self._of(file) / segment.hex).unlink(missing_ok=True)

    def files(self, *, before: datetime | None = None) -> Iterator[UUID]:
        """What bears a file's name; a folder's own time is that of the last segment that came."""
        latest = None if before is None else before.timestamp()
        with _translated():
            for entry in (each for shard in _entries(self._folder) for each in _entries(shard)):
                found = _id(entry.name)
                if found is not None and (latest is None or _changed(entry) < latest):
                    yield found

    def check(self) -> None:
        """Make the folder if it is not there, and look whether it can be written."""
        with _translated():
            if not self._folder.is_dir():
                self._folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
                _sync(self._folder.parent)
        if not os.access(self._folder, os.W_OK | os.X_OK):
            raise StoreUnavailable

    def _of(self, file: UUID) -> Path:
        return self._folder / file.hex[:SHARD] / file.hex

    def _make(self, place: Path) -> None:
        if place.is_dir():
            return
        for folder in (self._folder, place.parent, place):
            if not folder.is_dir():
                folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
                _sync(folder.parent)


def _write(path: Path, sealed: Sealed) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
    with os.fdopen(descriptor, "wb", buffering=0) as stored:
        rest = memoryview(sealed)
        while rest:
            rest = rest[stored.write(rest) :]
        os.fsync(descriptor)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _changed(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:
        return math.inf


def _id(name: str) -> UUID | None:
    try:
        found = UUID(hex=name)
    except ValueError:
        return None
    return found if found.hex == name else None


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as failed:
        if failed.errno in FULL:
            raise StoreFull from None
        raise StoreUnavailable from None
