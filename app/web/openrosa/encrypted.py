"""An encrypted form: its parts wait until all are there, then it is opened in memory and made into a record."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

from app.access import Actor
from app.bootstrap import Runtime
from app.crypto.secrets import Secret
from app.errors import Conflict, Forbidden, Gone, Invalid, Malformed, NotFound, TamperedFile
from app.forms.queries import FormView
from app.intake.models import WaitingPart
from app.intake.openrosa import submissions, waiting
from app.intake.openrosa.document import Document, client_uuid, read
from app.intake.openrosa.envelope import Envelope, Opened, open_envelope
from app.intake.openrosa.submissions import Known
from app.intake.openrosa.waiting import Place, Writer
from app.web.openrosa.multipart import Part, Sink
from app.web.openrosa.records import attachment, audit_of, make, resolve, told
from app.web.openrosa.sinks import Ignored, Waited, Waiting

__all__ = ["Encrypted"]

# After these the same parts would be refused again, so they do not wait any longer.
REFUSALS = (Conflict, Forbidden, Gone, Invalid, Malformed, NotFound)


class Encrypted:
    """See the module."""

    def __init__(
        self,
        runtime: Runtime,
        actor: Actor,
        form: FormView,
        document: Document,
        envelope: Envelope,
        private: Secret,
    ) -> None:
        self._runtime = runtime
        self._actor = actor
        self._form = form
        self._document = document
        self._envelope = envelope
        self._private = private
        self._client = client_uuid(form.study, form.form_id, envelope.signed.instance_id)
        self._numbers = {name: number for number, name in enumerate(envelope.files)}
        self._taken: set[str] = set()
        self._expired = False
        self._known = self._begun()
        self._place = self._place_of(self._known.row.id)

    def sink(self, part: Part) -> Sink:
        """Among what waits; what is here already is not kept twice, what the envelope does not name is not dropped."""
        name, named = resolve(part, self._numbers, self._taken)
        record = self._known.row.record_id
        if record is not None:
            # What the envelope names was checked against its signature when the record was made.
            return Ignored() if named else attachment(self._runtime, self._actor, record, name, expected=False)
        with self._runtime.transaction() as session:
            begun = waiting.begin_part(session, self._place, self._numbers.get(name), name)
        if begun is not None:
            return Waiting(self._runtime, Writer(self._place, begun))
        return Ignored() if named else Waited(self._place.read(self._unexpected(name)))

    def message(self) -> str:
        """The receipt, or how many parts are still to come."""
        if self._known.row.envelope is None:
            return told(self._known.receipt or {})
        with self._runtime.glance() as session:
            parts = waiting.parts(session, self._place.submission)
        missing = len(self._numbers) - sum(number >= 0 for number in parts)
        if missing and self._expired:
            raise Conflict("Parts of this form waited here for too long and are gone. Send all of it again.")
        if missing:
            return f"Received. Parts that are still to come: {missing}."
        return told(self._completed_once(parts))

    def _begun(self) -> Known:
        """The submission as it waits, or stands already."""
        before = self._look()
        self._expired = before is not None and before.row.state == submissions.EXPIRED
        if before is not None and not self._expired:
            return before
        if before is not None:
            with self._runtime.transaction() as session:
                waiting.forget(session, self._runtime.collaborators, before.row.id)
        submissions.check_new(self._form)
        try:
            with self._runtime.transaction() as session:
                waiting.keep(session, self._actor, self._form, self._document, self._place_of(uuid4()))
        except Conflict:
            # Sent twice at once, and the other one was first.
            if self._look() is None:
                raise
        begun = self._look()
        if begun is None:
            raise Conflict
        return begun

    def _look(self) -> Known | None:
        with self._runtime.glance() as session:
            before = submissions.known(session, self._actor, self._client)
        if before is not None and before.row.state == submissions.WAITING:
            self._place_of(before.row.id).check_same(before.row, self._document)
        elif before is not None and before.row.state != submissions.EXPIRED:
            before.check_same(self._runtime.collaborators, self._document)
        return before

    def _unexpected(self, name: str) -> WaitingPart:
        with self._runtime.glance() as session:
            parts = waiting.parts(session, self._place.submission)
        return next(part for number, part in parts.items() if number < 0 and self._place.name(part) == name)

    def _place_of(self, submission: UUID) -> Place:
        return Place.of(self._runtime.collaborators, self._form.id, submission, self._private)

    def _completed_once(self, parts: dict[int, WaitingPart]) -> dict[str, Any]:
        try:
            return self._completed(parts)
        except TamperedFile:
            now = self._look()
            if now is None or now.receipt is None or now.row.envelope is not None:
                raise
            # Completed twice at once: the other one was first, and what waited is forgotten.
            return now.receipt

    def _completed(self, parts: dict[int, WaitingPart]) -> dict[str, Any]:
        """Open, make, take the files in, and forget what waited."""
        opened, answers = self._opened(parts)
        if (answers.form, answers.version, answers.instance) != self._says():
            with self._runtime.transaction() as session:
                waiting.set_aside(session, self._runtime.collaborators, self._actor, self._known.row)
            raise Conflict("This form was set aside: what is in it is not what it says outside.")
        receipt = self._known.receipt or self._made_once(answers, parts)
        self._take_in(UUID(receipt["record"]), opened, answers, parts)
        self._forget()
        return receipt

    def _says(self) -> tuple[str, str, str]:
        signed = self._envelope.signed
        return signed.form, signed.version, signed.instance_id

    def _opened(self, parts: dict[int, WaitingPart]) -> tuple[Opened, Document]:
        """What is inside; what does not open is forgotten, so that all of it can be sent again."""
        try:
            opened = open_envelope(self._envelope, self._private, lambda number: self._place.read(parts[number]))
            answers = read(opened.answers)
        except Malformed:
            self._forget()
            raise
        return opened, answers

    def _made_once(self, answers: Document, parts: dict[int, WaitingPart]) -> dict[str, Any]:
        try:
            return self._made(answers, parts)
        except REFUSALS:
            with self._runtime.glance() as session:
                now = submissions.known(session, self._actor, self._client)
            if now is not None and now.receipt is not None:
                # Completed twice at once, and the other one was first.
                return now.receipt
            self._forget()
            raise

    def _made(self, answers: Document, parts: dict[int, WaitingPart]) -> dict[str, Any]:
        sealed = b"".join(self._place.read(parts[len(self._envelope.files) - 1]))
        original = {
            "envelope": base64.b64encode(self._document.raw).decode("ascii"),
            "submission": base64.b64encode(sealed).decode("ascii"),
        }
        return make(
            self._runtime,
            self._actor,
            self._form,
            answers,
            self._client,
            sent=self._document,
            waiting=self._place.submission,
            original=original,
        )

    def _take_in(self, record: UUID, opened: Opened, answers: Document, parts: dict[int, WaitingPart]) -> None:
        """Seal every file into the record, piece by piece; what the device tells of itself stays out."""
        dropped = audit_of(answers)
        for number, name in enumerate(self._envelope.media):
            if name != dropped:
                plain = opened.attachment(number, self._place.read(parts[number]))
                self._attach(record, name, plain, expected=True)
        for number, part in parts.items():
            if number < 0:
                self._attach(record, self._place.name(part), self._place.read(part), expected=False)

    def _attach(self, record: UUID, name: str, content: Iterator[bytes], *, expected: bool) -> None:
        sink = attachment(self._runtime, self._actor, record, name, expected=expected, moved=True)
        try:
            for piece in content:
                sink.write(piece)
            sink.finish()
        except BaseException:
            sink.abandon()
            raise

    def _forget(self) -> None:
        with self._runtime.transaction() as session:
            waiting.forget(session, self._runtime.collaborators, self._place.submission)
