"""Whether this process runs, and whether it can work."""

from __future__ import annotations

from typing import Literal

from app.access import Permission
from app.errors import Unavailable
from app.logs import get_logger
from app.web.bodies import Out
from app.web.deps import Runtime_
from app.web.routing import Router

__all__ = ["router"]

router = Router("/v1/health", tag="service")
log = get_logger()


class HealthOut(Out):
    """The state of the process that answered."""

    status: Literal["live", "ready"]


@router.get("/live", permission=Permission.NOTHING_NEEDED)
def check_live() -> HealthOut:
    """The process answers."""
    return HealthOut(status="live")


@router.get("/ready", permission=Permission.NOTHING_NEEDED)
def check_ready(runtime: Runtime_) -> HealthOut:
    """Both databases and custody answer; else 503. Which part failed stands in the log only."""
    failing = runtime.failing_parts()
    if failing:
        log.error("not ready", part=",".join(failing))
        raise Unavailable
    return HealthOut(status="ready")
