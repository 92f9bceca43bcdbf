"""The envelope of an encrypted form: which parts belong to it, and opening them with the form's private key."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from app.crypto.odk import FileOpener, Signed, check_signature, enketo_ivs, ivs, unwrap_key
from app.crypto.secrets import Secret
from app.errors import BadEncoding, BadSignature, BodyTooLarge, Malformed, TamperedBox
from app.intake.openrosa.document import LARGEST, Document, children, text

__all__ = ["Envelope", "Opened", "check_key", "open_envelope", "read_envelope"]

ENDING: Final = ".enc"
# The answers and the attachments; a record has room for a hundred, and some may come that nobody expects.
MOST_FILES: Final = 81

# The pieces of the sealed part with this number, as they were sent.
Sealed = Callable[[int], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who sealed what: ``files`` are the sealed parts in the order of their IVs, the answers last."""

    signed: Signed
    wrapped: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    files: tuple[str, ...] = field(repr=False)

    @property
    def media(self) -> tuple[str, ...]:
        """The plain names of the attachments."""
        return tuple(name.removesuffix(ENDING) for name in self.files[:-1])


def read_envelope(document: Document) -> Envelope:
    """Read an envelope.

    Raises:
        Malformed: something that belongs into it is missing, or it names a part twice.
    """
    root = document.root
    media = [(file.text or "").strip() for each in children(root, "media") for file in children(each, "file")]
    files = (*media, text(root, "encryptedXmlFile") or "")
    wrapped, signature = text(root, "base64EncryptedKey"), text(root, "base64EncryptedElementSignature")
    whole = wrapped and signature and document.instance and len(set(files)) == len(files) <= MOST_FILES
    if not wrapped or not signature or not document.instance or not whole:
        raise Malformed("The form says that it is encrypted, and is not.")
    if not all(name.endswith(ENDING) and len(name) > len(ENDING) for name in files):
        raise Malformed("The form names a part that is not encrypted.")
    signed = Signed(document.form, document.version, wrapped, document.instance)
    return Envelope(signed, _base64(wrapped), _base64(signature), files)


@dataclass(frozen=True, slots=True)
class Opened:
    """An envelope whose parts belong together: its answers, and a way to its attachments."""

    answers: bytes = field(repr=False)
    _key: Secret
    _ivs: tuple[bytes, ...] = field(repr=False)

    def attachment(self, number: int, sealed: Iterable[bytes]) -> Iterator[bytes]:
        """The plaintext of an attachment, piece by piece."""
        return _opened(self._key, self._ivs[number], sealed)


def check_key(envelope: Envelope, private: Secret) -> None:
    """Whether the key of an envelope is there at all.

    Raises:
        Malformed: it was not wrapped for this form.
    """
    _unwrapped(envelope, private)


def open_envelope(envelope: Envelope, private: Secret, sealed: Sealed) -> Opened:
    """Open every part once, and hold them against the signature; the answers alone stay in memory.

    Raises:
        Malformed: a part does not open, or is not what was signed.
    """
    key = _unwrapped(envelope, private)
    count, instance = len(envelope.files), envelope.signed.instance_id
    right, theirs = (tuple(islice(made(instance, key), count)) for made in (ivs, enketo_ivs))
    for each in dict.fromkeys((right, theirs)):
        opened = _verified(envelope, private, sealed, key, each)
        if opened is not None:
            return opened
    raise Malformed("The parts of this form do not belong together.")


def _verified(
    envelope: Envelope, private: Secret, sealed: Sealed, key: Secret, vectors: tuple[bytes, ...]
) -> Opened | None:
    answers = bytearray()
    digests: list[tuple[str, bytes]] = []
    last = len(envelope.files) - 1
    try:
        for number, name in enumerate(envelope.files):
            digest = hashlib.md5(usedforsecurity=False)
            for piece in _opened(key, vectors[number], sealed(number)):
                digest.update(piece)
                if number == last:
                    answers += piece
                    _check_size(answers)
            digests.append((name.removesuffix(ENDING), digest.digest()))
        check_signature(private, envelope.signature, envelope.signed.digest(digests))
    except (BadEncoding, BadSignature, TamperedBox):
        return None
    return Opened(bytes(answers), key, vectors)


def _check_size(answers: bytearray) -> None:
    if len(answers) > LARGEST:
        raise BodyTooLarge


def _opened(key: Secret, iv: bytes, sealed: Iterable[bytes]) -> Iterator[bytes]:
    opener = FileOpener(key, iv)
    for piece in sealed:
        yield opener.update(piece)
    yield opener.finish()


def _unwrapped(envelope: Envelope, private: Secret) -> Secret:
    try:
        return unwrap_key(private, envelope.wrapped)
    except TamperedBox:
        raise Malformed("The form says that it is encrypted, and does not open.") from None


def _base64(said: str) -> bytes:
    try:
        return base64.b64decode("".join(said.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Malformed from None
