"""The content of a file: written segment by segment into the store of files, and opened again in any part.

It is padded to a size class, so that the store does not tell its length; what is known of it is its description.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any, Final, Self
from uuid import UUID, uuid4

from app.crypto.chunks import CHUNK_BYTES, HEADER_BYTES, Opener, Segment, SegmentSealer
from app.crypto.padding import padded_size
from app.crypto.secrets import Secret
from app.errors import BodyTooLarge, Conflict, TamperedField, TestimonyError, TooManyFiles, UploadEnded
from app.files.base import FileStore
from app.files.kinds import HEAD_BYTES, UNKNOWN, media_type

__all__ = ["LARGEST", "Description", "FileWriter", "Opened"]

LARGEST: Final = 2 << 30
# One piece in the store: what is held in memory at once, and what is lost at most when a process is killed.
SEGMENT_BYTES: Final = 4 << 20
# Each cut connection may leave a short one; more than this is nobody's network.
MOST_SEGMENTS: Final = 4096
ID_BYTES, SIZE_BYTES = 16, 8
# Chunks fetched from the store at once.
FETCHED: Final = 16
MARK = b"\x80"


@dataclass(frozen=True, slots=True)
class Description:
    """What is known of a file. ``size`` and the last segment are there once it is whole.

    ``length`` and ``digest`` (SHA-256) are what its sender announced; ``sha256`` is that of the content, where it was
    counted. ``expected`` is false for what came without the form naming it.
    """

    name: str = field(default="", repr=False)
    type: str = UNKNOWN
    size: int | None = None
    sha256: bytes | None = None
    length: int | None = None
    digest: bytes | None = None
    expected: bool = True
    segments: tuple[tuple[UUID, int], ...] = field(default=(), repr=False)

    @property
    def stored(self) -> int:
        """How many bytes of plaintext rest in segments; padding counts."""
        return sum(size for _, size in self.segments)

    def to_json(self) -> dict[str, Any]:
        """The form in which it is sealed."""
        raw = b"".join(segment.bytes + size.to_bytes(SIZE_BYTES, "big") for segment, size in self.segments)
        return {
            "name": self.name,
            "type": self.type,
            "size": self.size,
            "sha256": None if self.sha256 is None else self.sha256.hex(),
            "length": self.length,
            "digest": None if self.digest is None else self.digest.hex(),
            "expected": self.expected,
            "segments": base64.b64encode(raw).decode(),
        }

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Self:
        """Read what ``to_json`` wrote."""
        raw, step = base64.b64decode(row.pop("segments")), ID_BYTES + SIZE_BYTES
        parts = [raw[at : at + step] for at in range(0, len(raw), step)]
        segments = tuple((UUID(bytes=part[:ID_BYTES]), int.from_bytes(part[ID_BYTES:], "big")) for part in parts)
        digests = {name: None if row[name] is None else bytes.fromhex(row[name]) for name in ("sha256", "digest")}
        return cls(**{**row, **digests}, segments=segments)


class FileWriter:
    """Seals what comes and puts it into the store, a segment at a time; a whole file or the next part of one.

    ``kept`` is called with the new description after each segment that is durable; if it raises Conflict, the segment
    goes again.
    """

    def __init__(
        self,
        store: FileStore,
        file: UUID,
        key: Secret,
        context: bytes,
        description: Description = Description(),
        kept: Callable[[Description], None] = lambda _: None,
    ) -> None:
        self.description = description
        self._store = store
        self._file = file
        self._key = key
        self._context = context
        self._kept = kept
        self._chunks = sum(-(-size // CHUNK_BYTES) for _, size in description.segments)
        self._sealer: SegmentSealer | None = None
        self._head = bytearray()
        self._new = not description.segments
        self._counted = hashlib.sha256() if self._new else None

    @property
    def size(self) -> int:
        """How many bytes came, with those of earlier requests."""
        return self.description.stored + (0 if self._sealer is None else self._sealer.size)

    @property
    def sha256(self) -> bytes | None:
        """SHA-256 of what came so far, if all of it came through this writer."""
        return None if self._counted is None else self._counted.digest()

    def write(self, piece: bytes) -> None:
        """Add bytes.

        Raises:
            UploadEnded: its end came already.
            BodyTooLarge: the file is larger than any may be.
            TooManyFiles: it came in too many pieces.
        """
        if self.description.size is not None:
            raise UploadEnded
        if self.size + len(piece) > LARGEST:
            raise BodyTooLarge
        if self._counted is not None:
            self._counted.update(piece)
        if self._new and len(self._head) < HEAD_BYTES:
            self._head += piece[: HEAD_BYTES - len(self._head)]
        self._add(piece)

    def _add(self, piece: bytes) -> None:
        view = memoryview(piece)
        while view:
            if self._sealer is not None and self._sealer.size == SEGMENT_BYTES:
                self.flush()
            if self._sealer is None:
                self._sealer = SegmentSealer(self._key, self._context, segment=uuid4(), first=self._chunks)
            part = view[: SEGMENT_BYTES - self._sealer.size]
            self._sealer.write(part)
            view = view[len(part) :]

    def flush(self) -> None:
        """Make durable what came so far; what comes later begins another segment."""
        if self._sealer is not None:
            self._put(self._sealer, last=False)

    def finish(self) -> Description:
        """Pad, end the file and give its description; nothing can be added after that. Goes on where it broke off."""
        if self.description.size is None:
            self.description = replace(self.description, size=self.size, sha256=self.sha256)
            # One byte at least, so there always is a segment to mark as the last.
            self._add(MARK)
        whole = padded_size(self.description.size or 0)
        while self.size < whole:
            self._add(bytes(min(CHUNK_BYTES, whole - self.size)))
        if self._sealer is not None:
            self._put(self._sealer, last=True)
        return self.description

    def _put(self, sealer: SegmentSealer, *, last: bool) -> None:
        self._sealer = None
        described = self.description
        if len(described.segments) == MOST_SEGMENTS:
            raise TooManyFiles
        self._store.put(self._file, sealer.segment, sealer.finish(last=last))
        kind = media_type(bytes(self._head)) if self._new and not described.segments else described.type
        self._chunks += -(-sealer.size // CHUNK_BYTES)
        self.description = replace(described, type=kind, segments=(*described.segments, (sealer.segment, sealer.size)))
        try:
            self._kept(self.description)
        except Conflict:
            # Surely in no row. After any other error it may be in one.
            with contextlib.suppress(TestimonyError):
                self._store.remove(self._file, sealer.segment)
            raise


class Opened:
    """A file whose key is at hand: its description, and any part of it. Nothing is read before it is asked for."""

    def __init__(self, store: FileStore, file: UUID, key: Secret, context: bytes, meta: Description) -> None:
        if meta.size is None or meta.stored != padded_size(meta.size):
            raise TamperedField
        self.id = file
        self.meta = meta
        self.size = meta.size
        self._store = store
        self._key = key
        self._context = context
        self._segments = _placed(meta.segments)
        self._openers: dict[UUID, Opener] = {}

    def read(self, start: int, end: int) -> Iterator[bytes]:
        """The bytes from ``start`` to before ``end``, in pieces of a chunk at most.

        Raises:
            TamperedField, TamperedFile: what is stored is not what was sealed there.
            StoreUnavailable: the store does not answer.
        """
        end = min(end, self.size)
        for at, segment in self._segments:
            if at < end and start < at + segment.size:
                yield from self._read(segment, max(start - at, 0), min(end - at, segment.size))

    def file(self) -> io.RawIOBase:
        """The content as a file that can be read and sought."""
        return _Content(self)

    def _read(self, segment: Segment, start: int, end: int) -> Iterator[bytes]:
        opener = self._opener(segment)
        first, beyond = start // CHUNK_BYTES, -(-end // CHUNK_BYTES)
        for group in range(first, beyond, FETCHED):
            last = min(group + FETCHED, beyond)
            base, _ = segment.span(group, last)
            sealed = memoryview(self._store.get(self.id, segment.id, *segment.span(group, last)))
            for number in range(group, last):
                low, high = segment.span(number, number + 1)
                chunk = opener.open(number, bytes(sealed[low - base : high - base]))
                yield chunk[max(start - number * CHUNK_BYTES, 0) : end - number * CHUNK_BYTES]

    def _opener(self, segment: Segment) -> Opener:
        if segment.id not in self._openers:
            header = self._store.get(self.id, segment.id, 0, HEADER_BYTES)
            self._openers[segment.id] = Opener(self._key, self._context, segment, header)
        return self._openers[segment.id]


def _placed(segments: Iterable[tuple[UUID, int]]) -> list[tuple[int, Segment]]:
    """Each segment with the offset at which it begins."""
    listed = list(segments)
    starts = accumulate((size for _, size in listed), initial=0)
    chunks = accumulate((-(-size // CHUNK_BYTES) for _, size in listed), initial=0)
    ends = len(listed) - 1
    return [
        (start, Segment(segment, size, first, last=number == ends))
        for number, ((segment, size), start, first) in enumerate(zip(listed, starts, chunks, strict=False))
    ]


class _Content(io.RawIOBase):
    """See ``Opened.file``."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._at = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; see ``io.IOBase.seek``."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._opened.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill what is given, as far as there is something left."""
        content = b"".join(self._opened.read(self._at, self._at + len(buffer)))
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)
