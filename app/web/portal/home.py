"""The first page: one's studies, and what waits in each of them."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from uuid import UUID

from sqlalchemy.orm import Session
from starlette.responses import Response

from app.access import Actor, Permission
from app.bootstrap import Runtime
from app.cases.health import service_health
from app.errors import NotFound
from app.review.waiting import waiting
from app.studies import queries, service
from app.web.deps import Runtime_, Signed
from app.web.portal import words
from app.web.portal.page import Page_
from app.web.portal.routing import Pages

__all__ = ["pages"]

DAY = 86_400
# Where each kind of work is done, below the study's address.
PLACES = {
    "threats": "protection",
    "disclosures": "disclosures",
    "asks": "disclosures",
    "decisions": "cases",
    "withdrawn": "cases",
    "mine": "queue",
    "redact": "queue",
    "approve": "queue",
    "reports": "releases",
    "samples": "samples",
    "confirm": "members",
    "move": "members",
    "agreements": "members",
    "publish": "instruments",
}

pages = Pages()


@pages.get("/", permission=Permission.SESSION_OWN)
def show_home(actor: Signed, runtime: Runtime_, page: Page_) -> Response:
    """What waits for whoever is signed in."""
    with runtime.glance() as session:
        if actor.admin:
            health = service_health(session, runtime.collaborators, actor)
            return page.render("admin_home.html", health=health, stages=words.STAGES)
        mine = queries.mine(session, runtime.collaborators, actor)
        studies = [_study(session, runtime, actor, study, name) for study, name, _ in mine]
    return page.render("home.html", studies=[study for study in studies if study], roles=words.ROLES)


def _study(session: Session, runtime: Runtime, actor: Actor, study: UUID, name: str) -> dict[str, object]:
    """One study; empty if the actor left it a moment ago."""
    today, work = runtime.clock().date(), []
    with suppress(NotFound):
        acting, signed = service.act_in(session, runtime.collaborators, actor, study)
        for one in waiting(session, runtime.collaborators, acting, signed):
            age = (today - date.fromisoformat(one.since)).days * DAY if one.since else None
            work.append({"what": one, "age": age, "path": f"/studies/{study}/{PLACES[one.kind]}"})
        return {"name": name, "acting": acting, "work": work}
    return {}
