"""Protection: threats that wait, what was said about danger, triage, and contact notes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from starlette.responses import Response

from app.access import Permission
from app.accounts import queries as accounts
from app.errors import Conflict, Flaw, Invalid
from app.review import protection
from app.review.protection import OUTCOMES, TRIAGE, OpenProtection, Triage
from app.studies.fields import ABSENT
from app.web.deps import Acting, Runtime_
from app.web.portal import words
from app.web.portal.details import details
from app.web.portal.notices import N_
from app.web.portal.page import Page, Page_
from app.web.portal.routing import Pages
from app.web.protecting import add_note, triage_record

__all__ = ["pages"]

pages = Pages("/studies/{study}/protection")


@pages.get("", permission=Permission.PROTECTION_READ)
def show_protected(study: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:  # noqa: ARG001
    """Threats that nobody has looked at first; then what is hidden; then the rest."""
    with runtime.glance() as session:
        rows = protection.listed(session, actor)
    groups = {
        "waiting": [row for row in rows if row.waits],
        "hidden": [row for row in rows if row.case.hidden and not row.waits],
        "rest": [row for row in rows if not row.case.hidden],
    }
    return page.render("protection.html", groups=groups, stages=words.STAGES, today=runtime.clock().date())


@pages.get("/{record}", permission=Permission.PROTECTION_READ)
def show_protection(study: UUID, record: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:  # noqa: ARG001
    """What was said about danger, what was decided, and the notes."""
    return _opened(page, record)


def _opened(page: Page, record: UUID, flaws: Sequence[Flaw] = (), *, status: int = 422) -> Response:
    runtime = page.runtime
    opening = OpenProtection(runtime.collaborators, page.actor, record)
    opened = runtime.read(opening)
    triage = opened.values.get(TRIAGE)
    people = [note.by for note in opened.notes] + ([UUID(triage["by"])] if triage else [])
    with runtime.glance() as session:
        names = accounts.names_of(session, people)
    return page.render(
        "protected.html",
        status=status if flaws else 200,
        case=opening.case,
        record=opening.row,
        opened=opened,
        rows=details(page, opening.instrument.fields.values(), _answered(opened.values)),
        triage=_told(triage, names),
        outcomes={name: words.OUTCOMES[name] for name in OUTCOMES},
        notes=[(note, names.get(note.by, "")) for note in reversed(opened.notes)],
        flaws=flaws,
    )


def _answered(values: dict[str, Any]) -> dict[str, Any]:
    return {name: answer for name, answer in values.items() if answer.get("status") != ABSENT}


def _told(triage: dict[str, Any] | None, names: dict[UUID, str]) -> dict[str, Any] | None:
    if triage is None:
        return None
    at, by = datetime.fromisoformat(triage["at"]), names.get(UUID(triage["by"]), "")
    return {"outcome": triage["outcome"], "at": at, "by": by}


@pages.post("/{record}/triage", permission=Permission.PROTECTION_CHANGE)
def triage_by_page(study: UUID, record: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """Decide about a threat, and hide the case from research or show it."""
    form = page.form
    try:
        triage_record(runtime, actor, record, _version(page), _triage(page))
    except Invalid as refused:
        return _opened(page, record, refused.flaws)
    except Conflict as refused:
        return _opened(page, record, [Flaw("", refused.detail)], status=409)
    return page.redirect(
        f"/studies/{study}/protection", "case-hidden" if form.line("research") == "hide" else "triaged"
    )


def _version(page: Page) -> int:
    try:
        return int(page.form.line("version"))
    except ValueError:
        raise Invalid([Flaw("/version", N_("Somebody changed this meanwhile; read it again."))]) from None


def _triage(page: Page) -> Triage:
    form = page.form
    if form.line("research") not in {"hide", "show"}:
        raise Invalid([Flaw("/research", N_("Choose whether research may see the case."))])
    return Triage(form.line("outcome"), form.line("research") == "hide", form.text("note"))


@pages.post("/{record}/notes", permission=Permission.PROTECTION_CHANGE)
def note_by_page(study: UUID, record: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """Add a contact note."""
    try:
        add_note(runtime, actor, record, page.form.text("text"))
    except Invalid as refused:
        return _opened(page, record, refused.flaws)
    return page.redirect(f"/studies/{study}/protection/{record}", "noted")
