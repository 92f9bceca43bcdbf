"""After a restore: load a backup, and make an old copy of the keystore safe before it serves.

An old copy knows neither the erasures nor the revocations made since. The dead list comes from the main database and an
exported checkpoint; the live ids are those of every grant, disclosure and claim.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from uuid import UUID

from app.errors import BadEncoding, Conflict, CustodyUnavailable
from app.keystore import queries
from app.keystore.backup import load_rows, read_backup
from app.keystore.keys import custody_name
from app.keystore.service import Keystore

__all__ = ["drop_unknown", "load_backup", "missing", "replay_dead"]

IDS_AT_ONCE = 500


def load_backup(keystore: Keystore, path: Path) -> int:
    """Fill an empty keystore, with the newest schema, from a backup; gives how many rows.

    Raises:
        BadEncoding: the file is no backup of this deployment, or is damaged.
        CustodyUnavailable: custody no longer has the key version; the backup died with a later rotation.
        Conflict: the keystore is not empty.
    """
    header = read_backup(path)
    if header.deployment != keystore.deployment:
        raise BadEncoding
    if not keystore.custody.has(custody_name(header.version)):
        raise CustodyUnavailable
    with keystore.transaction() as connection:
        if queries.current_version(connection) is not None:
            raise Conflict
        if load_rows(connection, path) != header:
            raise BadEncoding
    return header.rows


def replay_dead(keystore: Keystore, dead: Iterable[tuple[UUID, Sequence[str] | None]]) -> None:
    """Erase again what was erased: records whole (None), or some of their scopes."""
    for record, scopes in dead:
        keystore.kill(record, scopes)


def drop_unknown(keystore: Keystore, live: Collection[UUID]) -> list[UUID]:
    """Destroy every share that nothing in the main database names; gives their ids."""
    known = set(live)
    unknown = [share for share in keystore.share_ids() if share not in known]
    for at in range(0, len(unknown), IDS_AT_ONCE):
        keystore.destroy(unknown[at : at + IDS_AT_ONCE])
    return unknown


def missing(keystore: Keystore, live: Iterable[UUID]) -> set[UUID]:
    """Shares that the main database names and the keystore no longer has: what they opened is lost."""
    return set(live) - set(keystore.share_ids())
