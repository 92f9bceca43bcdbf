"""Administration: people and their invitations. An administrator holds no key and sees no testimony."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from starlette.responses import Response

from app.access import Actor, Permission
from app.accounts import invitations, passwords, users
from app.accounts.users import UserView
from app.bootstrap import Runtime
from app.errors import Conflict, Flaw, Invalid, NotFound
from app.studies import service as studies
from app.web.deps import Runtime_, Signed
from app.web.portal.notices import N_
from app.web.portal.page import Page, Page_
from app.web.portal.qr import qr
from app.web.portal.routing import Pages

__all__ = ["pages"]

PEOPLE = "/admin/people"
TAKEN = [Flaw("/name", N_("An account has this name already."))]

pages = Pages("/admin")


@pages.get("/people", permission=Permission.USER_MANAGE)
def show_people(actor: Signed, runtime: Runtime_, page: Page_) -> Response:
    """Everybody, and the invitations that nobody has accepted yet."""
    return _people(page, runtime, actor)


def _people(page: Page, runtime: Runtime, actor: Actor, flaws: list[Flaw] | None = None) -> Response:
    with runtime.glance() as session:
        everybody = users.list_users(session, runtime.collaborators, actor)
        invited = invitations.list_open(session, runtime.collaborators, actor)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if flaws else HTTPStatus.OK
    return page.render("admin_people.html", status=status, people=everybody, invitations=invited, flaws=flaws or [])


@pages.post("/invitations", permission=Permission.USER_MANAGE)
def invite_by_page(actor: Signed, runtime: Runtime_, page: Page_) -> Response:
    """Invite somebody; the link is shown this once."""
    name, admin = page.form.line("name"), "admin" in page.form
    try:
        with runtime.transaction() as session:
            token = invitations.invite(session, runtime.collaborators, actor, name, admin=admin)
    except Invalid as refused:
        return _people(page, runtime, actor, refused.flaws)
    except Conflict:
        return _people(page, runtime, actor, TAKEN)
    return _invited(page, runtime, name, token)


def _invited(page: Page, runtime: Runtime, name: str, token: str) -> Response:
    link = f"{runtime.settings.origin}/invitations#{token}"
    return page.render("admin_invited.html", name=name, link=link, picture=qr(link))


@pages.post("/invitations/{invitation}/cancel", permission=Permission.USER_MANAGE)
def cancel_invitation_by_page(invitation: UUID, actor: Signed, runtime: Runtime_, page: Page_) -> Response:
    """End an invitation that nobody has accepted yet."""
    with runtime.transaction() as session:
        invitations.cancel(session, runtime.collaborators, actor, invitation)
    return page.redirect(PEOPLE, "invitation-canceled")


@pages.get("/people/{user}", permission=Permission.USER_MANAGE)
def show_person(user: UUID, actor: Signed, runtime: Runtime_, page: Page_) -> Response:
    """One person, and what can be done for them."""
    return page.render("admin_person.html", person=_person(runtime, actor, user), own=user == actor.id)


@pages.post("/people/{user}/off", permission=Permission.USER_MANAGE)
def switch_off_by_page(user: UUID, actor: Signed, runtime: Runtime_, page: Page_) -> Response:
    """Switch a person off, with all their sessions and devices."""
    with runtime.transaction() as session:
        users.deactivate(session, runtime.collaborators, actor, user)
    return page.redirect(f"{PEOPLE}/{user}", "switched-off")


@pages.post("/people/{user}/on", permission=Permission.USER_MANAGE)
def switch_on_by_page(user: UUID, actor: Signed, runtime: Runtime_, page: Page_) -> Response:
    """Switch a person on again."""
    with runtime.transaction() as session:
        users.reactivate(session, runtime.collaborators, actor, user)
    return page.redirect(f"{PEOPLE}/{user}", "switched-on")


@pages.post("/people/{user}/reset", permission=Permission.USER_MANAGE)
def reset_by_page(user: UUID, actor: Signed, runtime: Runtime_, page: Page_) -> Response:
    """Invite somebody to a new password and new keys; the link is shown this once."""
    person = _person(runtime, actor, user)
    with runtime.transaction() as session:
        token = passwords.reset(session, runtime.collaborators, actor, user)
        studies.check_replaceable(session, runtime.collaborators, user)
    return _invited(page, runtime, person.name, token)


def _person(runtime: Runtime, actor: Actor, user: UUID) -> UserView:
    with runtime.glance() as session:
        everybody = users.list_users(session, runtime.collaborators, actor)
    found = next((view for view in everybody if view.id == user), None)
    if found is None:
        raise NotFound
    return found
