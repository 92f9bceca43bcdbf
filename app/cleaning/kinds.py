"""Which cleaner takes a file, by its content: names and what a sender says of a type count for nothing."""

from __future__ import annotations

from collections.abc import Callable

import puremagic

from app.cleaning import boxes, containers, frames, pages, pictures
from app.cleaning.base import BROKEN, TOO_LARGE, UNKNOWN, Cleaned, Refused

__all__ = ["clean"]

HEAD_BYTES = 4096
MOST_BYTES = 512 << 20
Cleaner = Callable[[bytes], Cleaned]
# By media type, or by ending where puremagic names no type.
CLEANERS: dict[str, Cleaner] = {
    "image/jpeg": pictures.clean,
    "image/png": pictures.clean,
    "image/gif": pictures.clean,
    "image/webp": pictures.clean,
    "image/avif": pictures.clean,
    "application/pdf": pages.clean,
    "audio/mpeg": frames.mp3,
    "audio/aac": frames.adts,
    ".amr": frames.amr,
    "audio/wave": containers.wav,
    "audio/flac": containers.flac,
    "application/ogg": containers.ogg,
    ".m4a": boxes.clean,
    "audio/mp4": boxes.clean,
    "video/mp4": boxes.clean,
    "video/3gpp": boxes.clean,
}
# Headers that it knows only in their most frequent form.
FRAME_SYNC, BRANDED = b"\xff", b"ftyp"


def clean(content: bytes) -> Cleaned:
    """A clean copy by the first cleaner that takes files of this type; Refused if there is none."""
    if len(content) > MOST_BYTES:
        raise Refused(TOO_LARGE)
    reason = UNKNOWN
    for cleaner in _cleaners(content):
        try:
            return cleaner(content)
        except Refused as refused:
            # Another reading of the first bytes may be the right one.
            reason = refused.reason
            if reason != BROKEN:
                break
    raise Refused(reason)


def _cleaners(content: bytes) -> list[Cleaner]:
    try:
        found = puremagic.magic_string(content[:HEAD_BYTES])
    except (puremagic.PureError, ValueError):
        found = []
    names = [name for each in found for name in (each.mime_type, each.extension)]
    known = [CLEANERS[name] for name in names if name in CLEANERS]
    if content.startswith(FRAME_SYNC):
        known.append(frames.mp3)
    if content[4:8] == BRANDED:
        known.append(boxes.clean)
    return list(dict.fromkeys(known))
