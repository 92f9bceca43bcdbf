"""Making the record of a form, and taking its files into it: for forms in clear and for encrypted ones alike."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from app.access import Actor
from app.bootstrap import Runtime
from app.errors import Malformed
from app.forms.queries import FormView
from app.intake.openrosa import submissions
from app.intake.openrosa.document import Document, children, text
from app.intake.openrosa.submissions import AcceptForm
from app.web.openrosa.multipart import Part, Sink, checked_name
from app.web.openrosa.sinks import Attached, Attachment
from app.web.uploading import Upload

__all__ = ["attachment", "audit_of", "make", "resolve", "told"]


def make(
    runtime: Runtime,
    actor: Actor,
    form: FormView,
    answers: Document,
    client: UUID,
    *,
    sent: Document | None = None,
    waiting: UUID | None = None,
    original: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Make a record of answers; its receipt. ``sent`` is what came, where that is an envelope that waited.

    Raises as ``earlier_of`` and ``AcceptForm``; Conflict too if the form is closed, unless its envelope waited.
    """
    with runtime.glance() as session:
        if waiting is None:
            submissions.check_new(form)
        earlier = submissions.earlier_of(session, actor, form, answers)
        submission = submissions.submission_of(session, form, answers, client, earlier)
    making = AcceptForm(
        runtime.collaborators,
        actor,
        submission,
        form=form,
        document=sent or answers,
        earlier=earlier,
        waiting=waiting,
        original=original,
    )
    return runtime.make(making).receipt


def attachment(runtime: Runtime, actor: Actor, record: UUID, name: str, *, expected: bool, moved: bool = False) -> Sink:
    """Where a file of a record goes; one that is there already is compared. ``moved``: see ``Upload.begin``."""
    file = submissions.file_uuid(runtime.collaborators, record, name)
    upload = Upload.begin(runtime, actor, record, file, name=name, expected=expected, moved=moved)
    return Attached(upload) if upload.done else Attachment(upload)


def resolve(part: Part, expected: Collection[str], taken: set[str]) -> tuple[str, bool]:
    """The name of a file and whether the form names it: by the part's own name, else by that of its file.

    Raises:
        Malformed: it could be a path, or came twice in one POST.
    """
    names = [name for name in (part.name, part.filename) if name is not None and name in expected]
    name = checked_name(names[0] if names else part.filename or part.name)
    if name in taken:
        raise Malformed
    taken.add(name)
    return name, bool(names)


def audit_of(document: Document) -> str | None:
    """The name of the file in which the app logs what whoever held the phone did."""
    meta = next(children(document.root, "meta"), None)
    return text(meta, "audit")


def told(receipt: dict[str, Any]) -> str:
    """A receipt as people note it down, with the code of the case."""
    return f"Receipt {submissions.receipt_code(receipt)}. Case {receipt['case']}."
