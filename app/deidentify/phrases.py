"""Sets of phrases, looked up word by word in time that does not depend on their number."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_PART = re.compile(r"[^\W\d_]+|\d+")


class Phrases:
    """An immutable set of folded phrases; punctuation between words is ignored."""

    __slots__ = ("_all", "_ending", "_starting")

    def __init__(self, phrases: Iterable[str]) -> None:
        self._all = {key for key in (tuple(_PART.findall(p)) for p in phrases) if key}
        self._starting: dict[str, int] = {}  # words of the longest phrase that starts with a word
        self._ending: dict[str, int] = {}
        for key in self._all:
            for end, longest in ((key[0], self._starting), (key[-1], self._ending)):
                longest[end] = max(longest.get(end, 0), len(key))

    def __contains__(self, words: Sequence[str]) -> bool:
        return tuple(words) in self._all

    def ahead(self, words: Sequence[str], at: int) -> int:
        """How many words, from ``at`` on, the longest phrase that starts there has; 0 if none does."""
        longest = self._starting.get(words[at], 0) if at < len(words) else 0
        if not longest:
            return 0
        for size in range(longest, 0, -1):
            if at + size <= len(words) and tuple(words[at : at + size]) in self._all:
                return size
        return 0

    def behind(self, words: Sequence[str], at: int) -> int:
        """How many words the longest phrase that ends just before ``at`` has; 0 if none does."""
        longest = self._ending.get(words[at - 1], 0) if at > 0 else 0
        if not longest:
            return 0
        for size in range(longest, 0, -1):
            if size <= at and tuple(words[at - size : at]) in self._all:
                return size
        return 0
