"""The REST API: one module per noun. Endpoints parse, open the unit of work, call one verb, answer."""

from __future__ import annotations

from app.web.api import (
    asks,
    cases,
    devices,
    events,
    health,
    instruments,
    intake,
    invitations,
    passkeys,
    passwords,
    protection,
    queue,
    recoveries,
    releases,
    sessions,
    studies,
    users,
)
from app.web.routing import Router

__all__ = ["ROUTERS"]

# In the order in which addresses are matched: the busiest first.
ROUTERS: tuple[Router, ...] = (
    intake.router,
    sessions.router,
    queue.router,
    releases.router,
    asks.router,
    protection.router,
    cases.router,
    instruments.router,
    events.router,
    studies.router,
    recoveries.router,
    passwords.router,
    passkeys.router,
    users.router,
    users.candidates,
    invitations.router,
    devices.router,
    health.router,
)
