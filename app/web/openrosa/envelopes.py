"""Answers as OpenRosa's clients read them: XML in ``text/xml``, with the headers without which they refuse it."""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import Final
from xml.sax.saxutils import escape

from starlette.responses import Response

from app.errors import Invalid, TestimonyError, Throttled
from app.web.problems import RETRY_AFTER, status_of

__all__ = ["ACCEPTED_BYTES", "VERSION", "dress", "envelope", "refusal", "xml"]

# Collect takes no list under application/xml.
MEDIA_TYPE: Final = "text/xml; charset=utf-8"
VERSION: Final = "1.0"
# Clients begin another request when the next file would pass this: what fails is sent again from its beginning.
ACCEPTED_BYTES: Final = 32 << 20
RESPONSE: Final = "http://openrosa.org/http/response"
# Clients know these; what else there is stands for one of them.
STATUSES: Final = frozenset({400, 401, 403, 404, 409, 413, 500, 503})
INSTEAD: Final = {410: 409, 429: 503, 507: 503}
SERVERS_FAULT: Final = 500
# Enough to see what is wrong with an interview, on the small screen of a phone.
MOST_FLAWS: Final = 5


def xml(body: str) -> Response:
    """An answer in XML; the declaration stands at its very beginning."""
    return Response(f'<?xml version="1.0" encoding="utf-8"?>\n{body}', media_type=MEDIA_TYPE)


def envelope(status: int, nature: str, message: str) -> Response:
    """One message to whoever holds the phone; ``nature`` is such as ``submit_success`` or ``error``."""
    said = f'<message nature="{escape(nature)}">{escape(message)}</message>'
    answer = xml(f'<OpenRosaResponse xmlns="{RESPONSE}" items="0">{said}</OpenRosaResponse>')
    answer.status_code = status
    return answer


def refusal(error: TestimonyError) -> Response:
    """The envelope of one of our errors: fixed text, and what is wrong where, never a value."""
    status = status_of(error)
    known = status if status in STATUSES else INSTEAD.get(status, 500 if status >= SERVERS_FAULT else 400)
    message = error.detail
    if isinstance(error, Invalid):
        wrong = [f"{flaw.pointer.removeprefix('/answers/')}: {flaw.detail}" for flaw in error.flaws[:MOST_FLAWS]]
        message = " ".join([message, *wrong])
    answer = envelope(known, "error", message)
    if known == HTTPStatus.SERVICE_UNAVAILABLE:
        answer.headers["retry-after"] = str(error.retry_after if isinstance(error, Throttled) else RETRY_AFTER)
    elif known == HTTPStatus.UNAUTHORIZED:
        answer.headers["www-authenticate"] = 'Basic realm="Testimony", charset="UTF-8"'
    return answer


def dress(answer: Response, now: datetime) -> Response:
    """The same answer with the headers that every OpenRosa answer carries."""
    answer.headers["x-openrosa-version"] = VERSION
    answer.headers["x-openrosa-accept-content-length"] = str(ACCEPTED_BYTES)
    answer.headers["date"] = format_datetime(now, usegmt=True)
    answer.headers["cache-control"] = "no-store"
    return answer
