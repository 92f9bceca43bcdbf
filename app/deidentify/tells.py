"""What a reader of a clean text learns about somebody: an age band, years, regions, countries and peoples, roles.

Only what stays to be read counts: the details of labels, lone years, and words that the guidelines let stay. Whom a
passage is about is not known, so all of it is taken to be about the speaker. The names that a label hides, relations,
magnitudes and the kinds of hidden details tell nothing that a stranger could look up, and are left out.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from typing import Final

from app.deidentify.label_forms import LABEL
from app.deidentify.lexicon import lexicon
from app.deidentify.normalise import fold

__all__ = ["Tell", "TellKind", "tells"]

_WORD: Final = re.compile(r"[^\W\d_]+|\d+")
_YEAR: Final = re.compile(r"(?:19|20)[0-9]{2}")
_STEM: Final = 3  # letters of the shortest stem
_ARABIC: Final = re.compile("[\u0600-\u06ff]")
_TOWN: Final = "town in "


class TellKind(StrEnum):
    """What a detail is of, the kinds that point to fewest people first."""

    REGION = "region"
    COUNTRY = "country"
    ROLE = "role"
    YEAR = "year"
    AGE = "age"


@dataclass(frozen=True, slots=True, order=True)
class Tell:
    """One detail: a region or an age band as labels say them, a year or two, the code of a country or of a role."""

    kind: TellKind
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Words:
    """Which country or role a folded word names: whole words, and stems that any ending may follow."""

    whole: dict[str, Tell]
    stems: dict[str, Tell]
    longest: int

    def find(self, word: str) -> Tell | None:
        """What a word names; a longer stem counts before a shorter one."""
        found = self.whole.get(word)
        for size in range(min(len(word), self.longest), _STEM - 1, -1) if found is None else ():
            found = found or self.stems.get(word[:size])
        return found


@lru_cache(maxsize=1)
def _words() -> _Words:
    lists: dict[str, dict[str, str]] = tomllib.loads(
        (resources.files("app.deidentify") / "data" / "tells.toml").read_text(encoding="utf-8")
    )
    named = [
        (word, Tell(TellKind(kind), value))
        for kind, values in lists.items()
        for value, words in values.items()
        for word in words.split()
    ]
    stems = {fold(word[:-1]): tell for word, tell in named if word.endswith("*")}
    whole = {fold(word): tell for word, tell in named if not word.endswith("*")}
    return _Words(whole, stems, max(map(len, stems)))


def tells(text: str) -> frozenset[Tell]:
    """What a clean text tells, each detail once however often it is said."""
    # Words are folded once each, since most of a text is its few most frequent words.
    words = fold(" ".join(dict.fromkeys(_WORD.findall(LABEL.sub(" ", text).lower())))).split()
    years = (Tell(TellKind.YEAR, word) for word in words if _YEAR.fullmatch(word))
    named = (tell for word in words for form in _forms(word) if (tell := _words().find(form)) is not None)
    labels = (_of_label(label) for label in {found[0] for found in LABEL.finditer(text)})
    return frozenset([*years, *named, *(tell for tell in labels if tell is not None)])


def _of_label(label: str) -> Tell | None:
    name, _, detail = label[1:-1].partition(": ")
    match name.partition("-")[0]:
        case "AGE":
            return Tell(TellKind.AGE, detail)
        case "DATE" if detail:
            return Tell(TellKind.YEAR, detail)
        case "PLACE" if detail:
            return Tell(TellKind.REGION, detail.removeprefix(_TOWN))
        case _:
            return None


def _forms(word: str) -> list[str]:
    """A folded word, and what is left of it when Arabic prefixes are taken off."""
    return [word, *lexicon("ar").stems(word)] if _ARABIC.match(word) else [word]
