"""Sound that is a row of frames (MP3, AAC in ADTS, AMR): the frames alone, so every tag and picture stays behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from app.cleaning.base import BROKEN, RECORDING, Cleaned, Refused

__all__ = ["AMR_NARROW", "AMR_WIDE", "adts", "amr", "amr_frames", "mp3", "without_id3"]

# ISO/IEC 11172-3 and 13818-3, layer III: kbit/s by index, for MPEG-1 and for MPEG-2 and 2.5.
RATES_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
RATES_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
HERTZ = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
MPEG_1, LAYER_3, FREE = 3, 1, 0
# Where an encoder's own notes stand in a first frame without sound.
NOTES = (b"Xing", b"Info", b"VBRI")
NOTES_END = 64
ID3_HEADER = 10
ID3_FOOTER = 0x10
ADTS_HEADER = 7
AMR_NARROW, AMR_WIDE = b"#!AMR\n", b"#!AMR-WB\n"
# RFC 4867, section 5.3: bytes after the first one, by frame type.
AMR_SIZES = {
    AMR_NARROW: {0: 12, 1: 13, 2: 15, 3: 17, 4: 19, 5: 20, 6: 26, 7: 31, 8: 5, 15: 0},
    AMR_WIDE: {0: 17, 1: 23, 2: 32, 3: 36, 4: 40, 5: 46, 6: 50, 7: 58, 8: 60, 9: 5, 14: 0, 15: 0},
}
FEWEST = 2

Size = Callable[[bytes, int], int]


def mp3(content: bytes) -> Cleaned:
    """The sounding frames of an MP3; Refused if there are none."""
    frames = list(_frames(content, _mp3_size, b"\xff"))
    if frames and any(note in bytes(frames[0][:NOTES_END]) for note in NOTES):
        del frames[0]
    return _cleaned("audio/mpeg", "mp3", frames)


def adts(content: bytes) -> Cleaned:
    """The frames of an AAC stream; Refused if there are none."""
    return _cleaned("audio/aac", "aac", list(_frames(content, _adts_size, b"\xff")))


def amr(content: bytes) -> Cleaned:
    """The frames of an AMR file, narrow or wide; Refused at the first thing that is none."""
    magic = AMR_WIDE if content.startswith(AMR_WIDE) else AMR_NARROW
    if not content.startswith(magic):
        raise Refused(BROKEN)
    return Cleaned("audio/amr", "amr", RECORDING, [magic, *amr_frames(magic, content[len(magic) :])])


def amr_frames(magic: bytes, content: bytes) -> list[memoryview]:
    """Every frame; an unfinished last one stays behind."""
    view, sizes, at, found = memoryview(content), AMR_SIZES[magic], 0, list[memoryview]()
    while at < len(view):
        size = sizes.get(view[at] >> 3 & 15)
        if size is None:
            raise Refused(BROKEN)
        if at + 1 + size <= len(view):
            found.append(view[at : at + 1 + size])
        at += 1 + size
    if not found:
        raise Refused(BROKEN)
    return found


def without_id3(content: bytes) -> int:
    """Where the content begins behind any ID3v2 tags."""
    at = 0
    while content[at : at + 3] == b"ID3":
        sizes = content[at + 6 : at + ID3_HEADER]
        footer = ID3_HEADER if content[at + 5 : at + 6] and content[at + 5] & ID3_FOOTER else 0
        at += ID3_HEADER + sum((byte & 127) << 7 * (3 - place) for place, byte in enumerate(sizes)) + footer
    return at


def _cleaned(media_type: str, ending: str, frames: list[memoryview]) -> Cleaned:
    if len(frames) < FEWEST:
        raise Refused(BROKEN)
    return Cleaned(media_type, ending, RECORDING, frames)


def _frames(content: bytes, size_of: Size, mark: bytes) -> Iterator[memoryview]:
    """Frames of one kind; whatever stands between them, before and after is passed over."""
    view, at, kind = memoryview(content), without_id3(content), b""
    while 0 <= at < len(content):
        size = size_of(content, at)
        end, same = at + size, not kind or _kind(content, at) == kind
        if size and same and end <= len(content) and (end == len(content) or kind or size_of(content, end)):
            kind = kind or _kind(content, at)
            yield view[at:end]
            at = end
        else:
            at = content.find(mark, at + 1)


def _kind(content: bytes, at: int) -> bytes:
    """What stays the same from frame to frame: version, layer and sampling rate."""
    return bytes((content[at], content[at + 1] & 0xFE, content[at + 2] & 0x0C))


def _mp3_size(content: bytes, at: int) -> int:
    """The bytes of the frame here, 0 if there is none."""
    head = content[at : at + 4]
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:  # noqa: PLR2004  bits of the header
        return 0
    version, layer, rate, hertz = head[1] >> 3 & 3, head[1] >> 1 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version not in HERTZ or layer != LAYER_3 or rate in {FREE, 15} or hertz == 3:  # noqa: PLR2004  no rates
        return 0
    factor, rates = (144, RATES_1) if version == MPEG_1 else (72, RATES_2)
    return factor * 1000 * rates[rate] // HERTZ[version][hertz] + (head[2] >> 1 & 1)


def _adts_size(content: bytes, at: int) -> int:
    head = content[at : at + ADTS_HEADER]
    if len(head) < ADTS_HEADER or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:  # noqa: PLR2004  bits of the header
        return 0
    size = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    return size if size > ADTS_HEADER else 0
