"""Devices: enrolled by an admin for one interviewer in one study, revoked by either."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.access import Permission
from app.accounts import devices
from app.studies import service as studies
from app.web.bodies import Body, Out
from app.web.deps import Runtime_, Signed
from app.web.routing import Router

__all__ = ["router"]

router = Router("/v1/devices", tag="accounts")


class DeviceBody(Body):
    """Whose device it is, and for which study."""

    user: UUID
    study: UUID


class EnrolledOut(Out):
    """A new device. The token is shown once; it submits and never reads."""

    device: UUID
    study: UUID
    token: str = Field(repr=False)


class OfferOut(Out):
    """A one-time code that a phone redeems for a token of its own, within 24 hours. Shown once."""

    code: str = Field(repr=False)
    expires_at: datetime


class RedemptionBody(Body):
    """The one-time code."""

    code: Annotated[str, Field(min_length=1, max_length=200)] = Field(repr=False)


class DeviceOut(Out):
    """A device, with days instead of moments."""

    id: UUID
    user: UUID
    study: UUID
    enrolled_day: str
    last_seen_day: str | None
    revoked: bool


class DevicesOut(Out):
    """One's own devices; for admins all."""

    devices: list[DeviceOut]


@router.post("", permission=Permission.DEVICE_MANAGE, status=201)
def enrol_device(body: DeviceBody, actor: Signed, runtime: Runtime_) -> EnrolledOut:
    """Enrol a device for somebody who submits in the study."""
    with runtime.transaction() as session:
        studies.check_interviews(session, runtime.collaborators, body.user, body.study)
        return EnrolledOut.of(devices.enrol(session, runtime.collaborators, actor, body.user, body.study))


@router.post("/offers", permission=Permission.DEVICE_MANAGE, status=201)
def offer_device(body: DeviceBody, actor: Signed, runtime: Runtime_) -> OfferOut:
    """Offer somebody who submits in the study to enroll a device with a one-time code."""
    with runtime.transaction() as session:
        studies.check_interviews(session, runtime.collaborators, body.user, body.study)
        return OfferOut.of(devices.offer(session, runtime.collaborators, actor, body.user, body.study))


@router.post(
    "/redemption",
    permission=Permission.NOTHING_NEEDED,
    status=201,
    also={404: "No such offer.", 410: "It was redeemed or has run out."},
)
def redeem_offer(body: RedemptionBody, runtime: Runtime_) -> EnrolledOut:
    """Enroll the device that holds a one-time code."""
    with runtime.transaction() as session:
        return EnrolledOut.of(devices.redeem(session, runtime.collaborators, body.code))


@router.get("", permission=Permission.SESSION_OWN)
def list_devices(actor: Signed, runtime: Runtime_) -> DevicesOut:
    """One's own devices; for admins all."""
    with runtime.transaction() as session:
        views = devices.list_devices(session, runtime.collaborators, actor)
    return DevicesOut(devices=[DeviceOut.of(view) for view in views])


@router.delete("/{device}", permission=Permission.SESSION_OWN)
def revoke_device(device: UUID, actor: Signed, runtime: Runtime_) -> None:
    """Revoke a device at once: one's own, or any as an admin."""
    with runtime.transaction() as session:
        devices.revoke(session, runtime.collaborators, actor, device)
