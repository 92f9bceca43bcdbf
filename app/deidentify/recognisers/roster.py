"""The names the record itself holds, wherever they stand in the text and however they are spelt there."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from rapidfuzz import fuzz, process

from app.deidentify.document import Document, Word
from app.deidentify.lexicon import LANGUAGES, lexicon, names, words_of
from app.deidentify.normalise import ascii_form, fold, skeleton
from app.deidentify.phrases import Phrases
from app.deidentify.spans import Kind, Level, Span

_PART = re.compile(r"[^\W\d_]+|\d+")
_ALIKE = 82.0  # rapidfuzz ratio of Latin forms from which two words are one name
_SOUNDS_ALIKE = 55.0  # the same for words with equal consonants
_SHORT = 3
_EMPTY = frozenset(
    [
        "al",
        "el",
        "the",
        "of",
        "and",
        "de",
        "la",
        "le",
        "di",
        "da",
        "von",
        "van",
        "der",
        "den",
        "bin",
        "ibn",
        "ben",
        "abd",
        "abu",
        "abou",
        "umm",
        "um",
        "ebu",
        "oum",
        "street",
        "road",
    ]
)


@dataclass(frozen=True, slots=True, repr=False)
class KnownNames:
    """What the record says about people, places and codes; each may hold several words."""

    persons: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()


@dataclass(slots=True, repr=False)
class Index:
    """Words of known names by Latin form and by consonants; the value is what a hit means."""

    forms: dict[str, tuple[Kind, Level]] = field(default_factory=dict)
    bones: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    scripts: dict[str, str] = field(default_factory=dict)
    common: set[str] = field(default_factory=set)
    small: set[str] = field(default_factory=set)
    wholes: dict[str, tuple[Kind, Level]] = field(default_factory=dict)
    phrases: Phrases = field(default_factory=lambda: Phrases(()))

    def add(self, word: str, meaning: tuple[Kind, Level], *, common: bool) -> None:
        """Remember ``word``; a common word is found only in its own spelling."""
        form = ascii_form(word)
        if not form or form in _EMPTY or (len(form) < _SHORT and form.isascii() and word.isascii()):
            return
        self.forms.setdefault(form, meaning)
        self.scripts.setdefault(form, script(word))
        if common:
            self.common.add(form)
        bones = skeleton(word)
        if len(bones) > 1 and (not common or word in names()) and form not in self.bones[bones]:
            self.bones[bones].append(form)

    def find(self, word: str) -> tuple[Kind, Level] | None:
        """What the folded ``word`` means if it is a known name in this or a similar spelling."""
        form = ascii_form(word)
        if form in self.forms:
            return self.forms[form]
        if len(form) < _SHORT:
            return None
        alike = (f for f in self.bones.get(skeleton(word), ()) if fuzz.ratio(form, f) >= _SOUNDS_ALIKE)
        best = next(alike, None)
        return self.forms[best] if best else None

    def near(self, word: str) -> tuple[Kind, Level] | None:
        """The same by edit distance, for words that are no common speech."""
        form = ascii_form(word)
        if len(form) <= _SHORT or not self.forms:
            return None
        hit = process.extractOne(form, self.bones_forms(), scorer=fuzz.ratio, score_cutoff=_ALIKE)
        return self.forms[hit[0]] if hit else None

    def bones_forms(self) -> list[str]:
        """The Latin forms that may be matched loosely."""
        return [f for f in self.forms if f not in self.common and len(f) > _SHORT]


def index(known: KnownNames) -> Index:
    """The searchable form of a record's names."""
    built = Index()
    for phrases, kind in ((known.persons, Kind.PERSON), (known.places, Kind.LOC), (known.codes, Kind.CODE)):
        for phrase in phrases:
            parts = words_of(phrase)
            solid = [p for p in parts if ascii_form(p) not in _EMPTY]
            built.wholes[" ".join(_PART.findall(fold(phrase)))] = (kind, _level(kind))
            if phrase[:1].islower() and len(parts) == 1:
                built.small.update(map(ascii_form, parts))
            for part in parts:
                common = _common(part)
                if not (common and (kind is not Kind.PERSON or len(parts) > 1) and _everyday(part)):
                    built.add(part, (kind, _level(kind)), common=common)
            for one, two in pairwise(solid):
                built.add(one + two, (kind, _level(kind)), common=False)
    built.phrases = Phrases(built.wholes)
    return built


def _level(kind: Kind) -> Level:
    return Level.QUASI if kind is Kind.LOC else Level.DIRECT


def _common(word: str) -> bool:
    return any(word in lexicon(code).ordinary for code in LANGUAGES)


def _everyday(word: str) -> bool:
    return any(word in lexicon(code).function_words for code in LANGUAGES)


def search(document: Document, known: Index, reason: str = "known_name") -> Iterator[Span]:
    """Every word, or pair of words, of the document that ``known`` holds."""
    if not known.forms and not known.wholes:
        return
    yield from _wholes(document, known, reason)
    seen: dict[tuple[str, str], tuple[Kind, Level] | None] = {}
    for at, word in enumerate(document.words):
        meaning = _meaning(word, known, seen)
        if meaning and not (ascii_form(word.low) in known.common - known.small and _plain(word)):
            yield document.span(at, at, *meaning, 0.9, reason)
        elif at + 1 < len(document.words) and document.linked(at) and document.gap(at) and not (meaning):
            joined = known.forms.get(ascii_form(word.low + document.lows[at + 1]))
            if joined:
                yield document.span(at, at + 1, *joined, 0.9, reason)


def _wholes(document: Document, known: Index, reason: str) -> Iterator[Span]:
    """Names of several words, exactly as the record has them."""
    for at in range(len(document.words)):
        size = known.phrases.ahead(document.lows, at)
        if size > 1:
            meaning = known.wholes[" ".join(document.lows[at : at + size])]
            yield document.span(at, at + size - 1, *meaning, 0.95, reason)


def _plain(word: Word) -> bool:
    """A common word written small although the paragraph has capitals: not the name."""
    return word.cased and word.language != "ar" and not word.capital


def _meaning(
    word: Word, known: Index, seen: dict[tuple[str, str], tuple[Kind, Level] | None]
) -> tuple[Kind, Level] | None:
    key = (word.low, word.language)
    if key not in seen:
        seen[key] = _lookup(word, known)
    return seen[key]


def script(word: str) -> str:
    """The script of the first letter: Arabic, Cyrillic, or anything else."""
    return "arabic" if "\u0600" <= word[:1] <= "\u06ff" else "cyrillic" if "\u0400" <= word[:1] <= "\u04ff" else "other"


def _across(word: Word, known: Index) -> tuple[Kind, Level] | None:
    """A common word that is also a known name of another script: محمد and Mohammed."""
    bones = skeleton(word.low)
    if len(bones) <= _SHORT and word.low in word.lexicon.common:
        return None
    form = ascii_form(word.low)
    for other in known.bones.get(bones, ()):
        if known.scripts[other] != script(word.low) and fuzz.ratio(form, other) >= _SOUNDS_ALIKE:
            return known.forms[other]
    return None


def _lookup(word: Word, known: Index) -> tuple[Kind, Level] | None:
    if not word.low[0].isalpha():
        return None
    exact = known.forms.get(ascii_form(word.low))
    if exact:
        return exact
    bare = (ascii_form(stem) for stem in word.lexicon.stems(word.low))
    clitic = next((known.forms[form] for form in bare if form in known.forms), None)
    if clitic or (word.low in word.lexicon.ordinary and word.low not in names()):
        return clitic or _across(word, known)
    forms: Iterable[str] = word.lexicon.forms(word.low)
    for form in forms:
        found = known.find(form)
        if found:
            return found
    return known.near(word.low)


def learn(aliases: Index, document: Document, span: Span) -> None:
    """Add the words of a span found elsewhere in the document; common words only when they name a person."""
    inside = document.within(span)
    for word in inside:
        common = word.lexicon.is_ordinary(word.low)
        everyday = word.low in word.lexicon.function_words or word.low in word.lexicon.numbers
        part = word.low in word.lexicon.words["titles"] | word.lexicon.words["kin"] | word.lexicon.words["particles"]
        if not (everyday or part) and (not common or (span.kind is Kind.PERSON and len(inside) <= _SHORT)):
            aliases.add(word.low, (span.kind, span.level), common=common)
