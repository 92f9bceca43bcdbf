"""Sound in simple containers (WAV, FLAC, Ogg): format and samples alone, in a container of our own making."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator

from mutagen import MutagenError
from mutagen.ogg import OggPage

from app.cleaning.base import BROKEN, RECORDING, VIDEO, Cleaned, Refused
from app.cleaning.frames import without_id3

__all__ = ["flac", "ogg", "wav"]

# Registered format tags: PCM, floating point, A-law, µ-law; and the one whose format stands in an extension.
PLAIN_FORMATS, EXTENSIBLE = frozenset({1, 3, 6, 7}), 0xFFFE
PLAIN_BYTES, EXTENSIBLE_BYTES = 16, 40
# RFC 9639: the block that says how the samples are coded, and what a frame begins with.
STREAM_INFO_BYTES, LAST_BLOCK = 34, 0x80
FRAME_SYNC = (b"\xff\xf8", b"\xff\xf9")
ID3V1_BYTES, APE_FOOTER_BYTES = 128, 32
OPUS_HEAD_BYTES, VORBIS_HEAD_BYTES = 19, 30
EMPTY_COMMENTS = struct.pack("<II", 0, 0)  # no vendor, no comment
SERIAL = 1


def wav(content: bytes) -> Cleaned:
    """Format and samples of a WAV file; Refused where they are missing or compressed."""
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise Refused(BROKEN)
    form, data, at = b"", memoryview(b""), 12
    while at + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, at)
        body = memoryview(content)[at + 8 : at + 8 + size]
        if name == b"fmt " and not form:
            form = _form(bytes(body))
        elif name == b"data" and not data:
            data = body
        at += 8 + size + size % 2
    if not form or not data:
        raise Refused(BROKEN)
    padding = b"\0" * (len(data) % 2)
    header = b"WAVE" + struct.pack("<4sI", b"fmt ", len(form)) + form + struct.pack("<4sI", b"data", len(data))
    whole = struct.pack("<4sI", b"RIFF", len(header) + len(data) + len(padding))
    return Cleaned("audio/wav", "wav", RECORDING, [whole + header, data, padding])


def _form(body: bytes) -> bytes:
    tag = int.from_bytes(body[:2], "little")
    if tag in PLAIN_FORMATS and len(body) >= PLAIN_BYTES:
        return body[:PLAIN_BYTES]
    if tag == EXTENSIBLE and len(body) >= EXTENSIBLE_BYTES:
        return body[:EXTENSIBLE_BYTES]
    raise Refused(BROKEN)


def flac(content: bytes) -> Cleaned:
    """Stream info and frames of a FLAC file."""
    at = without_id3(content)
    if content[at : at + 4] != b"fLaC":
        raise Refused(BROKEN)
    at, info, last = at + 4, b"", False
    while not last:
        head = content[at : at + 4]
        if len(head) < 4:  # noqa: PLR2004  a block's header
            raise Refused(BROKEN)
        last, size = bool(head[0] & LAST_BLOCK), int.from_bytes(head[1:], "big")
        if not info:
            info = content[at + 4 : at + 4 + size] if head[0] & 127 == 0 else b""
            if len(info) != STREAM_INFO_BYTES:
                raise Refused(BROKEN)
        at += 4 + size
    if content[at : at + 2] not in FRAME_SYNC:
        raise Refused(BROKEN)
    frames = memoryview(content)[at : _end_of_frames(content)]
    return Cleaned("audio/flac", "flac", RECORDING, [b"fLaC\x80\0\0\x22" + info, frames])


def _end_of_frames(content: bytes) -> int:
    """Where the tags begin that some programs hang behind the last frame; Refused for those that do not end."""
    end = len(content)
    if content[end - ID3V1_BYTES : end - ID3V1_BYTES + 3] == b"TAG":
        end -= ID3V1_BYTES
    footer = content[end - APE_FOOTER_BYTES : end]
    if footer.startswith(b"APETAGEX"):
        size, _, flags = struct.unpack_from("<III", footer, 12)
        end -= size + (APE_FOOTER_BYTES if flags >> 31 else 0)
    if end < 0 or b"APETAGEX" in content[max(0, end - 4096) : end]:
        raise Refused(BROKEN)
    return end


def ogg(content: bytes) -> Cleaned:
    """The one Opus or Vorbis stream of an Ogg file, with empty comments; Refused for several, or other ones."""
    try:
        pages = _pages(content)
        headers, packets = list[OggPage](), list[bytes]()
        wanted = 3 if content[28:35] == b"\x01vorbis" else 2
        while len(packets) < wanted or not headers[-1].complete:
            headers.append(next(pages))
            packets = OggPage.to_packets(headers)
        first, *others = _headers(packets)
        made = [*OggPage.from_packets([first]), *OggPage.from_packets(others, sequence=1)]
        return Cleaned("audio/ogg", "ogg", RECORDING, list(_written(made, pages)))
    except (MutagenError, EOFError, StopIteration, ValueError, struct.error):
        raise Refused(BROKEN) from None


def _pages(content: bytes) -> Iterator[OggPage]:
    """The pages of the one stream in their order; what stands between pages is passed over."""
    file, serial, ended = io.BytesIO(content), None, False
    at = content.find(b"OggS")
    while at >= 0 and not ended:
        file.seek(at)
        page = OggPage(file)
        serial = page.serial if serial is None else serial
        if page.serial != serial:
            raise Refused(VIDEO)
        ended = page.last
        yield page
        at = content.find(b"OggS", file.tell())


def _headers(packets: list[bytes]) -> list[bytes]:
    head, comments, *setup = packets
    if head[:8] == b"OpusHead" and comments[:8] == b"OpusTags" and not setup:
        if len(head) != OPUS_HEAD_BYTES or head[18] != 0:
            raise Refused(BROKEN)
        return [head, b"OpusTags" + EMPTY_COMMENTS]
    vorbis = head[:7] == b"\x01vorbis" and comments[:7] == b"\x03vorbis" and setup[0][:7] == b"\x05vorbis"
    if not vorbis or len(setup) != 1 or len(head) != VORBIS_HEAD_BYTES:
        raise Refused(BROKEN)
    return [head, b"\x03vorbis" + EMPTY_COMMENTS + b"\x01", *setup]


def _written(headers: list[OggPage], sound: Iterator[OggPage]) -> Iterator[bytes]:
    headers[0].first = True
    for page in headers:
        page.position = 0
    for number, page in enumerate((*headers, *sound)):
        page.serial, page.sequence = SERIAL, number
        yield page.write()
