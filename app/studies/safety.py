"""Whether a well-formed questionnaire is safe: what its fields would collect, hold together and let go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.studies.core import CORE
from app.studies.fields import CHOICE_TYPES, FREE_TEXT_TYPES
from app.studies.release import NOT_RELEASED, RULES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from app.studies.fields import Field, Section, Test
    from app.studies.reader import Reader

_NARRATIVE_RULES: Final = NOT_RELEASED | {"redact"}
_ROSTER_TYPES: Final = frozenset({"string", "strings", "staff_ref"})


def judge(reader: Reader, sections: tuple[Section, ...], at: str) -> None:
    """Note everything that would be unsafe or could never work; flaws go to the reader."""
    earlier: dict[str, Field] = {}
    for i, section in enumerate(sections):
        for j, field in enumerate(section.fields):
            _judge_field(reader, field, f"{at}/{i}/fields/{j}", earlier)
            earlier[field.name] = field
    for i, section in enumerate(sections):
        for j, field in enumerate(section.fields):
            _judge_joined(reader, field, f"{at}/{i}/fields/{j}/release", earlier)
    for name in sorted(CORE.keys() - earlier.keys()):
        reader.refuse(at, f"The field {name}, which the service acts on, is missing.")


def _judge_field(reader: Reader, field: Field, at: str, earlier: Mapping[str, Field]) -> None:
    for detail in (*_resting(field), *_asking(field)):
        reader.refuse(at, detail)
    for detail in _releasing(field):
        reader.refuse(f"{at}/release", detail)
    for i, test in enumerate(field.condition):
        if not _decidable(test, earlier):
            reader.refuse(f"{at}/condition/{i}", "Name choices of an earlier field of type one or many.")
    if field.name in CORE:
        for key in _differences(field):
            reader.refuse(f"{at}/{key}", "The service acts on this field: this must be as in the default instrument.")


def _resting(field: Field) -> Iterator[str]:
    if (field.class_ == "direct") != (field.compartment == "identity"):
        yield "A direct field rests in identity, and nothing else does."
    if field.compartment == "protection" and field.type in FREE_TEXT_TYPES and not field.may_identify:
        yield "Free text in protection may identify: may_identify must be true, and the hint must say so."
    if field.type == "text" and field.class_ not in {"narrative", "direct"}:
        yield "A text is a narrative, or direct."
    if field.class_ == "narrative" and field.type not in {"text", "string"}:
        yield "A narrative is a text or a string."
    rosters = (field.roster, *(member.roster for member in field.members))
    if any(rosters) and field.compartment != "identity":
        yield "Only identity fields name people, places or codes for the redaction."
    if field.roster and field.type not in _ROSTER_TYPES:
        yield "Only a string, strings or a staff_ref can be a known name."
    if any(member.roster and member.type != "string" for member in field.members):
        yield "Only a string can be a known name."


def _asking(field: Field) -> Iterator[str]:
    if field.status == "conditional" and not field.condition:
        yield "A conditional field needs a condition."
    if field.must_be and field.type != "bool":
        yield "Only a bool has must_be."
    if field.minimum == 0 and field.type != "many":
        yield "Only many has min."
    if any(choice.exclusive for choice in field.choices) and field.type != "many":
        yield "Only many has exclusive choices."


def _releasing(field: Field) -> Iterator[str]:
    rules = (field.release, *_steps(field))
    if field.compartment != "research" and field.rule != "never":
        yield "A field of identity or protection is never released: the rule must be never."
    if field.class_ == "direct" and field.rule != "never":
        yield "A direct field is never released."
    if field.class_ == "narrative" and any(rule["rule"] not in _NARRATIVE_RULES for rule in rules):
        yield "A narrative is redacted or not released."
    if field.quasi and field.rule == "as_is" and not field.why:
        yield "A quasi field released as it is needs a reason in why."
    for rule in rules:
        spec = RULES.get(str(rule["rule"]))
        if spec is not None and field.type and field.type not in spec.types:
            yield "This rule cannot stand on this type."
        if isinstance(rule.get("map"), dict) and not set(_map(rule)) <= field.choice_names:
            yield "The map names something that is not a choice."


def _steps(field: Field) -> tuple[Mapping[str, object], ...]:
    steps = field.release.get("coarser")
    if not isinstance(steps, list):
        return ()
    return tuple(step for step in steps if isinstance(step, dict) and isinstance(step.get("rule"), str))


def _map(rule: Mapping[str, object]) -> Mapping[str, object]:
    found = rule["map"]
    return found if isinstance(found, dict) else {}


def _decidable(test: Test, earlier: Mapping[str, Field]) -> bool:
    field = earlier.get(test.field)
    return field is not None and field.type in CHOICE_TYPES and test.names <= field.choice_names


def _judge_joined(reader: Reader, field: Field, at: str, fields: Mapping[str, Field]) -> None:
    for rule in (field.release, *_steps(field)):
        if "joined" in rule:
            joined = fields.get(str(rule["joined"]))
            if joined is None or joined.type not in RULES["year"].types:
                reader.refuse(at, "joined must name a field of type date, half_year or year.")


def _differences(field: Field) -> list[str]:
    mine: dict[str, object] = {
        "type": field.type,
        "class": field.class_,
        "compartment": field.compartment,
        "status": field.status,
        "sentinels": field.sentinels,
        "must_be": field.must_be,
        "min": field.minimum,
        "choices": tuple(choice.name for choice in field.choices),
        "effects": {choice.name: choice.effect for choice in field.choices if choice.effect},
        "needs": {choice.name: choice.needs for choice in field.choices if choice.needs},
        "condition": [
            {"field": test.field, ("in" if test.wanted else "not_in"): sorted(test.names)} for test in field.condition
        ],
    }
    wanted = CORE[field.name]
    key_of = {"effects": "choices", "needs": "choices"}
    differing = {key_of.get(key, key) for key in mine if mine[key] != wanted[key]}
    if field.needs:
        differing.add("needs")
    return sorted(differing)
