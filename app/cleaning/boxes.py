"""Sound in MP4 and 3GP (ISO/IEC 14496-12): the coded frames are taken out, the container stays behind.

What becomes of them is a plain stream: AAC in ADTS (ISO/IEC 13818-7), or AMR (RFC 4867). Names, places, times, covers
and chapters have no room in those.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from app.cleaning.base import BROKEN, RECORDING, UNKNOWN, VIDEO, Cleaned, Refused
from app.cleaning.frames import ADTS_HEADER, AMR_NARROW, AMR_WIDE, amr_frames

__all__ = ["clean"]

MOST_FRAMES = 4_000_000
DEEPEST_TREE = ("moov", "trak", "mdia", "minf", "stbl")
HERTZ = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)
EXPLICIT_HERTZ = 15
SPECTRAL_BAND = frozenset({5, 29})  # HE-AAC: what follows tells the core that ADTS names
ADTS_OBJECTS, ADTS_CHANNELS, ADTS_LONGEST = range(1, 5), range(1, 8), 1 << 13
SOUND_ENTRY_BYTES = 36
DESCRIPTORS = {3: 3, 4: 13, 5: 0}  # tag -> bytes before what it holds
LARGE = 1


@dataclass(frozen=True, slots=True)
class Box:
    """A box: its four letters and what it holds."""

    name: str
    body: memoryview


def clean(content: bytes) -> Cleaned:
    """The frames of the one track of sound; Refused for video, other codings and fragments."""
    try:
        return _clean(memoryview(content))
    except (struct.error, IndexError, KeyError, ValueError):
        raise Refused(BROKEN) from None


def _clean(content: memoryview) -> Cleaned:
    tracks = [trak for moov in _boxes(content, "moov") for trak in _boxes(moov.body, "trak")]
    handlers = [bytes(_one(trak.body, "mdia", "hdlr")[8:12]) for trak in tracks]
    if b"vide" in handlers:
        raise Refused(VIDEO)
    if handlers.count(b"soun") != 1:
        raise Refused(BROKEN)
    table = _one(tracks[handlers.index(b"soun")].body, "mdia", "minf", "stbl")
    entry = next(_boxes(_one(table, "stsd")[8:]))
    samples = _samples(content, table)
    if entry.name == "mp4a":
        specific = _specific(_after_entry(entry.body))
        return Cleaned("audio/aac", "aac", RECORDING, _adts(specific, samples))
    magic = {"samr": AMR_NARROW, "sawb": AMR_WIDE}.get(entry.name)
    if magic is None:
        raise Refused(UNKNOWN)
    return Cleaned("audio/amr", "amr", RECORDING, [magic, *amr_frames(magic, b"".join(samples))])


def _boxes(content: memoryview, wanted: str = "") -> Iterator[Box]:
    at = 0
    while at + 8 <= len(content):
        size, name = struct.unpack_from(">I4s", content, at)
        head = 8
        if size == LARGE:
            size, head = struct.unpack_from(">Q", content, at + 8)[0], 16
        size = size or len(content) - at
        if size < head or at + size > len(content):
            raise Refused(BROKEN)
        box = Box(name.decode("latin-1"), content[at + head : at + size])
        if wanted in {"", box.name}:
            yield box
        at += size


def _one(content: memoryview, *path: str) -> memoryview:
    for name in path:
        found = next(_boxes(content, name), None)
        if found is None:
            raise Refused(BROKEN)
        content = found.body
    return content


def _samples(content: memoryview, table: memoryview) -> list[memoryview]:
    """Every sample of a track in its order, by the tables of sizes, chunks and places."""
    sizes = iter(_sizes(_one(table, "stsz")))
    wide = next(_boxes(table, "co64"), None)
    places = _numbers(wide.body, "Q") if wide is not None else _numbers(_one(table, "stco"), "I")
    runs = struct.iter_unpack(">III", _one(table, "stsc")[8:])
    starts = [(first - 1, count) for first, count, _ in runs]
    found: list[memoryview] = []
    for (first, count), (next_first, _) in zip(starts, [*starts[1:], (len(places), 0)], strict=True):
        for place in places[first:next_first]:
            at = place
            for size in islice(sizes, count):
                if at + size > len(content) or len(found) >= MOST_FRAMES:
                    raise Refused(BROKEN)
                found.append(content[at : at + size])
                at += size
    if not found:
        raise Refused(BROKEN)
    return found


def _sizes(body: memoryview) -> list[int]:
    same, count = struct.unpack_from(">II", body, 4)
    if count > MOST_FRAMES:
        raise Refused(BROKEN)
    return [same] * count if same else [size for (size,) in struct.iter_unpack(">I", body[12 : 12 + 4 * count])]


def _numbers(body: memoryview, kind: str) -> list[int]:
    (count,) = struct.unpack_from(">I", body, 4)
    width = struct.calcsize(kind)
    return [number for (number,) in struct.iter_unpack(">" + kind, body[8 : 8 + width * count])]


def _after_entry(body: memoryview) -> memoryview:
    """The boxes behind the fixed part of a sound's description."""
    return _one(body[SOUND_ENTRY_BYTES - 8 :], "esds")[4:]


def _specific(descriptors: memoryview) -> memoryview:
    """The AudioSpecificConfig (ISO/IEC 14496-3) within the descriptors (14496-1)."""
    while True:
        tag, at, size = descriptors[0], 1, 0
        while descriptors[at] & 0x80:
            size, at = (size | descriptors[at] & 0x7F) << 7, at + 1
        size, at = size | descriptors[at], at + 1
        held = descriptors[at : at + size]
        if tag not in DESCRIPTORS:
            descriptors = descriptors[at + size :]
        elif tag == max(DESCRIPTORS):
            return held
        else:
            descriptors = held[DESCRIPTORS[tag] :]


def _adts(specific: memoryview, samples: list[memoryview]) -> list[bytes | memoryview]:
    kind, hertz, channels = _coding(int.from_bytes(specific[:16].tobytes().ljust(16, b"\0"), "big"))
    made: list[bytes | memoryview] = []
    for sample in samples:
        size = len(sample) + ADTS_HEADER
        if size >= ADTS_LONGEST:
            raise Refused(BROKEN)
        fixed = 0xFFF1 << 40 | (kind - 1) << 38 | hertz << 34 | channels << 30
        made += [(fixed | size << 13 | 0x7FF << 2).to_bytes(ADTS_HEADER, "big"), sample]
    return made


def _coding(bits: int) -> tuple[int, int, int]:
    """Kind of object, index of the sampling rate, channels: from the first bits of 128."""
    left = 128

    def take(count: int) -> int:
        nonlocal left
        left -= count
        return bits >> left & (1 << count) - 1

    def rate() -> int:
        index = take(4)
        return HERTZ.index(take(24)) if index == EXPLICIT_HERTZ else index

    kind, hertz, channels = take(5), rate(), take(4)
    if kind in SPECTRAL_BAND:
        rate()
        kind = take(5)
    if kind not in ADTS_OBJECTS or hertz >= len(HERTZ) or channels not in ADTS_CHANNELS:
        raise Refused(UNKNOWN)
    return kind, hertz, channels
