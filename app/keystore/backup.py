"""A backup of the keystore: its sealed rows in one file, which proves itself when it is read.

Lines of JSON. The first names the format, the deployment and the key version, each further one is a row ``[table,
{column: value}]``, and the last holds the count of rows and the SHA-256 of every byte before it. Nothing in it opens
without custody's key of that version, so a backup dies with the next rotation.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

from sqlalchemy import Connection, LargeBinary, Table, Uuid, insert, select

from app.crypto.sealed import Sealed
from app.db import Moment, SealedBytes
from app.errors import BadEncoding, KeystoreUnavailable
from app.keystore.models import kk, metadata

__all__ = ["Header", "load_rows", "read_backup", "write_backup"]

FORMAT = "testimony-keystore-1"
FILE_MODE = 0o600
ROWS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Header:
    """What a backup says of itself; ``digest`` is the SHA-256 of its content."""

    deployment: UUID
    version: int
    rows: int
    digest: bytes


def write_backup(connection: Connection, path: Path, *, deployment: UUID, version: int) -> Header:
    """Write every row to a file of mode 0600, durably and whole or not at all.

    Raises:
        KeystoreUnavailable: the file cannot be written.
    """
    fresh = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
        with os.fdopen(descriptor, "wb") as file:
            header = _write(connection, file, deployment, version)
            file.flush()
            os.fsync(descriptor)
        fresh.replace(path)
        _sync_folder(path.parent)
    except OSError:
        raise KeystoreUnavailable from None
    return header


def read_backup(path: Path) -> Header:
    """Read a backup through and verify it.

    Raises:
        BadEncoding: it is cut, changed or no backup.
        KeystoreUnavailable: the file cannot be read.
    """
    for _ in (reader := _Reader(path)):
        pass
    return reader.header


def load_rows(connection: Connection, path: Path) -> Header:
    """Insert a backup's rows into an empty keystore; the transaction must be given up if this raises.

    Raises:
        BadEncoding: it is cut, changed or no backup.
        KeystoreUnavailable: the file cannot be read.
    """
    reader = _Reader(path)
    for table, values in reader:
        connection.execute(insert(table), values)
    return reader.header


class _Reader:
    """Iterates over (table, values); the header is there, and proved, once the iteration has ended."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.header: Header

    def __iter__(self) -> Iterator[tuple[Table, dict[str, Any]]]:
        try:
            with self._path.open("rb") as file:
                yield from self._rows(file)
        except OSError:
            raise KeystoreUnavailable from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise BadEncoding from None

    def _rows(self, file: BinaryIO) -> Iterator[tuple[Table, dict[str, Any]]]:
        digest = hashlib.sha256()
        first = file.readline()
        head, count = json.loads(first), 0
        digest.update(first)
        for line in file:
            item = json.loads(line)
            if isinstance(item, dict):
                break
            digest.update(line)
            count += 1
            table = metadata.tables[item[0]]
            yield table, {name: _decoded(table.c[name].type, value) for name, value in item[1].items()}
        else:
            raise BadEncoding
        found = {"rows": count, "sha256": digest.hexdigest()}
        if head["format"] != FORMAT or item != found or file.read(1):
            raise BadEncoding
        self.header = Header(UUID(head["deployment"]), head["version"], count, digest.digest())


def _write(connection: Connection, file: BinaryIO, deployment: UUID, version: int) -> Header:
    digest, count = hashlib.sha256(), 0

    def put(item: Any) -> None:
        line = json.dumps(item, separators=(",", ":")).encode() + b"\n"
        digest.update(line)
        file.write(line)

    put({"format": FORMAT, "deployment": str(deployment), "version": version})
    for table in metadata.sorted_tables:
        # A retired version is about to be destroyed and seals no row any more.
        wanted = select(kk).where(kk.c.n == version) if table is kk else select(table)
        for row in connection.execute(wanted.execution_options(yield_per=ROWS_AT_ONCE)).mappings():
            put([table.name, {name: _encoded(value) for name, value in row.items()}])
            count += 1
    file.write(json.dumps({"rows": count, "sha256": digest.hexdigest()}).encode() + b"\n")
    return Header(deployment, version, count, digest.digest())


def _encoded(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _decoded(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(kind, SealedBytes | LargeBinary):
        return Sealed(base64.b64decode(value, validate=True))
    if isinstance(kind, Moment):
        return datetime.fromisoformat(value).astimezone(UTC)
    return UUID(value) if isinstance(kind, Uuid) else value


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
