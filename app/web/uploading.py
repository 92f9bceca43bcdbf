"""One attachment on its way in, piece by piece: for the native upload and for OpenRosa alike.

    upload = Upload.begin(runtime, actor, record, client_uuid, name="voice.m4a")
    if not upload.done:
        for piece in body:
            upload.write(piece)
        upload.finish()

What is written is durable four MiB at a time, each time with a commit of its own.
"""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass, field, replace
from typing import Self
from uuid import UUID

from app.access import Actor
from app.bootstrap import Runtime
from app.cases import files as stored
from app.cases.contents import Description, FileWriter, Opened
from app.cases.sealing import Place
from app.crypto.secrets import Secret
from app.errors import Conflict, DigestDiffers, NotFound, TestimonyError, UploadEnded, WrongLength
from app.intake import files, quota
from app.intake.files import AttachFile, Standing

__all__ = ["Upload"]


@dataclass(slots=True)
class Upload:
    """See the module. ``new`` says that this call made it."""

    runtime: Runtime
    actor: Actor
    place: Place
    secret: Secret
    standing: Standing
    new: bool = False
    turn: int = field(init=False)
    writer: FileWriter = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Go on where it stands."""
        row = self.standing.row
        self.turn = row.turn
        key, context = self.standing.key or Secret(b""), stored.chunk_context(self.place, row.id)
        description, store = self.standing.description, self.runtime.collaborators.files
        self.writer = FileWriter(store, row.id, key, context, description, self._keep)

    @classmethod
    def begin(
        cls,
        runtime: Runtime,
        actor: Actor,
        record: UUID,
        client_uuid: UUID,
        *,
        secret: Secret | None = None,
        name: str | None = None,
        length: int | None = None,
        digest: bytes | None = None,
        expected: bool = True,
        moved: bool = False,
    ) -> Self:
        """Begin an upload, or find the one that there is under this id.

        Without a secret nothing can go on with it later, and what an earlier call left half is forgotten. ``moved``: it
        is here already, elsewhere, and was asked for when it came.

        Raises:
            NotFound, Forbidden, RecordFrozen, Gone: see ``app.intake.files.target``.
            NotFound: it began with another secret.
            TooManyFiles: the record has enough.
            TooMuchToday: the actor has handed in what one person may.
        """
        there = cls._find(runtime, actor, record, client_uuid, secret)
        if there is not None:
            return there
        runtime.collaborators.files.check()
        own, idem = secret or Secret.random(), runtime.collaborators.keystore.idem(record)
        description = Description(name=name or "", length=length, digest=digest, expected=expected)
        try:
            with runtime.transaction() as session:
                place = files.target(session, runtime.collaborators, actor, record).place
                if not moved:
                    quota.check(session, runtime.collaborators, actor.user())
                begun = files.begin(
                    session,
                    runtime.collaborators,
                    place,
                    client_uuid,
                    secret=own,
                    idem=idem,
                    description=description,
                )
        except Conflict:
            # Sent twice at once, and the other one was first.
            there = cls._find(runtime, actor, record, client_uuid, secret)
            if there is None:
                raise
            return there
        return cls(runtime, actor, place, own, begun, new=True)

    @classmethod
    def find(cls, runtime: Runtime, actor: Actor, record: UUID, client_uuid: UUID, secret: Secret) -> Self:
        """The upload that began under this id with this secret; raises as ``begin``, NotFound if there is none."""
        there = cls._find(runtime, actor, record, client_uuid, secret)
        if there is None:
            raise NotFound
        return there

    @classmethod
    def _find(
        cls, runtime: Runtime, actor: Actor, record: UUID, client_uuid: UUID, secret: Secret | None
    ) -> Self | None:
        collaborators = runtime.collaborators
        with runtime.glance() as session:
            place = files.target(session, collaborators, actor, record).place
            row = files.find(session, place, client_uuid)
        if row is None:
            return None
        if secret is None and row.status == stored.ARRIVING:
            with runtime.transaction() as session:
                files.cancel(session, collaborators, row.id)
            return None
        if secret is None:
            return cls(runtime, actor, place, Secret(b""), Standing(row, None, Description(), 0))
        return cls(runtime, actor, place, secret, files.standing(collaborators, place, row, secret))

    @property
    def done(self) -> bool:
        """Whether it is attached already."""
        return self.standing.complete

    @property
    def offset(self) -> int:
        """How many bytes are durable."""
        if self.done:
            return self.standing.size
        described = self.writer.description
        return described.stored if described.size is None else described.size

    @property
    def length(self) -> int | None:
        """How long it will be, where that was announced."""
        return self.standing.size if self.done else self.standing.description.length

    def holds(self, sha256: bytes) -> bool:
        """Whether the file that is attached has this content, as far as that is known."""
        content = self.standing.row.content
        idem = self.runtime.collaborators.keystore.idem(self.place.record)
        return content is not None and content == files.content_of(idem, sha256)

    def write(self, piece: bytes) -> None:
        """Add bytes.

        Raises:
            BodyTooLarge, TooManyFiles, StoreFull, StoreUnavailable: see ``FileWriter``.
            WrongLength: more than was announced.
            Conflict: another request goes on with this upload.
        """
        if self.done:
            raise UploadEnded
        length = self.standing.description.length
        if length is not None and self.writer.size + len(piece) > length:
            raise WrongLength
        self.writer.write(piece)

    def pause(self) -> int:
        """Make durable what came so far; the offset to go on from."""
        self.writer.flush()
        return self.offset

    def finish(self, sha256: bytes | None = None) -> UUID:
        """Attach the file; its id. ``sha256`` is what its content must have.

        Raises:
            DigestDiffers: it has another; all of it is forgotten.
            WrongLength: less came than was announced.
        """
        if self.done:
            return self.standing.row.id
        length, wanted = self.standing.description.length, sha256 or self.standing.description.digest
        if length is not None and self.writer.description.size is None and self.writer.size != length:
            raise WrongLength
        description = self.writer.finish()
        if wanted is not None:
            found = description.sha256 or self._read_back(description)
            if found != wanted:
                self.abandon()
                raise DigestDiffers("The content has another digest than was announced. Nothing of it is kept.")
            description = replace(description, sha256=found)
        attach = AttachFile(
            self.runtime.collaborators,
            self.actor,
            self.place.record,
            self.standing,
            self.turn,
            description,
            self.secret,
        )
        file = self.runtime.make(attach)
        self.standing = Standing(self.standing.row, None, description, description.size or 0)
        self._tidy(description)
        return file

    def abandon(self) -> None:
        """Forget all of it, unless it is attached."""
        with self.runtime.transaction() as session:
            files.cancel(session, self.runtime.collaborators, self.standing.row.id)

    def _keep(self, description: Description) -> None:
        with self.runtime.transaction() as session:
            collaborators = self.runtime.collaborators
            self.turn = files.advance(session, collaborators, self.place, self.standing, self.turn, description)

    def _read_back(self, description: Description) -> bytes:
        counted, row, key = hashlib.sha256(), self.standing.row, self.standing.key
        if key is None:
            raise UploadEnded
        context = stored.chunk_context(self.place, row.id)
        opened = Opened(self.runtime.collaborators.files, row.id, key, context, description)
        for piece in opened.read(0, opened.size):
            counted.update(piece)
        return counted.digest()

    def _tidy(self, description: Description) -> None:
        """Delete what other tries left in the store."""
        keep = frozenset(segment for segment, _ in description.segments)
        with contextlib.suppress(TestimonyError):
            self.runtime.collaborators.files.discard(self.standing.row.id, keep)
