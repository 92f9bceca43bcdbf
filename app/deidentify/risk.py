"""How likely it is that at least one direct identifier is left in a machine's draft.

A logistic regression on a few counts, calibrated on hand-marked testimonies that neither the models nor their
thresholds had seen; ``scripts/fit_risk.py`` fits the weights in ``data/risk.toml``.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from functools import lru_cache
from importlib import resources
from typing import Final

from app.deidentify.document import Document
from app.deidentify.modes import Mode, Using
from app.deidentify.second_look import doubts
from app.deidentify.spans import Level, Span

_WEAK: Final = 0.5  # a direct span found with less is one of those that others like it were missed beside
_DATA = resources.files("app.deidentify") / "data"


@dataclass(frozen=True, slots=True)
class Features:
    """What the estimate looks at, over all texts of a record.

    ``expected`` is the models' own sum of probabilities over the words they left; ``weak``, ``words`` and ``doubts``
    are logarithms of counts (plus one); the others are shares of words, from 0 to 1.
    """

    expected: float
    weak: float
    words: float
    doubts: float
    caseless: float
    foreign: float
    unfamiliar: float


@dataclass(frozen=True, slots=True)
class Weights:
    """The fitted regression: one weight for each feature, and the constant."""

    constant: float
    weights: tuple[float, ...]

    def chance(self, features: Features) -> float:
        """The probability, from 0 to 1."""
        total = self.constant + sum(w * x for w, x in zip(self.weights, astuple(features), strict=True))
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


def features(
    whole: Sequence[Document], left: Sequence[Document], spans: Sequence[Sequence[Span]], expected: float
) -> Features:
    """The features of a record: its texts, what is left of them, and what was found."""
    words = [word for document in whole for word in document.words if word.low != "\n"]
    count = max(1, len(words))
    weak = sum(span.level is Level.DIRECT and span.score < _WEAK for each in spans for span in each)
    doubtful = sum(len(doubts(document.text)) for document in left)
    return Features(
        math.log1p(expected),
        math.log1p(weak),
        math.log1p(len(words)),
        math.log1p(doubtful),
        sum(not word.cased for word in words) / count,
        sum(word.language != "en" for word in words) / count,
        sum(not word.familiar for word in words) / count,
    )


@lru_cache(maxsize=1)
def _fitted() -> dict[str, dict[str, float]]:
    return tomllib.loads((_DATA / "risk.toml").read_text(encoding="utf-8"))


def weights(using: Using, mode: Mode) -> Weights:
    """The weights that were fitted for an engine and its operating point."""
    fitted = _fitted()[f"{using.value}-{mode.value}"]
    return Weights(fitted["constant"], tuple(fitted[each.name] for each in fields(Features)))
