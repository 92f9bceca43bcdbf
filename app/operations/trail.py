"""Keeping the trail: the worker's step that seals what was written, signs it, and tells the witness.

Several may run: the database lets one of them win each batch and each checkpoint, and the others find it done.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from uuid import UUID

from app.audit import checkpoints, sealer
from app.audit.checkpoints import TRAIL, Signed
from app.bootstrap import Runtime
from app.errors import Conflict, Retry, TestimonyError
from app.logs import get_logger
from app.operations.batches import in_batches
from app.operations.witness import WitnessAway, deliver, open_witness

__all__ = ["Keeper", "seal_all", "sign"]

# The whole table is searched this often, in seconds, for what committed too late for the window of a round.
SEARCH_EVERY = 3_600.0
# After a delivery that failed the next one waits, twice as long each time, in seconds.
FIRST_PAUSE, LONGEST_PAUSE = 15.0, 900.0

log = get_logger()


class Keeper:
    """Keeps the trail of one runtime; ``turn`` again and again."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._witness = open_witness(runtime.settings)
        self._searched = self._since = self._deliver_at = float("-inf")
        self._pause = FIRST_PAUSE

    def turn(self) -> int:
        """Seal what waits, sign when it is time, deliver; how many events were sealed. What fails is tried again."""
        try:
            sealed = self._seal()
            self._sign()
            self._deliver()
        except TestimonyError as error:
            log.warning("trail not kept", code=error.code, exc_info=True)
            return 0
        return sealed

    def _seal(self) -> int:
        if time.monotonic() - self._searched >= SEARCH_EVERY:
            began, sealed = time.time(), seal_all(self._runtime)
            self._searched, self._since = time.monotonic(), began
            return sealed
        began, sealed = time.time(), 0
        while True:
            with self._runtime.glance() as session:
                waiting = sealer.recent(session, self._since)
            sealed += _seal(self._runtime, waiting)
            if len(waiting) < sealer.BATCH:
                self._since = began
                return sealed

    def _sign(self) -> None:
        with self._runtime.glance() as session:
            due = checkpoints.due(session, self._runtime.collaborators)
        if due:
            sign(self._runtime)

    def _deliver(self) -> None:
        if self._witness is None or time.monotonic() < self._deliver_at:
            return
        try:
            deliver(self._runtime, self._witness)
        except WitnessAway as away:
            log.warning("witness away", code=away.code)
            self._deliver_at, self._pause = time.monotonic() + self._pause, min(self._pause * 2, LONGEST_PAUSE)
        else:
            self._pause = FIRST_PAUSE


def seal_all(runtime: Runtime) -> int:
    """Seal every event that waits; how many."""
    sealed = 0
    while True:
        with runtime.glance() as session:
            waiting = sealer.everywhere(session)
        for batch in in_batches(waiting, sealer.BATCH):
            sealed += _seal(runtime, batch)
        if len(waiting) < sealer.SEARCHED:
            return sealed


def _seal(runtime: Runtime, events: Sequence[UUID]) -> int:
    if not events:
        return 0
    try:
        with runtime.transaction() as session:
            return sealer.seal(session, runtime.collaborators, events)
    except (Conflict, Retry):
        return 0  # another sealer was there first, and goes on


def sign(runtime: Runtime) -> Signed | None:
    """Sign a checkpoint of the chain as it stands, and raise the keystore's floor to it; None if nothing is new."""
    try:
        with runtime.transaction() as session:
            signed = checkpoints.make(session, runtime.collaborators)
    except Conflict:
        return None  # another worker signed the same position
    if signed is not None:
        runtime.collaborators.keystore.raise_floor(TRAIL, signed.position)
    return signed
