"""What a form that comes in means: new, sent again, an edit, or refused; and making its record.

A submission is one instance of one form of a study, sent by one person: of each there is one record, whatever is sent
how often. An edit is a record of its own in the same case, which takes the place of the one it names.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from app.access import Actor, Permission, require
from app.cases import states
from app.cases.files import COMPLETE
from app.cases.making import Attempt
from app.cases.models import Case, File, Record, Tombstone
from app.cases.sealing import Compartment
from app.cases.states import Change
from app.collaborators import Collaborators
from app.crypto.encoding import sha256
from app.crypto.mac import content_digest
from app.errors import Conflict, ContentDiffers, Forbidden, NotFound
from app.forms import queries as forms
from app.forms.models import CLOSED, DRAFT
from app.forms.queries import FormView
from app.forms.reading import read_answers
from app.intake.models import Submission as Sent
from app.intake.openrosa.document import Document, client_uuid
from app.intake.service import Accepted, AcceptRecord, Submission
from app.studies import answers as checking
from app.studies import instruments
from app.studies.models import Study
from app.studies.policy import StudyPolicy

__all__ = [
    "ENVELOPE",
    "EXPIRED",
    "MADE",
    "REMEMBERED",
    "SET_ASIDE",
    "WAITING",
    "WAITS",
    "AcceptForm",
    "Earlier",
    "Known",
    "check_new",
    "earlier_of",
    "file_uuid",
    "form_of",
    "inherit",
    "known",
    "receipt_code",
    "submission_of",
    "try_out",
]

# What becomes of a submission; only one that is made has a record. Of one that waited too long that alone is left.
WAITING, MADE, SET_ASIDE, EXPIRED = "waiting", "made", "set-aside", "expired"
# So long the parts of an encrypted form wait for the others, and so long it is known that they did.
WAITS: Final = timedelta(days=30)
REMEMBERED: Final = timedelta(days=365)
# Beside the fields of the questionnaire: how the interview came. No field of one can have such a name.
ENVELOPE: Final = "odk.envelope"
CODE_CHARACTERS, UUID_BYTES = 6, 16


@dataclass(frozen=True, slots=True)
class Known:
    """A submission that came before, and the receipt of its record if there is one."""

    row: Sent = field(repr=False)
    receipt: dict[str, Any] | None = field(repr=False)
    superseded: bool

    def check_same(self, collaborators: Collaborators, document: Document) -> None:
        """Ask whether this is the form that was made into a record.

        Raises:
            Conflict: another took its place, or it was set aside.
            ContentDiffers: the same id, and another form.
        """
        if self.superseded:
            raise Conflict("An edit of this form took its place.")
        if self.row.state == SET_ASIDE:
            raise Conflict("This form was set aside: what is in it is not what it says outside.")
        if self.row.record_id is None:
            raise ContentDiffers
        idem = collaborators.keystore.idem(self.row.record_id)
        digests = {content_digest(idem, document.raw): self.row.raw}
        digests[content_digest(idem, document.canonical)] = self.row.canonical
        if not any(now == then for now, then in digests.items()):
            raise ContentDiffers


@dataclass(frozen=True, slots=True)
class Earlier:
    """The record that an edit takes the place of, and the code of its case."""

    record: UUID
    case: str


def form_of(session: Session, actor: Actor, document: Document, *, trying: bool) -> FormView:
    """The form that a submission is of; drafts are there only for trying them.

    Raises:
        Forbidden: whoever sends may not submit in this study.
        NotFound: no such form, or not in this version.
    """
    require(actor, Permission.RECORD_SUBMIT)
    if actor.study is None:
        raise Forbidden
    try:
        form = forms.find(session, actor.study, document.form, document.version)
    except NotFound:
        raise NotFound("This form, or this version of it, is not known here.") from None
    if form.status == DRAFT and not trying:
        raise NotFound("This form, or this version of it, is not known here.")
    return form


def known(session: Session, actor: Actor, client: UUID) -> Known | None:
    """What the actor sent under this id before.

    Raises:
        Conflict: it was erased.
    """
    if session.scalar(_stone(actor, client)) is not None:
        raise Conflict("This form was erased.")
    found = session.execute(
        select(Sent, Record.receipt, Record.superseded_by)
        .outerjoin(Record, Record.id == Sent.record_id)
        .where(Sent.submitter_id == actor.user(), Sent.client_uuid == client)
    ).one_or_none()
    return None if found is None else Known(found[0], found[1], found[2] is not None)


def check_new(form: FormView) -> None:
    """Ask whether a form takes new submissions; Conflict if it is closed."""
    if form.status == CLOSED:
        raise Conflict("This form is closed.")


def earlier_of(session: Session, actor: Actor, form: FormView, document: Document) -> Earlier | None:
    """The record that a form is an edit of; None if it is none.

    Raises:
        NotFound: nothing that the actor sent has the id that it names.
        Conflict: another edit took its place, it waits for its parts, or it was erased.
    """
    if document.deprecated is None:
        return None
    before = client_uuid(form.study, form.form_id, document.deprecated)
    found = session.execute(
        select(Sent.record_id, Record.superseded_by, Case.code)
        .outerjoin(Record, Record.id == Sent.record_id)
        .outerjoin(Case, Case.id == Record.case_id)
        .where(Sent.submitter_id == actor.user(), Sent.client_uuid == before)
    ).one_or_none()
    if found is None and session.scalar(_stone(actor, before)) is None:
        raise NotFound("What this form is an edit of is not known here.")
    if found is None or found[0] is None or found[1] is not None:
        raise Conflict("This is an edit of a form that is not the newest any more.")
    return Earlier(found[0], found[2])


def submission_of(
    session: Session, form: FormView, document: Document, client: UUID, earlier: Earlier | None
) -> Submission:
    """The submission that a form's answers make; Invalid if it holds what the form does not have."""
    instrument = instruments.by_id(session, form.instrument)
    return Submission(
        client_uuid=client,
        study=form.study,
        case=None if earlier is None else earlier.case,
        instrument=form.instrument_name,
        version=form.instrument_version,
        answers=dict(read_answers(instrument, form.mapping, document.root)),
        withdrawal=None,
    )


def try_out(session: Session, form: FormView, document: Document) -> None:
    """Check a form as if it were testimony, and keep nothing of it; raises as ``app.studies.answers.validate``."""
    instrument = instruments.by_id(session, form.instrument)
    policy = StudyPolicy.from_dict(session.get_one(Study, form.study).policy)
    checking.validate(instrument, read_answers(instrument, form.mapping, document.root), policy=policy)


def file_uuid(collaborators: Collaborators, record: UUID, name: str) -> UUID:
    """The id under which a record has a file of this name: the same whenever it is sent, and nothing of the name."""
    idem = collaborators.keystore.idem(record)
    return UUID(bytes=content_digest(idem, f"file\n{name}".encode())[:UUID_BYTES], version=4)


def inherit(session: Session, collaborators: Collaborators, record: UUID, names: Collection[str]) -> None:
    """Link the files that an edit names, has not brought, and whose earlier versions have them; they stay there."""
    older = session.scalars(select(Record.id).where(Record.superseded_by == record)).all()
    if not older or not names:
        return
    own = {file_uuid(collaborators, record, name): name for name in names}
    brought = {own[each] for each in session.scalars(_files([record], list(own), File.client_uuid))}
    wanted = [file_uuid(collaborators, each, name) for each in older for name in set(names) - brought]
    linked = session.scalars(_files(older, wanted, File.id)).all()
    session.execute(update(Sent).where(Sent.record_id == record).values(inherited=sorted(map(str, linked))))


def _files(records: Sequence[UUID], ids: Sequence[UUID], column: Any) -> Any:
    whole = (File.record_id.in_(records), File.client_uuid.in_(ids), File.status == COMPLETE)
    return select(column).where(*whole)


def receipt_code(receipt: dict[str, Any]) -> str:
    """A few letters by which people know a receipt, such as 7F3K-22."""
    letters = base64.b32encode(sha256(base64.b64decode(receipt["signature"]))).decode("ascii")[:CODE_CHARACTERS]
    return f"{letters[:4]}-{letters[4:]}"


@dataclass(kw_only=True)
class AcceptForm(AcceptRecord):
    """Making: the record of a submission; of an edit it also moves the earlier one out of its place.

    ``document`` is what the client repeats: the envelope of an encrypted form, whose ``original`` is kept beside the
    answers. ``waiting`` is the submission whose parts waited.
    """

    form: FormView
    document: Document
    earlier: Earlier | None = None
    waiting: UUID | None = None
    original: dict[str, str] | None = field(default=None, repr=False)
    digests: dict[str, bytes] = field(init=False, repr=False)

    @property
    def joins(self) -> bool:
        """It has rows that other records do not have."""
        return False

    def fields(self, compartment: Compartment) -> dict[str, Any]:
        """Every field of the questionnaire, and in the source how it came."""
        found = super().fields(compartment)
        if self.original is not None and compartment is Compartment.SOURCE:
            found[ENVELOPE] = {"value": self.original}
        return found

    def seal(self) -> Attempt:
        """As any record; the form's digests are made under the secret of this one."""
        attempt = super().seal()
        if attempt.idem is not None:
            self.digests = {
                "raw": content_digest(attempt.idem, self.document.raw),
                "canonical": content_digest(attempt.idem, self.document.canonical),
            }
        return attempt

    def store(self, session: Session) -> Accepted:
        """Insert record and submission; of an edit, supersede the earlier record."""
        accepted = super().store(session)
        if self.waiting is None:
            session.execute(insert(Sent).values(**self._sent()))
        else:
            self._has_come(session, self.waiting)
        if self.earlier is not None:
            self._supersede(session, self.earlier.record)
        return accepted

    def _sent(self) -> dict[str, Any]:
        return {
            "id": uuid4(),
            "study_id": self.form.study,
            "form_id": self.form.id,
            "submitter_id": self.actor.user(),
            "device_id": self.actor.device,
            "client_uuid": self.submission.client_uuid,
            "state": MADE,
            "record_id": self.record["id"],
            **self.digests,
            "envelope": None,
            "plaintext": self.form.public_key is not None,
            "inherited": [],
            "expires_at": None,
        }

    def _has_come(self, session: Session, waiting: UUID) -> None:
        made = {"state": MADE, "record_id": self.record["id"], **self.digests}
        row = update(Sent).where(Sent.id == waiting, Sent.state == WAITING).values(**made)
        if session.scalar(row.returning(Sent.id)) is None:
            raise Conflict

    def _supersede(self, session: Session, earlier: UUID) -> None:
        """Let every earlier version of the interview name this one; Conflict if another edit was faster."""
        made: UUID = self.record["id"]
        newest = update(Record).where(Record.id == earlier, Record.superseded_by.is_(None))
        if session.scalar(newest.values(superseded_by=made).returning(Record.id)) is None:
            raise Conflict("This is an edit of a form that is not the newest any more.")
        older = update(Record).where(Record.superseded_by == earlier).values(superseded_by=made)
        for record in [earlier, *session.scalars(older.returning(Record.id))]:
            change = Change(states.columns(superseded_by=made))
            states.note(session, self.collaborators, self.actor, "record.superseded", record, change)


def _stone(actor: Actor, client: UUID) -> Any:
    mine = (Tombstone.submitter_id == actor.user(), Tombstone.client_uuid == client)
    return select(Tombstone.record_id).where(*mine)
