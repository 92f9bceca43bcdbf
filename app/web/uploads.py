"""The headers of a resumable upload, in the manner of draft-ietf-httpbis-resumable-upload.

Booleans and integers are those of RFC 9651, a digest is that of RFC 9530, a name is percent-encoded UTF-8. With a file
that a phone sealed each request has its sealed head, which takes the place of secret, name, length and digest.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final, Self
from urllib.parse import unquote_to_bytes

from fastapi import Depends

from app.cases.contents import LARGEST
from app.crypto.intake import FILE_HEADER, SealedBody
from app.crypto.secrets import Secret
from app.errors import BadEncoding, Flaw, Invalid, WrongMediaType
from app.intake.files import EXPIRES_AFTER
from app.web.deps import Call, Injected

__all__ = ["LIMITS", "LONGEST_NAME", "SEALED", "UploadHeaders", "UploadTerms", "boolean"]

SECRET, NAME, HEAD = "testimony-upload-secret", "testimony-file-name", "testimony-sealed-head"
PARTIAL, SEALED = "application/partial-upload", "application/vnd.testimony.sealed-file"
INTEGER = re.compile(r"[0-9]{1,15}", re.ASCII)
BASE64URL = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
# Many times what the longest name takes.
SEALED_HEAD = re.compile(r"[A-Za-z0-9_-]{1,8192}", re.ASCII)
DIGEST = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):\s*(?:,|$)", re.ASCII)
LONGEST_NAME: Final = 255
BOOLEANS = {"?0": False, "?1": True}
LIMITS: Final = f"max-size={LARGEST}, max-age={int(EXPIRES_AFTER.total_seconds())}"


@dataclass(frozen=True, slots=True)
class UploadTerms:
    """What the headers of one request say; what they do not say is None.

    ``partial`` says that the body is a part of an upload. With a sealed head there is no secret before it was opened.
    """

    secret: Secret
    name: str | None = field(repr=False)
    offset: int | None
    length: int | None
    complete: bool | None
    digest: bytes | None
    partial: bool
    head: SealedBody | None

    @classmethod
    def read(cls, headers: Mapping[str, str]) -> Self:
        """Read them.

        Raises:
            Invalid: with every flaw.
            BadEncoding: what stands there as a sealed head is none.
        """
        flaws: list[Flaw] = []
        kind, head = headers.get("content-type", "").strip().lower(), _head(headers)
        secret = headers.get(SECRET, "")
        if kind == SEALED and head is None:
            flaws.append(Flaw("#header/Testimony-Sealed-Head", "This is required."))
        elif head is None and not BASE64URL.fullmatch(secret):
            flaws.append(Flaw("#header/Testimony-Upload-Secret", "32 bytes in base64url are expected."))
        complete = headers.get("upload-complete")
        if complete is not None and complete.strip() not in BOOLEANS:
            flaws.append(Flaw("#header/Upload-Complete", "?0 or ?1 is expected."))
        digest = _digest(headers.get("repr-digest"), flaws)
        name = _name(headers.get(NAME), flaws)
        offset, length = (_integer(headers, each, flaws) for each in ("Upload-Offset", "Upload-Length"))
        if flaws:
            raise Invalid(flaws)
        return cls(
            Secret(base64.urlsafe_b64decode(secret + "=") if head is None else b""),
            name,
            offset,
            length,
            None if complete is None else BOOLEANS[complete.strip()],
            digest,
            kind == (PARTIAL if head is None else SEALED),
            head,
        )

    def appending(self) -> tuple[int, bool]:
        """Where a PATCH goes on, and whether it is the last.

        Raises:
            WrongMediaType: it is not a part of an upload.
            Invalid: it does not say so.
        """
        if not self.partial:
            raise WrongMediaType(f"Send {PARTIAL}, or {SEALED} with its head.")
        if self.offset is None or self.complete is None:
            given = {"Upload-Offset": self.offset, "Upload-Complete": self.complete}
            raise Invalid(
                [Flaw(f"#header/{name}", "This is required.") for name, each in given.items() if each is None]
            )
        return self.offset, self.complete


def _head(headers: Mapping[str, str]) -> SealedBody | None:
    text = headers.get(HEAD)
    if text is None:
        return None
    if not SEALED_HEAD.fullmatch(text):
        raise BadEncoding
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise BadEncoding from None
    return SealedBody.parse(raw, FILE_HEADER)


def boolean(value: bool) -> str:  # noqa: FBT001  that is what it writes
    """A boolean as headers have it."""
    return "?1" if value else "?0"


def _integer(headers: Mapping[str, str], name: str, flaws: list[Flaw]) -> int | None:
    text = headers.get(name.lower())
    if text is None:
        return None
    if not INTEGER.fullmatch(text.strip()) or int(text) > LARGEST:
        flaws.append(Flaw(f"#header/{name}", "A whole number within the limit is expected."))
        return None
    return int(text)


def _digest(text: str | None, flaws: list[Flaw]) -> bytes | None:
    """The SHA-256; other algorithms are passed over, as RFC 9530 asks."""
    found = DIGEST.search(text or "")
    if found is None:
        return None
    try:
        return base64.b64decode(found[1], validate=True)
    except binascii.Error:
        flaws.append(Flaw("#header/Repr-Digest", "The form is not the expected one."))
        return None


def _name(text: str | None, flaws: list[Flaw]) -> str | None:
    if text is None:
        return None
    try:
        name = unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        name = "\0"
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        flaws.append(Flaw("#header/Testimony-File-Name", "A name of 1 to 255 printable characters is expected."))
        return None
    return name


def _read(call: Call) -> UploadTerms:
    return UploadTerms.read(call.request.headers)


# What the request's headers say of its upload.
UploadHeaders = Annotated[UploadTerms, Depends(Injected(_read))]
