"""Serves ``/collect``: one page without data, its files, its service workers, its manifest."""

from __future__ import annotations

import json
from typing import Annotated

from pydantic import StringConstraints
from starlette.responses import Response

from app.access import Permission
from app.errors import Forbidden, NotFound
from app.web.collect.files import PAGE, WORKERS, files, icons, worker
from app.web.portal.page import Page_
from app.web.portal.routing import Pages

__all__ = ["pages"]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; manifest-src 'self'; "
    "worker-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'; "
    "require-trusted-types-for 'script'; trusted-types w"
)
# The widest scope that a service worker from below may ask for: the page itself.
HEADERS = {"content-security-policy": POLICY, "service-worker-allowed": PAGE}
# A neutral name and icon, until enrollment tells the study's.
NAME, ICON = "Notes", "notes"
SIZES = (192, 512)
Name = Annotated[str, StringConstraints(min_length=1, max_length=30, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]

pages = Pages(PAGE)


@pages.get("", permission=Permission.NOTHING_NEEDED)
def read_form() -> Response:
    """The page."""
    return _file(PAGE)


@pages.get("/manifest.webmanifest", permission=Permission.NOTHING_NEEDED)
def read_manifest(name: Name = NAME, icon: str = ICON) -> Response:
    """How the application is called and drawn once it is installed; NotFound for an icon that is not ours."""
    if icon not in icons():
        raise NotFound
    manifest = {
        "name": name,
        "short_name": name,
        "id": PAGE,
        "start_url": PAGE,
        "scope": PAGE,
        "display": "standalone",
        "background_color": "#ffffff",
        "theme_color": "#ffffff",
        "icons": [
            {"src": f"{PAGE}/icons/{icon}-{size}.png", "sizes": f"{size}x{size}", "type": "image/png"} for size in SIZES
        ],
    }
    return _answer(json.dumps(manifest).encode(), "application/manifest+json")


@pages.get("/clear", permission=Permission.NOTHING_NEEDED)
def clear(page: Page_) -> Response:
    """Let the browser forget all it has of this site, the portal's cookies and cached files too.

    Only a script of this site may ask: another site that embeds this address would wipe a phone.

    Raises:
        Forbidden: the browser does not say that it is one.
    """
    headers = page.request.headers
    if (headers.get("sec-fetch-site"), headers.get("sec-fetch-dest")) != ("same-origin", "empty"):
        raise Forbidden
    return Response(status_code=204, headers={**HEADERS, "clear-site-data": '"cache", "cookies", "storage"'})


@pages.get("/{name}", permission=Permission.NOTHING_NEEDED)
def read_file(name: str) -> Response:
    """One file, or a service worker."""
    address = f"{PAGE}/{name}"
    if address in WORKERS:
        return _answer(worker(address), "text/javascript")
    return _file(address)


@pages.get("/{folder}/{name}", permission=Permission.NOTHING_NEEDED)
def read_nested_file(folder: str, name: str) -> Response:
    """One file of a folder."""
    return _file(f"{PAGE}/{folder}/{name}")


def _file(address: str) -> Response:
    found = files().get(address)
    if found is None:
        raise NotFound
    return _answer(found.content, found.media_type)


# Nothing goes to the browser's own cache, which no script can empty: the service worker keeps what is needed offline.
def _answer(content: bytes, media_type: str) -> Response:
    return Response(content, media_type=media_type, headers=HEADERS)
