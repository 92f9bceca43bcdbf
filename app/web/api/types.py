"""Types that several modules' bodies share."""

from __future__ import annotations

import base64
from typing import Annotated

from pydantic import Field

from app.cases.questionnaire import RECEIPT_KEY
from app.collaborators import Collaborators
from app.web.bodies import Out

__all__ = [
    "Bytes64",
    "CaseCode",
    "Digest",
    "FieldName",
    "Hex32",
    "Reason",
    "ReceiptKeyOut",
    "base64url",
    "receipt_key",
]

# A SHA-256 or a fingerprint in lower-case hex.
Hex32 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Digest = Hex32
# Bytes in base64url without padding, as browsers write them.
Bytes64 = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$", max_length=16_384)]
CaseCode = Annotated[str, Field(min_length=1, max_length=16)]
FieldName = Annotated[str, Field(pattern=r"^[a-z0-9_.-]{1,64}$")]
Reason = Annotated[str, Field(min_length=1, max_length=2000, repr=False)]


class ReceiptKeyOut(Out):
    """The Ed25519 key that receipts and intake keys verify with, in base64url: pin it."""

    id: str
    public: str


def base64url(raw: bytes) -> str:
    """Bytes in base64url without padding (RFC 4648, section 5)."""
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def receipt_key(collaborators: Collaborators) -> ReceiptKeyOut:
    """The deployment's receipt key, for a device to pin."""
    return ReceiptKeyOut(id=RECEIPT_KEY, public=base64url(collaborators.custody.public(RECEIPT_KEY)))
