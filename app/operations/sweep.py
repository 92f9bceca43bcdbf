"""The regular sweep: abandoned attempts, what has expired, erasures that a crash left unfinished.

After a restore the sweep of attempts is off, and that of files that no row names: an old copy of the main database
lacks claims and rows, and their shares and files would be taken for abandoned ones. A file in the data folder keeps it
off until the operator has looked.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from app.accounts import upkeep
from app.bootstrap import Runtime
from app.cases import counts, housekeeping, withdrawal
from app.cases.housekeeping import ABANDONED_AFTER
from app.errors import Conflict, TestimonyError
from app.intake import erasing
from app.intake.openrosa import waiting
from app.logs import get_logger
from app.operations import files, queries
from app.operations.batches import in_batches
from app.operations.setup import OPERATOR
from app.review import drafts
from app.studies.service import remove_expired

__all__ = ["Swept", "is_off", "sweep", "turn_off", "turn_on"]

MARK = "sweep.off"

log = get_logger()


@dataclass(slots=True)
class Swept:
    """What a sweep did; ``attempts`` and ``stray_files`` are None while those parts are off."""

    attempts: int | None = None
    expired_shares: int = 0
    removed_members: int = 0
    erased: int = 0
    expired_forms: int = 0
    outbox_left: int = 0
    uploads: int = 0
    stray_files: int | None = None


def _mark(runtime: Runtime) -> Path:
    return runtime.settings.data / MARK


def is_off(runtime: Runtime) -> bool:
    """Whether attempts are left alone after a restore."""
    return _mark(runtime).exists()


def turn_off(runtime: Runtime) -> None:
    """Leave attempts alone until ``turn_on``."""
    _mark(runtime).touch(mode=0o600)


def turn_on(runtime: Runtime) -> None:
    """Sweep attempts again."""
    _mark(runtime).unlink(missing_ok=True)


def sweep(runtime: Runtime) -> Swept:
    """Do all of it once; safe to repeat and to interrupt."""
    swept = Swept()
    runtime.drain()
    swept.erased = _finish_erasures(runtime)
    swept.removed_members = _remove_expired_members(runtime)
    swept.expired_shares = runtime.collaborators.keystore.destroy_expired()
    with runtime.transaction() as session:
        upkeep.sweep(session, runtime.collaborators)
    with runtime.transaction() as session:
        swept.expired_forms = waiting.expire(session, runtime.collaborators, OPERATOR)
    swept.uploads = files.sweep_uploads(runtime)
    if not is_off(runtime):
        swept.attempts = _sweep_attempts(runtime)
        swept.stray_files = files.sweep_strays(runtime)
    with runtime.glance() as session:
        swept.outbox_left = counts.outbox_length(session)
    return swept


def _sweep_attempts(runtime: Runtime) -> int:
    """Void each abandoned attempt, commit, and only then destroy its shares."""
    keystore, count = runtime.collaborators.keystore, 0
    for batch in in_batches(keystore.stale_attempts(runtime.clock() - ABANDONED_AFTER)):
        with runtime.glance() as session:
            dead = {attempt for attempt in batch if housekeeping.voided(session, attempt)}
            abandoned = housekeeping.unclaimed(session, batch)
        dead |= {attempt for attempt in abandoned if _void(runtime, attempt)}
        for attempt in sorted(dead):
            keystore.destroy_attempt(attempt)
        count += len(dead)
    if count:
        with runtime.transaction() as session:
            housekeeping.note_swept(session, runtime.collaborators, OPERATOR, count)
    return count


def _void(runtime: Runtime, attempt: UUID) -> bool:
    try:
        with runtime.transaction() as session:
            housekeeping.void(session, attempt)
    except Conflict:
        return False  # claimed meanwhile
    return True


def _finish_erasures(runtime: Runtime) -> int:
    with runtime.transaction() as session:
        decisions = withdrawal.unfinished(session)
    done = 0
    for decision in decisions:
        try:
            with runtime.transaction() as session:
                erasing.carry_out(session, runtime.collaborators, OPERATOR, decision)
            done += 1
        except TestimonyError as error:
            log.warning("erasure not finished", code=error.code, exc_info=True)
    return done


def _remove_expired_members(runtime: Runtime) -> int:
    with runtime.glance() as session:
        studies = queries.studies(session)
    removed = 0
    for study in studies:
        try:
            with runtime.transaction() as session:
                gone = remove_expired(session, runtime.collaborators, OPERATOR, study)
                drafts.give_back(session, runtime.collaborators, OPERATOR, study)
            removed += gone
        except TestimonyError as error:
            log.warning("members not removed", study=str(study), code=error.code, exc_info=True)
    return removed
