"""One checker per field: is this a value of its type? Made once per instrument and policy, run on every intake.

A checker notes flaws by JSON pointer and fixed text, never the value, and gives back the value to keep. There is one
spelling per value: ASCII digits, real dates, canonical language tags. Texts are kept as they came, save that line ends
become LF, over which every later offset is counted.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Final

from app.errors import Flaw
from app.studies.countries import COUNTRIES
from app.studies.fields import Choice, Field, Member
from app.studies.policy import StudyPolicy

Check = Callable[[object, str, list[Flaw]], object]

MAX_STRING: Final = 500  # a name, a contact, or a citation with a long address
MAX_TEXT: Final = 100_000  # code points: some 15,000 words, a long day of speaking; more is another record
MAX_STRINGS: Final = 20  # aliases of one person
MAX_OBJECTS: Final = 30  # relatives: a large family
MAX_COUNTRIES: Final = 5  # nationalities of one person
EARLIEST_YEAR: Final = 1900  # before the birth of anyone who could be interviewed
LATEST_YEAR: Final = 2099  # a slip of the pen, or a year of another calendar, ends beyond it or before the first

# Control characters, lone surrogates and what XML forbids: no database, export or offset may stumble over them later.
# A line holds no line ends either; a text holds tab and line ends.
LINE_FORBIDS: Final = r"\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff"
TEXT_FORBIDS: Final = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff"
DATE: Final = r"(19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}"
HALF_YEAR: Final = r"(19|20)[0-9]{2}-H[12]"
LANGUAGE: Final = r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?"
STAFF_REF: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"

_LINE_BREAKER: Final = re.compile(f"[{LINE_FORBIDS}]")
_TEXT_BREAKER: Final = re.compile(f"[{TEXT_FORBIDS}]")


def checker(field: Field, policy: StudyPolicy) -> Check:
    """Return the checker of a field's value under a policy."""
    if field.type == "bool":
        return _bool(must_be=field.must_be)
    if field.type == "one":
        return _one(field.choices, policy)
    if field.type == "many":
        return _many(field, policy)
    if field.type == "object":
        return _object(field.members, policy)
    if field.type == "objects":
        return _list_of(_object(field.members, policy), MAX_OBJECTS, distinct=False)
    return _SIMPLE[field.type]


def _bool(*, must_be: bool = False) -> Check:
    def check(value: object, at: str, flaws: list[Flaw]) -> object:
        if value is not True and value is not False:
            flaws.append(Flaw(at, "Give true or false."))
        elif must_be and not value:
            flaws.append(Flaw(at, "Must be true: without it nothing is stored."))
        return value

    return check


def _refusals(choices: tuple[Choice, ...], policy: StudyPolicy) -> dict[str, str | None]:
    """Map each choice to why it is refused, or to None."""
    refusals: dict[str, str | None] = {}
    for choice in choices:
        if choice.effect == "block":
            refusals[choice.name] = "With this choice nothing is stored."
        elif choice.needs and not policy.allows(choice.needs):
            refusals[choice.name] = "The study's policy does not allow this choice."
        else:
            refusals[choice.name] = None
    return refusals


def _one(choices: tuple[Choice, ...], policy: StudyPolicy) -> Check:
    refusals = _refusals(choices, policy)

    def check(value: object, at: str, flaws: list[Flaw]) -> object:
        if not isinstance(value, str) or value not in refusals:
            flaws.append(Flaw(at, "Give one of the choices."))
        elif refusal := refusals[value]:
            flaws.append(Flaw(at, refusal))
        return value

    return check


def _many(field: Field, policy: StudyPolicy) -> Check:
    one = _one(field.choices, policy)
    alone = frozenset(choice.name for choice in field.choices if choice.exclusive)
    check_list = _list_of(one, len(field.choices), least=field.minimum)

    def check(value: object, at: str, flaws: list[Flaw]) -> object:
        before = len(flaws)
        kept = check_list(value, at, flaws)
        if len(flaws) == before and isinstance(kept, list) and len(kept) > 1 and not alone.isdisjoint(kept):
            flaws.append(Flaw(at, "One of these choices stands alone."))
        return kept

    return check


def _list_of(item: Check, most: int, *, least: int = 1, distinct: bool = True) -> Check:
    def check(value: object, at: str, flaws: list[Flaw]) -> object:
        if not isinstance(value, list) or not least <= len(value) <= most:
            flaws.append(Flaw(at, f"Give a list of {least} to {most} items."))
            return value
        before = len(flaws)
        kept = [item(each, f"{at}/{i}", flaws) for i, each in enumerate(value)]
        if distinct and len(flaws) == before and len(set(kept)) != len(kept):
            flaws.append(Flaw(at, "The items must differ."))
        return kept

    return check


def _object(members: tuple[Member, ...], policy: StudyPolicy) -> Check:
    checks = {member.name: _member(member, policy) for member in members}
    required = [member.name for member in members if member.required]

    def check(value: object, at: str, flaws: list[Flaw]) -> object:
        if not isinstance(value, dict):
            flaws.append(Flaw(at, "Give an object."))
            return value
        flaws.extend(Flaw(f"{at}/{name}", "This member is missing.") for name in required if name not in value)
        if not value.keys() <= checks.keys():
            flaws.append(Flaw(at, "Holds a member that is not known."))
        return {name: run(value[name], f"{at}/{name}", flaws) for name, run in checks.items() if name in value}

    return check


def _member(member: Member, policy: StudyPolicy) -> Check:
    if member.type == "one":
        return _one(member.choices, policy)
    return _bool() if member.type == "bool" else _line


def _line(value: object, at: str, flaws: list[Flaw]) -> object:
    if not isinstance(value, str):
        flaws.append(Flaw(at, "Give a string."))
    elif not value.strip() or len(value) > MAX_STRING:
        flaws.append(Flaw(at, f"Give 1 to {MAX_STRING} characters, not only blanks."))
    elif _LINE_BREAKER.search(value):
        flaws.append(Flaw(at, "Give one line without control characters."))
    return value


def _text(value: object, at: str, flaws: list[Flaw]) -> object:
    if not isinstance(value, str):
        flaws.append(Flaw(at, "Give a string."))
        return value
    if not value.strip() or len(value) > MAX_TEXT:
        flaws.append(Flaw(at, f"Give 1 to {MAX_TEXT} characters, not only blanks."))
    elif _TEXT_BREAKER.search(value):
        flaws.append(Flaw(at, "Give a text without control characters."))
    return value.replace("\r\n", "\n").replace("\r", "\n") if "\r" in value else value


def _pattern(pattern: str, detail: str) -> Check:
    matches = re.compile(pattern, re.ASCII).fullmatch

    def check(value: object, at: str, flaws: list[Flaw]) -> object:
        if not isinstance(value, str) or not matches(value):
            flaws.append(Flaw(at, detail))
        return value

    return check


def _date(value: object, at: str, flaws: list[Flaw]) -> object:
    if not isinstance(value, str) or not _DATE(value) or not _exists(value):
        flaws.append(Flaw(at, f"Give a day such as 2016-03-15, from {EARLIEST_YEAR} to {LATEST_YEAR}."))
    return value


def _exists(day: str) -> bool:
    try:
        dt.date.fromisoformat(day)
    except ValueError:
        return False
    return True


def _year(value: object, at: str, flaws: list[Flaw]) -> object:
    if isinstance(value, bool) or not isinstance(value, int) or not EARLIEST_YEAR <= value <= LATEST_YEAR:
        flaws.append(Flaw(at, f"Give a year as an integer from {EARLIEST_YEAR} to {LATEST_YEAR}."))
    return value


def _country(value: object, at: str, flaws: list[Flaw]) -> object:
    if not isinstance(value, str) or value not in COUNTRIES:
        flaws.append(Flaw(at, "Give an ISO 3166 code of two capital letters."))
    return value


_DATE: Final = re.compile(DATE, re.ASCII).fullmatch
_SIMPLE: Final[dict[str, Check]] = {
    "date": _date,
    "half_year": _pattern(HALF_YEAR, f"Give a half-year such as 2014-H1, from {EARLIEST_YEAR} to {LATEST_YEAR}."),
    "year": _year,
    "string": _line,
    "strings": _list_of(_line, MAX_STRINGS),
    "text": _text,
    "countries": _list_of(_country, MAX_COUNTRIES),
    "bcp47": _pattern(LANGUAGE, "Give a language tag such as ar, fr or ar-SY."),
    "staff_ref": _pattern(STAFF_REF, "Give a staff pseudonym of letters, digits, dots, dashes and underscores."),
}
