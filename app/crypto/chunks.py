"""Files under seal, chunk by chunk: any part opens by itself, and none can be cut, swapped, repeated or joined.

A file is a list of segments, each sealed under a key of its own; ``index`` counts the chunks of the whole file:

    segment  H = "TF" 01 01 | salt, 32 random bytes | chunks
    key      HKDF-SHA512(K_file, salt, info = H | enc("testimony/1/segment", segment), 32)
    chunk    AES-256-GCM(key, nonce = u88be index | u8 last, aad = context); 64 KiB, only a segment's last is shorter

The construction is STREAM (Hoang, Reyhanitabar, Rogaway, Vizar, CRYPTO 2015) with the nonce as its counter. A segment
is sealed from its first byte to its last by one object in one process, or not at all: an upload that goes on after a
crash begins a new segment, hence a new salt and a new key, so no nonce ever meets two plaintexts under one key,
whatever the client sends the second time. The order of the segments and their sizes stand in the file's sealed
description; a segment put under another name, and one of another try, has another key there.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.crypto.encoding import enc
from app.crypto.kdf import derive
from app.crypto.sealed import Sealed
from app.crypto.secrets import Secret
from app.errors import TamperedField

__all__ = ["CHUNK_BYTES", "HEADER_BYTES", "MAGIC", "Opener", "Segment", "SegmentSealer"]

MAGIC = b"TF\x01\x01"
SALT_BYTES = 32
TAG_BYTES = 16
HEADER_BYTES: Final = len(MAGIC) + SALT_BYTES
CHUNK_BYTES: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Segment:
    """Where a segment stands: its id, its bytes of plaintext, its first chunk's index, and whether it ends the file."""

    id: UUID
    size: int
    first: int
    last: bool

    @property
    def chunks(self) -> int:
        """How many chunks it has."""
        return -(-self.size // CHUNK_BYTES)

    @property
    def stored(self) -> int:
        """How many bytes it takes under seal."""
        return HEADER_BYTES + self.size + self.chunks * TAG_BYTES

    def span(self, first: int, end: int) -> tuple[int, int]:
        """Where the chunks from number ``first`` to before ``end``, counted within the segment, lie under seal."""
        whole = CHUNK_BYTES + TAG_BYTES
        return HEADER_BYTES + first * whole, min(HEADER_BYTES + end * whole, self.stored)


class SegmentSealer:
    """Seals one segment as its bytes arrive; of plaintext it holds a chunk at most."""

    def __init__(self, key: Secret, context: bytes, *, segment: UUID, first: int) -> None:
        salt = os.urandom(SALT_BYTES)
        self._cipher = _cipher(key, salt, segment)
        self._context = context
        self._next = first
        self._sealed = bytearray(MAGIC + salt)
        self._open = bytearray()
        self.segment = segment
        self.first = first
        self.size = 0

    def write(self, plaintext: bytes | memoryview) -> None:
        """Add bytes."""
        self.size += len(plaintext)
        self._open += plaintext
        # A full chunk waits until more comes: only then is it known not to be the last.
        while len(self._open) > CHUNK_BYTES:
            self._seal(self._open[:CHUNK_BYTES], last=False)
            del self._open[:CHUNK_BYTES]

    def finish(self, *, last: bool) -> Sealed:
        """The sealed segment; ``last`` ends the file. Only for a segment that has bytes, and only once."""
        self._seal(self._open, last=last)
        sealed = Sealed(self._sealed)
        self._sealed, self._open = bytearray(), bytearray()
        return sealed

    def _seal(self, plaintext: bytearray, *, last: bool) -> None:
        self._sealed += self._cipher.encrypt(_nonce(self._next, last=last), bytes(plaintext), self._context)
        self._next += 1


class Opener:
    """Opens chunks of one segment, of which ``header`` are the first ``HEADER_BYTES`` under seal.

    Raises:
        TamperedField: no header of this version.
    """

    def __init__(self, key: Secret, context: bytes, segment: Segment, header: bytes) -> None:
        if len(header) != HEADER_BYTES or not header.startswith(MAGIC):
            raise TamperedField
        self._cipher = _cipher(key, header[len(MAGIC) :], segment.id)
        self._context = context
        self._segment = segment

    def open(self, number: int, sealed: bytes) -> bytes:
        """Open the chunk ``number``, counted within the segment.

        Raises:
            TamperedField: it is not what was sealed there, or not all of it.
        """
        segment = self._segment
        final = number == segment.chunks - 1
        size = segment.size - number * CHUNK_BYTES if final else CHUNK_BYTES
        if len(sealed) != size + TAG_BYTES:
            raise TamperedField
        nonce = _nonce(segment.first + number, last=final and segment.last)
        try:
            return self._cipher.decrypt(nonce, sealed, self._context)
        except InvalidTag:
            raise TamperedField from None


def _cipher(key: Secret, salt: bytes, segment: UUID) -> AESGCM:
    return AESGCM(derive(key.reveal(), salt=salt, info=MAGIC + enc("testimony/1/segment", segment)))


def _nonce(index: int, *, last: bool) -> bytes:
    return index.to_bytes(11, "big") + bytes([last])
