"""The worker: redacts what waits, destroys shares that the outbox names, finishes erasures, keeps the trail.

Safe to kill at any line: every step is a transaction of its own, and what a crash leaves is found by the next worker,
be it a lease that has passed, a row in the outbox or a decision that is not done. Several processes share one queue and
no memory.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

from app.access import Team
from app.bootstrap import Runtime
from app.cases import moving, withdrawal
from app.deidentify.engine import RECORDS_AT_ONCE, Engine, share_turns
from app.errors import Conflict, CustodyUnavailable, Gone, TestimonyError
from app.intake import erasing
from app.logs import get_logger
from app.operations.stopping import Flag
from app.operations.trail import Keeper
from app.redaction.service import WORKER, Lease, RedactRecord, fail, lease_next, store_draft
from app.studies import roster
from app.studies.roster import SYSTEM_STUDY
from app.studies.service import worker_pairs

__all__ = ["Worker", "run_until_stopped"]

# Idle pauses double from the first to the longest, in seconds: a new record is drafted soon, and idling costs little.
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 2.0
TIDY_EVERY = 1.0
EXPIRE_EVERY = 60.0
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)

log = get_logger()


class Worker:
    """One worker on one runtime of role ``worker``.

    ModelUnusable where a model file is missing or changed: without its models it does not work, unless the settings ask
    for the rules alone.
    """

    def __init__(self, runtime: Runtime, *, at_once: int = RECORDS_AT_ONCE) -> None:
        self._runtime = runtime
        self._at_once = at_once
        self._engine = Engine.load(runtime.settings.deidentify)
        self._tidied = self._expired = -EXPIRE_EVERY
        self._keeper = Keeper(runtime)

    def run(self, stop: Flag) -> None:
        """Work until ``stop`` is set; the records under work are finished first."""
        beside = [threading.Thread(target=self._work, args=(stop, self.step)) for _ in range(self._at_once - 1)]
        for thread in beside:
            thread.start()
        self._work(stop, self._tidy_and_step)
        for thread in beside:
            thread.join()

    def _work(self, stop: Flag, step: Callable[[], bool]) -> None:
        pause = FIRST_PAUSE
        while not stop.is_set():
            if self._turn(step):
                pause = FIRST_PAUSE
            else:
                stop.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    def _tidy_and_step(self) -> bool:
        if time.monotonic() - self._tidied >= TIDY_EVERY:
            self.tidy()
            self._tidied = time.monotonic()
        return self.step()

    def _turn(self, step: Callable[[], bool]) -> bool:
        """One round, whatever happens in it: a database that is away comes back, and so does the next round."""
        try:
            return step()
        except TestimonyError as error:
            log.exception("worker cannot work", code=error.code)
        except Exception:
            # A worker that dies of one odd row would leave all others waiting.
            log.exception("unforeseen error")
        return False

    def step(self) -> bool:
        """Redact one record if one is due; whether there was one. What fails is put back with a growing pause."""
        runtime = self._runtime
        with runtime.transaction() as session:
            lease = lease_next(session, runtime.collaborators, WORKER)
        if lease is None:
            return False
        try:
            self._redact(lease)
        except Conflict:
            # Frozen, or taken over after the lease passed. If it is still ours, it comes back like after any failure.
            self._put_back(lease)
        except Exception:
            # Whatever a poisoned record sets off; the log gets its type and our own code lines, never its text.
            log.exception("redaction failed", record=str(lease.record))
            self._put_back(lease)
        return True

    def _redact(self, lease: Lease) -> None:
        runtime, began = self._runtime, time.monotonic()
        with runtime.transaction() as session:
            pairs = worker_pairs(session, runtime.collaborators)
        if not pairs:
            raise CustodyUnavailable
        draft = runtime.read(RedactRecord(runtime.collaborators, WORKER, lease, pairs, self._engine))
        with runtime.transaction() as session:
            store_draft(session, runtime.collaborators, WORKER, lease, draft)
        log.info("drafted", record=str(lease.record), ms=round((time.monotonic() - began) * 1000))

    def _put_back(self, lease: Lease) -> None:
        with self._runtime.transaction() as session:
            fail(session, self._runtime.collaborators, WORKER, lease)

    def tidy(self) -> None:
        """Keep the trail, drain the outbox, finish decided erasures, and once a minute destroy expired shares."""
        self._keeper.turn()
        self._runtime.drain()
        with self._runtime.transaction() as session:
            decisions = withdrawal.unfinished(session)
        for decision in decisions:
            try:
                with self._runtime.transaction() as session:
                    erasing.carry_out(session, self._runtime.collaborators, WORKER, decision)
            except TestimonyError as error:
                log.warning("erasure not finished", code=error.code, exc_info=True)
        if time.monotonic() - self._expired >= EXPIRE_EVERY:
            self._runtime.collaborators.keystore.destroy_expired()
            self.renew()
            self._expired = time.monotonic()

    def renew(self) -> None:
        """Move what waits under an older key of the worker to its current one, then end the older one."""
        runtime = self._runtime
        with runtime.transaction() as session:
            pairs = worker_pairs(session, runtime.collaborators)
            waiting = moving.work_to_move(session, runtime.collaborators)
        for record in waiting:
            with contextlib.suppress(Conflict, Gone):
                runtime.make(moving.MoveWork(runtime.collaborators, WORKER, record, pairs))
        if len(pairs) > 1:
            with runtime.transaction() as session:
                signed = roster.latest(session, runtime.collaborators, SYSTEM_STUDY)
                moving.end_epochs(session, runtime.collaborators, WORKER, signed, Team.WORKER)


def run_until_stopped(runtime: Runtime) -> None:
    """Work until SIGTERM or SIGINT; a second one ends the process at once."""
    stop = Flag()

    def on_signal(number: int, _frame: FrameType | None) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    for number in STOP_SIGNALS:
        signal.signal(number, on_signal)
    share_turns()
    log.info("worker started")
    Worker(runtime).run(stop)
    runtime.close()
    log.info("worker stopped")
