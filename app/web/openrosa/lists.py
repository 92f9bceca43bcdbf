"""What phones load: the list of forms, and each form's exact bytes. No form has media."""

from __future__ import annotations

from uuid import UUID
from xml.sax.saxutils import escape

from starlette.responses import Response

from app.access import Permission
from app.accounts.phones import TEST
from app.errors import NotFound
from app.forms import queries
from app.forms.models import DRAFT, PUBLISHED
from app.forms.queries import FormView
from app.web.deps import Acting, Runtime_
from app.web.openrosa.envelopes import MEDIA_TYPE, xml
from app.web.openrosa.routing import Asked, OpenRosa, Server, Server_

__all__ = ["forms"]

LIST = "http://openrosa.org/xforms/xformsList"
MANIFEST = "http://openrosa.org/xforms/xformsManifest"

forms = OpenRosa()


@forms.get("/formList", permission=Permission.INSTRUMENT_READ)
def list_forms_for_phones(study: UUID, actor: Acting, runtime: Runtime_, server: Server_, asked: Asked) -> Response:
    """The forms of the study: those that are published, or for trying them those that are drafts."""
    with runtime.glance() as session:
        found = queries.offered(session, actor, study, _status(server))
    entries = "".join(_entry(server, form) for form in found if asked in {"", form.form_id})
    return xml(f'<xforms xmlns="{LIST}">{entries}</xforms>')


def _status(server: Server) -> str:
    return DRAFT if server.kind == TEST else PUBLISHED


def _entry(server: Server, form: FormView) -> str:
    cells = {
        "formID": form.form_id,
        "name": form.title,
        "version": form.version,
        "hash": f"md5:{form.md5}",
        "downloadUrl": f"{server.base}/forms/{form.id}.xml",
    }
    return f"<xform>{''.join(f'<{name}>{escape(text)}</{name}>' for name, text in cells.items())}</xform>"


@forms.get("/forms/{form}.xml", permission=Permission.INSTRUMENT_READ)
def read_form_for_phones(study: UUID, form: UUID, actor: Acting, runtime: Runtime_, server: Server_) -> Response:
    """A form's exact bytes."""
    with runtime.glance() as session:
        _check_offered(queries.one(session, actor, study, form), server)
        return Response(queries.document(session, actor, study, form), media_type=MEDIA_TYPE)


@forms.get("/forms/{form}/manifest", permission=Permission.INSTRUMENT_READ)
def read_manifest_for_phones(study: UUID, form: UUID, actor: Acting, runtime: Runtime_, server: Server_) -> Response:
    """The media of a form: none."""
    with runtime.glance() as session:
        _check_offered(queries.one(session, actor, study, form), server)
    return xml(f'<manifest xmlns="{MANIFEST}"></manifest>')


def _check_offered(form: FormView, server: Server) -> None:
    """A phone for testimony sees no draft, and one for trying forms nothing else."""
    if form.status != _status(server):
        raise NotFound
