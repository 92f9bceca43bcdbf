"""The columns of an uploaded XLSForm: what pyxform knows of them, as far as it is harmless, and our own.

Every question names its class, its compartment and its release rule in ``testimony::…`` columns; everything that a
phone would fetch, start or send elsewhere is refused.
"""

from __future__ import annotations

import re
from typing import Final

from app.forms.texts import LANGUAGE_NAMES

__all__ = [
    "APPEARANCES",
    "EXPRESSIONS",
    "KNOWN",
    "METADATA_TYPES",
    "TYPES",
    "allowed_expression",
    "allowed_parameters",
    "language_of",
]

_SPOKEN: Final = ("label", "hint", "constraint_message")
_OURS: Final = (
    "type", "class", "compartment", "release", "status", "needs", "sentinels", "must_be", "min", "also", "roster",
    "may_identify", "why",
)  # fmt: skip
# By sheet: the columns, and those that stand once for each language.
KNOWN: Final[dict[str, tuple[frozenset[str], frozenset[str]]]] = {
    "survey": (
        frozenset({"type", "name", "required", "relevant", "constraint", "appearance", "default", "calculation"})
        | {"parameters", "read_only"}
        | {f"testimony::{name}" for name in _OURS},
        frozenset(_SPOKEN),
    ),
    "choices": (
        frozenset({"list_name", "name", "testimony::effect", "testimony::needs", "testimony::exclusive"}),
        frozenset({"label"}),
    ),
    "settings": (
        frozenset({"form_id", "form_title", "version", "default_language", "testimony::instrument"})
        | {"testimony::version"},
        frozenset({"testimony::title", "testimony::prompt"}),
    ),
}
# The types of questions and what field each may be, the usual one first.
TYPES: Final[dict[str, tuple[str, ...]]] = {
    "select_one": ("one", "bool"),
    "select_multiple": ("many", "countries"),
    "text": ("string", "text", "strings", "half_year", "bcp47", "staff_ref"),
    "date": ("date",),
    "integer": ("year",),
    "begin_group": ("object",),
    "begin_repeat": ("objects",),
}
# What a client would note of the phone and its user. Never asked for: these rows are left out.
METADATA_TYPES: Final = frozenset(
    {"start", "end", "today", "deviceid", "phonenumber", "username", "email", "simserial", "subscriberid", "audit"}
    | {"start-geopoint", "background-geopoint", "background-audio"}
)
APPEARANCES: Final = frozenset(
    {"minimal", "quick", "autocomplete", "multiline", "numbers", "field-list", "horizontal", "horizontal-compact"}
    | {"likert", "compact", "columns", "columns-pack", "list", "list-nolabel", "label", "no-calendar", "year"}
    | {"month-year", "no-buttons", "thousands-sep"}
)
_FUNCTIONS: Final = frozenset(
    {"selected", "selected-at", "count-selected", "string-length", "normalize-space", "regex", "not", "if", "coalesce"}
    | {"today", "now", "int", "number", "string", "date", "format-date", "count", "sum", "concat", "position", "true"}
    | {"false", "round", "min", "max", "contains", "starts-with", "ends-with", "substr", "translate", "boolean", "and"}
    | {"or", "div", "mod", "decimal-date-time", "checklist", "once"}
)
# Columns that clients evaluate.
EXPRESSIONS: Final = ("constraint", "default", "calculation")
_CALL: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_:.-]*)\s*\(", re.ASCII)
_QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"")
_PARAMETERS: Final = re.compile(r"(max-pixels=[1-9][0-9]{2,4}|quality=(normal|low|voice-only))", re.ASCII)
_LANGUAGE: Final = re.compile(r"(?:.*\()?([a-z]{2})\)?")


def allowed_expression(text: str) -> bool:
    """Whether an expression calls nothing but plain functions: no look-ups in other files, no property of the phone."""
    return "://" not in text and all(name in _FUNCTIONS for name in _CALL.findall(_QUOTED.sub("''", text)))


def allowed_parameters(text: str) -> bool:
    """Whether the parameters only say how large or how good a recording is."""
    return all(_PARAMETERS.fullmatch(each) for each in text.split())


def language_of(column: str) -> tuple[str, str]:
    """A column's name without its language, and the language's code, empty for none or for one of no form."""
    name, _, language = column.rpartition("::")
    found = _LANGUAGE.fullmatch(language.strip())
    return (name, found[1]) if name and found and found[1] in LANGUAGE_NAMES else (column, "")
