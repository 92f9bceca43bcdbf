"""Which of the supported languages a paragraph is written in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from app.deidentify.lexicon import LANGUAGES, lexicon

_ARABIC = re.compile(r"[\u0600-\u06ff]")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_ENOUGH = 4  # function words a paragraph must show before it overrules the text as a whole
_SAMPLE = 400  # words that decide


def detect(words: Sequence[str], default: str) -> str:
    """The language of folded ``words``; ``default`` where too little speaks for any."""
    sample = words[:_SAMPLE]
    joined = " ".join(sample)
    for pattern, language in ((_ARABIC, "ar"), (_CYRILLIC, "ru")):
        if 2 * len(pattern.findall(joined)) > len(joined) - len(sample):
            return language
    votes = Counter({code: sum(w in lexicon(code).function_words for w in sample) for code in LANGUAGES})
    (best, most), (_, second) = votes.most_common(2)
    return best if most >= _ENOUGH and most > second else default
