"""De-identify files from the command line: clean texts, spans, and how well marked testimonies are covered."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.deidentify.engine import Engine, forget
from app.deidentify.evaluation import Evaluation
from app.deidentify.labels import Labeller
from app.deidentify.marked import primary, read_marked, split_header
from app.deidentify.modes import Mode
from app.deidentify.spans import Span
from app.errors import Malformed

__all__ = ["Cleaned", "Cleaning", "decode", "find", "key_of", "read", "write_spans"]

ENDING = ".txt"


@dataclass(frozen=True, slots=True)
class Cleaned:
    """One text with labels in place of names, and the spans that they replaced."""

    text: str = field(repr=False)
    spans: tuple[Span, ...] = field(repr=False)

    def rows(self) -> list[list[Any]]:
        """The spans as [start, end, type, score], in code points of the text below the header."""
        return [[span.start, span.end, span.kind.value, round(span.score, 4)] for span in self.spans]


@dataclass(frozen=True, slots=True)
class Cleaning:
    """How to clean: the engine, its operating point, and the language of texts whose header names none."""

    engine: Engine
    mode: Mode = Mode.STRICT
    language: str | None = None

    def clean(self, content: str) -> Cleaned:
        """Clean the text of a file, below its header if it has one."""
        header, text = split_header(content)
        try:
            spans = self._spans(text, header.get("language"))
            return Cleaned(Labeller().replace(text, spans), tuple(spans))
        finally:
            forget()

    def evaluate(self, content: str, evaluation: Evaluation) -> None:
        """Count how well the marks of a testimony are covered."""
        marked = read_marked(content)
        spans = self._spans(marked.text, marked.header.get("language"))
        evaluation.add(marked, ((span.start, span.end) for span in spans))

    def _spans(self, text: str, language: str | None) -> list[Span]:
        return self.engine.analyse(text, language=primary(self.language or language), mode=self.mode)


def find(path: Path) -> list[Path]:
    """The file, or the text files of the folder by name.

    Raises:
        Malformed: the folder holds none.
    """
    if not path.is_dir():
        return [path]
    files = sorted(path.glob("*" + ENDING))
    if not files:
        raise Malformed(f"The folder holds no file that ends in {ENDING}.")
    return files


def read(path: Path) -> str:
    """A file's content, with every end of line as one character.

    Raises:
        Malformed: it is not UTF-8.
        OSError: it cannot be read.
    """
    return decode(path.read_bytes())


def decode(content: bytes) -> str:
    """A text's characters; the universal ends of line that Python reads, so that offsets are those of its readers.

    Raises:
        Malformed: it is not UTF-8.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("A text is not UTF-8.") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def key_of(path: Path) -> str:
    """A file's name without the ending."""
    return path.name.removesuffix(ENDING)


def write_spans(path: Path, found: dict[str, Cleaned]) -> None:
    """Write the spans of all files in one JSON object, whole or not at all."""
    beside = path.with_name(path.name + ".part")
    rows = {name: cleaned.rows() for name, cleaned in found.items()}
    beside.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    beside.replace(path)
