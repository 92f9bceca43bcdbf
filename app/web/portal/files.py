"""Serves what ``assets`` holds."""

from __future__ import annotations

from starlette.responses import Response

from app.access import Permission
from app.errors import NotFound
from app.web.portal.assets import assets
from app.web.portal.routing import Pages

__all__ = ["pages"]

FOR_GOOD = "public, max-age=31536000, immutable"

pages = Pages("/static")


@pages.get("/{version}/{name}", permission=Permission.NOTHING_NEEDED)
def read_asset(version: str, name: str) -> Response:
    """One file; any version gives the present one, but only its own address is kept.

    While nodes of two versions run side by side, a page of one may fetch its scripts from the other.
    """
    found = assets().get(name)
    if found is None:
        raise NotFound
    own = found.address == f"/static/{version}/{name}"
    return Response(found.content, media_type=found.media_type, headers={"cache-control": FOR_GOOD} if own else None)
