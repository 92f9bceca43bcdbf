"""What a file is, by its content: the name that came with it says nothing."""

from __future__ import annotations

from typing import Final

import puremagic

__all__ = ["HEAD_BYTES", "UNKNOWN", "media_type"]

# So much of a file's beginning is looked at.
HEAD_BYTES: Final = 8192
UNKNOWN: Final = "application/octet-stream"


def media_type(head: bytes) -> str:
    """The media type of a file that begins so; ``UNKNOWN`` if nothing is recognised."""
    try:
        found = puremagic.magic_string(head[:HEAD_BYTES])
    except (puremagic.PureError, ValueError):
        return UNKNOWN
    return next((each.mime_type for each in found if each.mime_type), UNKNOWN)
