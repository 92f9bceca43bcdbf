"""The digest by which a second delivery of the same record is known, without telling anything about its content."""

from __future__ import annotations

import hmac

from app.crypto.kdf import derive
from app.crypto.secrets import Secret

__all__ = ["content_digest"]


def content_digest(idem: Secret, content: bytes) -> bytes:
    """HMAC-SHA256 (RFC 2104) over canonical content, under a key from the record's own idem secret; dies with that."""
    key = derive(idem.reveal(), info=b"testimony/1/content")
    return hmac.digest(key, content, "sha256")
