"""Devices: enrolled by an admin for one interviewer in one study, revoked by either."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from app.access import ROLE_TABLE, Permission
from app.accounts import devices
from app.errors import NotFound
from app.studies import roster
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
    token: str = Field(repr=False)


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
        signed = roster.latest(session, runtime.collaborators, body.study)
        roles = signed.roles_of(body.user, runtime.collaborators.now())
        if not any(Permission.RECORD_SUBMIT in ROLE_TABLE[role] for role in roles):
            raise NotFound
        return EnrolledOut.of(devices.enrol(session, runtime.collaborators, actor, body.user, body.study))


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
