"""What researchers may see of an answer: the release rules, applied.

Every field of an instrument names one rule. A rule gets the raw value and gives back a coarser one. What a rule cannot
generalize is withheld, never passed: an unknown rule, a value of another shape, a choice without a coarse name. Texts
are the redaction's work: ``redact`` gives nothing here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from app.studies.countries import REGION_OF
from app.studies.fields import ABSENT, TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from app.studies.instrument import Instrument
    from app.studies.policy import StudyPolicy

WITHHELD: Final = "withheld"
# Beyond this the birth year or the period is a slip of the pen, and a wrong band would mislead.
OLDEST_AGE: Final = 100

_MOMENT: Final = re.compile(r"(\d{4})-(?:H([12])|(\d{2})-\d{2})", re.ASCII)
_FIRST_MONTH_OF_SECOND_HALF: Final = 7


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """Which types a rule may stand on and which parameters it takes."""

    types: frozenset[str]
    parameters: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Context:
    """What a rule may look at beside the value: the record's other answers and the study's language list."""

    values: Mapping[str, Mapping[str, object]] = field(default_factory=dict, repr=False)
    released_languages: frozenset[str] = frozenset()


_TIMES: Final = frozenset({"date", "half_year", "year"})
_ALL: Final = frozenset(TYPES)
RULES: Final = {
    "as_is": RuleSpec(frozenset({"bool", "one", "many", "half_year", "year"})),
    "half_year": RuleSpec(frozenset({"date", "half_year"})),
    "year": RuleSpec(_TIMES),
    "year_band": RuleSpec(_TIMES, frozenset({"years"})),
    "age_at_joining": RuleSpec(frozenset({"year"}), frozenset({"joined", "bands"})),
    "world_region": RuleSpec(frozenset({"countries"})),
    "language_list": RuleSpec(frozenset({"bcp47"})),
    "coarsen": RuleSpec(frozenset({"one", "many"}), frozenset({"map"})),
    "redact": RuleSpec(frozenset({"text", "string"})),
    "drop": RuleSpec(_ALL),
    "never": RuleSpec(_ALL),
}
NOT_RELEASED: Final = frozenset({"drop", "never"})


def generalise(rule: Mapping[str, object], value: object, context: Context) -> object | None:
    """Return the released form of a raw value under a release rule, or None where it is withheld.

    Never raises for a value or a rule it cannot use: it withholds.
    """
    apply = _APPLY.get(str(rule.get("rule")))
    return None if apply is None else apply(rule, value, context)


def release_answers(
    instrument: Instrument, values: Mapping[str, Mapping[str, object]], policy: StudyPolicy
) -> dict[str, dict[str, object]]:
    """Return the released answers of a record, narratives left out: those come from the redaction.

    ``values`` are the checked answers. Each released field has ``{"value": ...}`` or ``{"status": ...}``, where the
    status is a sentinel, ``absent``, or ``withheld`` for a value that its rule could not generalize.
    """
    context = Context(values, policy.released_languages)
    return {
        each.name: _release(each.release, values.get(each.name, {"status": ABSENT}), context)
        for each in instrument.fields.values()
        if each.compartment == "research" and each.rule not in NOT_RELEASED and each.rule != "redact"
    }


def _release(rule: Mapping[str, object], answer: Mapping[str, object], context: Context) -> dict[str, object]:
    if "value" not in answer:
        return {"status": answer["status"]}
    released = generalise(rule, answer["value"], context)
    return {"status": WITHHELD} if released is None else {"value": released}


def _as_is(_rule: Mapping[str, object], value: object, _context: Context) -> object | None:
    if isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return list(value)
    return None


def _half_year(_rule: Mapping[str, object], value: object, _context: Context) -> object | None:
    found = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    year, half, month = found.groups()
    return f"{year}-H{half or (2 if int(month) >= _FIRST_MONTH_OF_SECOND_HALF else 1)}"


def _year(_rule: Mapping[str, object], value: object, _context: Context) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    found = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    return None if found is None else int(found[1])


def _year_band(rule: Mapping[str, object], value: object, context: Context) -> str | None:
    year, years = _year(rule, value, context), rule.get("years")
    if year is None or not isinstance(years, int):
        return None
    first = year - year % years
    return f"{first}-{first + years - 1}"


def _age_at_joining(rule: Mapping[str, object], value: object, context: Context) -> str | None:
    born = _year(rule, value, context)
    joined = _year(rule, context.values.get(str(rule.get("joined")), {}).get("value"), context)
    bands = rule.get("bands")
    if born is None or joined is None or not isinstance(bands, list) or not 0 <= joined - born <= OLDEST_AGE:
        return None
    return _band(joined - born, bands)


def _band(age: int, bands: list[int]) -> str:
    below = [start for start in bands if start <= age]
    above = [start for start in bands if start > age]
    if not below:
        return f"<{bands[0]}"
    return f"{below[-1]}-{above[0] - 1}" if above else f"{below[-1]}+"


def _world_region(_rule: Mapping[str, object], value: object, _context: Context) -> list[str] | None:
    if not isinstance(value, list) or not value:
        return None
    regions = {REGION_OF.get(code) if isinstance(code, str) else None for code in value}
    return None if None in regions else sorted(region for region in regions if region)


def _language_list(_rule: Mapping[str, object], value: object, context: Context) -> str | None:
    if not isinstance(value, str):
        return None
    candidates = (value, value.split("-", maxsplit=1)[0])
    return next((tag for tag in candidates if tag in context.released_languages), None)


def _coarsen(rule: Mapping[str, object], value: object, _context: Context) -> object | None:
    coarse = rule.get("map")
    if not isinstance(coarse, dict):
        return None
    if isinstance(value, str):
        return coarse.get(value)
    if not isinstance(value, list) or not all(isinstance(item, str) and item in coarse for item in value):
        return None
    return sorted({coarse[item] for item in value})


_APPLY: Final[dict[str, Callable[[Mapping[str, object], object, Context], object | None]]] = {
    "as_is": _as_is,
    "half_year": _half_year,
    "year": _year,
    "year_band": _year_band,
    "age_at_joining": _age_at_joining,
    "world_region": _world_region,
    "language_list": _language_list,
    "coarsen": _coarsen,
}
