"""An instrument as JSON Schema (2020-12), for whoever builds a form.

It says what ``answers.validate`` says, so far as a schema can: types, choices, sentinels, conditions and the rules of
consent. Labels and hints stand under ``x-testimony``, which validators ignore. The validator alone has the last word:
a schema cannot tell a day that does not exist, nor apply a policy it was not given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.studies.countries import COUNTRIES
from app.studies.fields import SENTINELS, Choice, Field, Member, Test
from app.studies.instrument import Instrument
from app.studies.policy import StudyPolicy
from app.studies.values import (
    DATE,
    EARLIEST_YEAR,
    HALF_YEAR,
    LANGUAGE,
    LATEST_YEAR,
    LINE_FORBIDS,
    MAX_COUNTRIES,
    MAX_OBJECTS,
    MAX_STRING,
    MAX_STRINGS,
    MAX_TEXT,
    STAFF_REF,
    TEXT_FORBIDS,
)

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


def json_schema(instrument: Instrument, policy: StudyPolicy | None = None) -> Schema:
    """Return the schema of the ``answers`` of a body.

    With a policy the fields and choices that the study does not ask are left out; without one all are shown, and none
    of the extension pack is required.
    """
    asked = [field for field in instrument.fields.values() if policy is None or policy.asks(field)]
    return {
        "$schema": DIALECT,
        "$id": f"urn:testimony:instrument:{instrument.id}:{instrument.version}",
        "title": instrument.title["en"],
        "description": instrument.prompt["en"],
        "type": "object",
        "additionalProperties": False,
        "properties": {field.name: _answer(field, policy) for field in asked},
        "required": [field.name for field in asked if _needed(field) and not field.condition],
        "allOf": [_conditional(field) for field in asked if field.condition],
        "x-testimony": {
            "title": dict(instrument.title),
            "prompt": dict(instrument.prompt),
            "sections": [{"id": section.id, "title": dict(section.title)} for section in instrument.sections],
        },
    }


def _needed(field: Field) -> bool:
    return field.status in {"required", "conditional"}


def _answer(field: Field, policy: StudyPolicy | None) -> Schema:
    forms = [_only("value", _value(field, policy))]
    if field.sentinels:
        forms.append(_only("status", {"enum": list(SENTINELS)}))
    return {
        "title": field.label["en"],
        "description": field.hint["en"],
        "oneOf": forms,
        "x-testimony": {
            "section": field.section,
            "class": field.class_,
            "compartment": field.compartment,
            "status": field.status,
            "may_identify": field.may_identify,
            "label": dict(field.label),
            "hint": dict(field.hint),
            "choices": {choice.name: dict(choice.label) for choice in field.choices},
            "members": {each.name: dict(each.label) for each in field.members},
        },
    }


def _only(key: str, schema: Schema) -> Schema:
    return {"type": "object", "properties": {key: schema}, "required": [key], "additionalProperties": False}


def _conditional(field: Field) -> Schema:
    then = {"required": [field.name]} if _needed(field) else {}
    return {
        "if": {"allOf": [_test(test) for test in field.condition]},
        "then": then,
        "else": {"properties": {field.name: False}},
    }


def _test(test: Test) -> Schema:
    """Return what holds when the earlier field, of type one or many, has a value that passes the test."""
    chosen = {"enum": sorted(test.names)}
    some = {"anyOf": [{"type": "string", **chosen}, {"type": "array", "contains": chosen}]}
    value: Schema = some if test.wanted else {"not": some}
    return {
        "properties": {test.field: {"type": "object", "properties": {"value": value}, "required": ["value"]}},
        "required": [test.field],
    }


def _value(field: Field, policy: StudyPolicy | None) -> Schema:
    if field.type == "bool":
        return {"const": True} if field.must_be else {"type": "boolean"}
    if field.type == "one":
        return {"enum": _names(field.choices, policy)}
    if field.type == "many":
        return _many(field, policy)
    if field.type == "object":
        return _object(field.members, policy)
    if field.type == "objects":
        return _list(_object(field.members, policy), MAX_OBJECTS)
    return _SIMPLE[field.type]


def _names(choices: tuple[Choice, ...], policy: StudyPolicy | None) -> list[str]:
    return [
        choice.name
        for choice in choices
        if choice.effect != "block" and (choice.needs is None or policy is None or policy.allows(choice.needs))
    ]


def _many(field: Field, policy: StudyPolicy | None) -> Schema:
    schema = _list({"enum": _names(field.choices, policy)}, len(field.choices)) | {"minItems": field.minimum}
    alone = [choice.name for choice in field.choices if choice.exclusive]
    if alone:
        schema |= {"if": {"contains": {"enum": alone}}, "then": {"maxItems": 1}}
    return schema | {"uniqueItems": True}


def _object(members: tuple[Member, ...], policy: StudyPolicy | None) -> Schema:
    return {
        "type": "object",
        "properties": {each.name: _member(each, policy) for each in members},
        "required": [each.name for each in members if each.required],
        "additionalProperties": False,
    }


def _member(member: Member, policy: StudyPolicy | None) -> Schema:
    if member.type == "one":
        return {"title": member.label["en"], "enum": _names(member.choices, policy)}
    return {"title": member.label["en"]} | ({"type": "boolean"} if member.type == "bool" else _LINE)


def _list(items: Schema, most: int) -> Schema:
    return {"type": "array", "items": items, "minItems": 1, "maxItems": most}


def _words(most: int, forbidden: str) -> Schema:
    # Lone surrogates never reach a schema: JSON that holds them is refused before.
    sane = forbidden.replace(r"\ud800-\udfff", "").replace(r"\x", r"\u00")
    return {"type": "string", "maxLength": most, "allOf": [{"pattern": r"\S"}, {"pattern": f"^[^{sane}]*$"}]}


def _pattern(pattern: str) -> Schema:
    return {"type": "string", "pattern": f"^({pattern})$"}


_LINE: Final = _words(MAX_STRING, LINE_FORBIDS)
_SIMPLE: Final[Mapping[str, Schema]] = {
    "date": _pattern(DATE) | {"format": "date"},
    "half_year": _pattern(HALF_YEAR),
    "year": {"type": "integer", "minimum": EARLIEST_YEAR, "maximum": LATEST_YEAR},
    "string": _LINE,
    "strings": _list(_LINE, MAX_STRINGS) | {"uniqueItems": True},
    "text": _words(MAX_TEXT, TEXT_FORBIDS),
    "countries": _list({"enum": sorted(COUNTRIES)}, MAX_COUNTRIES) | {"uniqueItems": True},
    "bcp47": _pattern(LANGUAGE),
    "staff_ref": _pattern(STAFF_REF),
}
