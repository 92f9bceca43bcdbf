"""A text made ready for recognisers: words with their language, case and neighbours."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

from app.deidentify.label_forms import LABEL
from app.deidentify.language import detect, familiar
from app.deidentify.lexicon import LANGUAGES, Lexicon, lexicon, names, places, stays
from app.deidentify.normalise import View, lower, view
from app.deidentify.spans import Kind, Level, Span

_BETWEEN = re.compile(r"[^\s\f](?:[^\f]*[^\s\f])?")
BARRIER = "\f"  # stands where a label stood, so that no cue reaches across it
_WORD = re.compile(r"[^\W\d_]+|\d+")
_PARAGRAPH = re.compile(r"\n\s*\n|\n")
_SENTENCE_END = re.compile(r"[.!?…:;\n\"“”„«»\[(\u061f\u06d4—–]|^$")
_CASED = 0.004  # a paragraph where fewer of the letters are capitals was written without case
_SAMPLE = 20_000  # characters that tell the language of a text
_PER_WORD = 6  # characters
_LINK = re.compile(r"[ \t]?[-'’ʼ]?[ \t]?|[ \t]{1,2}")


def hide(text: str, spans: Iterable[Span]) -> str:
    """``text`` with every character of the spans replaced by a barrier; offsets stay."""
    hidden = list(text)
    for span in spans:
        hidden[span.start : span.end] = BARRIER * (span.end - span.start)
    return "".join(hidden)


class Word(NamedTuple):
    """A word of the view: ``low`` is folded; ``initial`` means it opens a sentence; ``lexicon`` is its paragraph's.

    ``familiar`` is false where its paragraph is written in none of the supported languages, whatever ``language`` says.
    """

    start: int
    end: int
    low: str
    capital: bool
    initial: bool
    cased: bool
    language: str
    familiar: bool
    lexicon: Lexicon

    def __repr__(self) -> str:
        """Where it stands, not what it says."""
        return f"Word({self.start}, {self.end})"


class Document:
    """What recognisers read. Spans made here are in the view; ``originals`` carries them back."""

    def __init__(self, text: str, language: str | None = None) -> None:
        self.view: View = view(text)
        self.text = LABEL.sub(lambda m: BARRIER * len(m[0]), self.view.text)
        self.words: list[Word] = list(_words(self.text, language))
        self.lows: list[str] = [w.low for w in self.words]

    def gap(self, at: int) -> str:
        """What stands between word ``at`` and the next one."""
        after = self.words[at + 1].start if at + 1 < len(self.words) else len(self.text)
        return self.text[self.words[at].end : after]

    def within(self, span: Span) -> list[Word]:
        """The words that lie in a span of the view."""
        first = bisect.bisect_left(self.words, span.start, key=lambda w: w.start)
        last = bisect.bisect_left(self.words, span.end, key=lambda w: w.start)
        return self.words[first:last]

    def indices(self, start: int, end: int) -> range:
        """Which words lie in ``start:end`` of the original text."""
        first, last = (bisect.bisect_left(self.view.starts, offset) for offset in (start, end))
        at = bisect.bisect_left(self.words, first, key=lambda w: w.start)
        while at < len(self.words) and self.words[at].low == "\n":
            at += 1
        return range(at, bisect.bisect_left(self.words, last, at, key=lambda w: w.start))

    def linked(self, at: int) -> bool:
        """Whether word ``at`` and the next can be parts of one name."""
        if at + 1 >= len(self.words) or self.words[at + 1].low == "\n" or self.words[at].low == "\n":
            return False
        return _LINK.fullmatch(self.gap(at)) is not None

    def span(self, first: int, last: int, kind: Kind, level: Level, score: float, reason: str) -> Span:
        """The span from word ``first`` to word ``last``, both inside."""
        return Span(self.words[first].start, self.words[last].end, kind, level, score, reason)

    @property
    def unfamiliar(self) -> bool:
        """Whether a paragraph is written in none of the supported languages."""
        return not all(word.familiar for word in self.words)

    @cached_property
    def stay(self) -> list[bool]:
        """For each word, whether it belongs to a name that the guidelines let stay."""
        keep = [False] * len(self.words)
        at = 0
        while at < len(self.words):
            size = stays().ahead(self.lows, at)
            keep[at : at + size] = [True] * size
            at += max(size, 1)
        return keep

    @cached_property
    def speaker(self) -> list[bool]:
        """For each word, whether it only says who speaks, as ``Interpreter:`` at the start of a line."""
        return [
            self._opens(i) and self.gap(i).lstrip(" .").startswith(":") and self._role(i)
            for i in range(len(self.words))
        ]

    def _opens(self, at: int) -> bool:
        return at == 0 or "\n" in self.gap(at - 1)

    def _role(self, at: int) -> bool:
        word = self.words[at]
        return len(word.low) == 1 or self.stay[at] or word.lexicon.is_ordinary(word.low)

    @cached_property
    def town(self) -> list[bool]:
        """For each word, whether it belongs to a town of the gazetteer and is no common word."""
        found = [False] * len(self.words)
        at = 0
        while at < len(self.words):
            size = places().ahead(self.lows, at)
            word = self.words[at]
            if size > 1 or (size == 1 and not word.lexicon.is_ordinary(word.low)):
                found[at : at + size] = [True] * size
            at += max(size, 1)
        return found

    @cached_property
    def suspect(self) -> list[bool]:
        """For each word, whether it looks like part of a name."""
        return [not self.stay[i] and not self.speaker[i] and self._odd(i) for i in range(len(self.words))]

    def _odd(self, at: int) -> bool:
        word = self.words[at]
        if not word.low[0].isalpha() or word.low in word.lexicon.numbers or word.low in word.lexicon.words["months"]:
            return False
        if word.cased and word.language != "ar":
            if not word.capital:
                return False
            known = word.lexicon
            free = word.low in known.ordinary and known.marked.get(word.low) not in (Kind.PERSON, Kind.LOC)
            free = free and not (word.low in names() and word.low not in known.common)
            return not free if word.initial or word.language == "de" else word.low not in word.lexicon.words["weekdays"]
        if len(word.low) < 3:  # noqa: PLR2004 - two letters without case tell nothing
            return False
        return self.town[at] or self._uncommon(word)

    def _uncommon(self, word: Word) -> bool:
        known = word.lexicon
        if known.marked.get(word.low) in (Kind.PERSON, Kind.LOC, Kind.ORG):
            return True
        if word.low in names() and word.low not in known.common:
            return True
        if known.is_ordinary(word.low):
            return False
        return word.language == "en" or not any(f in known.ordinary for f in known.forms(word.low))

    def originals(self, spans: Iterable[Span]) -> Iterator[Span]:
        """The spans in code points of the original text, without the labels in them."""
        for s in spans:
            for part in _BETWEEN.finditer(self.text, s.start, s.end):
                start, end = self.view.original(part.start(), part.end())
                yield Span(start, end, s.kind, s.level, s.score, s.reason)


def _words(text: str, language: str | None) -> Iterator[Word]:
    known = language if language in LANGUAGES else None
    default = known or detect(_WORD.findall(lower(text[:_SAMPLE])), "en")
    at = 0
    for match in _PARAGRAPH.finditer(text + "\n"):
        yield from _paragraph(text, at, match.start(), default)
        at = match.end()


def _paragraph(text: str, start: int, end: int, default: str) -> Iterator[Word]:
    found = list(_WORD.finditer(text, start, end))
    if not found:
        return
    lows = [lower(m[0]) for m in found]
    language = detect(lows, default)
    plain = [low for match, low in zip(found, lows, strict=True) if low.isalpha() and not match[0][0].isupper()]
    known = familiar(plain, language)  # names are ordinary words of no language
    words = lexicon(language)
    capitals = sum(text[m.start()].isupper() for m in found)
    cased = capitals > _CASED * _PER_WORD * len(found)
    before = start
    for match, low in zip(found, lows, strict=True):
        gap = text[before : match.start()]
        if BARRIER in gap:
            yield _stop(before, cased=cased, language=language, known=known)
        initial = before == start or _SENTENCE_END.search(gap) is not None
        first, before = match.span()
        yield Word(first, before, low, text[first].isupper(), initial, cased, language, known, words)
    yield _stop(before, cased=cased, language=language, known=known)


def _stop(at: int, *, cased: bool, language: str, known: bool) -> Word:
    """An empty word that no cue, phrase or name contains: the end of a paragraph, or a label."""
    return Word(at, at, "\n", False, False, cased, language, known, lexicon(language))  # noqa: FBT003 - by its place
