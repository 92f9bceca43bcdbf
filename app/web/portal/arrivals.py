"""How a record came, for the pages of those who review it."""

from __future__ import annotations

from uuid import UUID

from app.bootstrap import Runtime
from app.intake import queries
from app.intake.queries import Arrival
from app.web.deps import Acting

__all__ = ["shown"]


def shown(runtime: Runtime, actor: Acting, record: UUID) -> Arrival:
    """What is told of a record that the actor works on."""
    with runtime.glance() as session:
        return queries.arrival(session, actor, record)
