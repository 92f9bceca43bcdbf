"""Keyed digests: of a record's content, which tells nothing about it, and of an event, which nobody else can make."""

from __future__ import annotations

import hmac

from app.crypto.kdf import derive
from app.crypto.secrets import Secret

__all__ = ["content_digest", "event_mac"]


def content_digest(idem: Secret, content: bytes) -> bytes:
    """HMAC-SHA256 (RFC 2104) over canonical content, under a key from the record's own idem secret; dies with that."""
    key = derive(idem.reveal(), info=b"testimony/1/content")
    return hmac.digest(key, content, "sha256")


def event_mac(key: Secret, message: bytes) -> bytes:
    """HMAC-SHA256 over the bytes of an event."""
    return hmac.digest(key.reveal(), message, "sha256")
