"""How the service is doing, in counts and days; nothing of what it holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

from app.audit import checkpoints, sealer
from app.bootstrap import Runtime
from app.cases import counts
from app.cases.housekeeping import ABANDONED_AFTER, unclaimed
from app.deidentify.modes import Using
from app.errors import RosterRejected, TestimonyError
from app.intake import keys
from app.operations import queries
from app.operations.batches import in_batches
from app.operations.witness import open_witness
from app.studies import roster

__all__ = ["Status", "look"]

# Agreements that end within this time are counted, so that somebody renews them.
ENDS_SOON = timedelta(days=30)


@dataclass(slots=True)
class Stage:
    """How many records are at one stage, and how many days the oldest is there at most."""

    count: int
    oldest_days: int


@dataclass(slots=True)
class Status:
    """What ``testimony status`` shows. A part that does not answer stands in ``failing``."""

    failing: list[str]
    using: Using
    stages: dict[str, Stage] = field(default_factory=dict)
    outbox: int = 0
    shares: int = 0
    abandoned: int = 0
    key_version: int | None = None
    rotating: bool = False
    to_move: int = 0
    ending_soon: int = 0
    ended: int = 0
    rejected_rosters: int = 0
    entries: int = 0
    unsigned: int = 0
    unwitnessed: int | None = None
    intake_keys: int = 0
    intake_key_days: int | None = None
    intake_keys_over: int = 0
    files: int = 0
    arriving: int = 0
    discarded: int = 0

    @property
    def healthy(self) -> bool:
        """Whether every part answers and every roster verifies."""
        return not self.failing and not self.rejected_rosters


def look(runtime: Runtime) -> Status:
    """Ask every part; what does not answer is named instead of raised."""
    status = Status(runtime.failing_parts(), runtime.settings.deidentify)
    if "database" not in status.failing and "keystore" not in status.failing:
        _count(runtime, status)
        _see_rosters(runtime, status)
        _see_trail(runtime, status)
        _see_intake_keys(runtime, status)
    return status


def _count(runtime: Runtime, status: Status) -> None:
    keystore, today = runtime.collaborators.keystore, runtime.clock().date()
    status.key_version, status.rotating, status.shares = keystore.standing()
    old = keystore.stale_attempts(runtime.clock() - ABANDONED_AFTER)
    with runtime.glance() as session:
        for stage, (count, oldest) in counts.queue(session).items():
            status.stages[stage] = Stage(count, (today - date.fromisoformat(oldest)).days)
        status.outbox = counts.outbox_length(session)
        status.files, status.arriving, status.discarded = counts.files(session)
        status.to_move = counts.grants_to_move(session)
        status.abandoned = sum(len(unclaimed(session, batch)) for batch in in_batches(old))


def _see_trail(runtime: Runtime, status: Status) -> None:
    with runtime.glance() as session:
        status.entries = sealer.head(session)[0]
        newest = checkpoints.newest(session, runtime.settings.deployment)
        status.unsigned = status.entries - (0 if newest is None else newest.position)
        kept = open_witness(runtime.settings)
        if kept is not None:
            status.unwitnessed = checkpoints.count_after(session, checkpoints.delivered(session, kept.name))


def _see_intake_keys(runtime: Runtime, status: Status) -> None:
    """Without a key that may be sealed to, phones take in nothing while they are offline."""
    now = runtime.clock()
    with runtime.glance() as session:
        newest, status.intake_keys = keys.newest(session), keys.count(session)
        status.intake_keys_over = len(keys.over(session, now))
    if newest is not None:
        status.intake_key_days = (now - newest.made_at).days
    if newest is None or newest.seal_until <= now:
        status.failing.append("intake key")


def _see_rosters(runtime: Runtime, status: Status) -> None:
    now = runtime.clock()
    with runtime.glance() as session:
        for study in queries.studies(session):
            try:
                signed = roster.current(session, runtime.collaborators, study)
            except RosterRejected:
                status.rejected_rosters += 1
                continue
            except TestimonyError:
                status.failing.append("rosters")
                return
            for place in signed.members.values():
                status.ended += not place.live(now)
                status.ending_soon += place.live(now) and not place.live(now + ENDS_SOON)
