"""The language of the pages: chosen once, kept in a cookie."""

from __future__ import annotations

from starlette.responses import Response

from app.access import Permission
from app.web.portal.locales import LOCALES
from app.web.portal.page import LOCALE, YEAR, Page_, own_path, set_cookie
from app.web.portal.routing import Pages

__all__ = ["pages"]

pages = Pages()


@pages.post("/language", permission=Permission.NOTHING_NEEDED)
def choose_language(page: Page_) -> Response:
    """Keep the choice and go back to where it was made; a language that there is not changes nothing."""
    answer = page.redirect(own_path(page.form.text("back")))
    language = page.form.line("language")
    if language in LOCALES:
        set_cookie(answer, LOCALE, language, age=YEAR)
    return answer
