"""Administration of devices: offering one to an interviewer as a QR code, seeing them, revoking them."""

from __future__ import annotations

import json
from http import HTTPStatus
from uuid import UUID

from starlette.responses import Response

from app.access import Actor, Permission
from app.accounts import devices, users
from app.accounts import queries as people
from app.bootstrap import Runtime
from app.errors import Flaw, Invalid, NotFound
from app.studies import queries
from app.studies import service as studies
from app.web.deps import Runtime_, Signed
from app.web.portal.notices import N_
from app.web.portal.page import Page, Page_
from app.web.portal.qr import qr
from app.web.portal.routing import Pages

__all__ = ["pages"]

DEVICES = "/admin/devices"
NOBODY = [Flaw("/name", N_("Nobody of this name interviews in that study."))]

pages = Pages(DEVICES)


@pages.get("", permission=Permission.DEVICE_MANAGE)
def show_devices(actor: Signed, runtime: Runtime_, page: Page_) -> Response:
    """Every device, with days instead of moments."""
    return _devices(page, runtime, actor)


def _devices(page: Page, runtime: Runtime, actor: Actor, flaws: list[Flaw] | None = None) -> Response:
    with runtime.glance() as session:
        found = devices.list_devices(session, runtime.collaborators, actor)
        names = people.names_of(session, [device.user for device in found])
        places = queries.all_names(session, actor)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if flaws else HTTPStatus.OK
    found.sort(key=lambda device: (device.revoked, names.get(device.user, "")))
    return page.render(
        "admin_devices.html", status=status, devices=found, names=names, studies=dict(places), flaws=flaws or []
    )


@pages.post("", permission=Permission.DEVICE_MANAGE)
def offer_device(actor: Signed, runtime: Runtime_, page: Page_) -> Response:
    """Offer somebody to enroll a device; its code is shown this once."""
    parts = runtime.collaborators
    try:
        with runtime.transaction() as session:
            study = _study(page.form.line("study"))
            person = users.find_user(session, parts, actor, page.form.line("name"))
            studies.check_interviews(session, parts, person.id, study)
            offer = devices.offer(session, parts, actor, person.id, study)
    except NotFound:
        return _devices(page, runtime, actor, NOBODY)
    text = json.dumps({"server": runtime.settings.origin, "code": offer.code})
    return page.render("admin_offer.html", name=person.name, offer=offer, text=text, picture=qr(text))


def _study(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid([Flaw("/study", N_("Choose a study."))]) from None


@pages.post("/{device}/revoke", permission=Permission.DEVICE_MANAGE)
def revoke_device_by_page(device: UUID, actor: Signed, runtime: Runtime_, page: Page_) -> Response:
    """Revoke a device at once."""
    with runtime.transaction() as session:
        devices.revoke(session, runtime.collaborators, actor, device)
    return page.redirect(DEVICES, "device-revoked")
