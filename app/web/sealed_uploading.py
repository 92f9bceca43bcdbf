"""One attachment that a phone sealed, on its way in: opened chunk by chunk, and sealed at once like any other.

    head = Head.open(runtime, actor, client_uuid, file, headers.head)
    upload = SealedUpload(Upload.begin(runtime, actor, record, file, secret=head.secret, …), head)
    for piece in body:
        upload.write(piece)
    upload.finish()

It goes on at the beginning of a chunk. What was not sealed so is refused, and nothing of the file is kept then.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Annotated, NoReturn, Self
from uuid import UUID

from pydantic import Field

from app.access import Actor
from app.bootstrap import Runtime
from app.cases.contents import LARGEST
from app.cases.questionnaire import RECEIPT_KEY
from app.crypto import contexts
from app.crypto.chunks import CHUNK_BYTES
from app.crypto.intake import SealedBody
from app.crypto.intake_files import ContentOpener, upload_secret
from app.crypto.secrets import Secret
from app.errors import BadEncoding, Malformed, UploadEnded, WrongLength
from app.intake import keys
from app.web.bodies import Body, read
from app.web.uploading import Upload
from app.web.uploads import LONGEST_NAME

__all__ = ["Head", "SealedUpload"]

Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$", repr=False)]
NAMELESS = "file"


class HeadBody(Body):
    """What is in a sealed head."""

    key: Key
    salt: Key
    name: Annotated[str, Field(max_length=1024, repr=False)]
    size: Annotated[int, Field(ge=0, le=LARGEST)]


@dataclass(frozen=True, slots=True)
class Head:
    """A head that was opened; ``secret`` is that of its upload."""

    sealed: SealedBody
    client_uuid: UUID
    secret: Secret
    name: str = field(repr=False)
    size: int
    opener: ContentOpener = field(repr=False)

    @classmethod
    def open(cls, runtime: Runtime, actor: Actor, client_uuid: UUID, file: UUID, sealed: SealedBody) -> Self:
        """Open the head of a file that goes with a record.

        Raises:
            NotFound, Forbidden, IntakeKeyGone: see ``app.intake.keys.opening``.
            BadEncoding, Invalid: it is not for this record and this file, or nothing that a phone would write.
        """
        with runtime.glance() as session:
            opening = keys.opening(session, runtime.collaborators, actor, sealed)
        body = read(HeadBody, opening.open(runtime.collaborators, sealed, client_uuid, file))
        key, salt = Secret(_bytes(body.key)), _bytes(body.salt)
        where = {"deployment": runtime.collaborators.deployment, "study": sealed.study, "file": file}
        opener = ContentOpener(key, salt, body.size, **where)
        return cls(sealed, client_uuid, upload_secret(key, sealed.digest), _printable(body.name), body.size, opener)


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=")


def _printable(name: str) -> str:
    """The phone can change it no more: what cannot be printed is replaced rather than refused."""
    return "".join(each if each.isprintable() else "_" for each in name)[:LONGEST_NAME] or NAMELESS


@dataclass(slots=True)
class SealedUpload:
    """See the module; the same verbs as an ``Upload``, with offset and length in bytes under seal."""

    upload: Upload
    head: Head
    _held: bytearray = field(default_factory=bytearray, repr=False)
    _next: int = field(init=False)
    _gone: bool = False

    def __post_init__(self) -> None:
        """Go on with the chunk that holds the first byte that is not durable.

        Raises:
            BadEncoding: the record is of another study than the head.
        """
        if self.head.sealed.study != self.upload.place.study:
            self._refuse(BadEncoding())
        self._next = self._standing()

    @property
    def new(self) -> bool:
        """Whether this request began it."""
        return self.upload.new

    @property
    def done(self) -> bool:
        """Whether it is attached already."""
        return self.upload.done

    @property
    def length(self) -> int:
        """How long it is."""
        return self.head.opener.length

    @property
    def offset(self) -> int:
        """Where to go on."""
        return self.length if self.done else self.head.opener.span(self._standing())[0]

    @property
    def receipt(self) -> str | None:
        """Once it is attached: our word that all of it is kept, Ed25519 by the receipt key, in base64."""
        if not self.done:
            return None
        collaborators = self.upload.runtime.collaborators
        message = contexts.file_receipt(
            collaborators.deployment,
            key_id=RECEIPT_KEY,
            client_uuid=self.head.client_uuid,
            file=self.upload.standing.row.client_uuid,
            head=self.head.sealed.digest,
        )
        return base64.b64encode(collaborators.custody.sign(RECEIPT_KEY, message)).decode()

    def write(self, piece: bytes) -> None:
        """Add bytes under seal.

        Raises:
            BadEncoding: a chunk that does not belong there.
            WrongLength: more than there are chunks. As with the former nothing is kept.
            UploadEnded, Conflict, BodyTooLarge, StoreFull, StoreUnavailable: see ``Upload.write``.
        """
        if self.done:
            raise UploadEnded
        self._held += piece
        while self._held:
            if self._next == self.head.opener.chunks:
                self._refuse(WrongLength())
            start, end = self.head.opener.span(self._next)
            if len(self._held) < end - start:
                return
            self._take(bytes(self._held[: end - start]))
            del self._held[: end - start]

    def _take(self, sealed: bytes) -> None:
        try:
            content = self.head.opener.open(self._next, sealed)
        except BadEncoding as error:
            self._refuse(error)
        # Of the last one a part may be there already.
        fresh = content[self.upload.writer.size - self._next * CHUNK_BYTES :]
        if fresh:
            self.upload.write(fresh)
        self._next += 1

    def pause(self) -> int:
        """Make durable the chunks that are whole; the offset to go on from."""
        self._held.clear()
        if not self._gone:
            self.upload.pause()
        return self.offset

    def finish(self, sha256: bytes | None = None) -> UUID:
        """Attach the file; see ``Upload.finish``.

        Raises:
            WrongLength: chunks are missing; nothing is kept.
        """
        if not self.done and (self._held or self._next < self.head.opener.chunks):
            self._refuse(WrongLength())
        return self.upload.finish(sha256)

    def abandon(self) -> None:
        """Forget all of it, unless it is attached."""
        self._gone = True
        self.upload.abandon()

    def _refuse(self, error: Malformed) -> NoReturn:
        self.abandon()
        raise error

    def _standing(self) -> int:
        return self.upload.offset // CHUNK_BYTES
