"""What a page's form sends, read strictly and in memory only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

from app.errors import Malformed, WrongMediaType
from app.web.openrosa.multipart import Part, read_parts

__all__ = ["Form"]

MEDIA_TYPE, WITH_FILES = "application/x-www-form-urlencoded", "multipart/form-data"
# A redactor's decisions on a long interview are one field; nothing has thousands.
MOST_FIELDS = 2000


class Form:
    """The fields of a form, in order. Reading one that is not there gives an empty text, as a browser would send."""

    def __init__(self, fields: Sequence[tuple[str, str]] = (), files: Mapping[str, bytes] | None = None) -> None:
        self.fields = tuple(fields)
        self.files = files or {}

    @classmethod
    def read(cls, headers: Mapping[str, str], raw: bytes) -> Form:
        """Parse a body.

        Raises:
            WrongMediaType: it is no such form.
            Malformed: it is not UTF-8, holds NUL, or has too many fields.
        """
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == WITH_FILES:
            return cls(*_parts(headers["content-type"], raw))
        if kind != MEDIA_TYPE:
            raise WrongMediaType
        try:
            fields = parse_qsl(
                raw.decode("ascii"),
                keep_blank_values=True,
                encoding="utf-8",
                errors="strict",
                max_num_fields=MOST_FIELDS,
            )
        except ValueError:
            raise Malformed from None
        if any("\0" in part for pair in fields for part in pair):
            raise Malformed
        return cls(fields)

    def __repr__(self) -> str:
        """Only how much there is: forms hold passwords and testimony."""
        return f"Form({len(self.fields)} fields)"

    def text(self, name: str) -> str:
        """The last value of a field with plain line ends; empty if it is absent."""
        return self.all(name)[-1] if name in self else ""

    def line(self, name: str) -> str:
        """The last value of a field on one line, without blanks at its ends."""
        return " ".join(self.text(name).split())

    def all(self, name: str) -> list[str]:
        """Every value of a field, in order: ticked boxes share a name."""
        return [value.replace("\r\n", "\n") for key, value in self.fields if key == name]

    def __contains__(self, name: str) -> bool:
        """Whether the field was sent: a ticked box is."""
        return any(key == name for key, _ in self.fields)

    def without(self, *names: str) -> list[tuple[str, str]]:
        """The fields under other names: what a page repeats when it asks for more."""
        return [(key, value) for key, value in self.fields if key not in names]


class _Held:
    """Holds one part; its name, and whether it is a file."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.pieces: list[bytes] = []

    def write(self, piece: bytes) -> None:
        """Take some bytes."""
        self.pieces.append(piece)

    def finish(self) -> None:
        """The part is whole."""

    def abandon(self) -> None:
        """It never will be; the whole form is refused."""


def _parts(content_type: str, raw: bytes) -> tuple[list[tuple[str, str]], dict[str, bytes]]:
    held: list[_Held] = []

    def take(part: Part) -> _Held:
        held.append(_Held(part))
        return held[-1]

    read_parts([raw], content_type, take)
    contents = [(each.part, b"".join(each.pieces)) for each in held]
    try:
        fields = [(part.name, content.decode()) for part, content in contents if part.filename is None]
    except UnicodeDecodeError:
        raise Malformed from None
    if any("\0" in text for pair in fields for text in pair):
        raise Malformed
    return fields, {part.name: content for part, content in contents if part.filename is not None}
