"""Devices: enrolled by an admin for one interviewer in one study, revoked by either."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from app.access import Permission
from app.accounts import api_tokens, devices
from app.accounts.api_tokens import SCOPES
from app.studies import apps
from app.studies import service as studies
from app.web.api.types import ReceiptKeyOut, receipt_key
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


class RedeemedOut(EnrolledOut):
    """A new device, the deployment and the key it pins, and what the app is called in its study."""

    deployment: UUID
    receipt_key: ReceiptKeyOut
    study_title: str
    app_name: str
    app_icon: str


class OfferOut(Out):
    """A one-time code that a phone redeems for a token of its own, within 24 hours. Shown once."""

    code: str = Field(repr=False)
    expires_at: datetime


class RedemptionBody(Body):
    """The one-time code."""

    code: Annotated[str, Field(min_length=1, max_length=200)] = Field(repr=False)


class ApiTokenBody(Body):
    """A token for a program that submits in the study, within scopes and until a moment within a year.

    ``user`` is whose it is: oneself if it is left out; admins name somebody.
    """

    study: UUID
    label: Annotated[str, Field(min_length=1, max_length=64)]
    scopes: Annotated[list[str], Field(min_length=1, max_length=len(SCOPES))]
    expires_at: AwareDatetime
    user: UUID | None = None


class ApiTokenOut(Out):
    """A new API token: a device whose token is shown once."""

    device: UUID
    study: UUID
    expires_at: datetime
    token: str = Field(repr=False)


class DeviceOut(Out):
    """A device, with days instead of moments.

    ``kind``: ``native`` for phones, ``client`` for API tokens, others for other clients' protocols. Label, scopes and
    end are those of an API token.
    """

    id: UUID
    user: UUID
    study: UUID
    kind: str
    label: str | None
    scopes: list[str] | None
    enrolled_day: str
    last_seen_day: str | None
    expires_at: datetime | None
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
def redeem_offer(body: RedemptionBody, runtime: Runtime_) -> RedeemedOut:
    """Enroll the device that holds a one-time code."""
    collaborators = runtime.collaborators
    with runtime.transaction() as session:
        enrolled = devices.redeem(session, collaborators, body.code)
        title, app = apps.title_of(session, enrolled.study), apps.of_study(session, enrolled.study)
    return RedeemedOut(
        device=enrolled.device,
        study=enrolled.study,
        token=enrolled.token,
        deployment=collaborators.deployment,
        receipt_key=receipt_key(collaborators),
        study_title=title,
        app_name=app.name,
        app_icon=app.icon,
    )


@router.post("/tokens", permission=Permission.TOKEN_MAKE, status=201)
def make_api_token(body: ApiTokenBody, actor: Signed, runtime: Runtime_) -> ApiTokenOut:
    """Make an API token for oneself, or as an admin for somebody who submits in the study; needs a fresh code."""
    owner = body.user or actor.user()
    api_tokens.check_maker(runtime.collaborators, actor, owner)
    with runtime.transaction() as session:
        studies.check_interviews(session, runtime.collaborators, owner, body.study)
        made = api_tokens.make_token(
            session,
            runtime.collaborators,
            actor,
            owner,
            body.study,
            label=body.label,
            scopes=body.scopes,
            expires_at=body.expires_at,
        )
    return ApiTokenOut.of(made)


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
