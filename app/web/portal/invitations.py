"""Accepting an invitation: the code from its link, then a password and a second factor that is tried at once.

The link carries the code behind ``#``, which browsers send to nobody. Once given it rests in a cookie of this browser
until the account is made, so that no address, log or history ever holds it.
"""

from __future__ import annotations

from http import HTTPStatus

from starlette.responses import Response

from app.access import Permission
from app.accounts import factors, invitations
from app.accounts.invitations import Acceptance, Confirmed
from app.accounts.password_rules import LONGEST, SHORTEST
from app.bootstrap import Runtime
from app.crypto.secrets import Secret
from app.errors import Flaw, Gone, Invalid, NotFound
from app.studies import service as studies
from app.web.deps import Runtime_
from app.web.portal.account import new_password
from app.web.portal.notices import N_
from app.web.portal.page import Page, Page_, is_token, set_cookie
from app.web.portal.qr import qr
from app.web.portal.routing import Pages

__all__ = ["pages"]

INVITATION = "__Host-invitation"
FIRST, SECOND = "/invitations", "/invitations/acceptance"
UNUSABLE = [Flaw("/token", N_("This invitation does not exist, was used, or is over. Ask for a new one."))]

pages = Pages(FIRST)


@pages.get("", permission=Permission.NOTHING_NEEDED)
def show_invitation(page: Page_) -> Response:
    """Where the link leads: a script takes the code from behind ``#``, or one types it."""
    return page.render("invitation.html", flaws=[])


@pages.post("", permission=Permission.NOTHING_NEEDED)
def open_invitation(page: Page_, runtime: Runtime_) -> Response:
    """Look whether the code is good and keep it for the next page."""
    token = page.form.line("token")
    try:
        with runtime.glance() as session:
            invitations.preview(session, runtime.collaborators, token)
    except (NotFound, Gone):
        return page.render("invitation.html", status=HTTPStatus.UNPROCESSABLE_ENTITY, flaws=UNUSABLE)
    answer = page.redirect(SECOND)
    set_cookie(answer, INVITATION, token)
    return answer


@pages.get("/acceptance", permission=Permission.NOTHING_NEEDED)
def show_acceptance(page: Page_, runtime: Runtime_) -> Response:
    """Whom the invitation is for, the rules for the password, and a fresh second factor."""
    return _acceptance(page, runtime, factors.new_factor())


@pages.post("/acceptance", permission=Permission.NOTHING_NEEDED)
def accept_by_page(page: Page_, runtime: Runtime_) -> Response:
    """Make the account, or its new keys; shows the fingerprint to read aloud."""
    parts, form = runtime.collaborators, page.form
    secret = factors.from_base32(form.text("secret"))
    try:
        confirmed = Confirmed(secret, form.line("code").replace(" ", ""))
        acceptance = Acceptance(parts, runtime.gate, _token(page), new_password(page), confirmed)
        with runtime.transaction() as session:
            acceptance.plan(session)
        acceptance.work()
        with runtime.transaction() as session:
            accepted = studies.finish_acceptance(session, parts, acceptance)
    except Invalid as refused:
        return _acceptance(page, runtime, secret, refused.flaws)
    answer = page.render("accepted.html", accepted=accepted, picture=qr(accepted.fingerprint.hex()))
    set_cookie(answer, INVITATION, "", age=0)
    return answer


def _acceptance(page: Page, runtime: Runtime, secret: Secret, flaws: list[Flaw] | None = None) -> Response:
    """The form; without a good code back to where it is given."""
    try:
        with runtime.glance() as session:
            preview = invitations.preview(session, runtime.collaborators, _token(page))
    except (NotFound, Gone):
        return page.redirect(FIRST)
    return page.render(
        "acceptance.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if flaws else HTTPStatus.OK,
        preview=preview,
        secret=factors.base32(secret),
        picture=qr(factors.provisioning_uri(secret, preview.name)),
        shortest=SHORTEST,
        longest=LONGEST,
        flaws=flaws or [],
    )


def _token(page: Page) -> str:
    token = page.request.cookies.get(INVITATION, "")
    if not is_token(token):
        raise NotFound
    return token
