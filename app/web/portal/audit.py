"""The audit trail of a study, or of the service for admins: filter, read, verify, take signed checkpoints away."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from sqlalchemy.orm import Session
from starlette.responses import JSONResponse, Response

from app.access import Actor, Permission
from app.accounts import queries as accounts
from app.audit import queries
from app.audit.queries import Filter, Placed
from app.bootstrap import Runtime
from app.cases import queries as cases
from app.errors import NotFound
from app.web.deps import Acting, Runtime_, Signed
from app.web.portal.page import Page, Page_
from app.web.portal.routing import Pages

__all__ = ["pages"]

# Events on one page; entries verified by one request; checkpoints in one file.
EVENTS, ENTRIES, CHECKPOINTS = 100, 2_000, 500
# The id of nothing.
NOBODY = UUID(int=0)

Text = Annotated[str, Query(max_length=64)]
After = Annotated[int, Query(ge=0, le=2**62)]
List = Callable[..., list[Placed]]

pages = Pages()


@pages.get("/studies/{study}/audit", permission=Permission.AUDIT_READ)
def show_trail(
    study: UUID,  # noqa: ARG001
    actor: Acting,
    runtime: Runtime_,
    page: Page_,
    action: Text = "",
    by: Text = "",
    case: Text = "",
    since: Text = "",
    until: Text = "",
    before: Text = "",
) -> Response:
    """The events of one's study, newest first."""
    return _trail(
        runtime,
        page,
        actor,
        queries.of_study,
        {"action": action, "by": by, "case": case, "since": since, "until": until, "before": before},
    )


@pages.get("/admin/audit", permission=Permission.AUDIT_SYSTEM)
def show_system_trail(
    actor: Signed,
    runtime: Runtime_,
    page: Page_,
    action: Text = "",
    by: Text = "",
    since: Text = "",
    until: Text = "",
    before: Text = "",
) -> Response:
    """The events that belong to no study, newest first."""
    asked = {"action": action, "by": by, "case": "", "since": since, "until": until, "before": before}
    return _trail(runtime, page, actor, queries.of_system, asked)


def _trail(runtime: Runtime, page: Page, actor: Actor, listed: List, asked: dict[str, str]) -> Response:
    with runtime.glance() as session:
        only, misread = _filter(session, actor, asked)
        before = _id(asked["before"])
        rows = [] if misread else listed(session, actor, before=before, limit=EVENTS + 1, only=only)
        shown = rows[:EVENTS]
        people = {each.event.actor_id for each in shown if each.event.actor_id is not None}
        names = accounts.names_of(session, list(people))
        codes = cases.codes_of(session, actor, {row.event.case_id for row in shown if row.event.case_id is not None})
        actions = queries.actions(session, actor)
        standing = queries.standing(session, runtime.collaborators, actor)
    return page.render(
        "audit.html",
        status=422 if misread else 200,
        misread=misread,
        asked=asked,
        rows=shown,
        names=names,
        codes=codes,
        actions=actions,
        standing=standing,
        older=str(shown[-1].event.id) if len(rows) > EVENTS else "",
    )


def _filter(session: Session, actor: Actor, asked: dict[str, str]) -> tuple[Filter, bool]:
    """The filter, and whether a day in it is none: then nothing is shown rather than everything."""
    since, until = _day(asked["since"]), _day(asked["until"])
    misread = any(asked[name].strip() and value is None for name, value in (("since", since), ("until", until)))
    return Filter(
        action=asked["action"] or None,
        actor=_person(session, asked["by"].strip()),
        case=_case(session, actor, asked["case"].strip()),
        since=since,
        # The last day is inside.
        until=None if until is None or until.date() == date.max else until + timedelta(days=1),
    ), misread


def _person(session: Session, name: str) -> UUID | None:
    """Whom a name means. A name that nobody has did nothing: whether somebody has it is not said."""
    if not name:
        return None
    found = accounts.user_by_name(session, name)
    return NOBODY if found is None else found.id


def _case(session: Session, actor: Actor, code: str) -> UUID | None:
    if not code:
        return None
    try:
        return cases.case_by_code(session, actor, code).id
    except NotFound:
        return NOBODY


def _day(text: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(text.strip()), time.min, UTC)
    except ValueError:
        return None


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


@pages.get("/studies/{study}/audit/verification", permission=Permission.AUDIT_READ)
def show_verification(study: UUID, actor: Acting, runtime: Runtime_, page: Page_, after: After = 0) -> Response:  # noqa: ARG001
    """Verify the chain, stretch by stretch; a script goes on by itself."""
    return _verification(runtime, page, actor, after)


@pages.get("/admin/audit/verification", permission=Permission.AUDIT_SYSTEM)
def show_system_verification(actor: Signed, runtime: Runtime_, page: Page_, after: After = 0) -> Response:
    """Verify the chain, as above."""
    return _verification(runtime, page, actor, after)


def _verification(runtime: Runtime, page: Page, actor: Actor, after: int) -> Response:
    with runtime.glance() as session:
        stretch = queries.verified(session, runtime.collaborators, actor, after=after, limit=ENTRIES)
    if page.by_script:
        found = [page.gettext(each.what) + _place(each.to_json()) for each in stretch.findings]
        return JSONResponse(
            {"position": stretch.position, "length": stretch.length, "ended": stretch.ended, "found": found}
        )
    return page.render("audit_verification.html", stretch=stretch, place=_place)


def _place(finding: dict[str, Any]) -> str:
    """Where it is: ids, for whoever looks into it."""
    return "".join(f" · {name} {value}" for name, value in finding.items() if name != "what")


@pages.get("/studies/{study}/audit/checkpoints", permission=Permission.AUDIT_READ)
def download_checkpoints(study: UUID, actor: Acting, runtime: Runtime_) -> Response:  # noqa: ARG001
    """The newest signed checkpoints as JSON lines: to be kept outside and held against the chain some day."""
    return _checkpoints(runtime, actor)


@pages.get("/admin/audit/checkpoints", permission=Permission.AUDIT_SYSTEM)
def download_system_checkpoints(actor: Signed, runtime: Runtime_) -> Response:
    """The newest signed checkpoints, as above."""
    return _checkpoints(runtime, actor)


def _checkpoints(runtime: Runtime, actor: Actor) -> Response:
    with runtime.glance() as session:
        kept = queries.checkpoints_before(session, runtime.collaborators, actor, before=None, limit=CHECKPOINTS)
    lines = "".join(json.dumps(each.to_json()) + "\n" for each in reversed(kept))
    headers = {"content-disposition": 'attachment; filename="checkpoints.jsonl"'}
    return Response(lines, media_type="application/jsonl", headers=headers)
