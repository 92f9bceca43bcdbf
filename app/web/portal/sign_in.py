"""Signing in and out, and what to do when the password or the second factor is lost."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from app.access import Permission
from app.accounts import sessions
from app.accounts.sign_in import Credentials, SignIn
from app.bootstrap import Runtime
from app.errors import SignInRefused
from app.web.deps import Runtime_, Signed, Source, Token
from app.web.portal.page import Page, Page_, own_path
from app.web.portal.routing import Pages

__all__ = ["pages"]

# Anything longer is no name, password or code of ours and costs only time.
LONGEST_NAME, LONGEST_PASSWORD, LONGEST_CODE = 200, 1024, 16

pages = Pages()


@pages.get("/sign-in", permission=Permission.NOTHING_NEEDED)
def show_sign_in(page: Page_, runtime: Runtime_, then: Annotated[str, Query(max_length=2000)] = "") -> Response:
    """The form; whoever is signed in goes on."""
    page.recognize()
    return page.redirect(own_path(then)) if page.signed_in else _form(page, runtime, then)


@pages.post("/sign-in", permission=Permission.NOTHING_NEEDED)
def sign_in_by_page(page: Page_, source: Source, runtime: Runtime_) -> Response:
    """Begin a session, with a one-time code or a passkey; one that this browser still had ends."""
    form, then = page.form, page.form.text("then")
    credentials = Credentials(
        name=form.line("name")[:LONGEST_NAME],
        password=form.text("password")[:LONGEST_PASSWORD],
        code=form.line("code").replace(" ", "")[:LONGEST_CODE],
        source=source,
        passkey=form.text("passkey"),
    )
    parts = runtime.collaborators
    try:
        signed_in = runtime.run(SignIn(parts, runtime.gate, runtime.throttling, credentials, runtime.ceremonies))
    except SignInRefused:
        return _form(page, runtime, then, name=credentials.name, refused=True)
    page.recognize()
    if page.signed_in:
        with runtime.transaction() as session:
            sessions.sign_out(session, parts, page.actor, page.token())
    return page.begin_session(signed_in.token, own_path(then))


def _form(page: Page, runtime: Runtime, then: str, *, name: str = "", refused: bool = False) -> Response:
    options = json.dumps(runtime.ceremonies.sign_in_options())
    status = HTTPStatus.UNAUTHORIZED if refused else HTTPStatus.OK
    return page.render("sign_in.html", status=status, then=then, name=name, refused=refused, options=options)


@pages.post("/sign-out", permission=Permission.SESSION_OWN)
def sign_out_by_page(actor: Signed, token: Token, runtime: Runtime_, page: Page_) -> Response:
    """End this session."""
    with runtime.transaction() as session:
        sessions.sign_out(session, runtime.collaborators, actor, token)
    return page.end_session("/sign-in", "signed-out")


@pages.get("/forgotten", permission=Permission.NOTHING_NEEDED)
def explain_reset(page: Page_) -> Response:
    """What a lost password means: new keys, and admission anew."""
    page.recognize()
    return page.render("forgotten.html")
