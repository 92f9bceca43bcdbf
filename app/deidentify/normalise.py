"""A readable view of a text, with the way back to the original's code points.

Writers, phones and attackers spell the same letter in many ways: decomposed accents, full-width forms, invisible
joiners inside a word, Cyrillic letters in a Latin word, Arabic vowel marks. Recognisers read the view; spans are
carried back so that they cover every original code point, the invisible ones included.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from anyascii import anyascii

# Format characters, variation selectors, joiners, fillers, Arabic marks and the stretching tatweel.
_INVISIBLE = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    r"\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff\u0640\u064b-\u065f\u0670\u06d6-\u06ed"
)
_COMBINING = r"\u0300-\u034e\u0350-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_UNREAD = re.compile(f"[{_INVISIBLE}{_COMBINING}]")  # an accent that composes with no letter would break the word
_CLUSTER = re.compile(rf"[\x00-\x7f]+(?![{_INVISIBLE}{_COMBINING}])|.[{_INVISIBLE}{_COMBINING}]*", re.DOTALL)
_MIXED = re.compile(r"[^\W\d_]+")
_CYRILLIC = re.compile(r"[\u0400-\u052f]")
_GREEK = re.compile(r"[\u0370-\u03ff]")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")
_TO_LATIN = str.maketrans(
    "АВЕКМНОРСТХУІЈЅаеорсухіјѕԁһԛԝӏьΑΒΕΖΗΙΚΜΝΟΡΤΥΧαεινορτυχκ", "ABEKMHOPCTXYIJSaeopcyxijsdhqwlbABEZHIKMNOPTYXaeivoptuxk"
)
_TO_CYRILLIC = str.maketrans("ABEKMHOPCTXYaeopcyxkmtu", "АВЕКМНОРСТХУаеорсухкмти")
_TO_GREEK_FREE = re.compile(r"[\u0370-\u03ff\u0400-\u052f]")
_ARABIC = str.maketrans("أإآٱىیکۀةە", "اااايي" + "كههه")
_DIGITS = {ord(c): str(unicodedata.digit(c)) for c in "٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹"}
_PUNCTUATION = str.maketrans(
    {"’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "‐": "-", "‑": "-", "−": "-", "\u00a0": " "}
)
_UNIFORM: dict[int, str | int | None] = {**_DIGITS, **_PUNCTUATION}
_MAX_CLUSTER = 18  # NFKC may turn one code point into at most 18


@dataclass(frozen=True, slots=True, repr=False)
class View:
    """Readable text; character i stands for the original's ``starts[i]`` to ``ends[i]``.

    ``spelt`` is as long as ``text`` and keeps the Arabic letters as they were written, for models that know them so.
    """

    text: str
    starts: list[int]
    ends: list[int]
    spelt: str

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Where the view's ``start:end`` (not empty) lies in the original, in code points."""
        return self.starts[start], self.ends[end - 1]


def view(text: str) -> View:
    """Read ``text``: composed, compatible, without invisible characters, look-alikes put right."""
    out: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for match in _CLUSTER.finditer(text):
        cluster, start, end = match[0], match.start(), match.end()
        if cluster.isascii():
            out.append(cluster)
            starts.extend(range(start, end))
            ends.extend(range(start + 1, end + 1))
            continue
        plain = _plain(cluster[:_MAX_CLUSTER])
        if plain:
            out.append(plain)
            starts.extend([start] * len(plain))
            ends.extend([end] * len(plain))
        elif ends:
            ends[-1] = end
    spelt = _MIXED.sub(_unmix, "".join(out))
    return View(spelt.translate(_ARABIC), starts, ends, spelt)


@lru_cache(maxsize=8192)
def _plain(cluster: str) -> str:
    seen = _UNREAD.sub("", unicodedata.normalize("NFKC", cluster)).translate(_UNIFORM)
    return "".join(c for c in seen if c.isspace() or not unicodedata.category(c).startswith("C"))


def _unmix(match: re.Match[str]) -> str:
    """A word of one script: look-alikes of another script become the letters they pretend to be."""
    word = match[0]
    if word.isascii():
        return word
    latin, cyrillic, greek = (len(p.findall(word)) for p in (_LATIN, _CYRILLIC, _GREEK))
    if not latin or not (cyrillic or greek):
        return word
    if cyrillic > latin:
        return word.translate(_TO_CYRILLIC)
    as_latin = word.translate(_TO_LATIN)
    return word.translate(_TO_CYRILLIC) if _TO_GREEK_FREE.search(as_latin) and not greek else as_latin


def lower(text: str) -> str:
    """Lower case of the same length as ``text``, dotted capital I included."""
    low = text.lower()
    return low if len(low) == len(text) else "".join(c.lower()[:1] or c for c in text)


def fold(text: str) -> str:
    """A comparable form of a stored name or cue: the view's text in lower case, one space between words."""
    return " ".join(lower(view(text).text).split())


_SOUNDS = (
    ("sch", "s"), ("tch", "s"), ("dzh", "j"), ("dj", "j"), ("dsch", "j"), ("kh", "h"), ("ch", "s"), ("sh", "s"),
    ("gh", "g"),
    ("th", "t"), ("dh", "d"), ("ph", "f"), ("zh", "j"), ("ts", "s"), ("ck", "k"), ("x", "ks"), ("q", "k"), ("c", "k"),
    ("p", "b"), ("v", "f"), ("z", "s"),
)  # fmt: skip
_KEPT_H = 2  # bones so few that even a final h is kept
_VOWELS = re.compile(r"[aeiouyw]+")
_TWICE = re.compile(r"(.)\1+")
_LETTERS = re.compile(r"[^a-z]+")


@lru_cache(maxsize=65536)
def ascii_form(word: str) -> str:
    """Latin letters only: accents off, Cyrillic and Arabic transliterated, lower case."""
    return _LETTERS.sub("", anyascii(word).lower())


@lru_cache(maxsize=65536)
def skeleton(word: str) -> str:
    """The consonants a name keeps through misspelling and transliteration; vowels at the start leave one mark."""
    form = ascii_form(word)
    for before, after in _SOUNDS:
        form = form.replace(before, after)
    first = "a" if form[:1] in tuple("aeiou") else form[:1]
    bones = first + _VOWELS.sub("", form[1:])
    if len(bones) > _KEPT_H:
        bones = bones[0] + bones[1:].rstrip("h")
    return _TWICE.sub(r"\1", bones)
