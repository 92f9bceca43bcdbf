"""Testimonies as files: an optional header, the text, and in marked ones ``{{TYPE:D|surface}}`` around what must go."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from app.deidentify.spans import Level, Span

_MARK: Final = re.compile(r"\{\{([A-Z]+):([DQ])\|(.*?)\}\}", re.DOTALL)
_LINE: Final = re.compile(r"(id|language|style):(.*)")
_NEEDED: Final = frozenset({"id", "language"})
_LEVELS: Final = {Level.DIRECT: "D", Level.QUASI: "Q"}
_BYTE_ORDER_MARK: Final = "\ufeff"


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """``text[start:end]`` names a ``kind`` of thing; direct ones may kill, the others add up."""

    start: int
    end: int
    kind: str
    direct: bool


@dataclass(frozen=True, slots=True)
class Marked:
    """A marked testimony: its header, its text without the marks, and the marks in code points of that text."""

    header: dict[str, str]
    text: str = field(repr=False)
    marks: tuple[Mark, ...]

    @property
    def language(self) -> str | None:
        """The header's language without region or script."""
        return primary(self.header.get("language"))


def split_header(content: str) -> tuple[dict[str, str], str]:
    """The header's values by key, and the text below it.

    A header is recognised only if every line before the first empty line has a key out of id, language and style, and
    id and language occur: ``Interviewer: ...`` is text.
    """
    head, empty, text = content.partition("\n\n")
    lines = [_LINE.fullmatch(line) for line in head.removeprefix(_BYTE_ORDER_MARK).split("\n")]
    header = {line[1]: line[2].strip() for line in lines if line}
    if not empty or not all(lines) or not header.keys() >= _NEEDED:
        return {}, content
    return header, text


def read_marked(content: str) -> Marked:
    """Take the marks out of a marked testimony."""
    header, body = split_header(content)
    parts: list[str] = []
    marks: list[Mark] = []
    at = length = 0
    for found in _MARK.finditer(body):
        kind, level, surface = found.groups()
        parts += [body[at : found.start()], surface]
        length += found.start() - at
        marks.append(Mark(length, length + len(surface), kind, level == "D"))
        length += len(surface)
        at = found.end()
    return Marked(header, "".join([*parts, body[at:]]), tuple(marks))


def mark(text: str, spans: Iterable[Span]) -> str:
    """``text`` with its sorted, disjoint spans marked, none of them across a line.

    Raises ValueError where the text holds what a mark is made of; the message holds no text.
    """
    if "{{" in text or "}}" in text:
        raise ValueError("a text that holds braces cannot be marked")
    out: list[str] = []
    at = 0
    for span in spans:
        head = f"{span.kind}:{_LEVELS[span.level]}|"
        lines = text[span.start : span.end].split("\n")
        marked = "\n".join("{{" + head + line + "}}" if line.strip() else line for line in lines)
        out += [text[at : span.start], marked]
        at = span.end
    return "".join([*out, text[at:]])


def primary(language: str | None) -> str | None:
    """``ar`` of ``ar-SY``; None of nothing."""
    return (language or "").strip().lower().split("-")[0] or None
