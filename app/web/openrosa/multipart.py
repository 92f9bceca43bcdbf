"""multipart/form-data (RFC 7578) in pieces: nothing of a part is kept here, neither in memory nor in a file.

What comes is as hostile as its sender: every length and count is bounded, and a name that could be a path, or that
shows itself as another one, is refused.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from app.errors import Malformed, WrongMediaType

__all__ = ["MOST_PARTS", "Part", "Sink", "checked_name", "read_parts"]

MOST_PARTS: Final = 1000
MOST_HEADERS, HEADER_BYTES = 8, 4096
NAME_BYTES: Final = 255
# RFC 2046, section 5.1.1: at most 70 characters, not ending in a blank.
BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
# What a body in a binary connection may say of itself; nothing else is undone here.
AS_IT_IS = frozenset({"", "binary", "8bit", "7bit"})
# Letters that turn the direction of what follows.
TURNING = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True, slots=True)
class Part:
    """What a part says of itself: the name of its field, and of its file if it is one."""

    name: str = field(repr=False)
    filename: str | None = field(repr=False)


class Sink(Protocol):
    """Takes one part's bytes as they come."""

    def write(self, piece: bytes) -> None:
        """Take some bytes."""

    def finish(self) -> None:
        """The part is whole."""

    def abandon(self) -> None:
        """It never will be."""


def read_parts(pieces: Iterable[bytes], content_type: str, take: Callable[[Part], Sink]) -> None:
    """Hand every part to the sink that ``take`` gives for it, one after the other.

    Raises:
        WrongMediaType: it is not multipart/form-data.
        Malformed: it is cut, or breaks the format or a limit; the part that was under way is abandoned.
    """
    reader = _Reader(take)
    parser = MultipartParser(
        _boundary(content_type),
        {
            "on_part_begin": reader.part_begin,
            "on_header_field": reader.header_field,
            "on_header_value": reader.header_value,
            "on_header_end": reader.header_end,
            "on_headers_finished": reader.headers_finished,
            "on_part_data": reader.part_data,
            "on_part_end": reader.part_end,
            "on_end": reader.end,
        },
        max_header_count=MOST_HEADERS,
        max_header_size=HEADER_BYTES,
    )
    try:
        for piece in pieces:
            parser.write(piece)
            if reader.ended:
                return
    except FormParserError:
        raise Malformed from None
    finally:
        reader.close()
    raise Malformed


def checked_name(name: str) -> str:
    """The name of a file, if it is one that means the same everywhere.

    Raises:
        Malformed: it is empty, long, a path, or holds what cannot be seen.
    """
    plain = 0 < len(name.encode("utf-8", "replace")) <= NAME_BYTES and name not in {".", ".."}
    if not plain or any(letter in "/\\" or _unseen(letter) for letter in name):
        raise Malformed
    return name


def _unseen(letter: str) -> bool:
    return letter in TURNING or unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"}


def _boundary(content_type: str) -> bytes:
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"").decode("latin-1")
    if kind != b"multipart/form-data":
        raise WrongMediaType("Send multipart/form-data.")
    if BOUNDARY.fullmatch(boundary) is None:
        raise Malformed
    return boundary.encode("ascii")


class _Reader:
    """What the parser calls."""

    def __init__(self, take: Callable[[Part], Sink]) -> None:
        self._take = take
        self._count = 0
        self._headers: dict[str, bytes] = {}
        self._field, self._value = bytearray(), bytearray()
        self._sink: Sink | None = None
        self.ended = False

    def part_begin(self) -> None:
        self._count += 1
        if self._count > MOST_PARTS:
            raise Malformed
        self._headers = {}

    def header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        name = self._field.decode("latin-1").lower()
        if name in self._headers:
            raise Malformed
        self._headers[name] = bytes(self._value)
        self._field.clear()
        self._value.clear()

    def headers_finished(self) -> None:
        encoding = self._headers.get("content-transfer-encoding", b"").decode("latin-1").strip().lower()
        if encoding not in AS_IT_IS:
            raise Malformed
        self._sink = self._take(_part(self._headers.get("content-disposition", b"")))

    def part_data(self, data: bytes, start: int, end: int) -> None:
        if self._sink is not None:
            self._sink.write(data[start:end])

    def part_end(self) -> None:
        if self._sink is not None:
            self._sink.finish()
            self._sink = None

    def end(self) -> None:
        self.ended = True

    def close(self) -> None:
        """Abandon what is not whole."""
        if self._sink is not None:
            self._sink.abandon()
            self._sink = None


def _part(disposition: bytes) -> Part:
    kind, options = parse_options_header(disposition)
    if kind != b"form-data" or b"name" not in options:
        raise Malformed
    name, filename = _text(options[b"name"]), options.get(b"filename")
    return Part(name, checked_name(_text(filename)) if filename else None)


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed from None
