"""Which of the supported languages a paragraph is written in, and whether it is written in any."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from app.deidentify.lexicon import LANGUAGES, lexicon

_ARABIC = re.compile(r"[\u0600-\u06ff]")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_LATIN = tuple(code for code in LANGUAGES if code not in ("ar", "ru"))
_ENOUGH = 4  # function words a paragraph must show before it overrules the text as a whole
_SAMPLE = 400  # words that decide
_READ = 60  # of those, words that are looked up in the long lists
_FAMILIAR = 0.6  # share of ordinary words from which a paragraph is written in a language
_FEW = 8  # words that tell too little


def detect(words: Sequence[str], default: str) -> str:
    """The language of folded ``words``; ``default`` where too little speaks for any."""
    sample = words[:_SAMPLE]
    joined = " ".join(sample)
    for pattern, language in ((_ARABIC, "ar"), (_CYRILLIC, "ru")):
        if 2 * len(pattern.findall(joined)) > len(joined) - len(sample):
            return language
    votes = Counter({code: sum(map(lexicon(code).function_words.__contains__, sample)) for code in _LATIN})
    (best, most), (_, second) = votes.most_common(2)
    if most >= _ENOUGH and most > second:
        return best
    return default if familiar(sample, default) else _likeliest(sample, default)


def _likeliest(words: Sequence[str], default: str) -> str:
    """The language in which most of the words are ordinary, if enough of them are."""
    share, best = max((_share(words, code), code) for code in _LATIN)
    return best if share >= _FAMILIAR else default


def familiar(words: Sequence[str], language: str) -> bool:
    """Whether the words are ordinary ones of the language; a few words tell too little to say no."""
    return len(words) < _FEW or _share(words, language) >= _FAMILIAR


def _share(words: Sequence[str], language: str) -> float:
    known, read = lexicon(language), words[:_READ]
    ordinary = sum(any(form in known.ordinary for form in known.forms(word)) for word in read)
    return ordinary / len(read) if read else 0.0
