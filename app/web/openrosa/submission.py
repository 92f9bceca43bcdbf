"""Where phones send what was filled in."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends
from starlette.responses import Response

from app.access import Permission
from app.accounts.phones import TEST
from app.web.deps import Acting, Injected, Runtime_
from app.web.openrosa.envelopes import envelope
from app.web.openrosa.multipart import read_parts
from app.web.openrosa.receiving import Receiving
from app.web.openrosa.routing import OpenRosa, Server_
from app.web.streams import Streamed

__all__ = ["forms"]

# One file of the largest size that is taken, its form, and what stands around them.
LARGEST_POST: Final = (2 << 30) + (8 << 20)
CREATED: Final = 201

ContentType = Annotated[str, Depends(Injected(lambda call: call.request.headers.get("content-type", "")))]

forms = OpenRosa()


@forms.get("/submission", permission=Permission.RECORD_SUBMIT)
def ask_before_submission(study: UUID) -> Response:  # noqa: ARG001  the address names it
    """Clients ask before they send whether they may."""
    return Response(status_code=204)


@forms.post("/submission", permission=Permission.RECORD_SUBMIT, limit=LARGEST_POST)
def submit_form(
    study: UUID,  # noqa: ARG001  the actor is in it
    actor: Acting,
    runtime: Runtime_,
    server: Server_,
    content_type: ContentType,
    body: Streamed,
) -> Response:
    """Take a form and its files in, or some of them: 201 once everything that came is durable."""
    receiving = Receiving(runtime, actor, trying=server.kind == TEST)
    read_parts(body, content_type, receiving.take)
    return envelope(CREATED, "submit_success", receiving.message())
