"""Administration of studies: creating one with its lead, who from then on decides who belongs to it."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Query
from starlette.responses import Response

from app.access import Actor, Permission
from app.accounts import users
from app.accounts.users import UserView
from app.bootstrap import Runtime
from app.errors import Conflict, DigestDiffers, Flaw, Invalid, NotFound
from app.studies import queries, service
from app.studies.instrument import bundled
from app.web.deps import Runtime_, Signed
from app.web.portal.notices import N_
from app.web.portal.page import Page, Page_
from app.web.portal.routing import Pages

__all__ = ["pages"]

STUDIES = "/admin/studies"
BETWEEN = re.compile(r"[\s,;]+")
NO_LEAD = [Flaw("/lead", N_("There is no active account of this name."))]
NOT_LEAD = [Flaw("/lead", N_("An administrator cannot be lead."))]
TAKEN = [Flaw("/name", N_("A study has this name already."))]

pages = Pages(STUDIES)


@pages.get("", permission=Permission.STUDY_CREATE)
def show_studies(
    actor: Signed, runtime: Runtime_, page: Page_, lead: Annotated[str, Query(max_length=64)] = ""
) -> Response:
    """Every study by name, and the way to a new one: first its lead is looked up."""
    flaws, found = [], None
    if lead.strip():
        try:
            found = _lead(runtime, actor, lead)
        except NotFound:
            flaws = NO_LEAD
        if found is not None and found.admin:
            flaws, found = NOT_LEAD, None
    return _studies(page, runtime, actor, found, flaws)


def _lead(runtime: Runtime, actor: Actor, name: str) -> UserView:
    with runtime.glance() as session:
        return users.find_user(session, runtime.collaborators, actor, name.strip())


def _studies(page: Page, runtime: Runtime, actor: Actor, lead: UserView | None, flaws: list[Flaw]) -> Response:
    with runtime.glance() as session:
        places = queries.all_names(session, actor)
    sections = {field.section for field in bundled().extensions}
    return page.render(
        "admin_studies.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if flaws else HTTPStatus.OK,
        studies=places,
        lead=lead,
        flaws=flaws,
        sections=[section for section in bundled().sections if section.id in sections],
        demo=not runtime.settings.production,
    )


@pages.post("", permission=Permission.STUDY_CREATE)
def create_study_by_page(actor: Signed, runtime: Runtime_, page: Page_) -> Response:
    """Create a study whose first member is its lead, by the fingerprint that was compared."""
    form, lead = page.form, _lead(runtime, actor, page.form.line("lead"))
    try:
        _check_compared(page)
        with runtime.transaction() as session:
            service.create_study(
                session,
                runtime.collaborators,
                actor,
                form.line("name"),
                lead=lead.id,
                fingerprint=_fingerprint(form.line("fingerprint")),
                policy=_policy(page),
                exempt="demo" in form and not runtime.settings.production,
            )
    except Invalid as refused:
        return _studies(page, runtime, actor, lead, refused.flaws)
    except DigestDiffers:
        raise
    except Conflict:
        return _studies(page, runtime, actor, lead, TAKEN)
    return page.redirect(STUDIES, "study-created")


def _check_compared(page: Page) -> None:
    if "compared" not in page.form:
        raise Invalid([Flaw("/compared", N_("Compare the fingerprint with the person first."))])


def _fingerprint(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise Invalid([Flaw("/fingerprint", N_("Look the lead up again."))]) from None


def _policy(page: Page) -> dict[str, Any]:
    form = page.form
    return {
        "collects_identities": "collects_identities" in form,
        "accepts_minors": "accepts_minors" in form,
        "released_languages": sorted(set(filter(None, BETWEEN.split(form.line("released_languages"))))),
        "extensions": sorted(set(form.all("extensions"))),
    }
