"""The REST API: one module per noun. Endpoints parse, open the unit of work, call one verb, answer."""

from __future__ import annotations

from app.web.api import (
    asks,
    cases,
    collect,
    copies,
    devices,
    events,
    files,
    forms,
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
    uploads,
    users,
)
from app.web.routing import Router

__all__ = ["ROUTERS"]

# In the order in which addresses are matched: the busiest first.
ROUTERS: tuple[Router, ...] = (
    intake.router,
    uploads.router,
    sessions.router,
    queue.router,
    files.router,
    copies.router,
    releases.router,
    asks.router,
    protection.router,
    cases.router,
    instruments.router,
    forms.router,
    events.router,
    studies.router,
    recoveries.router,
    passwords.router,
    passkeys.router,
    users.router,
    users.candidates,
    invitations.router,
    devices.router,
    forms.phones_router,
    collect.router,
    health.router,
)
