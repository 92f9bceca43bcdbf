"""The word lists and cues of each language, read once from the package's data.

All words are stored and compared in the folded form of ``normalise.fold``.
"""

from __future__ import annotations

import gzip
import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Final

from app.deidentify.normalise import fold
from app.deidentify.phrases import Phrases
from app.deidentify.spans import Kind

LANGUAGES: Final = ("ar", "de", "en", "fr", "nl", "ru", "tr")
_FUNCTION_WORDS: Final = 150  # the head of a frequency list: enough to tell languages apart
_STEM: Final = 3  # letters that must be left when affixes are taken off
_COMMON: Final = 2500  # words so frequent that they are words even where they are names too
_DATA = resources.files("app.deidentify") / "data"
_WORD = re.compile(r"[^\W\d_]+")


def read_lines(name: str) -> list[str]:
    """The lines of a compressed list in the package's data."""
    return gzip.decompress((_DATA / f"{name}.txt.gz").read_bytes()).decode().splitlines()


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What is known of one language."""

    language: str
    ordinary: frozenset[str]
    function_words: frozenset[str]
    common: frozenset[str]
    marked: dict[str, Kind]
    numbers: dict[str, int]
    phrases: dict[str, Phrases]
    words: dict[str, frozenset[str]]
    affixes: tuple[tuple[str, ...], tuple[str, ...]]

    def is_ordinary(self, word: str) -> bool:
        """Whether the folded ``word`` is common speech, with Arabic clitics taken off."""
        return word in self.ordinary or any(stem in self.ordinary for stem in self.stems(word) if len(stem) > _STEM)

    def stems(self, word: str) -> list[str]:
        """``word`` without each prefix that may be written on to it (Arabic), longest stem first."""
        if not word.startswith(self.affixes[0]):
            return []
        return [word[len(p) :] for p in self.affixes[0] if word.startswith(p) and len(word) - len(p) > 1]

    def forms(self, word: str) -> list[str]:
        """``word`` and what is left when prefixes and case endings are taken off, at least three letters each."""
        return list(forms(self.language, word))


@lru_cache(maxsize=65536)
def forms(language: str, word: str) -> tuple[str, ...]:
    """``Lexicon.forms`` of a language."""
    known = lexicon(language)
    heads = [word, *known.stems(word)]
    ending = (h for h in heads if h.endswith(known.affixes[1]))
    tails = [h[: -len(s)] for h in ending for s in known.affixes[1] if h.endswith(s) and len(h) - len(s) >= _STEM]
    return tuple(dict.fromkeys([*heads, *tails]))


_PHRASES: Final = [
    "feasts",
    "age_after",
    "age_before",
    "children_before",
    "heads_before",
    "called",
    "called_weak",
    "place_head",
    "org_head",
    "code_cues",
    "occupation_cue",
    "birth",
    "death",
]
_SINGLE: Final = ("months", "currencies", "org_head")


def _split(value: str, *, phrases: bool) -> list[str]:
    parts = value.split("|") if phrases or "|" in value else value.split()
    return [p for p in (fold(part) for part in parts) if p]


@lru_cache(maxsize=len(LANGUAGES))
def lexicon(language: str) -> Lexicon:
    """The lexicon of a language in LANGUAGES; KeyError for any other."""
    if language not in LANGUAGES:
        raise KeyError(language)
    cues: dict[str, str] = tomllib.loads((_DATA / "cues" / f"{language}.toml").read_text(encoding="utf-8"))
    ordinary = read_lines(f"words/{language}")
    marked = (line.split("\t") for line in read_lines(f"marked/{language}"))
    numbers = {fold(k): int(v) for k, _, v in (pair.rpartition(":") for pair in cues["numbers"].split())}
    if "number_stems" in cues:
        stems = [pair.split(":") for pair in cues["number_stems"].split()]
        numbers |= {fold(s + end): int(v) for s, v in stems for end in cues["number_ends"].split()}
    words = {k: frozenset(_split(v, phrases=False)) for k, v in cues.items() if not k.startswith("number")}
    return Lexicon(
        language,
        frozenset(ordinary),
        frozenset(ordinary[:_FUNCTION_WORDS]),
        frozenset(ordinary[:_COMMON]),
        {word: Kind(kind) for word, kind in marked},
        numbers,
        {k: Phrases(_split(cues.get(k, ""), phrases="|" in cues.get(k, "") or k not in _SINGLE)) for k in _PHRASES},
        words,
        (
            tuple(sorted(words.get("prefixes", ()), key=len)),
            tuple(sorted(words.get("suffixes", ()), key=len, reverse=True)),
        ),
    )


@lru_cache(maxsize=1)
def stays() -> Phrases:
    """Everything that stays by name: countries, languages, groups, public figures, words of religion, peoples."""
    lists: dict[str, str] = tomllib.loads((_DATA / "stays.toml").read_text(encoding="utf-8"))
    hand = [phrase for value in lists.values() for phrase in _split(value, phrases=True)]
    return Phrases([*hand, *(c for c in read_lines("countries") if len(c) > 2)])  # noqa: PLR2004 - codes are no names


@lru_cache(maxsize=1)
def places() -> Phrases:
    """Towns of GeoNames in their Latin, Cyrillic and Arabic spellings."""
    return Phrases(line.partition("\t")[0] for line in read_lines("places"))


@lru_cache(maxsize=1)
def regions() -> dict[str, str]:
    """Where a town lies, as a label may say it: ``northern Syria``; only towns whose name leaves no doubt."""
    pairs = (line.partition("\t") for line in read_lines("places"))
    return {name: told for name, _, told in pairs if told}


@lru_cache(maxsize=1)
def names() -> frozenset[str]:
    """Given and family names of many countries."""
    return frozenset(read_lines("names"))


def words_of(text: str) -> list[str]:
    """The folded words of a stored name."""
    return _WORD.findall(fold(text))
