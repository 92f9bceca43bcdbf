"""How a study is doing: a few counts as bars, small ones suppressed."""

from __future__ import annotations

from uuid import UUID

from starlette.responses import Response

from app.access import Permission
from app.cases.dashboard import Count, dashboard
from app.web.deps import Acting, Runtime_
from app.web.portal import words
from app.web.portal.page import Page_
from app.web.portal.routing import Pages

__all__ = ["pages"]

pages = Pages("/studies/{study}/dashboard")


@pages.get("", permission=Permission.DASHBOARD_READ)
def show_dashboard(study: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:  # noqa: ARG001
    """Intake by week, cases by stage, the age of what waits."""
    with runtime.glance() as session:
        counts = dashboard(session, runtime.collaborators, actor)
    charts = [("weeks", counts.weeks), ("stages", counts.stages), ("ages", counts.ages)]
    most = {name: _most(bars) for name, bars in charts}
    return page.render("dashboard.html", charts=dict(charts), most=most, stages=words.STAGES)


def _most(bars: tuple[Count, ...]) -> int:
    return max((bar.count or 0 for bar in bars), default=0) or 1
