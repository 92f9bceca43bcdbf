"""One's own account: fingerprint, sessions, passkeys, password, devices."""

from __future__ import annotations

import json
from uuid import UUID

from starlette.responses import Response

from app.access import Permission
from app.accounts import devices, passkeys, sessions, users
from app.accounts.api_tokens import CLIENT
from app.accounts.password_rules import LONGEST, SHORTEST
from app.accounts.passwords import PasswordChange
from app.errors import Flaw, Invalid
from app.studies import queries as studies
from app.web.deps import Runtime_, Signed, Token
from app.web.portal.notices import N_
from app.web.portal.page import Page, Page_
from app.web.portal.qr import qr
from app.web.portal.routing import Pages

__all__ = ["new_password", "pages"]

ACCOUNT = "/account"

pages = Pages(ACCOUNT)


@pages.get("", permission=Permission.SESSION_OWN)
def show_account(actor: Signed, token: Token, runtime: Runtime_, page: Page_) -> Response:
    """Everything of one's own."""
    parts = runtime.collaborators
    with runtime.glance() as session:
        mine = [] if actor.admin else devices.list_devices(session, parts, actor)
        mine = [device for device in mine if device.kind != CLIENT]
        profile = users.own_profile(session, parts, actor)
        return page.render(
            "account.html",
            profile=profile,
            picture=qr(profile.fingerprint),
            sessions=sessions.list_sessions(session, parts, actor, token=token),
            passkeys=passkeys.list_passkeys(session, parts, actor),
            devices=mine,
            studies=studies.names_of(session, [device.study for device in mine]),
            now=runtime.clock(),
        )


@pages.post("/sessions/{target}/end", permission=Permission.SESSION_OWN)
def end_session_by_page(target: UUID, actor: Signed, runtime: Runtime_, page: Page_) -> Response:
    """End one of one's own sessions."""
    with runtime.transaction() as session:
        sessions.end_session(session, runtime.collaborators, actor, target)
    return page.redirect(ACCOUNT, "session-closed")


@pages.post("/sessions/end", permission=Permission.SESSION_OWN)
def end_all_sessions_by_page(actor: Signed, runtime: Runtime_, page: Page_) -> Response:
    """End all of one's own sessions, this one too."""
    with runtime.transaction() as session:
        sessions.end_all(session, runtime.collaborators, actor)
    return page.end_session("/sign-in", "sessions-closed")


@pages.get("/password", permission=Permission.SESSION_OWN)
def show_password(page: Page_) -> Response:
    """The form for a new password."""
    return page.render("password.html", flaws=[], shortest=SHORTEST, longest=LONGEST)


@pages.post("/password", permission=Permission.SESSION_OWN)
def change_password_by_page(actor: Signed, token: Token, runtime: Runtime_, page: Page_) -> Response:
    """Seal one's keys under a new password; every session ends."""
    parts, old = runtime.collaborators, page.form.text("old")
    try:
        new = new_password(page)
        change = PasswordChange(parts, runtime.gate, runtime.throttling, actor, token=token, old=old, new=new)
        runtime.run(change)
    except Invalid as refused:
        return page.render("password.html", status=422, flaws=refused.flaws, shortest=SHORTEST, longest=LONGEST)
    return page.end_session("/sign-in", "password-changed")


def new_password(page: Page) -> str:
    """The password of a form that asks for it twice; Invalid (``/again``) if the two differ."""
    password = page.form.text("password")
    if password != page.form.text("again"):
        raise Invalid([Flaw("/again", N_("The two passwords are not the same."))])
    return password


@pages.post("/passkeys/new", permission=Permission.FACTOR_CHANGE)
def offer_passkey(actor: Signed, token: Token, runtime: Runtime_, page: Page_) -> Response:
    """The form that makes a passkey; it needs a fresh second factor."""
    parts, ceremonies = runtime.collaborators, runtime.ceremonies
    with runtime.glance() as session:
        options = passkeys.registration_options(session, parts, actor, ceremonies, token)
    return page.render("passkey.html", options=json.dumps(options), flaws=[])


@pages.post("/passkeys", permission=Permission.FACTOR_CHANGE)
def add_passkey(actor: Signed, token: Token, runtime: Runtime_, page: Page_) -> Response:
    """Keep the passkey that the browser made."""
    parts, ceremonies, form = runtime.collaborators, runtime.ceremonies, page.form
    label, passkey = form.line("label"), form.text("passkey")
    try:
        with runtime.transaction() as session:
            passkeys.register(session, parts, actor, ceremonies, token, label=label, passkey=passkey)
    except Invalid as refused:
        with runtime.glance() as session:
            options = passkeys.registration_options(session, parts, actor, ceremonies, token)
        return page.render("passkey.html", status=422, options=json.dumps(options), flaws=refused.flaws)
    return page.redirect(ACCOUNT, "passkey-added")


@pages.post("/passkeys/{passkey}/remove", permission=Permission.FACTOR_CHANGE)
def remove_passkey_by_page(passkey: UUID, actor: Signed, runtime: Runtime_, page: Page_) -> Response:
    """Remove one of one's own passkeys."""
    with runtime.transaction() as session:
        passkeys.remove(session, runtime.collaborators, actor, passkey)
    return page.redirect(ACCOUNT, "passkey-removed")


@pages.post("/devices/{device}/revoke", permission=Permission.SESSION_OWN)
def revoke_own_device(device: UUID, actor: Signed, runtime: Runtime_, page: Page_) -> Response:
    """Revoke one of one's own devices at once."""
    with runtime.transaction() as session:
        devices.revoke(session, runtime.collaborators, actor, device)
    return page.redirect(ACCOUNT, "device-revoked")
