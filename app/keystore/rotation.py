"""Rotation: seal every live share anew, then destroy the key version it rested under.

    1 make kk-n+1 in custody; make n+1 the current version and n a retired one
    2 seal shares and idem anew in batches
    3 when no row names n: write a backup, read it back, destroy kk-n, forget the row of n

A crash at any step leaves a keystore that serves, and the next call goes on from there: a retired version is the mark
of a rotation not finished. What lingers of deleted shares in logs, replicas and backups opens nothing without kk-n.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row

from app.crypto.sealed import Sealed
from app.errors import BadEncoding, Conflict, KeystoreUnavailable
from app.keystore import queries
from app.keystore.backup import Header, read_backup, write_backup
from app.keystore.keys import KeyVersion, custody_name
from app.keystore.models import KeyState, record, share
from app.keystore.service import Keystore

__all__ = ["backup_path", "rotate"]

Progress = Callable[[int, int], None]

# Rows held by somebody else are left for a later batch; this is the pause before it, in seconds.
PAUSE = 0.02


def rotate(keystore: Keystore, backup_dir: Path, progress: Progress | None = None, batch: int = 500) -> int:
    """Bring every share under a new key version and destroy the old one; gives the new version.

    An interrupted rotation is finished instead of beginning another. ``progress`` is told rows done and rows in all.

    Raises:
        Conflict: another rotation made a new version at the same moment.
        KeystoreUnavailable: the backup cannot be written or does not read back; the old version is kept.
        CustodyUnavailable: custody does not answer; calling again goes on.
        TamperedShare: a stored share was changed; the old version is kept.
    """
    with keystore.transaction() as connection:
        begun = bool(queries.retired_versions(connection))
    if not begun:
        _begin(keystore)
    version = _reseal(keystore, progress or _silent, batch)
    _back_up(keystore, backup_path(backup_dir, version.n), version.n)
    _finish(keystore)
    return version.n


def backup_path(folder: Path, n: int) -> Path:
    """Where the backup under version ``n`` lies."""
    return folder / f"keystore-{n}.backup"


def _begin(keystore: Keystore) -> None:
    with keystore.transaction() as connection:
        n = queries.current_version(connection)
    if n is None:
        raise KeystoreUnavailable
    wrapped = keystore.keys.make(n + 1)
    with keystore.transaction() as connection:
        if queries.lock_version(connection, n) != KeyState.CURRENT:
            raise Conflict
        queries.retire_version(connection, n)
        queries.add_version(connection, n + 1, wrapped, keystore.clock())


def _reseal(keystore: Keystore, progress: Progress, batch: int) -> KeyVersion:
    with keystore.transaction() as connection:
        version = keystore.keys.current(connection)
        total = queries.count_below(connection, version.n)
    done, left = 0, total
    while left:
        progress(min(done, total), total)
        with keystore.transaction() as connection:
            moved = _reseal_batch(keystore, connection, version, batch)
        done += moved
        if not moved:
            time.sleep(PAUSE)
            with keystore.transaction() as connection:
                left = queries.count_below(connection, version.n)
    progress(total, total)
    return version


def _reseal_batch(keystore: Keystore, connection: Connection, version: KeyVersion, batch: int) -> int:
    shares = queries.shares_below(connection, version.n, batch)
    records = queries.records_below(connection, version.n, batch)
    keys = {n: keystore.keys.open(connection, n) for n in {row.kk for row in [*shares, *records]}}

    def anew(row: Row[Any], owner: UUID, blob: bytes) -> Sealed:
        value = keystore.open(keys[row.kk], row.kk, row.id, owner, blob)
        return keystore.seal(version, row.id, owner, value)

    queries.reseal(connection, share.c.value, version.n, {row.id: anew(row, row.record, row.value) for row in shares})
    queries.reseal(connection, record.c.idem, version.n, {row.id: anew(row, row.id, row.idem) for row in records})
    return len(shares) + len(records)


def _back_up(keystore: Keystore, path: Path, n: int) -> Header:
    with keystore.transaction(snapshot=True) as connection:
        written = write_backup(connection, path, deployment=keystore.deployment, version=n)
    try:
        read = read_backup(path)
    except BadEncoding:
        raise KeystoreUnavailable from None
    if read != written:
        raise KeystoreUnavailable
    return written


def _finish(keystore: Keystore) -> None:
    with keystore.transaction() as connection:
        retired = queries.retired_versions(connection)
    for n in retired:
        keystore.custody.destroy(custody_name(n))
        with keystore.transaction() as connection:
            queries.forget_version(connection, n)


def _silent(_done: int, _total: int) -> None:
    """Tell nobody."""
