"""Reads marked texts: the project's own format, the Text Anonymization Benchmark and EHRI-NER."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.deidentify.lexicon import stays
from app.deidentify.normalise import fold
from app.deidentify.spans import Kind

_MARK = re.compile(r"\{\{([A-Z]+):([DQ])\|(.*?)\}\}", re.DOTALL)
_YEAR = re.compile(r"(?:in |since )?(?:19|20)\d\d")
_WORD = re.compile(r"[^\W\d_]+")
_EHRI: Final = {"PER": Kind.PERSON, "LOC": Kind.LOC, "ORG": Kind.ORG, "DATE": Kind.DATETIME, "CAMP": Kind.LOC,
                "GHETTO": Kind.LOC}  # fmt: skip
_EHRI_WORDS: Final = 400  # words of one text cut from EHRI


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of text: unmarked, marked, or ``unsure``, where nothing shall be learnt."""

    text: str
    kind: Kind | None = None
    direct: bool = False
    unsure: bool = False


@dataclass(frozen=True, slots=True)
class Marked:
    """A marked text: its parts joined are the text."""

    name: str
    language: str
    style: str
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """The text without marks."""
        return "".join(p.text for p in self.parts)

    @property
    def writer(self) -> str:
        """Who wrote it, as far as the name tells."""
        return self.name.split("-")[0]


def read(path: Path) -> Marked:
    """A file in the project's format."""
    head, _, body = path.read_text(encoding="utf-8").partition("\n\n")
    header = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
    parts: list[Part] = []
    at = 0
    for m in _MARK.finditer(body):
        parts += [Part(body[at : m.start()]), Part(m[3], Kind(m[1]), m[2] == "D")]
        at = m.end()
    parts.append(Part(body[at:]))
    return Marked(path.stem, header["language"].split("-")[0], header["style"], tuple(p for p in parts if p.text))


def folder(path: Path) -> list[Marked]:
    """All marked texts of a folder, by name."""
    return [read(f) for f in sorted(path.glob("*.txt"))]


def stays_by_name(surface: str) -> bool:
    """Whether every word of ``surface`` belongs to a name that the guidelines let stay, or it is a lone year."""
    words = _WORD.findall(fold(surface))
    return bool(_YEAR.fullmatch(surface)) or (bool(words) and stays().ahead(words, 0) == len(words))


def benchmark(path: Path) -> list[Marked]:
    """The court cases of the Text Anonymization Benchmark, each by its first annotator.

    What it masks and the guidelines keep (countries, lone years) is left unsure.
    """
    cases = json.loads(path.read_text(encoding="utf-8"))
    return [Marked(f"tab-{c['id']}", "en", "written", tuple(_case(c))) for c in cases if c["annotators"]]


def _case(case: dict[str, object]) -> Iterator[Part]:
    text, annotators = case["text"], case["annotators"]
    if not isinstance(text, str) or not isinstance(annotators, list):
        raise TypeError("not a case of the benchmark")
    at = 0
    for start, end, kind, level, _entity in sorted(next(a for a in annotators if a)):
        if start < at or end <= start:
            continue
        yield Part(text[at:start])
        surface = text[start:end]
        if stays_by_name(surface):
            yield Part(surface, unsure=True)
        else:
            yield Part(surface, Kind(kind), level == "D")
        at = end
    yield Part(text[at:])


def ehri(path: Path, language: str) -> list[Marked]:
    """EHRI-NER in texts of some hundred words: names as marks, numbers and lone years unsure, since it marks none."""
    texts: list[Marked] = []
    parts: list[Part] = []
    for tokens in _sentences(path):
        parts.extend(_names(tokens))
        if len(parts) > _EHRI_WORDS:
            texts.append(Marked(f"ehri-{path.stem}-{len(texts)}", language, "written", tuple(parts)))
            parts = []
    return texts


def _sentences(path: Path) -> Iterator[list[tuple[str, str]]]:
    tokens: list[tuple[str, str]] = []
    for line in [*path.read_text(encoding="utf-8").splitlines(), ""]:
        word, _, tag = line.rpartition(" ")
        if word:
            tokens.append((word, tag))
        elif tokens:
            yield tokens
            tokens = []


def _names(tokens: Iterable[tuple[str, str]]) -> Iterator[Part]:
    held: list[str] = []
    name = ""
    for word, tag in [*tokens, ("\n", "O")]:
        if held and not tag.startswith("I-"):
            yield _named(" ".join(held), name)
            held = []
        if tag == "O":
            yield Part(word + ("" if word == "\n" else " "), unsure=any(c.isdigit() for c in word))
        else:
            held.append(word)
            name = tag[2:]


def _named(surface: str, name: str) -> Part:
    kind = _EHRI.get(name)
    if kind is None or stays_by_name(surface) or kind in (Kind.DATETIME, Kind.ORG):
        return Part(surface + " ", unsure=True)
    return Part(surface + " ", kind, kind is Kind.PERSON)
