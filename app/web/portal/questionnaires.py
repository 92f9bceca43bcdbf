"""Questionnaires: every version, a preview as the interviewer sees it, what changed, uploading, publishing by two."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from app.access import Permission
from app.accounts import queries as accounts
from app.errors import Flaw, Invalid, MalformedJson
from app.studies import instruments
from app.studies.fields import LANGUAGES
from app.web.bodies import strict_json
from app.web.deps import Acting, Runtime_
from app.web.portal import words
from app.web.portal.notices import N_
from app.web.portal.page import Page, Page_
from app.web.portal.routing import Pages

__all__ = ["pages"]

pages = Pages("/studies/{study}/instruments")


@pages.get("", permission=Permission.INSTRUMENT_READ)
def show_instruments(study: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """Every version, newest first; drafts wait for somebody else to publish them."""
    with runtime.glance() as session:
        rows = instruments.listed(session, actor, study)
        people = {one for row in rows for one in (row.drafted_by, row.published_by) if one is not None}
        names = accounts.names_of(session, list(people))
    rows.sort(key=lambda row: (row.published_at is not None, row.name, [-int(part) for part in row.version.split(".")]))
    return page.render("instruments.html", rows=rows, names=names)


@pages.get("/upload", permission=Permission.INSTRUMENT_DRAFT)
def show_upload(study: UUID, actor: Acting, page: Page_) -> Response:  # noqa: ARG001
    """Where a questionnaire is uploaded."""
    return page.render("instrument_upload.html", flaws=[])


@pages.post("", permission=Permission.INSTRUMENT_DRAFT)
def upload_instrument(study: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """Take a questionnaire as a draft; one that would not be safe is refused with every flaw."""
    try:
        with runtime.transaction() as session:
            key, _ = instruments.draft(session, runtime.collaborators, actor, study, _definition(page))
    except Invalid as refused:
        return page.render("instrument_upload.html", status=422, flaws=refused.flaws)
    return page.redirect(f"/studies/{study}/instruments/{key}", "uploaded")


def _definition(page: Page) -> dict[str, object]:
    try:
        definition = strict_json(page.form.text("definition").encode())
    except MalformedJson:
        raise Invalid([Flaw("", N_("This is not strict JSON."))]) from None
    if not isinstance(definition, dict):
        raise Invalid([Flaw("", N_("Give an object."))])
    return definition


@pages.get("/{instrument}", permission=Permission.INSTRUMENT_READ)
def show_instrument(
    study: UUID,
    instrument: UUID,
    actor: Acting,
    runtime: Runtime_,
    page: Page_,
    language: Annotated[str, Query(max_length=8)] = "",
) -> Response:
    """One version as the interviewer will see it, in any of its languages, and what changed since the last one."""
    chosen = language if language in LANGUAGES else page.locale
    with runtime.glance() as session:
        form = instruments.preview(session, actor, study, instrument, language=chosen)
        changes = instruments.changes(session, actor, study, instrument)
        row = next(each for each in instruments.listed(session, actor, study) if each.id == instrument)
        names = accounts.names_of(session, [one for one in (row.drafted_by, row.published_by) if one is not None])
    return page.render(
        "instrument.html",
        form=form,
        changes=changes,
        row=row,
        names=names,
        languages=LANGUAGES,
        words=words,
        own=row.drafted_by == actor.id,
    )


@pages.post("/{instrument}/publication", permission=Permission.INSTRUMENT_PUBLISH)
def publish_by_page(study: UUID, instrument: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """Publish a draft that somebody else made."""
    with runtime.transaction() as session:
        instruments.publish(session, runtime.collaborators, actor, study, instrument)
    return page.redirect(f"/studies/{study}/instruments/{instrument}", "published")
