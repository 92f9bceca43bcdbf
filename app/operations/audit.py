"""Verifying the trail, and everything against it; taking in what is older than the trail.

verify    the chain, its checkpoints, the keystore's floor, what a witness kept; deep: every record, case, grant and
          study as well
baseline  the one explicit event with which a database that is older than the trail, or a row that an operator has
          looked at, is taken over as it is now
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from app.audit import verify as chain
from app.audit.checkpoints import TRAIL
from app.audit.findings import Finding
from app.bootstrap import Runtime
from app.errors import BadEncoding
from app.operations import compare, compare_rows, witness
from app.operations.trail import seal_all

__all__ = ["Progress", "Verification"]

# Stage, how much is done, how much there is (None: not known).
Progress = Callable[[str, int, int | None], None]
WITNESS_LINES = 500


@dataclass(slots=True)
class Verification:
    """One verification; iterating over ``findings`` does it. The counts say how far it came."""

    runtime: Runtime
    deep: bool = False
    witness_file: Path | None = None
    progress: Progress = lambda _stage, _done, _total: None
    entries: int = 0
    checkpoints: int = 0
    waiting: int = 0
    kept: int = 0
    baseline: int = 0
    records: int = 0
    cases: int = 0

    def findings(self) -> Iterator[Finding]:
        """Everything that is not as the trail tells, as it is found. What waits for the sealer is sealed first."""
        seal_all(self.runtime)
        yield from self._chain()
        yield from self._outside()
        if self.deep:
            yield from compare.compare_studies(self.runtime)
            yield from compare.compare_forms(self.runtime)
            yield from compare.compare_cases(self.runtime, self._cases)
            yield from compare.compare_records(self.runtime, self._records)
            yield from compare.compare_outbox(self.runtime)
            yield from compare_rows.compare_intake_keys(self.runtime)
            yield from compare_rows.compare_apps(self.runtime)

    def _chain(self) -> Iterator[Finding]:
        with self.runtime.glance() as session:
            total = chain.length(session)
            self.baseline = chain.baseline(session, self.runtime.collaborators)
        walk, ended = chain.ChainCheck(self.runtime.collaborators), False
        while not ended:
            with self.runtime.glance() as session:
                found, ended = walk.page(session)
            self.entries, self.checkpoints = walk.entries, walk.signed
            self.progress("chain", walk.position, total)
            yield from found
        with self.runtime.glance() as session:
            self.waiting, found = chain.unsealed(session, self.runtime.collaborators)
        yield from found

    def _outside(self) -> Iterator[Finding]:
        floor = self.runtime.collaborators.keystore.floor(TRAIL)
        with self.runtime.glance() as session:
            yield from chain.check_floor(session, self.runtime.collaborators, floor)
        if self.witness_file is None:
            return
        kept = witness.read_file(self.witness_file)
        try:
            while lines := list(islice(kept, WITNESS_LINES)):
                with self.runtime.glance() as session:
                    yield from chain.check_witness(session, self.runtime.collaborators, lines)
                self.kept += len(lines)
                self.progress("witness", self.kept, None)
        except BadEncoding:
            yield Finding(
                what="The witness file holds a line that is no checkpoint", part=f"line {self.kept + 1} or later"
            )

    def _cases(self, done: int) -> None:
        self.cases = done
        self.progress("cases", done, None)

    def _records(self, done: int) -> None:
        self.records = done
        self.progress("records", done, None)
