"""One's own API tokens: making one for a program, seeing them, revoking them."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from uuid import UUID

from starlette.responses import Response

from app.access import ROLE_TABLE, Actor, Permission, Role
from app.accounts import api_tokens, devices
from app.accounts.api_tokens import CLIENT
from app.bootstrap import Runtime
from app.errors import Flaw, Invalid
from app.studies import queries
from app.studies import service as studies
from app.web.deps import Runtime_, Signed
from app.web.portal.notices import N_
from app.web.portal.page import Page, Page_
from app.web.portal.routing import Pages
from app.web.portal.words import TOKEN_SCOPES

__all__ = ["pages"]

TOKENS = "/account/tokens"
# For how many days a token may be made here; the API takes any moment within a year.
DAYS = (7, 30, 90, 365)

pages = Pages(TOKENS)


@pages.get("", permission=Permission.SESSION_OWN)
def show_tokens(actor: Signed, runtime: Runtime_, page: Page_) -> Response:
    """One's tokens, and a form for another."""
    return _tokens(page, runtime, actor)


def _tokens(page: Page, runtime: Runtime, actor: Actor, flaws: list[Flaw] | None = None) -> Response:
    parts = runtime.collaborators
    with runtime.glance() as session:
        mine = [
            one for one in devices.list_devices(session, parts, actor) if one.user == actor.id and one.kind == CLIENT
        ]
        places = {study: name for study, name, roles in queries.mine(session, parts, actor) if _submits(roles)}
        names = queries.names_of(session, [one.study for one in mine])
    return page.render(
        "account_tokens.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if flaws else HTTPStatus.OK,
        tokens=sorted(mine, key=lambda one: (_over(one, runtime), one.label or "")),
        over={one.id for one in mine if _over(one, runtime)},
        places=places,
        names=names,
        scopes=TOKEN_SCOPES,
        days=DAYS,
        flaws=flaws or [],
    )


def _submits(roles: frozenset[Role]) -> bool:
    return any(Permission.RECORD_SUBMIT in ROLE_TABLE[role] for role in roles)


def _over(one: devices.DeviceView, runtime: Runtime) -> bool:
    return one.revoked or (one.expires_at is not None and one.expires_at <= runtime.clock())


@pages.post("", permission=Permission.TOKEN_MAKE)
def make_token_by_page(actor: Signed, runtime: Runtime_, page: Page_) -> Response:
    """Make a token; it is shown this once, and needs a fresh second factor."""
    parts, form = runtime.collaborators, page.form
    api_tokens.check_maker(parts, actor, actor.user())
    try:
        study, lasts = _study(form.line("study")), _days(form.line("days"))
        with runtime.transaction() as session:
            studies.check_interviews(session, parts, actor.user(), study)
            made = api_tokens.make_token(
                session,
                parts,
                actor,
                actor.user(),
                study,
                label=form.line("label"),
                scopes=form.all("scopes"),
                expires_at=parts.now() + lasts,
            )
    except Invalid as refused:
        return _tokens(page, runtime, actor, refused.flaws)
    return page.render("account_token_made.html", made=made, label=form.line("label"))


def _study(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid([Flaw("/study", N_("Choose a study."))]) from None


def _days(text: str) -> timedelta:
    found = next((days for days in DAYS if text == str(days)), None)
    if found is None:
        raise Invalid([Flaw("/days", N_("Choose how long it lasts."))])
    return timedelta(days=found)
