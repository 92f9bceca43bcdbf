"""From the JSON of a questionnaire to its fields: shape only. ``safety`` judges what the fields would do."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from app.studies.fields import (
    CHOICE_TYPES,
    CLASSES,
    COMPARTMENTS,
    EFFECTS,
    MEMBER_TYPES,
    NEEDS,
    OBJECT_TYPES,
    ROSTERS,
    STATUSES,
    TYPES,
    Choice,
    Field,
    Member,
    Section,
    Test,
)
from app.studies.release import RULES

if TYPE_CHECKING:
    from app.studies.reader import Reader

MAX_FIELDS: Final = 300  # six times the default form; each answer of a record is sealed, present or not

_SECTION: Final = (frozenset({"id", "title", "fields"}), frozenset({"needs"}))
_FIELD: Final = (
    frozenset({"name", "type", "class", "compartment", "status", "label", "hint", "release"}),
    frozenset({"choices", "members", "condition", "needs", "sentinels", "must_be", "min", "also", "roster", "why"})
    | {"may_identify"},
)
_CHOICE: Final = (frozenset({"name", "label"}), frozenset({"effect", "needs", "exclusive"}))
_MEMBER: Final = (frozenset({"name", "type", "required", "label"}), frozenset({"choices", "roster"}))
_TEST: Final = (frozenset({"field"}), frozenset({"in", "not_in"}))
_SECTION_IDS: Final = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_YEARS: Final = range(2, 51)
_AGES: Final = range(1, 100)


def read_sections(reader: Reader, value: object, at: str) -> tuple[Section, ...]:
    """Read the sections with their fields; flaws go to the reader."""
    sections = tuple(_section(reader, raw, f"{at}/{i}") for i, raw in enumerate(reader.items(value, at, least=1)))
    names = [field.name for section in sections for field in section.fields]
    if len(names) > MAX_FIELDS:
        reader.refuse(at, f"An instrument has at most {MAX_FIELDS} fields.")
    if len(set(names)) != len(names):
        reader.refuse(at, "Field names must differ.")
    if len({section.id for section in sections}) != len(sections):
        reader.refuse(at, "Section ids must differ.")
    return sections


def _section(reader: Reader, value: object, at: str) -> Section:
    raw = reader.mapping(value, at, *_SECTION)
    letter = reader.one_of(raw.get("id"), f"{at}/id", _SECTION_IDS)
    need = _optional_word(reader, raw, "needs", at, NEEDS)
    fields = tuple(
        _field(reader, item, f"{at}/fields/{i}", letter, need)
        for i, item in enumerate(reader.items(raw.get("fields"), f"{at}/fields", least=1))
    )
    return Section(letter, reader.texts(raw.get("title"), f"{at}/title"), fields)


def _field(reader: Reader, value: object, at: str, section: str, section_need: str | None) -> Field:
    raw = reader.mapping(value, at, *_FIELD)
    kind = reader.one_of(raw.get("type"), f"{at}/type", TYPES)
    needs = (section_need, _optional_word(reader, raw, "needs", at, NEEDS))
    return Field(
        name=reader.name(raw.get("name"), f"{at}/name"),
        type=kind,
        class_=reader.one_of(raw.get("class"), f"{at}/class", CLASSES),
        compartment=reader.one_of(raw.get("compartment"), f"{at}/compartment", COMPARTMENTS),
        status=reader.one_of(raw.get("status"), f"{at}/status", STATUSES),
        section=section,
        label=reader.texts(raw.get("label"), f"{at}/label"),
        hint=reader.texts(raw.get("hint"), f"{at}/hint"),
        release=_frozen(_release(reader, raw.get("release"), f"{at}/release")),
        choices=_choices(reader, raw, at, wanted=kind in CHOICE_TYPES),
        members=_members(reader, raw, at, wanted=kind in OBJECT_TYPES),
        condition=_condition(reader, raw.get("condition", []), f"{at}/condition"),
        needs=tuple(need for need in needs if need),
        sentinels=reader.flag(raw.get("sentinels", True), f"{at}/sentinels"),
        must_be=reader.flag(raw.get("must_be", False), f"{at}/must_be"),
        minimum=reader.number(raw.get("min", 1), f"{at}/min", range(2)),
        also=_optional_word(reader, raw, "also", at, ("quasi",)),
        roster=_optional_word(reader, raw, "roster", at, ROSTERS),
        may_identify=reader.flag(raw.get("may_identify", False), f"{at}/may_identify"),
        why=reader.words(raw["why"], f"{at}/why") if "why" in raw else "",
    )


def _optional_word(reader: Reader, raw: dict[str, object], key: str, at: str, allowed: tuple[str, ...]) -> str | None:
    return reader.one_of(raw[key], f"{at}/{key}", allowed) if key in raw else None


def _choices(reader: Reader, raw: dict[str, object], at: str, *, wanted: bool) -> tuple[Choice, ...]:
    if not wanted:
        if "choices" in raw:
            reader.refuse(f"{at}/choices", "Only one and many have choices.")
        return ()
    at = f"{at}/choices"
    choices = tuple(
        _choice(reader, item, f"{at}/{i}") for i, item in enumerate(reader.items(raw.get("choices"), at, least=2))
    )
    if len({choice.name for choice in choices}) != len(choices):
        reader.refuse(at, "Names must differ.")
    return choices


def _choice(reader: Reader, value: object, at: str) -> Choice:
    raw = reader.mapping(value, at, *_CHOICE)
    return Choice(
        name=reader.name(raw.get("name"), f"{at}/name"),
        label=reader.texts(raw.get("label"), f"{at}/label"),
        effect=_optional_word(reader, raw, "effect", at, EFFECTS),
        needs=_optional_word(reader, raw, "needs", at, NEEDS),
        exclusive=reader.flag(raw.get("exclusive", False), f"{at}/exclusive"),
    )


def _members(reader: Reader, raw: dict[str, object], at: str, *, wanted: bool) -> tuple[Member, ...]:
    if not wanted:
        if "members" in raw:
            reader.refuse(f"{at}/members", "Only object and objects have members.")
        return ()
    at = f"{at}/members"
    members = tuple(
        _member(reader, item, f"{at}/{i}") for i, item in enumerate(reader.items(raw.get("members"), at, least=1))
    )
    if len({member.name for member in members}) != len(members):
        reader.refuse(at, "Names must differ.")
    return members


def _member(reader: Reader, value: object, at: str) -> Member:
    raw = reader.mapping(value, at, *_MEMBER)
    kind = reader.one_of(raw.get("type"), f"{at}/type", MEMBER_TYPES)
    return Member(
        name=reader.name(raw.get("name"), f"{at}/name"),
        type=kind,
        required=reader.flag(raw.get("required"), f"{at}/required"),
        label=reader.texts(raw.get("label"), f"{at}/label"),
        choices=_choices(reader, raw, at, wanted=kind in CHOICE_TYPES),
        roster=_optional_word(reader, raw, "roster", at, ROSTERS),
    )


def _condition(reader: Reader, value: object, at: str) -> tuple[Test, ...]:
    return tuple(_test(reader, item, f"{at}/{i}") for i, item in enumerate(reader.items(value, at)))


def _test(reader: Reader, value: object, at: str) -> Test:
    raw = reader.mapping(value, at, *_TEST)
    words = [key for key in ("in", "not_in") if key in raw]
    if len(words) != 1:
        reader.refuse(at, "Give exactly one of in and not_in.")
        return Test("", frozenset(), wanted=True)
    names = reader.names(raw[words[0]], f"{at}/{words[0]}")
    return Test(reader.name(raw.get("field"), f"{at}/field"), frozenset(names), wanted=words[0] == "in")


def _release(reader: Reader, value: object, at: str, *, first: bool = True) -> dict[str, object]:
    rule = reader.one_of(value.get("rule") if isinstance(value, dict) else None, f"{at}/rule", tuple(RULES))
    if not rule:
        return {"rule": ""}
    raw = reader.mapping(value, at, RULES[rule].parameters | {"rule"}, frozenset({"coarser"} if first else ()))
    if "map" in raw:
        _map(reader, raw["map"], f"{at}/map")
    if "years" in raw:
        reader.number(raw["years"], f"{at}/years", _YEARS)
    if "joined" in raw:
        reader.name(raw["joined"], f"{at}/joined")
    if "bands" in raw:
        _bands(reader, raw["bands"], f"{at}/bands")
    if first and "coarser" in raw:
        for i, step in enumerate(reader.items(raw["coarser"], f"{at}/coarser", least=1)):
            _release(reader, step, f"{at}/coarser/{i}", first=False)
    return raw


def _frozen(rule: dict[str, object]) -> Mapping[str, object]:
    """Return a copy of the rule, so that an instrument does not change with the JSON it was made of."""
    return MappingProxyType(deepcopy(rule))


def _map(reader: Reader, value: object, at: str) -> None:
    if not isinstance(value, dict) or not value:
        reader.refuse(at, "Give an object from choices to coarser names.")
        return
    for name, coarse in value.items():
        reader.name(name, at)
        reader.name(coarse, at)


def _bands(reader: Reader, value: object, at: str) -> None:
    ages = [reader.number(item, f"{at}/{i}", _AGES) for i, item in enumerate(reader.items(value, at, least=1))]
    if ages != sorted(set(ages)):
        reader.refuse(at, "Ages must rise.")
