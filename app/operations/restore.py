"""After an old copy of a database was put back: make it safe before it serves, and say what is lost.

    main      what the keystore knows to be erased is erased here again, what it knows to be frozen is frozen
    keystore  what the main database knows to be erased is erased there again; shares that nothing names are destroyed
    both      the same, by the checkpoint that was kept outside both

The sweep of attempts is turned off before anything else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from app.bootstrap import Runtime
from app.cases import erasure, withdrawal
from app.cases.erasure import erased_records
from app.errors import RosterRejected
from app.keystore import restore
from app.keystore.models import RecordState
from app.operations import files, queries
from app.operations.checkpoint import Checkpoint
from app.operations.setup import OPERATOR
from app.operations.sweep import turn_off
from app.studies import roster

__all__ = ["Findings", "check_both", "check_keystore", "check_main"]


@dataclass(slots=True)
class Findings:
    """What was found and done, as ids. ``clean`` says that nothing is lost and no study stays refused."""

    stale_rosters: list[UUID] = field(default_factory=list)
    lost_records: list[UUID] = field(default_factory=list)
    missing_shares: list[UUID] = field(default_factory=list)
    buried: list[UUID] = field(default_factory=list)
    frozen: list[UUID] = field(default_factory=list)
    killed: int = 0
    dropped_shares: int = 0
    lost_files: list[UUID] = field(default_factory=list)
    stray_files: list[UUID] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether the deployment may start without anybody deciding anything."""
        return not (self.stale_rosters or self.lost_records or self.missing_shares or self.lost_files)


def check_main(runtime: Runtime) -> Findings:
    """The main database is an old copy, the keystore is not."""
    turn_off(runtime)
    findings = Findings()
    _check_rosters(runtime, findings)
    _follow_keystore(runtime, findings)
    _find_missing(runtime, findings)
    return findings


def check_keystore(runtime: Runtime, checkpoint: Checkpoint | None = None) -> Findings:
    """The keystore is an old copy, the main database is not."""
    turn_off(runtime)
    findings = Findings()
    _replay(runtime, findings, checkpoint)
    _follow_main(runtime, findings)
    _check_rosters(runtime, findings)
    _find_missing(runtime, findings)
    return findings


def check_both(runtime: Runtime, checkpoint: Checkpoint) -> Findings:
    """Both are old copies: what was erased since, and how far rosters had come, only the checkpoint knows."""
    turn_off(runtime)
    findings = Findings()
    for study, version in checkpoint.floors.items():
        runtime.collaborators.keystore.raise_floor(study, version)
    _replay(runtime, findings, checkpoint)
    _follow_keystore(runtime, findings)
    _follow_main(runtime, findings)
    _check_rosters(runtime, findings)
    _find_missing(runtime, findings)
    return findings


def _check_rosters(runtime: Runtime, findings: Findings) -> None:
    """Find rosters below their floor; newer ones raise it."""
    with runtime.glance() as session:
        for study in (roster.SYSTEM_STUDY, *queries.studies(session)):
            try:
                roster.current(session, runtime.collaborators, study)
            except RosterRejected:
                findings.stale_rosters.append(study)


def _follow_keystore(runtime: Runtime, findings: Findings) -> None:
    """Bury what the keystore knows to be dead, freeze what it knows to be frozen, list what only it knows."""
    states = runtime.collaborators.keystore.states()
    with runtime.glance() as session:
        known = queries.known_records(session)
        frozen = queries.frozen_records(session)
        buried = {record for record, _ in erased_records(session)}
    for record, (state, scopes) in states.items():
        erased = state is RecordState.DEAD or (scopes and record not in buried)
        if erased and record in known:
            dead = [] if state is RecordState.DEAD else scopes
            with runtime.transaction() as session:
                erasure.bury_dead(session, runtime.collaborators, OPERATOR, record, dead)
            findings.buried.append(record)
        elif state is RecordState.FROZEN and record in known - frozen:
            with runtime.transaction() as session:
                withdrawal.freeze_again(session, runtime.collaborators, OPERATOR, record)
            findings.frozen.append(record)
        elif state is not RecordState.DEAD and record not in known | buried:
            findings.lost_records.append(record)


def _replay(runtime: Runtime, findings: Findings, checkpoint: Checkpoint | None) -> None:
    with runtime.glance() as session:
        dead = dict(erased_records(session))
    for record, scopes in checkpoint.dead.items() if checkpoint else ():
        # Whichever knows of the larger erasure is right; no scopes mean all of it.
        known = dead.get(record, scopes)
        dead[record] = sorted({*known, *scopes}) if known and scopes else []
    restore.replay_dead(runtime.collaborators.keystore, _whole_or_scopes(dead.items()))
    findings.killed = len(dead)


def _whole_or_scopes(dead: Iterable[tuple[UUID, list[str]]]) -> Iterable[tuple[UUID, list[str] | None]]:
    return [(record, scopes or None) for record, scopes in dead]


def _follow_main(runtime: Runtime, findings: Findings) -> None:
    """Freeze what the main database knows to be frozen, destroy shares that nothing in it names."""
    with runtime.glance() as session:
        frozen, named = queries.frozen_records(session), queries.named_shares(session, runtime.clock())
    keystore = runtime.collaborators.keystore
    keystore.freeze(sorted(frozen))
    findings.dropped_shares = len(restore.drop_unknown(keystore, named))


def _find_missing(runtime: Runtime, findings: Findings) -> None:
    with runtime.glance() as session:
        named = queries.named_shares(session, runtime.clock())
    findings.missing_shares = sorted(restore.missing(runtime.collaborators.keystore, named))
    compared = files.compare(runtime)
    findings.lost_files, findings.stray_files = compared.lost, compared.strays
