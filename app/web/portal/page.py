"""One request for a page: who asks, in which language, what the form says, and how the page is made.

A page's endpoint asks for it by type: ``def desk(study: UUID, record: UUID, page: Page_) -> Response``.
"""

from __future__ import annotations

import hmac
from contextlib import suppress
from functools import cache, cached_property
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.access import ActorKind, Permission
from app.bootstrap import Runtime
from app.crypto.tokens import form_token, new_token, token_secret
from app.errors import BadEncoding, Forbidden, Unauthenticated
from app.web.deps import Call, Injected, checked_token
from app.web.portal import notices
from app.web.portal.assets import asset
from app.web.portal.forms import Form
from app.web.portal.locales import LOCALES, Formats, chosen, translations

__all__ = ["LOCALE", "SESSION", "VISIT", "Page", "Page_"]

# The prefix binds a cookie to this host, to TLS and to the whole site (RFC 6265bis, section 4.1.3.2).
SESSION, VISIT, LOCALE = "__Host-session", "__Host-visit", "__Host-locale"
YEAR = 365 * 24 * 3600
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
STALE = notices.N_("This form is too old, or not from this site. Open the page again and send it from there.")
TEMPLATES = Path(__file__).parent / "templates"


class Page(Call):
    """A request for a page on its way to its endpoint."""

    def __init__(self, request: Request, runtime: Runtime, form: Form) -> None:
        super().__init__(request, runtime)
        self.form = form

    def token(self) -> str:
        """The session's token, from its cookie; Unauthenticated if there is none."""
        return checked_token(self.request.cookies.get(SESSION, ""))

    @cached_property
    def locale(self) -> str:
        """The language of this page."""
        return chosen(self.request.cookies.get(LOCALE, ""), self.request.headers.get("accept-language", ""))

    @property
    def path(self) -> str:
        """The address of this page, without its query."""
        return self.request.url.path

    @property
    def back(self) -> str:
        """Where this page can be opened again; the answer to a form cannot, so it leads to the first page."""
        return self.path if self.request.method == "GET" else "/"

    @property
    def signed_in(self) -> bool:
        """Whether somebody is."""
        return self.actor.kind is ActorKind.USER

    @property
    def by_script(self) -> bool:
        """Whether a script of ours asks, and wants data in place of a page."""
        return self.request.headers.get("accept") == "application/json"

    def recognize(self) -> None:
        """Find out who it is, if it is anybody: for pages that everybody may see."""
        with suppress(Unauthenticated):
            self.authenticate(None)

    def may(self, permission: str) -> bool:
        """Whether to offer something; the service asks again."""
        return Permission(permission) in self.actor.permissions()

    @cached_property
    def _visit(self) -> str:
        given = self.request.cookies.get(VISIT, "")
        return given if is_token(given) else new_token("visit")

    @cached_property
    def form_token(self) -> str:
        """What every form of this page carries (field ``form_token``), bound to the session or to the visit."""
        session = self.request.cookies.get(SESSION, "")
        return form_token(session if is_token(session) else self._visit)

    def check_form(self, *, for_visitors: bool) -> None:
        """Refuse a form that another site sent, or that was not made for this session.

        ``for_visitors``: the form is one that people who are not signed in send, and may have been made for the visit.
        Whoever follows a link from elsewhere is shown such a form although the browser holds a session: it sends no
        session cookie (SameSite) with the first request, but does with the next one.

        Raises:
            Forbidden: it does not carry this session's token, or the browser says that another site sent it.
        """
        if self.request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            raise Forbidden(STALE)
        accepted = [self.form_token] + [form_token(self._visit)] * for_visitors
        given = self.form.text("form_token").encode()
        if not any(hmac.compare_digest(given, one.encode()) for one in accepted):
            raise Forbidden(STALE)

    def render(self, template: str, *, status: int = HTTPStatus.OK, **values: Any) -> Response:
        """A page made from a template. Beside ``values`` it sees ``page``, ``format`` and ``asset``."""
        values |= {"page": self, "format": Formats(self.locale), "locales": LOCALES}
        values["notice"] = notices.text(self.request.query_params.get("notice", ""))
        content = environment(self.locale).get_template(template).render(values)
        answer = HTMLResponse(content, status, {"content-security-policy": POLICY, "vary": "cookie, accept-language"})
        if not self.request.cookies.get(SESSION):
            set_cookie(answer, VISIT, self._visit)
        return answer

    def redirect(self, path: str, notice: str = "") -> Response:
        """To another page after a change; ``notice`` is a name from ``notices``, shown once there."""
        query = f"{'&' if '?' in path else '?'}notice={notice}" if notice else ""
        return RedirectResponse(path + query, HTTPStatus.SEE_OTHER)

    def begin_session(self, token: str, path: str) -> Response:
        """To a page, with a session's cookie."""
        answer = self.redirect(path)
        set_cookie(answer, SESSION, token)
        return answer

    def end_session(self, path: str, notice: str = "") -> Response:
        """To a page, without the session's cookie and with no page left in the browser's cache (Clear-Site-Data)."""
        answer = self.redirect(path, notice)
        set_cookie(answer, SESSION, "", age=0)
        answer.headers["clear-site-data"] = '"cache"'
        return answer

    def to_sign_in(self, then: str = "") -> Response:
        """To the sign-in page, and from there to ``then``.

        A cookie that opens nothing is deleted. Without one nothing is: whoever follows a link from elsewhere comes
        without the cookie of a session that lives, and must not lose it.
        """
        path = f"/sign-in?then={quote(then)}" if then not in {"", "/"} else "/sign-in"
        if not self.request.cookies.get(SESSION):
            return self.redirect(path)
        return self.end_session(path, "session-ended")

    def gettext(self, text: str) -> str:
        """A text that stands in Python, in the page's language; its source marks it with ``notices.N_``."""
        return translations(self.locale).gettext(text)


def set_cookie(answer: Response, name: str, value: str, *, age: int | None = None) -> None:
    """A cookie that scripts and other sites never see; without an age it ends with the browser."""
    answer.set_cookie(name, value, max_age=age, path="/", secure=True, httponly=True, samesite="strict")


def is_token(text: str) -> bool:
    try:
        token_secret(text)
    except BadEncoding:
        return False
    return True


def own_path(text: str) -> str:
    """The text if it is an address on this site, else the first page: no form sends people elsewhere."""
    return text if text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable() else "/"


@cache
def environment(locale: str) -> Environment:
    """The templates in one language: everything escaped, nothing undefined."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.install_gettext_translations(translations(locale), newstyle=True)  # type: ignore[attr-defined]
    made.globals["asset"] = asset
    return made


def _page(call: Call) -> Page:
    if not isinstance(call, Page):
        raise Unauthenticated
    return call


# The page that an endpoint makes.
Page_ = Annotated[Page, Depends(Injected(_page))]
