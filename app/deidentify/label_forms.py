"""The form of a label, and the few things that one may say beside its number.

Everything a label may say is in a closed list, so a text dressed as a label hides nothing: what has a label's form is
skipped when a text is read again.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Final

from app.deidentify.normalise import fold
from app.deidentify.spans import Kind

PREFIXES: Final = {
    Kind.PERSON: "PERSON",
    Kind.LOC: "PLACE",
    Kind.DATETIME: "DATE",
    Kind.CODE: "CODE",
    Kind.ORG: "ORG",
    Kind.QUANTITY: "NUMBER",
    Kind.DEM: "DETAIL",
}
CUT: Final = "[CUT: distinctive event]"
AGES: Final = ((0, 11), (12, 17), (18, 24), (25, 34), (35, 44), (45, 54), (55, 64))
OLDEST: Final = "65 or over"
MAGNITUDES: Final = ("few", "tens", "hundreds", "thousands", "tens of thousands", "more")
DETAILS: Final = {
    "occupations": "occupation",
    "health": "health",
    "birth_order": "order of birth",
    "minorities": "community",
}
COUNT: Final = "count"

_DATA = resources.files("app.deidentify") / "data"
_WORD = re.compile(r"[^\W\d_]+")
Table = dict[tuple[str, ...], str]


@dataclass(frozen=True, slots=True)
class LabelWords:
    """One language's words of relation, role and body; phrases are tuples of folded words."""

    owners: frozenset[str]
    between: frozenset[str]
    relations: Table
    roles: Table
    bodies: Table


@lru_cache(maxsize=1)
def label_words() -> dict[str, LabelWords]:
    """The words of every language."""
    read: dict[str, dict[str, str]] = tomllib.loads((_DATA / "labels.toml").read_text(encoding="utf-8"))
    return {
        language: LabelWords(
            frozenset(_WORD.findall(fold(each["owners"]))),
            frozenset(_WORD.findall(fold(each["between"]))),
            *(_table(each[name]) for name in ("relations", "roles", "bodies")),
        )
        for language, each in read.items()
    }


def _table(lines: str) -> Table:
    pairs = (line.partition(":") for line in lines.split("\n") if line)
    return {tuple(_WORD.findall(fold(p))): name for name, _, phrases in pairs for p in phrases.split("|")}


def age_band(age: int) -> str:
    """The band of an age in years."""
    return next((f"{low}-{high}" for low, high in AGES if low <= age <= high), OLDEST)


def magnitude(value: int) -> str:
    """How many digits' worth a number is, in words."""
    return MAGNITUDES[min(len(str(value)), len(MAGNITUDES)) - 1]


def _one_of(options: set[str] | frozenset[str]) -> str:
    return "(?:" + "|".join(map(re.escape, sorted(options))) + ")"


def _pattern() -> re.Pattern[str]:
    words = label_words().values()
    people = {name for each in words for table in (each.relations, each.roles) for name in table.values()}
    bodies = {name for each in words for name in each.bodies.values()}
    regions = set((_DATA / "regions.txt").read_text(encoding="utf-8").splitlines())
    year = "(?:19|20)[0-9]{2}"
    numbered = [
        f"PERSON-[0-9]{{2,4}}(?:: {_one_of(people)})?",
        f"PLACE-[0-9]{{2,4}}(?:: town in {_one_of(regions)})?",
        f"DATE-[0-9]{{2,4}}(?:: {year}(?:-{year})?)?",
        f"ORG-[0-9]{{2,4}}(?:: {_one_of(bodies)})?",
        f"NUMBER-[0-9]{{2,4}}(?:: {_one_of({*MAGNITUDES})})?",
        f"DETAIL-[0-9]{{2,4}}(?:: {_one_of({*DETAILS.values(), COUNT})})?",
        "CODE-[0-9]{2,4}",
        f"AGE: {_one_of({f'{low}-{high}' for low, high in AGES} | {OLDEST})}",
        "CUT(?:: distinctive event)?",
    ]
    return re.compile(rf"\[(?:{'|'.join(numbered)})\]")


LABEL: Final = _pattern()
