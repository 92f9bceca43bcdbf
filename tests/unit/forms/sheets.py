"""XLSForms for tests: the smallest one that a study could use, as rows to be changed, and as a workbook."""

from __future__ import annotations

import io
from typing import Any

from openpyxl import Workbook

from app.forms.expressions import CONSENT
from app.forms.texts import LANGUAGE_NAMES
from app.studies.core import CORE

Row = dict[str, Any]
Sheets = dict[str, list[Row]]
TYPES = {"one": "select_one", "bool": "select_one", "many": "select_multiple", "string": "text"}


def spoken(column: str, text: str) -> Row:
    """A text in all five languages."""
    return {f"{column}::{name}": f"{text} {code}" for code, name in LANGUAGE_NAMES.items()}


def question(kind: str, name: str, class_: str = "", compartment: str = "", release: str = "", **more: Any) -> Row:
    """A question with its texts; empty cells are left out."""
    row = {"type": kind, "name": name} | spoken("label", name) | spoken("hint", f"about {name}")
    ours = {"class": class_, "compartment": compartment, "release": release}
    return row | {f"testimony::{key}": value for key, value in ours.items() if value} | more


def choice(list_name: str, name: str, **more: Any) -> Row:
    """A choice with its texts."""
    return {"list_name": list_name, "name": name} | spoken("label", name) | more


def core(name: str) -> Row:
    """A field that the service acts on: its texts and its release rule are the author's."""
    kind = str(CORE[name]["type"])
    argument = {"bool": " truth", "one": f" {name}", "many": f" {name}"}.get(kind, "")
    release = "never" if CORE[name]["compartment"] != "research" else "drop" if kind == "many" else "as_is"
    warned = {"testimony::may_identify": "yes"} if release == "never" and kind == "string" else {}
    return question(TYPES[kind] + argument, name, release=release, **warned)


def smallest() -> Sheets:
    """Consent, what the service acts on, and one question of several types."""
    rest = [name for name in CORE if name not in CONSENT]
    survey = [
        {"type": "begin_group", "name": "consent"} | spoken("label", "Consent"),
        *(core(name) for name in CONSENT),
        {"type": "end_group"},
        {"type": "begin_group", "name": "story"} | spoken("label", "Story"),
        {"type": "note", "name": "please"} | spoken("label", "Please listen"),
        *(core(name) for name in rest),
        question("text", "account", "narrative", "research", "redact", required="yes", appearance="multiline"),
        question("text", "legal_name", "direct", "identity", "never", **{"testimony::roster": "persons"}),
        question("integer", "birth_year", "quasi", "research", "year", constraint=". < 2020"),
        question(
            "text", "joined", "quasi", "research", "half_year", required="yes", **{"testimony::type": "half_year"}
        ),
        question(
            "select_one motive",
            "motive",
            "sensitive",
            "research",
            '{"rule": "coarsen", "map": {"money": "gain", "faith": "belief"}}',
            relevant="${source_type} != 'public_account'",
            required="yes",
        ),
        question("begin_repeat", "relatives", "direct", "identity", "never", **{"testimony::status": "optional"}),
        {"type": "text", "name": "relative_name", "required": "yes", "testimony::roster": "persons"}
        | spoken("label", "Name"),
        {"type": "end_repeat"},
        {"type": "audio", "name": "voice"} | spoken("label", "A recording"),
        {"type": "deviceid", "name": "deviceid"},
        {"type": "end_group"},
    ]
    choices = [
        *(choice(name, str(each)) for name in CORE for each in _names(name)),
        choice("truth", "true"),
        choice("truth", "false"),
        choice("motive", "money"),
        choice("motive", "faith"),
    ]
    settings = {"form_id": "small-form", "form_title": "Notes", "testimony::version": "1.0.0"}
    settings |= spoken("testimony::title", "A small form") | spoken("testimony::prompt", "You may stop at any time.")
    return {"survey": survey, "choices": choices, "settings": [settings]}


def _names(name: str) -> tuple[str, ...]:
    choices = CORE[name]["choices"]
    return choices if isinstance(choices, tuple) else ()


def workbook(sheets: Sheets) -> bytes:
    """The rows as a workbook; every column that a row names has its place in the heading."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        columns = list(dict.fromkeys(column for row in rows for column in row))
        sheet.append(columns)
        for row in rows:
            sheet.append([row.get(column) for column in columns])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
