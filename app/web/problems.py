"""Answers to what goes wrong: RFC 9457 problem details, and the one table from errors to statuses.

A problem holds fixed text, and pointers into the input where that helps; never a value that was sent or stored.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from app import errors
from app.errors import Flaw, Invalid, TestimonyError, Throttled, WrongOffset

__all__ = [
    "MEDIA_TYPE",
    "SCHEMA",
    "STATUS",
    "ProblemResponse",
    "http_problem",
    "internal_problem",
    "problem",
    "problem_for",
    "status_of",
]

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:testimony:problem:"
# Seconds after which trying again may help, where we know nothing better.
RETRY_AFTER = 2
# The first flaws are enough to go on; a hostile body could have a million.
MOST_FLAWS = 200

# Every class of the tree has a row; a test walks the tree.
STATUS: dict[type[TestimonyError], int] = {
    errors.TestimonyError: 500,
    errors.Tampered: 500,
    errors.TamperedField: 500,
    errors.TamperedBox: 500,
    errors.TamperedShare: 500,
    errors.TamperedFile: 500,
    errors.BadSignature: 500,
    errors.RosterRejected: 500,
    errors.Malformed: 400,
    errors.BadEncoding: 400,
    errors.BadPublicKey: 400,
    errors.MalformedJson: 400,
    errors.BodyTooLarge: 413,
    errors.BodyStalled: 408,
    errors.BodyCut: 400,
    errors.WrongLength: 400,
    errors.WrongMediaType: 415,
    errors.Invalid: 422,
    errors.InstrumentRefused: 422,
    errors.ConsentMissing: 422,
    errors.Unauthenticated: 401,
    errors.SignInRefused: 401,
    errors.Throttled: 429,
    errors.TooManyStreams: 429,
    errors.TooMuchToday: 429,
    errors.Forbidden: 403,
    errors.StepUpRequired: 403,
    errors.OwnWork: 403,
    errors.NotFound: 404,
    errors.Gone: 410,
    errors.IntakeKeyGone: 410,
    errors.ShareGone: 410,
    errors.RecordDead: 410,
    errors.CannotBeCleaned: 422,
    errors.Conflict: 409,
    errors.ContentDiffers: 409,
    errors.DigestDiffers: 409,
    errors.WrongOffset: 409,
    errors.UploadEnded: 409,
    errors.TooManyFiles: 409,
    errors.StudyNotOpen: 409,
    errors.RecordFrozen: 409,
    errors.OnHold: 409,
    errors.LastHolder: 409,
    errors.DoubtsOpen: 409,
    errors.CopiesUnseen: 409,
    errors.VoicesUnconfirmed: 409,
    errors.Retry: 503,
    errors.EpochEnded: 503,
    errors.StaleKeyVersion: 503,
    errors.StaleRoster: 503,
    errors.Unavailable: 503,
    errors.CustodyUnavailable: 503,
    errors.ModelUnusable: 503,
    errors.KeystoreUnavailable: 503,
    errors.StoreUnavailable: 503,
    errors.StoreFull: 507,
}

# Problems that only HTTP has: code, detail.
HTTP_ONLY = {
    405: ("method-not-allowed", "This address does not answer this method."),
    421: ("misdirected", "This service does not answer to this host name."),
}

SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "Problem details (RFC 9457). Texts are fixed and hold nothing that was sent.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance"],
    "additionalProperties": False,
    "properties": {
        "type": {"type": "string", "pattern": f"^{TYPE}[a-z-]+$"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "instance": {"type": "string", "pattern": "^urn:uuid:[0-9a-f-]{36}$"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "additionalProperties": False,
                "properties": {
                    "pointer": {
                        "type": "string",
                        "description": "RFC 6901, into the body; or #query/name",
                    },
                    "detail": {"type": "string"},
                },
            },
        },
    },
}


class ProblemResponse(Response):
    """A problem as an HTTP answer."""

    media_type = MEDIA_TYPE

    def __init__(self, members: dict[str, Any]) -> None:
        super().__init__(json.dumps(members, ensure_ascii=False).encode(), members["status"])


def status_of(error: TestimonyError) -> int:
    """The status of an error; a class without a row of its own takes its nearest ancestor's."""
    return next(STATUS[ancestor] for ancestor in type(error).__mro__ if ancestor in STATUS)


def problem(code: str, status: int, detail: str, request: str, flaws: list[Flaw] | None = None) -> ProblemResponse:
    """Build a problem; ``request`` is the request's id."""
    members: dict[str, Any] = {
        "type": TYPE + code,
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": f"urn:uuid:{request}",
    }
    if flaws:
        members["errors"] = [{"pointer": flaw.pointer, "detail": flaw.detail} for flaw in flaws[:MOST_FLAWS]]
    return ProblemResponse(members)


def problem_for(error: TestimonyError, request: str) -> ProblemResponse:
    """The answer to one of our errors."""
    status = status_of(error)
    answer = problem(error.code, status, error.detail, request, error.flaws if isinstance(error, Invalid) else None)
    if isinstance(error, Throttled):
        answer.headers["retry-after"] = str(error.retry_after)
    elif isinstance(error, WrongOffset):
        answer.headers["upload-offset"] = str(error.expected)
    elif status == HTTPStatus.SERVICE_UNAVAILABLE:
        answer.headers["retry-after"] = str(RETRY_AFTER)
    elif status == HTTPStatus.UNAUTHORIZED:
        answer.headers["www-authenticate"] = "Bearer"
    return answer


def http_problem(status: int, request: str) -> ProblemResponse:
    """The answer to what HTTP itself does not allow; an unknown address reads like an absent thing."""
    if status == HTTPStatus.NOT_FOUND:
        return problem_for(errors.NotFound(), request)
    code, detail = HTTP_ONLY.get(status, ("bad-request", "The request is not well formed."))
    return problem(code, status if status in HTTP_ONLY else 400, detail, request)


def internal_problem(request: str) -> ProblemResponse:
    """The answer to an error that nobody foresaw: fixed text."""
    return problem_for(TestimonyError(), request)
