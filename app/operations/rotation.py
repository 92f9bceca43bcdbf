"""The daily rotation with its event, and the backups that it leaves: only the newest opens anything.

Intake keys turn with it, and form keys where one was destroyed: it alone runs daily with the right to change custody.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from app.audit.service import write
from app.bootstrap import Runtime
from app.cases import housekeeping
from app.keystore.rotation import backup_path
from app.keystore.rotation import rotate as rotate_keystore
from app.operations import form_keys, intake_keys
from app.operations.setup import OPERATOR

__all__ = ["rotate"]

BACKUP_FOLDER = "backup"


def rotate(runtime: Runtime, backup: Path | None, progress: Callable[[int, int], None]) -> int:
    """Rotate into ``backup`` (the data folder's own if None), delete the backups that died, and write the event.

    Intake keys turn first: whatever keeps the keystore from rotating does not keep phones from sealing. Form keys turn
    last: one that does not open, because somebody changed its row, does not keep erasures from being final.
    """
    intake_keys.turn(runtime, OPERATOR)
    folder = backup or runtime.settings.data / BACKUP_FOLDER
    # What waits to be destroyed goes first, so that this rotation makes it final everywhere.
    _drain(runtime)
    runtime.collaborators.keystore.destroy_expired()
    version = rotate_keystore(runtime.collaborators.keystore, folder, progress)
    kept = backup_path(folder, version)
    for old in folder.glob("keystore-*.backup"):
        if old != kept:
            old.unlink()
    with runtime.transaction() as session:
        write(session, runtime.collaborators, OPERATOR, "keystore.rotated", version=version)
    form_keys.turn(runtime)
    return version


def _drain(runtime: Runtime) -> None:
    """Destroy all that waits, batch after batch; a rotation that left some of it would seal it anew."""
    done = 1
    while done:
        with runtime.transaction() as session:
            done = housekeeping.drain_outbox(session, runtime.collaborators)
