"""Administration of devices: offering one to an interviewer as a QR code, seeing them, revoking them."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from starlette.responses import Response

from app.access import Actor, Permission
from app.accounts import devices, phones, users
from app.accounts import queries as people
from app.bootstrap import Runtime
from app.errors import Flaw, Invalid, NotFound
from app.studies import apps, queries
from app.studies import service as studies
from app.web.deps import Runtime_, Signed
from app.web.openrosa.settings_code import server_url, settings_code
from app.web.portal.notices import N_
from app.web.portal.page import Page, Page_
from app.web.portal.qr import qr
from app.web.portal.routing import Pages
from app.web.portal.words import DEVICE_KINDS

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
        "admin_devices.html",
        status=status,
        devices=found,
        names=names,
        studies=dict(places),
        flaws=flaws or [],
        kinds=DEVICE_KINDS,
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
            if page.form.line("kind") in phones.KINDS:
                phone = phones.enrol_phone(session, parts, actor, person.id, study, page.form.line("kind"))
                return _phone(page, runtime.settings.origin, phone, apps.of_study(session, study).name)
            offer = devices.offer(session, parts, actor, person.id, study)
    except NotFound:
        return _devices(page, runtime, actor, NOBODY)
    # What stands after the # stays in the phone: browsers send it to nobody.
    link = f"{runtime.settings.origin}/collect#code={offer.code}"
    return page.render("admin_offer.html", name=person.name, offer=offer, link=link, picture=qr(link))


def _phone(page: Page, origin: str, phone: phones.Phone, project: str) -> Response:
    picture = qr(settings_code(origin, phone, project), error="l")
    return page.render("admin_phone.html", phone=phone, server=server_url(origin, phone), picture=picture)


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
