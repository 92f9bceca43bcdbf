"""The queue: what waits for a redactor or an approver, priority first, then oldest."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from starlette.responses import Response

from app.access import Permission, Role
from app.cases.models import Case, Record
from app.cases.queries import Status
from app.errors import NotFound
from app.review import drafts
from app.web.deps import Acting, Runtime_
from app.web.portal import words
from app.web.portal.page import Page_
from app.web.portal.routing import Pages

__all__ = ["pages"]

DAY = 86_400

pages = Pages("/studies/{study}/queue")


@pages.get("", permission=Permission.QUEUE_READ)
def show_queue(study: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """What waits for one's roles, and what one handed on."""
    with runtime.glance() as session:
        waiting = drafts.waiting(session, actor)
        handed_on = drafts.handed_on(session, actor)
    today = runtime.clock().date()

    def row(record: Record, case: Case) -> dict[str, object]:
        holder = record.approver_id if record.status == Status.FINISHED else record.redactor_id
        return {
            "record": record.id,
            "case": case.code,
            "stage": words.STAGES[record.status],
            "priority": case.priority,
            "age": (today - date.fromisoformat(record.received_day)).days * DAY,
            "day": record.received_day,
            "mine": holder == actor.id,
            "path": place_of(study, record),
        }

    rows = [(record.status, row(record, case)) for record, case in waiting]
    groups = {
        "redact": [each for status, each in rows if status == Status.DRAFTED],
        "failed": [each for status, each in rows if status == Status.FAILED],
        "approve": [each for status, each in rows if status == Status.FINISHED],
    }
    own = [row(record, case) for record, case in handed_on]
    return page.render("queue.html", groups=groups, own=own, approves=Role.APPROVER in actor.roles)


@pages.post("/next", permission=Permission.RECORD_TAKE)
def take_next_by_page(study: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """Take the first that is not one's own; what one already works on comes first."""
    try:
        with runtime.transaction() as session:
            record, _ = drafts.take(session, runtime.collaborators, actor)
    except NotFound:
        return page.redirect(f"/studies/{study}/queue", "nothing-waits")
    return page.redirect(place_of(study, record))


@pages.post("/{record}", permission=Permission.RECORD_TAKE)
def take_one_by_page(study: UUID, record: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """Take this one."""
    with runtime.transaction() as session:
        row, _ = drafts.take_one(session, runtime.collaborators, actor, record)
    return page.redirect(place_of(study, row))


def place_of(study: UUID, record: Record) -> str:
    """Where one works on a record."""
    page = "approval" if record.status == Status.FINISHED else "desk"
    return f"/studies/{study}/records/{record.id}/{page}"
