"""Whether this process runs, and whether it can work."""

from __future__ import annotations

from typing import Literal

from app.access import Permission
from app.cases.health import service_health
from app.errors import Unavailable
from app.logs import get_logger
from app.web.bodies import Out
from app.web.deps import Runtime_, Signed
from app.web.routing import Router

__all__ = ["router"]

router = Router("/v1/health", tag="service")
log = get_logger()


class HealthOut(Out):
    """The state of the process that answered."""

    status: Literal["live", "ready"]


class ServiceOut(Out):
    """How the service is doing, over all studies together; see the fields' names. Days and counts, nothing else."""

    users_active: int
    users_off: int
    admins: int
    sessions: int
    invitations: int
    devices_active: int
    devices_revoked: int
    devices_silent: int
    stages: dict[str, int]
    oldest_days: int | None
    to_move: int
    outbox: int


@router.get("/service", permission=Permission.HEALTH_READ)
def read_service_health(actor: Signed, runtime: Runtime_) -> ServiceOut:
    """People, sessions, devices, and how many records wait at which stage."""
    with runtime.glance() as session:
        return ServiceOut.of(service_health(session, runtime.collaborators, actor))


@router.get("/live", permission=Permission.NOTHING_NEEDED)
def check_live() -> HealthOut:
    """The process answers."""
    return HealthOut(status="live")


@router.get("/ready", permission=Permission.NOTHING_NEEDED)
def check_ready(runtime: Runtime_) -> HealthOut:
    """Both databases, custody and the store of files answer; else 503. Which part failed stands in the log only."""
    failing = runtime.failing_parts()
    if failing:
        log.error("not ready", part=",".join(failing))
        raise Unavailable
    return HealthOut(status="ready")
