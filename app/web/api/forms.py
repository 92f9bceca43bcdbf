"""Forms for ODK Collect, KoboCollect, Enketo and Tella, and the phones that load them."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field
from starlette.responses import Response

from app.access import Permission
from app.accounts import phones
from app.errors import Flaw, Invalid
from app.forms import queries, service
from app.forms.drafting import Drafting, Uploading, Wish
from app.forms.queries import FormView
from app.studies import apps
from app.studies import service as studies
from app.web.bodies import INTAKE_LIMIT, Body, Out
from app.web.deps import Acting, Runtime_, Signed
from app.web.openrosa.settings_code import server_url, settings_code
from app.web.routing import Router

__all__ = ["phones_router", "router"]

router = Router("/v1/studies/{study}/forms", tag="forms")
phones_router = Router("/v1/devices/phones", tag="forms")

PlaintextPolicy = Literal["reject", "accept_and_flag"]
Line = Annotated[str, Field(max_length=120)]


class WishBody(Body):
    """A form of a published questionnaire. Its name and title stand on phones: they should say little."""

    instrument: UUID
    form_id: Annotated[str, Field(min_length=1, max_length=64)] = "interview"
    title: Annotated[str, Field(min_length=1, max_length=120)] = "Interview"
    version: Annotated[str, Field(max_length=64)] = ""
    encrypted: bool = True
    plaintext_policy: PlaintextPolicy = "reject"
    attachments: Annotated[list[Literal["audio", "image", "file"]], Field(default_factory=list, max_length=3)]


class UploadBody(Body):
    """An XLSForm (.xlsx) in base64; what is empty its settings say."""

    workbook: Annotated[str, Field(min_length=1, repr=False)]
    form_id: Annotated[str, Field(max_length=64)] = ""
    title: Line = ""
    version: Annotated[str, Field(max_length=64)] = ""
    encrypted: bool = True
    plaintext_policy: PlaintextPolicy = "reject"


class XFormOut(Out):
    """One version of a form: a draft, published or closed. Once the key is destroyed, what is sealed to it is lost."""

    id: UUID
    form_id: str
    version: str
    title: str
    md5: str
    status: str
    instrument: UUID
    instrument_name: str
    instrument_version: str
    plaintext_policy: str
    encrypted: bool
    key_destroyed: bool
    drafted_by: UUID
    published_by: UUID | None
    published_day: str | None


class XFormsOut(Out):
    """Every form of the study."""

    forms: list[XFormOut]


class MadeOut(Out):
    """A new draft."""

    id: UUID


class PhoneBody(Body):
    """Whose phone it is, for which study, and how its app signs in."""

    user: UUID
    study: UUID
    kind: Literal["odk", "basic", "test"]


class PhoneOut(Out):
    """A new phone. Server, token and settings are shown once; whoever has them may submit until it is revoked.

    ``settings`` is the text of the QR code that sets up ODK Collect or KoboCollect. ``name`` and ``token`` are user
    name and password where the app asks for them (``basic``).
    """

    device: UUID
    study: UUID
    kind: Literal["odk", "basic", "test"]
    name: str
    token: str = Field(repr=False)
    server: str = Field(repr=False)
    settings: str = Field(repr=False)


@router.get("", permission=Permission.INSTRUMENT_READ)
def list_forms(study: UUID, actor: Acting, runtime: Runtime_) -> XFormsOut:
    """Every version, drafts and closed ones included."""
    with runtime.glance() as session:
        views = queries.listed(session, actor, study)
    return XFormsOut(forms=[_out(view) for view in views])


@router.post("", permission=Permission.INSTRUMENT_DRAFT, status=201)
def draft_form(study: UUID, body: WishBody, actor: Acting, runtime: Runtime_) -> MadeOut:
    """Make a form of a published questionnaire, as a draft."""
    wish = Wish(
        form_id=body.form_id,
        title=body.title,
        encrypted=body.encrypted,
        plaintext_policy=body.plaintext_policy,
        attachments=tuple(body.attachments),
        version=body.version,
    )
    return MadeOut(id=runtime.run(Drafting(runtime.collaborators, actor, study, body.instrument, wish)))


@router.post("/xlsform", permission=Permission.INSTRUMENT_DRAFT, status=201, limit=INTAKE_LIMIT)
def upload_xlsform(study: UUID, body: UploadBody, actor: Acting, runtime: Runtime_) -> MadeOut:
    """Make a questionnaire and its form of an XLSForm, both as drafts; refused with every flaw by row and column."""
    try:
        workbook = base64.b64decode(body.workbook, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid([Flaw("/workbook", "Give base64.")]) from None
    wish = Wish(body.form_id, body.title, body.encrypted, body.plaintext_policy, version=body.version)
    return MadeOut(id=runtime.run(Uploading(runtime.collaborators, actor, study, workbook, wish)))


@router.get("/{form}", permission=Permission.INSTRUMENT_READ)
def read_form(study: UUID, form: UUID, actor: Acting, runtime: Runtime_) -> XFormOut:
    """One version."""
    with runtime.glance() as session:
        return _out(queries.one(session, actor, study, form))


@router.get("/{form}/xform", permission=Permission.INSTRUMENT_READ)
def read_xform(study: UUID, form: UUID, actor: Acting, runtime: Runtime_) -> Response:
    """The exact bytes that phones load (an ODK XForm)."""
    with runtime.glance() as session:
        return Response(queries.document(session, actor, study, form), media_type="text/xml; charset=utf-8")


@router.post("/{form}/publication", permission=Permission.INSTRUMENT_PUBLISH)
def publish_form(study: UUID, form: UUID, actor: Acting, runtime: Runtime_) -> None:
    """Publish a draft that somebody else made, and the draft of the questionnaire it was uploaded with."""
    with runtime.transaction() as session:
        service.publish(session, runtime.collaborators, actor, study, form)


@router.post("/{form}/closing", permission=Permission.INSTRUMENT_DRAFT)
def close_form(study: UUID, form: UUID, actor: Acting, runtime: Runtime_) -> None:
    """Take a form off the phones' list; what is sent for it from now on is refused."""
    with runtime.transaction() as session:
        service.close(session, runtime.collaborators, actor, study, form)


@router.delete("/{form}/key", permission=Permission.INSTRUMENT_DRAFT)
def destroy_form_key(study: UUID, form: UUID, actor: Acting, runtime: Runtime_) -> None:
    """Destroy the private key of a closed form: what is still sealed to it opens nowhere."""
    with runtime.transaction() as session:
        service.destroy_key(session, runtime.collaborators, actor, study, form)


@phones_router.post("", permission=Permission.DEVICE_MANAGE, status=201)
def enrol_phone(body: PhoneBody, actor: Signed, runtime: Runtime_) -> PhoneOut:
    """Enroll a phone with ODK Collect, KoboCollect, Tella or Enketo for somebody who submits in the study."""
    with runtime.transaction() as session:
        studies.check_interviews(session, runtime.collaborators, body.user, body.study)
        phone = phones.enrol_phone(session, runtime.collaborators, actor, body.user, body.study, body.kind)
        project = apps.of_study(session, body.study).name
    origin = runtime.settings.origin
    return PhoneOut(
        device=phone.device,
        study=phone.study,
        kind=body.kind,
        name=phone.name,
        token=phone.token,
        server=server_url(origin, phone),
        settings=settings_code(origin, phone, project),
    )


def _out(view: FormView) -> XFormOut:
    return XFormOut(
        id=view.id,
        form_id=view.form_id,
        version=view.version,
        title=view.title,
        md5=view.md5,
        status=view.status,
        instrument=view.instrument,
        instrument_name=view.instrument_name,
        instrument_version=view.instrument_version,
        plaintext_policy=view.plaintext_policy,
        encrypted=view.public_key is not None,
        key_destroyed=view.key_destroyed,
        drafted_by=view.drafted_by,
        published_by=view.published_by,
        published_day=None if view.published_at is None else view.published_at.date().isoformat(),
    )
