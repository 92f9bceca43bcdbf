"""Makes one marked text into many: other names and places, recogniser output, numbers in words, hidden marks.

Everything is drawn from the ``random.Random`` that is handed in, so the same seed gives the same texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from random import Random
from typing import Final

from app.deidentify.document import BARRIER
from app.deidentify.lexicon import LANGUAGES, lexicon, names, places, read_lines
from app.deidentify.normalise import fold
from app.deidentify.spans import Kind
from app.deidentify.training.texts import Marked, Part

RENAMED: Final = 0.5  # share of texts whose names are changed
WORD_RENAMED: Final = 0.6  # share of a name's words changed in such a text
MOVED: Final = 0.4  # share of towns exchanged in such a text
NICKNAME: Final = 0.15  # share of new names that are common words
TRANSCRIPT: Final = 0.5  # share of written and spoken texts read as a recogniser would write them
SPELT: Final = 0.6  # share of transcripts with numbers in words
MISHEARD: Final = 0.12  # share of a transcript's name words that are misheard
HIDDEN: Final = 0.25  # share of texts in which some marks are already hidden

_WORD = re.compile(r"[^\W\d_]+")
_NUMBER = re.compile(r"\d+")
_PUNCTUATION = re.compile(r"[^\w\s\f]|_")


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_KEPT = frozenset(
    _words(
        "abu abou aboo ebu abo umm oum um ibn bin bint ben ould al el ul ad as at the von van de der den of le la du "
        "des dr sheikh sheik shaykh mullah emir abdul abd uncle aunt hajji haji mr mrs ms or and means called "
        "ابو أبو أبا أبي ابي ام أم ابن بن بنت ال عبد الشيخ عم الحاج абу умм ибн бин аль эль ад ан шейх"
    )
)
_PREFIX: Final = ("ال", "وال", "بال")
_MOST: Final = 8000  # words of a frequency list that can be nicknames
_FEW: Final = 300  # the head of the list cannot


@lru_cache(maxsize=8)
def _pools(language: str) -> tuple[list[str], list[str], list[str]]:
    """Names, towns and nicknames in the script of a language."""
    pattern = {"ar": "[\u0621-\u064a ]+", "ru": "[а-яё -]+"}.get(language, "[a-zà-ÿœğışçöü' -]+")
    script = re.compile(pattern)
    people = sorted(n for n in names() if script.fullmatch(n) and len(n) > 2)  # noqa: PLR2004
    towns = [p for p in read_lines("places") if script.fullmatch(p) and len(p) > 2]  # noqa: PLR2004
    ordinary = read_lines(f"words/{language}")[_FEW:_MOST] if language in LANGUAGES else people
    return people, towns, [w for w in ordinary if len(w) > 3 and script.fullmatch(w)]  # noqa: PLR2004


def vary(marked: Marked, draw: Random, borrowed: Sequence[str] = ()) -> Marked:
    """One variation; ``borrowed`` are names of other texts in the same language."""
    parts = list(marked.parts)
    if draw.random() < RENAMED:
        parts = rename(parts, marked.language, draw, borrowed)
    heard = marked.style == "asr"
    if not heard and draw.random() < TRANSCRIPT:
        parts, heard = transcript(parts, marked.language, draw), True
    if heard:
        parts = mishear(parts, draw)
    if draw.random() < HIDDEN:
        parts = hide(parts, draw)
    return replace(marked, parts=tuple(parts))


def rename(parts: Sequence[Part], language: str, draw: Random, borrowed: Sequence[str] = ()) -> list[Part]:
    """The same text about other people in other towns; a name stays the same through the text."""
    people, towns, nicknames = _pools(language)
    chosen: dict[str, str] = {}

    def other(match: re.Match[str]) -> str:
        word = match[0]
        low = word.lower()
        if low in _KEPT or len(low) < 3 or low.startswith(_PREFIX):  # noqa: PLR2004
            return word
        if low not in chosen:
            pool = nicknames if draw.random() < NICKNAME else borrowed if borrowed and draw.random() < 0.4 else people  # noqa: PLR2004
            chosen[low] = draw.choice(pool) if draw.random() < WORD_RENAMED else low
        return word if chosen[low] == low else _cased(chosen[low], word)

    def moved(surface: str) -> str:
        key = fold(surface)
        if key not in chosen:
            known = places().ahead(key.split(), 0) == len(key.split()) > 0
            chosen[key] = draw.choice(towns) if known and draw.random() < MOVED else key
        return surface if chosen[key] == key else _cased(chosen[key], surface)

    return [
        replace(p, text=_WORD.sub(other, p.text)) if p.kind is Kind.PERSON
        else replace(p, text=moved(p.text)) if p.kind is Kind.LOC and not p.direct
        else p
        for p in parts
    ]  # fmt: skip


def _cased(new: str, old: str) -> str:
    return new.title() if old[:1].isupper() else new


def transcript(parts: Sequence[Part], language: str, draw: Random) -> list[Part]:
    """As a recogniser writes: lower case, no punctuation, often numbers in words."""
    spelt = draw.random() < SPELT
    out = []
    for part in parts:
        text = part.text
        if spelt:
            text = _NUMBER.sub(lambda m: f" {in_words(m[0], language, draw)} ", text)
        out.append(replace(part, text=_PUNCTUATION.sub(" ", text.lower())))
    return out


def mishear(parts: Sequence[Part], draw: Random) -> list[Part]:
    """Some words of names are written wrongly."""

    def wrong(match: re.Match[str]) -> str:
        word = match[0]
        return _slip(word, draw) if len(word) > 3 and draw.random() < MISHEARD else word  # noqa: PLR2004

    named = (Kind.PERSON, Kind.LOC)
    return [replace(p, text=_WORD.sub(wrong, p.text)) if p.kind in named else p for p in parts]


def _slip(word: str, draw: Random) -> str:
    at = draw.randrange(1, len(word) - 1)
    slips: tuple[Callable[[], str], ...] = (
        lambda: word[:at] + word[at + 1 :],
        lambda: word[:at] + word[at] + word[at:],
        lambda: word[:at] + " " + word[at:],
        lambda: word[:at] + draw.choice("aeiou" if word.isascii() else word) + word[at + 1 :],
    )
    return draw.choice(slips)()


def hide(parts: Sequence[Part], draw: Random) -> list[Part]:
    """Some marks are masked already, as when a clean text is read again."""
    share = draw.random()
    return [Part(BARRIER * len(p.text)) if p.kind is not None and draw.random() < share else p for p in parts]


_ONES: Final = _words(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS: Final = _words("_ _ twenty thirty forty fifty sixty seventy eighty ninety")


def in_words(digits: str, language: str, draw: Random) -> str:
    """A number as it is said: by digits, in pairs or as a whole; unchanged where the words are unknown."""
    value = int(digits)
    if language != "en":
        return _in_other_words(digits, language)
    if digits[0] == "0" or value > 999_999 or (len(digits) > 3 and draw.random() < 0.3):  # noqa: PLR2004
        zero = draw.choice(("oh", "zero"))
        return " ".join(zero if d == "0" else _ONES[int(d)] for d in digits)
    if len(digits) == 4 and 1100 <= value < 2100 and value % 100 > 9 and draw.random() < 0.8:  # noqa: PLR2004
        return f"{english(value // 100)} {english(value % 100)}"
    return english(value)


def english(value: int) -> str:
    """A number below a million in English words."""
    if value < 20:  # noqa: PLR2004
        return _ONES[value]
    if value < 100:  # noqa: PLR2004
        return _TENS[value // 10] + (f" {_ONES[value % 10]}" if value % 10 else "")
    unit, word = (1000, "thousand") if value >= 1000 else (100, "hundred")  # noqa: PLR2004
    rest = value % unit
    joined = "and " if unit == 100 or rest < 100 else ""  # noqa: PLR2004
    return f"{english(value // unit)} {word}" + (f" {joined}{english(rest)}" if rest else "")


@lru_cache(maxsize=8)
def _numerals(language: str) -> dict[int, str]:
    known = lexicon(language).numbers if language in LANGUAGES else {}
    return {value: word for word, value in reversed(list(known.items()))}


def _in_other_words(digits: str, language: str) -> str:
    known = _numerals(language)
    value = int(digits)
    if value in known and digits[0] != "0":
        return known[value]
    if len(digits) > 5 and all(int(d) in known for d in digits):  # noqa: PLR2004
        return " ".join(known[int(d)] for d in digits)
    return digits
