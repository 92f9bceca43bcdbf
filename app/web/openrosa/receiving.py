"""One POST of a form: its XML decides what it is, and its files go where that says.

A form in clear becomes a record as soon as its XML is there; its files then stream into that record. Each step commits
by itself and may be sent again.
"""

from __future__ import annotations

from typing import Any, Final, Protocol
from uuid import UUID, uuid4

from app.access import Actor
from app.bootstrap import Runtime
from app.crypto.secrets import Secret
from app.errors import Conflict, Malformed
from app.forms.models import ACCEPT_AND_FLAG
from app.forms.queries import FormView
from app.forms.reading import binary_values
from app.forms.service import private_key
from app.intake.openrosa import submissions
from app.intake.openrosa.document import LARGEST, Document, client_uuid, read
from app.intake.openrosa.envelope import check_key, read_envelope
from app.web.openrosa.encrypted import Encrypted
from app.web.openrosa.multipart import Part, Sink
from app.web.openrosa.records import attachment, audit_of, make, resolve, told
from app.web.openrosa.sinks import Ignored, Whole

__all__ = ["Receiving"]

XML: Final = "xml_submission_file"
INCOMPLETE: Final = "*isIncomplete*"
INCOMPLETE_BYTES: Final = 16
# Files that come before the XML, to which nobody knows yet where they belong.
EARLY_BYTES: Final = 4 << 20


class Arrived(Protocol):
    """A form whose XML is there."""

    def sink(self, part: Part) -> Sink:
        """Where one of its files goes."""

    def message(self) -> str:
        """What whoever holds the phone is told once all of the POST is there."""


class Receiving:
    """See the module. ``trying``: the form is checked and nothing of it is kept."""

    def __init__(self, runtime: Runtime, actor: Actor, *, trying: bool) -> None:
        self._runtime = runtime
        self._actor = actor
        self._trying = trying
        self._arrived: Arrived | None = None
        self._early: list[tuple[Part, bytes]] = []
        self._early_bytes = 0

    def take(self, part: Part) -> Sink:
        """Where a part goes; Malformed for a second XML."""
        if part.name == XML:
            if self._arrived is not None:
                raise Malformed
            return Whole(LARGEST, self._begin)
        if part.name == INCOMPLETE:
            return Whole(INCOMPLETE_BYTES, lambda _said: None)
        if self._arrived is None:
            return Whole(EARLY_BYTES - self._early_bytes, lambda content: self._keep(part, content))
        return self._arrived.sink(part)

    def message(self) -> str:
        """What is answered; Malformed if no XML came."""
        if self._arrived is None:
            raise Malformed("The form itself is missing: xml_submission_file.")
        return self._arrived.message()

    def _keep(self, part: Part, content: bytes) -> None:
        self._early.append((part, content))
        self._early_bytes += len(content)

    def _begin(self, raw: bytes) -> None:
        self._arrived = _arrive(self._runtime, self._actor, read(raw), trying=self._trying)
        for part, content in self._early:
            sink = self._arrived.sink(part)
            sink.write(content)
            sink.finish()
        self._early.clear()


def _arrive(runtime: Runtime, actor: Actor, document: Document, *, trying: bool) -> Arrived:
    with runtime.glance() as session:
        form = submissions.form_of(session, actor, document, trying=trying)
        sealed = document.encrypted and form.public_key is not None
        private = private_key(session, runtime.collaborators, form) if sealed else None
        if trying and not document.encrypted:
            submissions.try_out(session, form, document)
    if private is not None:
        return _arrive_encrypted(runtime, actor, form, document, private, trying=trying)
    if document.encrypted:
        raise Malformed("This form is not one that is encrypted.")
    if form.public_key is not None and form.plaintext_policy != ACCEPT_AND_FLAG:
        raise Malformed("This form is accepted only if the app encrypts it.")
    return Tried() if trying else Plain(runtime, actor, form, document)


def _arrive_encrypted(
    runtime: Runtime, actor: Actor, form: FormView, document: Document, private: Secret, *, trying: bool
) -> Arrived:
    envelope = read_envelope(document)
    check_key(envelope, private)
    return Tried() if trying else Encrypted(runtime, actor, form, document, envelope, private)


class Tried:
    """A form that was sent for trying: no testimony, so nothing of it is kept."""

    def sink(self, part: Part) -> Sink:  # noqa: ARG002  whatever it is
        """Nowhere."""
        return Ignored()

    def message(self) -> str:
        """All is well."""
        return "This was a test: the form is in order, and nothing of it was kept."


class Plain:
    """A form in clear, or one that came so although it should be encrypted."""

    def __init__(self, runtime: Runtime, actor: Actor, form: FormView, document: Document) -> None:
        self._runtime = runtime
        self._actor = actor
        self._form = form
        self._document = document
        self._expected = frozenset(binary_values(form.mapping, document.root))
        self._client = client_uuid(form.study, form.form_id, document.instance or f"uuid:{uuid4()}")
        self._taken: set[str] = set()
        self._receipt = self._again() or self._made()
        self._record = UUID(self._receipt["record"])

    def sink(self, part: Part) -> Sink:
        """Into the record; what the device tells of itself nowhere."""
        name, expected = resolve(part, self._expected, self._taken)
        if name == audit_of(self._document):
            return Ignored()
        return attachment(self._runtime, self._actor, self._record, name, expected=expected)

    def message(self) -> str:
        """The receipt; what an edit has not brought is linked."""
        with self._runtime.transaction() as session:
            submissions.inherit(session, self._runtime.collaborators, self._record, self._expected)
        return told(self._receipt)

    def _again(self) -> dict[str, Any] | None:
        with self._runtime.glance() as session:
            before = submissions.known(session, self._actor, self._client)
        if before is not None:
            before.check_same(self._runtime.collaborators, self._document)
        return None if before is None else before.receipt

    def _made(self) -> dict[str, Any]:
        try:
            return make(self._runtime, self._actor, self._form, self._document, self._client)
        except Conflict:
            # Sent twice at once, and the other one was first.
            receipt = self._again()
            if receipt is None:
                raise
            return receipt
