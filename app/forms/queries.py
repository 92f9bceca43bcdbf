"""Finding forms: what a study has, what phones may load, and how a submission to one is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access import Actor, Permission, require
from app.crypto.encoding import canonical_json, sha256
from app.errors import NotFound, Tampered
from app.forms.mapping import FormMapping
from app.forms.models import Form, FormKey
from app.studies.models import InstrumentVersion

__all__ = ["FormView", "document", "find", "listed", "offered", "one"]


@dataclass(frozen=True, slots=True)
class FormView:
    """One version of a form; ``public_key`` (DER) is what clients seal to, None if they need not."""

    id: UUID
    study: UUID
    form_id: str
    version: str
    title: str
    md5: str
    status: str
    instrument: UUID
    instrument_name: str
    instrument_version: str
    plaintext_policy: str
    drafted_by: UUID
    published_by: UUID | None
    published_at: datetime | None
    public_key: bytes | None = field(repr=False)
    key_destroyed: bool
    mapping: FormMapping = field(repr=False)


def find(session: Session, study: UUID, form_id: str, version: str) -> FormView:
    """A version of a form of the study, whatever its status, or NotFound."""
    found = _views(session, Form.study_id == study, Form.form_id == form_id, Form.version == version)
    if not found:
        raise NotFound
    return found[0]


def listed(session: Session, actor: Actor, study: UUID) -> list[FormView]:
    """Every form of the study, newest first."""
    require(actor, Permission.INSTRUMENT_READ)
    return sorted(_views(session, Form.study_id == study), key=lambda each: (each.form_id, each.version), reverse=True)


def one(session: Session, actor: Actor, study: UUID, form: UUID) -> FormView:
    """One form of the study, or NotFound."""
    require(actor, Permission.INSTRUMENT_READ)
    found = _views(session, Form.study_id == study, Form.id == form)
    if not found:
        raise NotFound
    return found[0]


def offered(session: Session, actor: Actor, study: UUID, status: str) -> list[FormView]:
    """What a phone may load: of each form of this status the newest version."""
    require(actor, Permission.INSTRUMENT_READ)
    views = sorted(_views(session, Form.study_id == study, Form.status == status), key=_age)
    return list({view.form_id: view for view in views}.values())


def _age(view: FormView) -> tuple[str, str, str]:
    return view.form_id, view.published_at.isoformat() if view.published_at else "", view.version


def document(session: Session, actor: Actor, study: UUID, form: UUID) -> bytes:
    """The exact bytes of a form, or NotFound."""
    require(actor, Permission.INSTRUMENT_READ)
    xml = session.scalar(select(Form.xml).where(Form.id == form, Form.study_id == study))
    if xml is None:
        raise NotFound
    return xml


def _views(session: Session, *where: Any) -> Sequence[FormView]:
    rows = session.execute(
        select(Form, FormKey, InstrumentVersion.name, InstrumentVersion.version)
        .join(InstrumentVersion, InstrumentVersion.id == Form.instrument_id)
        .outerjoin(FormKey, FormKey.form_id == Form.id)
        .where(*where)
    ).all()
    return [_view(form, key, name, version) for form, key, name, version in rows]


def _view(form: Form, key: FormKey | None, name: str, version: str) -> FormView:
    if sha256(canonical_json(form.mapping)) != form.mapping_sha256:
        raise Tampered
    return FormView(
        id=form.id,
        study=form.study_id,
        form_id=form.form_id,
        version=form.version,
        title=form.title,
        md5=form.md5,
        status=form.status,
        instrument=form.instrument_id,
        instrument_name=name,
        instrument_version=version,
        plaintext_policy=form.plaintext_policy,
        drafted_by=form.drafted_by,
        published_by=form.published_by,
        published_at=form.published_at,
        public_key=None if key is None else key.public,
        key_destroyed=key is not None and key.wrapped_private is None,
        mapping=FormMapping.from_json(form.mapping),
    )
