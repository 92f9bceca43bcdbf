"""Moving grants to a team's present key, batch by batch: the same for the API and for pages."""

from __future__ import annotations

from dataclasses import dataclass

from app.access import Actor, Team
from app.bootstrap import Runtime
from app.cases import moving
from app.errors import Conflict, Gone
from app.studies.roster import SignedRoster

__all__ = ["Batch", "move_batch"]


@dataclass(frozen=True, slots=True)
class Batch:
    """How many grants were moved, how many were before, how many are left, and how many old keys ended."""

    moved: int
    done: int
    left: int
    ended: int


def move_batch(runtime: Runtime, actor: Actor, signed: SignedRoster, team: Team, limit: int) -> Batch:
    """Move the grants of at most ``limit`` records; each record is a unit of work of its own."""
    with runtime.glance() as session:
        records = moving.to_move(session, actor, signed, team, limit=limit)
    moved = 0
    for record in records:
        try:
            moved += runtime.make(moving.MoveGrants(runtime.collaborators, actor, record, team))
        except (Conflict, Gone):
            # Moved or erased by somebody else meanwhile.
            continue
    with runtime.transaction() as session:
        ended = moving.end_epochs(session, runtime.collaborators, actor, signed, team)
        progress = moving.moves_left(session, actor, signed, team)
    return Batch(moved, progress.done, progress.left, ended)
