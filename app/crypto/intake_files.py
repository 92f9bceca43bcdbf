"""Files that a phone seals when they are added: each under a key of its own, which alone is sealed to the intake key.

    head     see ``intake``; plaintext = pad(JSON {"key", "salt", "name", "size"}): 32 bytes each in base64url, the
             name, and the size in bytes of what the file holds
    content  the chunks, without header, of one segment that bears the file's id (see ``chunks``), from index 0 on;
             key and salt are those of the head, plaintext = pad(what the file holds),
             context = enc("testimony/1/intake-chunk", D, study, file)

Whoever opened the head knows of every chunk whether it is the one that belongs there. What rests at the server between
two requests is sealed under a secret that only the head holds, hence under the intake key as well:

    upload secret = HKDF-SHA512(key, salt = SHA-256 of the sealed head, info = "testimony/1/sealed-upload", 32)
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from app.crypto import contexts
from app.crypto.chunks import CHUNK_BYTES, HEADER_BYTES, MAGIC, Opener, Segment
from app.crypto.kdf import derive
from app.crypto.padding import MARK, padded_size
from app.crypto.secrets import Secret
from app.errors import BadEncoding, TamperedField

__all__ = ["ContentOpener", "upload_secret"]

LABEL: Final = b"testimony/1/sealed-upload"


def upload_secret(key: Secret, digest: bytes) -> Secret:
    """The secret of the upload of a file with this key, whose sealed head has this SHA-256."""
    return Secret(derive(key.reveal(), salt=digest, info=LABEL))


class ContentOpener:
    """Opens the chunks of one file. Offsets are in bytes of the content under seal, sizes in bytes of what it holds."""

    def __init__(self, key: Secret, salt: bytes, size: int, *, deployment: UUID, study: UUID, file: UUID) -> None:
        self._segment = Segment(file, padded_size(size), 0, last=True)
        context = contexts.intake_chunk(deployment, study=study, file=file)
        self._opener = Opener(key, context, self._segment, MAGIC + salt)
        self._size = size
        self.chunks = self._segment.chunks
        self.length = self._segment.stored - HEADER_BYTES

    def span(self, number: int) -> tuple[int, int]:
        """Where a chunk begins and ends."""
        start, end = self._segment.span(number, number + 1)
        return start - HEADER_BYTES, end - HEADER_BYTES

    def open(self, number: int, sealed: bytes) -> bytes:
        """What the file holds of a chunk, without padding.

        Raises:
            BadEncoding: it is not the chunk that belongs there, or not all of it.
        """
        try:
            plaintext = self._opener.open(number, sealed)
        except TamperedField:
            # It comes from outside: not tampered with, but never sealed so.
            raise BadEncoding from None
        held = max(0, self._size - number * CHUNK_BYTES)
        content, padding = plaintext[:held], plaintext[held:]
        marked = MARK if number == self._size // CHUNK_BYTES else b""
        if padding != marked.ljust(len(padding), b"\0"):
            raise BadEncoding
        return content
