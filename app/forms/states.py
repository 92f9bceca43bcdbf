"""What a form is, as the trail tells it: every event of a form carries the digest of all that it then is."""

from __future__ import annotations

import hashlib
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access import Actor
from app.audit import service as audit
from app.audit.parts import digest_of
from app.collaborators import Collaborators
from app.crypto.encoding import canonical_json, sha256
from app.forms.models import Form, FormKey

__all__ = ["ACTIONS", "of_form", "tell", "whole"]

ACTIONS: Final = ("form.drafted", "form.published", "form.closed", "form.key.destroyed")
# The bytes and the mapping are told by their digests; of the private key whether it is there, as it is wrapped anew.
COLUMNS: Final = (
    "id", "study_id", "form_id", "version", "instrument_id", "title", "md5", "mapping_sha256", "plaintext_policy",
    "status", "drafted_by", "published_by", "published_at",
)  # fmt: skip


def of_form(form: Form, key: FormKey | None) -> str:
    """The digest of a form's row, its public key, and whether its private key is there."""
    values: dict[str, Any] = {name: getattr(form, name) for name in COLUMNS}
    values |= {
        "public": None if key is None else key.public,
        "opens": key is not None and key.wrapped_private is not None,
    }
    return digest_of("form", values, tuple(values))


def whole(form: Form) -> bool:
    """Whether bytes and mapping are those whose digests the row holds."""
    md5 = hashlib.md5(form.xml, usedforsecurity=False).hexdigest()
    return md5 == form.md5 and sha256(canonical_json(form.mapping)) == form.mapping_sha256


def tell(session: Session, collaborators: Collaborators, actor: Actor, action: str, form: UUID) -> None:
    """Write the event of a change of a form that was made in this transaction."""
    both = select(Form, FormKey).outerjoin(FormKey, FormKey.form_id == Form.id).where(Form.id == form)
    row, key = session.execute(both, execution_options={"populate_existing": True}).one()
    audit.write(
        session,
        collaborators,
        actor,
        action,
        study=row.study_id,
        form=str(form),
        instrument=str(row.instrument_id),
        digest=of_form(row, key),
    )
