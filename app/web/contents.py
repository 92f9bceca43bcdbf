"""Answers whose content is an attachment: streamed as it is decrypted, whole or one range of it.

What a browser plays or shows by itself is a short list; anything else comes as a download that it opens nowhere. The
name is ours: what the file was called may name somebody.
"""

from __future__ import annotations

import mimetypes
import re
from itertools import chain
from typing import Final
from uuid import UUID

from starlette.responses import Response, StreamingResponse

from app.access import Actor
from app.bootstrap import Runtime
from app.cases.contents import Opened
from app.files.kinds import UNKNOWN
from app.research.library import OpenReleased, ReadRelease
from app.review.copies import note_opened
from app.review.files import OpenFile
from app.web.deps import Part

__all__ = ["INLINE", "RANGES", "answer_attachment", "answer_released", "answer_with", "is_audio", "is_image"]

AUDIO: Final = frozenset(
    f"audio/{kind}" for kind in ("aac", "flac", "mp4", "mpeg", "ogg", "wav", "wave", "webm", "x-m4a", "x-wav")
)
# Recorders of phones write what looks like a film; a player for sound plays the sound of it.
FILMS: Final = frozenset({"application/ogg", "video/3gpp", "video/mp4", "video/ogg", "video/webm"})
IMAGES: Final = frozenset({"image/gif", "image/jpeg", "image/png", "image/webp"})
INLINE: Final = AUDIO | FILMS | IMAGES
# What an address of content answers beside all of it.
RANGES: Final = {206: "The range that was asked for.", 416: "There is no such range."}
# Whatever somebody makes a browser do with it, it is shown alone, without scripts and without our origin.
POLICY = "sandbox; default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
# One range (RFC 9110, 14.1.2); a list of several costs more than it gives.
RANGE = re.compile(r"bytes=\s*([0-9]{0,15})-([0-9]{0,15})\s*", re.ASCII)


def is_audio(media_type: str) -> bool:
    """Whether a browser plays its sound."""
    return media_type in AUDIO | FILMS


def is_image(media_type: str) -> bool:
    """Whether a browser shows it."""
    return media_type in IMAGES


def answer_with(opened: Opened, wanted: Part) -> Response:
    """The file, or the range that a Range header names: 200, 206 or 416.

    The first piece is decrypted before there is an answer, so that what cannot be opened is a problem and no broken
    stream.
    """
    found = _range(wanted.range, opened.size)
    if found is None:
        return Response(status_code=416, headers={"content-range": f"bytes */{opened.size}", "accept-ranges": "bytes"})
    start, end = found
    pieces = opened.read(start, end)
    body = chain([next(pieces, b"")], pieces)
    partial = (start, end) != (0, opened.size)
    headers = _headers(opened, start, end)
    if partial:
        headers["content-range"] = f"bytes {start}-{end - 1}/{opened.size}"
    return StreamingResponse(body, 206 if partial else 200, headers)


def answer_attachment(runtime: Runtime, actor: Actor, record: UUID, file: UUID, wanted: Part) -> Response:
    """A file of a record one works on, or a range of it; of a clean copy it is noted if all of it is asked for.

    Players ask for all that follows the first byte, or for two bytes first and then for all.
    """
    reading = OpenFile(runtime.collaborators, actor, record, file)
    opened = runtime.read(reading)
    answer = answer_with(opened, wanted)
    if not wanted.head and _range(wanted.range, opened.size) == (0, opened.size):
        with runtime.transaction() as session:
            note_opened(session, reading)
    return answer


def answer_released(runtime: Runtime, actor: Actor, record: UUID, file: UUID, wanted: Part) -> Response:
    """A clean copy of a release, or the range that a Range header names, for whoever may read the release."""
    reading = OpenReleased(ReadRelease(runtime.collaborators, actor, record), file)
    return answer_with(runtime.read(reading), wanted)


def _headers(opened: Opened, start: int, end: int) -> dict[str, str]:
    kind = opened.meta.type
    shown = kind in INLINE
    ending = mimetypes.guess_extension(kind) or ""
    place = "inline" if shown else "attachment"
    return {
        "content-type": kind if shown else UNKNOWN,
        "content-length": str(end - start),
        "content-disposition": f'{place}; filename="{opened.id.hex[:8]}{ending}"',
        "content-security-policy": POLICY,
        "accept-ranges": "bytes",
    }


def _range(text: str | None, size: int) -> tuple[int, int] | None:
    """From and to before; the whole for no range or another unit than bytes; None for one that cannot be given."""
    if text is None or not text.strip().lower().startswith("bytes"):
        return 0, size
    found = RANGE.fullmatch(text.strip().lower())
    if found is None or found[0] == "bytes=-":
        return None
    first, last = found[1], found[2]
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1 if last else size)
    return (start, end) if start < end else None
