"""Parts of an encrypted form that wait for the others: kept exactly as sent, under one more seal.

Until all of them are there nothing of the form is a record. The key they wait under is made from the form's private
key, so it goes with that. A client that sent plaintext under a name ending in ``.enc`` finds it sealed all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid4, uuid5

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from app.access import Actor
from app.audit import service as audit
from app.cases.models import DiscardedFile
from app.collaborators import Collaborators
from app.crypto import contexts
from app.crypto.envelope import seal, unseal
from app.crypto.kdf import derive
from app.crypto.padding import padded_size
from app.crypto.secrets import Secret
from app.errors import Conflict, ContentDiffers, TooManyFiles
from app.forms.models import FormKey
from app.forms.queries import FormView
from app.intake import quota
from app.intake.models import Submission as Sent
from app.intake.models import WaitingPart
from app.intake.openrosa.document import Document, client_uuid, read
from app.intake.openrosa.submissions import EXPIRED, MADE, REMEMBERED, SET_ASIDE, WAITING, WAITS

__all__ = [
    "Place",
    "Writer",
    "abandon_part",
    "begin_part",
    "discard",
    "expire",
    "finish_part",
    "forget",
    "keep",
    "kept",
    "parts",
    "set_aside",
]

# With its mark just a whole size class of the padding.
PIECE_BYTES: Final = (1 << 20) - 1
# What seal adds to the padded plaintext: header, salt, commitment, tag.
SEAL_BYTES: Final = 4 + 32 + 32 + 16
# Parts that the envelope does not name: a mistake or two, not a way to fill a disk.
MOST_UNEXPECTED: Final = 20
MOST_WAITING: Final = 1000
# In the context of a part's name, where a piece has its number.
NAME: Final = 1 << 32


@dataclass(frozen=True, slots=True)
class Place:
    """Where the parts of one submission wait, and the key they wait under."""

    collaborators: Collaborators
    submission: UUID
    key: Secret

    @classmethod
    def of(cls, collaborators: Collaborators, form: UUID, submission: UUID, private: Secret) -> Place:
        """The place of a submission, by its form's private key."""
        info = contexts.waiting(collaborators.deployment, form=form, submission=submission)
        return cls(collaborators, submission, Secret(derive(private.reveal(), info=info)))

    def context(self, part: UUID, index: int) -> bytes:
        """What one piece is bound to."""
        return contexts.waiting_part(self.collaborators.deployment, submission=self.submission, part=part, index=index)

    def document(self, row: Sent) -> Document:
        """The envelope as it was sent."""
        return read(unseal(self.key, self.context(row.id, 0), row.envelope or b""))

    def check_same(self, row: Sent, document: Document) -> None:
        """Ask whether this envelope is the one that waits; ContentDiffers if not."""
        before = self.document(row)
        if document.raw != before.raw and document.canonical != before.canonical:
            raise ContentDiffers

    def name(self, part: WaitingPart) -> str:
        """The name under which an unexpected part came."""
        return unseal(self.key, self.context(part.id, NAME), part.name or b"").decode()

    def read(self, part: WaitingPart) -> Iterator[bytes]:
        """A part as it was sent, piece by piece."""
        for index in range(part.pieces):
            size = min(PIECE_BYTES, part.size - index * PIECE_BYTES)
            end = SEAL_BYTES + padded_size(size)
            sealed = self.collaborators.files.get(part.id, _segment(part.id, index), 0, end)
            yield unseal(self.key, self.context(part.id, index), sealed)


@dataclass(slots=True)
class Writer:
    """Seals one part as it comes."""

    place: Place
    part: UUID
    pieces: int = 0
    size: int = 0
    _rest: bytearray = field(default_factory=bytearray, repr=False)

    def write(self, piece: bytes) -> None:
        """Take some bytes."""
        self._rest += piece
        while len(self._rest) >= PIECE_BYTES:
            self._put(bytes(self._rest[:PIECE_BYTES]))
            del self._rest[:PIECE_BYTES]

    def finish(self) -> None:
        """Seal the rest; a part has at least one piece."""
        if self._rest or not self.pieces:
            self._put(bytes(self._rest))
            self._rest.clear()

    def _put(self, piece: bytes) -> None:
        sealed = seal(self.place.key, self.place.context(self.part, self.pieces), piece)
        self.place.collaborators.files.put(self.part, _segment(self.part, self.pieces), sealed)
        self.pieces += 1
        self.size += len(piece)


def keep(session: Session, actor: Actor, form: FormView, document: Document, place: Place) -> None:
    """Keep an envelope until its parts are there.

    Raises:
        TooManyFiles: too many wait already.
        Conflict: it was sent twice at once.
    """
    client = client_uuid(form.study, form.form_id, document.instance or "")
    mine = select(func.count()).select_from(Sent).where(Sent.submitter_id == actor.user(), Sent.envelope.is_not(None))
    if (session.scalar(mine) or 0) >= MOST_WAITING:
        raise TooManyFiles("Too many forms wait for their parts.")
    values: dict[str, Any] = {
        "id": place.submission,
        "study_id": form.study,
        "form_id": form.id,
        "submitter_id": actor.user(),
        "device_id": actor.device,
        "client_uuid": client,
        "state": WAITING,
        "envelope": seal(place.key, place.context(place.submission, 0), document.raw),
        "plaintext": False,
        "inherited": [],
        "expires_at": place.collaborators.now() + WAITS,
    }
    session.execute(insert(Sent).values(**values))
    audit.write(session, place.collaborators, actor, "submission.waiting", study=form.study, form=str(form.id))


def kept(session: Session, actor: Actor, client: UUID) -> Sent | None:
    """The submission under this id whose parts are here still."""
    mine = (Sent.submitter_id == actor.user(), Sent.client_uuid == client)
    return session.scalar(select(Sent).where(*mine, Sent.envelope.is_not(None)))


def parts(session: Session, submission: UUID) -> dict[int, WaitingPart]:
    """The parts that are whole, by their numbers."""
    whole = select(WaitingPart).where(WaitingPart.submission_id == submission, WaitingPart.pieces > 0)
    return {part.number: part for part in session.scalars(whole)}


def begin_part(session: Session, place: Place, number: int | None, name: str) -> UUID | None:
    """Begin a part, and forget what another try left half; None if it is here already. No number: an unexpected one.

    Raises:
        Conflict: the submission does not wait any more.
        TooManyFiles: too much came that the envelope does not name.
        TooMuchToday: its sender has handed in what one person may.
    """
    waits = select(Sent.submitter_id).where(Sent.id == place.submission, Sent.state == WAITING).with_for_update()
    sender = session.scalar(waits)
    if sender is None:
        raise Conflict
    rows = list(session.scalars(select(WaitingPart).where(WaitingPart.submission_id == place.submission)))
    same = next((row for row in rows if _is(place, row, number, name)), None)
    if same is not None and same.pieces:
        return None
    quota.check(session, place.collaborators, sender)
    if same is not None:
        number = same.number
        discard(session, place.collaborators, [same.id])
    lowest = min((row.number for row in rows), default=0)
    if number is None and lowest <= -MOST_UNEXPECTED:
        raise TooManyFiles
    part = uuid4()
    values: dict[str, Any] = {"id": part, "submission_id": place.submission, "pieces": 0, "size": 0}
    values |= {"arrived_day": place.collaborators.now().date().isoformat()}
    values |= {"number": min(lowest, 0) - 1 if number is None else number}
    values |= {"name": seal(place.key, place.context(part, NAME), name.encode()) if values["number"] < 0 else None}
    session.execute(insert(WaitingPart).values(**values))
    return part


def finish_part(session: Session, writer: Writer) -> None:
    """Note that a part is whole; Conflict if another try took its place."""
    arrived = update(WaitingPart).where(WaitingPart.id == writer.part, WaitingPart.pieces == 0)
    values = {"pieces": writer.pieces, "size": writer.size}
    if session.scalar(arrived.values(**values).returning(WaitingPart.id)) is None:
        raise Conflict


def abandon_part(session: Session, collaborators: Collaborators, part: UUID) -> None:
    """Forget a part that is not whole, or whose place another try took: what it left in the store goes."""
    row = session.scalar(select(WaitingPart).where(WaitingPart.id == part).with_for_update())
    if (row is None or not row.pieces) and session.get(DiscardedFile, part) is None:
        discard(session, collaborators, [part])


def set_aside(session: Session, collaborators: Collaborators, actor: Actor, row: Sent) -> None:
    """Keep a form that is not what it says outside: no record is made of it, and it goes when its time is over."""
    session.execute(update(Sent).where(Sent.id == row.id).values(state=SET_ASIDE))
    audit.write(session, collaborators, actor, "submission.set-aside", study=row.study_id, form=str(row.form_id))


def forget(session: Session, collaborators: Collaborators, submission: UUID) -> None:
    """Forget what waited: all of it, or of a submission that has its record the parts and the envelope."""
    discard(session, collaborators, _ids(session, submission))
    done = update(Sent).where(Sent.id == submission, Sent.record_id.is_not(None))
    session.execute(done.values(envelope=None, expires_at=None))
    session.execute(delete(Sent).where(Sent.id == submission, Sent.record_id.is_(None)))


def expire(session: Session, collaborators: Collaborators, actor: Actor) -> int:
    """Forget what has waited too long; how many there were.

    Of a form whose parts were still to come it stays known that they are gone: a phone that sends the last of them has
    to send the others again. Where there is a record that has not taken them in yet, its files are nowhere else: they
    wait until that is done, unless nothing opens them any more.
    """
    late = select(Sent.id, Sent.state).where(Sent.expires_at <= collaborators.now())
    destroyed = select(FormKey.form_id).where(FormKey.wrapped_private.is_(None))
    over = session.execute(late.where(or_(Sent.state != MADE, Sent.form_id.in_(destroyed))).with_for_update()).all()
    for submission, state in over:
        if state == WAITING:
            discard(session, collaborators, _ids(session, submission))
            known = {"state": EXPIRED, "envelope": None, "expires_at": collaborators.now() + REMEMBERED}
            session.execute(update(Sent).where(Sent.id == submission).values(**known))
        else:
            forget(session, collaborators, submission)
    if over:
        audit.write(session, collaborators, actor, "submissions.expired", count=len(over))
    return len(over)


def _ids(session: Session, submission: UUID) -> Sequence[UUID]:
    return session.scalars(select(WaitingPart.id).where(WaitingPart.submission_id == submission)).all()


def discard(session: Session, collaborators: Collaborators, ids: Sequence[UUID]) -> None:
    """Delete the rows of parts, and leave what is stored to the outbox."""
    if not ids:
        return
    session.execute(delete(WaitingPart).where(WaitingPart.id.in_(ids)))
    now = collaborators.now()
    session.execute(insert(DiscardedFile), [{"id": each, "written_at": now} for each in ids])


def _is(place: Place, row: WaitingPart, number: int | None, name: str) -> bool:
    return row.number == number if number is not None else row.number < 0 and place.name(row) == name


def _segment(part: UUID, index: int) -> UUID:
    return uuid5(part, str(index))
