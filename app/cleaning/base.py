"""What a cleaner gives, and why one refuses. A cleaner takes bytes and gives bytes; it opens no file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

__all__ = ["BROKEN", "DOCUMENT", "IMAGE", "RECORDING", "TOO_LARGE", "UNKNOWN", "VIDEO", "Cleaned", "Refused"]

# What a clean copy is called, for people: the file's own name is never used.
IMAGE, DOCUMENT, RECORDING = "image", "document", "recording"
# Why there is no clean copy.
UNKNOWN, BROKEN, TOO_LARGE, VIDEO = "unknown", "broken", "too-large", "video"


class Refused(Exception):
    """This cannot be cleaned; ``reason`` is one of the words above, never anything of the content."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A clean copy: its type, the ending of its name, what it is, and its bytes."""

    media_type: str = field(repr=False)
    ending: str = field(repr=False)
    noun: str = field(repr=False)
    parts: Iterable[bytes | memoryview] = field(repr=False)
