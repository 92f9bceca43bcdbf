"""What a page says when something cannot be done: a heading by status, and the error's own fixed text."""

from __future__ import annotations

from app.errors import TestimonyError, WrongMediaType
from app.web.portal.notices import N_
from app.web.problems import status_of

__all__ = ["of"]

TITLES = {
    400: N_("That did not arrive whole"),
    401: N_("Please sign in"),
    403: N_("You may not do this"),
    404: N_("There is nothing here"),
    405: N_("That did not arrive whole"),
    409: N_("Not possible now"),
    410: N_("This is no longer there"),
    413: N_("That is too much at once"),
    415: N_("That did not arrive whole"),
    422: N_("Please check what you entered"),
    429: N_("Too many attempts"),
    500: N_("Something went wrong"),
    503: N_("Not possible at the moment"),
}


def of(error: TestimonyError) -> tuple[str, str]:
    """The heading and the advice, both to be translated where they are shown."""
    advice = N_("Go back and send the form again.") if isinstance(error, WrongMediaType) else error.detail
    return TITLES[status_of(error)], advice
