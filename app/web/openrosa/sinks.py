"""Where the parts of a POST go."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from app.bootstrap import Runtime
from app.errors import BodyTooLarge, ContentDiffers
from app.intake.openrosa import waiting
from app.intake.openrosa.waiting import Writer
from app.web.uploading import Upload

__all__ = ["Attached", "Attachment", "Ignored", "Waited", "Waiting", "Whole"]


@dataclass(slots=True)
class Whole:
    """Keeps a small part in memory, and hands it over."""

    limit: int
    done: Callable[[bytes], None] = field(repr=False)
    _bytes: bytearray = field(default_factory=bytearray, repr=False)

    def write(self, piece: bytes) -> None:
        """Take some bytes; BodyTooLarge beyond the limit."""
        if len(self._bytes) + len(piece) > self.limit:
            raise BodyTooLarge
        self._bytes += piece

    def finish(self) -> None:
        """Hand it over."""
        self.done(bytes(self._bytes))

    def abandon(self) -> None:
        """Nothing was kept."""


class Ignored:
    """For what is not wanted: what devices tell of themselves, and what is here already."""

    def write(self, piece: bytes) -> None:
        """Keep nothing."""

    def finish(self) -> None:
        """Nothing was kept."""

    def abandon(self) -> None:
        """Nothing was kept."""


@dataclass(slots=True)
class Attachment:
    """Seals a file into its record as it comes."""

    upload: Upload

    def write(self, piece: bytes) -> None:
        """Take some bytes."""
        self.upload.write(piece)

    def finish(self) -> None:
        """Attach it."""
        self.upload.finish()

    def abandon(self) -> None:
        """Forget it."""
        self.upload.abandon()


@dataclass(slots=True)
class Attached:
    """For a file that its record has already: it must be the same one."""

    upload: Upload
    _digest: hashlib._Hash = field(default_factory=hashlib.sha256, repr=False)

    def write(self, piece: bytes) -> None:
        """Count some bytes in."""
        self._digest.update(piece)

    def finish(self) -> None:
        """Compare; ContentDiffers if it is another one."""
        if not self.upload.holds(self._digest.digest()):
            raise ContentDiffers("A file of this name came before with other content.")

    def abandon(self) -> None:
        """Nothing was kept."""


@dataclass(slots=True)
class Waited:
    """For a part that waits already: it must be the same one."""

    kept: Iterable[bytes] = field(repr=False)
    _digest: hashlib._Hash = field(default_factory=hashlib.sha256, repr=False)

    def write(self, piece: bytes) -> None:
        """Count some bytes in."""
        self._digest.update(piece)

    def finish(self) -> None:
        """Compare; ContentDiffers if it is another one."""
        before = hashlib.sha256()
        for piece in self.kept:
            before.update(piece)
        if before.digest() != self._digest.digest():
            raise ContentDiffers("A file of this name came before with other content.")

    def abandon(self) -> None:
        """Nothing was kept."""


@dataclass(slots=True)
class Waiting:
    """Keeps a part of an encrypted form as it was sent."""

    runtime: Runtime
    writer: Writer

    def write(self, piece: bytes) -> None:
        """Take some bytes."""
        self.writer.write(piece)

    def finish(self) -> None:
        """Note that it is whole."""
        self.writer.finish()
        with self.runtime.transaction() as session:
            waiting.finish_part(session, self.writer)

    def abandon(self) -> None:
        """Forget it."""
        with self.runtime.transaction() as session:
            waiting.abandon_part(session, self.runtime.collaborators, self.writer.part)
