"""An uploaded XLSForm as an ordinary instrument, judged like any other, and as the form that its author laid out.

The sheet says what is asked, in which order and groups, with notes, calculations and recordings; class, compartment and
release rule stand in its ``testimony::…`` columns. The fields the service acts on need their labels only. Everything
wrong is told at once, with sheet, row and column.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

from app.errors import Flaw, InstrumentRefused, Invalid
from app.forms.cells import YES, Cells, texts_in, typed
from app.forms.columns import KNOWN, METADATA_TYPES, TYPES, language_of
from app.forms.expressions import CONSENT
from app.forms.places import Places
from app.forms.workbook import Line, Table, read_workbook
from app.forms.xform import BINARY
from app.studies.core import CORE
from app.studies.fields import Test
from app.studies.instrument import FORMAT, Instrument

__all__ = ["Item", "XlsForm", "read_xlsform"]

SHEETS: Final = ("survey", "choices", "settings")
LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
# Cells that a question keeps as its author wrote them.
KEPT: Final = ("appearance", "constraint", "default", "parameters")
OBJECTS: Final = {"begin_group": "object", "begin_repeat": "objects"}


@dataclass(frozen=True, slots=True)
class Item:
    """One step of the form as its author laid it out.

    ``kind``: ``field``, ``note``, ``calculate``, a type of file, ``begin_group``, ``end_group``, ``begin_repeat``,
    ``end_repeat``. ``row`` is where it stands in the survey.
    """

    kind: str
    name: str = ""
    cells: dict[str, Any] = field(default_factory=dict)
    tests: tuple[Test, ...] = ()
    row: int = 0


@dataclass(frozen=True, slots=True)
class XlsForm:
    """What a workbook holds: the questionnaire with its definition, the layout, and what the form is called."""

    definition: dict[str, Any]
    instrument: Instrument
    items: tuple[Item, ...]
    form_id: str
    title: str
    version: str
    left_out: tuple[str, ...]
    places: Places


def read_xlsform(raw: bytes) -> XlsForm:
    """Read and judge a workbook.

    Raises:
        Invalid: everything that is wrong; pointers are ``/sheet/row/column``.
    """
    reader = _Reader(read_workbook(raw, SHEETS))
    definition = reader.definition()
    flaws = list(reader.flaws)
    try:
        instrument = Instrument.load(definition)
    except InstrumentRefused as refused:
        flaws += [reader.places.translated(flaw) for flaw in refused.flaws]
        raise Invalid(list(dict.fromkeys(flaws))) from None
    if flaws:
        raise Invalid(list(dict.fromkeys(flaws)))
    settings = reader.settings
    return XlsForm(
        definition,
        instrument,
        tuple(reader.items),
        settings.get("form_id", ""),
        settings.get("form_title", ""),
        settings.get("version", ""),
        tuple(reader.left_out),
        reader.places,
    )


class _Reader(Cells):
    """One pass over the sheets."""

    def __init__(self, tables: dict[str, Table]) -> None:
        super().__init__()
        self.items: list[Item] = []
        self.left_out: list[str] = []
        self.places = Places()
        self._tables = tables
        self._sections: list[dict[str, Any]] = []
        self._open: list[tuple[str, tuple[Test, ...]]] = []
        self._object: dict[str, Any] | None = None
        self._names: set[str] = set()
        self._consented = 0
        self._check_columns()
        rows = tables["settings"].rows
        self._settings_row = min(rows, default=2)
        self.settings = rows.get(self._settings_row, {})
        self._lists = self._choices()

    def definition(self) -> dict[str, Any]:
        """The questionnaire in the project's own format, to be judged."""
        for number, line in self._tables["survey"].rows.items():
            self._line(number, line)
        if self._open:
            self.flaws.append(Flaw("/survey", "A group or repeat has no end."))
        return {
            "format": FORMAT,
            "id": self.settings.get("testimony::instrument") or self.settings.get("form_id", "").lower(),
            "version": self.settings.get("testimony::version", ""),
            "title": texts_in(self.settings, "testimony::title"),
            "prompt": texts_in(self.settings, "testimony::prompt"),
            "sections": self._sections,
        }

    def _check_columns(self) -> None:
        for sheet, table in self._tables.items():
            plain, spoken = KNOWN[sheet]
            for column in table.columns:
                name, language = language_of(column)
                if (name in spoken and language) or (name in plain and not language) or not column:
                    continue
                detail = "Name the language, such as ::ar." if name in spoken else "This column is not known here."
                self.refuse(sheet, 1, column, detail)
        if not self._tables["survey"].rows:
            self.flaws.append(Flaw("/survey", "This sheet is missing or empty."))
        self.places.settings(min(self._tables["settings"].rows, default=2))

    def _choices(self) -> dict[str, list[tuple[int, Line]]]:
        lists: dict[str, list[tuple[int, Line]]] = {}
        for number, line in self._tables["choices"].rows.items():
            lists.setdefault(line.get("list_name", ""), []).append((number, line))
        return lists

    def _line(self, number: int, line: Line) -> None:
        kind, argument = typed(line)
        tests = self.condition(number, line)
        self.check(number, line)
        if kind.startswith("end_"):
            self._end(number, kind)
        elif self._object is not None:
            self._member(number, line, kind, argument)
        elif kind in METADATA_TYPES:
            self.left_out.append(kind)
        elif kind in OBJECTS:
            self._begin(number, line, kind, tests)
        elif kind in BINARY or kind in {"note", "calculate"}:
            self._beside(number, line, kind, tests)
        elif kind in TYPES:
            self._field(number, line, kind, argument, tests)
        else:
            known = ", ".join([*TYPES, *sorted(BINARY), "note", "calculate"])
            self.refuse("survey", number, "type", f"Give one of: {known}.")

    def _begin(self, number: int, line: Line, kind: str, tests: tuple[Test, ...]) -> None:
        inherited = self._open[-1][1] if self._open else ()
        if "testimony::class" in line or "testimony::type" in line:
            self._object = self._add_field(number, line, OBJECTS[kind], (*inherited, *tests))
            self._object["members"] = []
        elif not self._open:
            self._section(number, line)
        cells = {"label": texts_in(line, "label")}
        if self._object is None:
            if kind == "begin_repeat" and not self._open:
                self.refuse("survey", number, "type", "A repeat stands in a group.")
            self.items.append(Item(kind, self._name(number, line), cells, (), number))
        self._open.append((kind, (*inherited, *tests)))

    def _section(self, number: int, line: Line) -> None:
        self.places.section(len(self._sections), number)
        if len(self._sections) == len(LETTERS):
            self.refuse("survey", number, "type", "There are too many groups.")
            return
        needs = {"needs": line["testimony::needs"]} if "testimony::needs" in line else {}
        letter = LETTERS[len(self._sections)]
        self._sections.append({"id": letter, "title": texts_in(line, "label"), "fields": []} | needs)

    def _end(self, number: int, kind: str) -> None:
        if not self._open or self._open[-1][0] != kind.replace("end_", "begin_"):
            self.refuse("survey", number, "type", "This ends what did not begin.")
            return
        self._open.pop()
        if self._object is not None:
            self._object = None
        else:
            self.items.append(Item(kind, row=number))

    def _beside(self, number: int, line: Line, kind: str, tests: tuple[Test, ...]) -> None:
        inherited = self._open[-1][1] if self._open else ()
        if not self._open:
            self.refuse("survey", number, "type", "Questions stand in a group.")
        if kind in BINARY and line.get("testimony::class", "narrative") != "narrative":
            self.refuse("survey", number, "testimony::class", "A recording, photo or document is narrative.")
        cells: dict[str, Any] = {name: line[name] for name in (*KEPT, "calculation") if name in line}
        if kind != "calculate":
            cells["label"] = self.spoken(number, line, "label")
        self.items.append(Item(kind, self._name(number, line), cells, (*inherited, *tests), number))

    def _name(self, number: int, line: Line) -> str:
        name = line.get("name", "")
        if NAME.fullmatch(name) is None:
            self.refuse("survey", number, "name", "Give a name of at most 64 letters a-z, digits and underscores.")
        elif name in self._names:
            self.refuse("survey", number, "name", "Names must differ in the whole form.")
        self._names.add(name)
        return name

    def _field(self, number: int, line: Line, kind: str, argument: str, tests: tuple[Test, ...]) -> None:
        inherited = self._open[-1][1] if self._open else ()
        made = self._add_field(number, line, self._type(number, line, kind), (*inherited, *tests))
        if made["type"] in {"one", "many"}:
            made["choices"] = self._offered(number, argument, made["name"], f"{self._here()}/choices")
        elif made["type"] == "bool" and {one.get("name") for _, one in self._lists.get(argument, [])} != {
            "true",
            "false",
        }:
            self.refuse("survey", number, "type", "The choices of a bool are true and false.")

    def _type(self, number: int, line: Line, kind: str) -> str:
        usual = CORE[line["name"]]["type"] if line.get("name") in CORE else TYPES[kind][0]
        if kind == "text" and line.get("testimony::class") == "narrative":
            usual = "text"
        wanted = line.get("testimony::type", str(usual))
        if wanted not in TYPES[kind]:
            self.refuse("survey", number, "testimony::type", f"Give one of: {', '.join(TYPES[kind])}.")
        return wanted

    def _here(self) -> str:
        section = len(self._sections) - 1
        return f"/sections/{section}/fields/{len(self._sections[section]['fields']) - 1}"

    def _add_field(self, number: int, line: Line, kind: str, tests: tuple[Test, ...]) -> dict[str, Any]:
        name = self._name(number, line)
        core = CORE.get(name, {})
        made: dict[str, Any] = {"name": name, "type": kind}
        made |= {key: core[key] for key in ("class", "compartment", "status") if key in core}
        made |= {
            key: line[f"testimony::{key}"] for key in ("class", "compartment", "status") if f"testimony::{key}" in line
        }
        made["label"], made["hint"] = texts_in(line, "label"), texts_in(line, "hint")
        if "testimony::release" in line:
            made["release"] = self.release(number, line["testimony::release"])
        condition = [{"field": test.field, "in" if test.wanted else "not_in": sorted(test.names)} for test in tests]
        made["condition"] = condition or core.get("condition", [])
        made |= self._flags(number, line, core)
        made.setdefault("status", self._status(number, line, made))
        needed = made["status"] in {"required", "conditional"}
        made["sentinels"] = self.flag(number, line, "testimony::sentinels", default=bool(core.get("sentinels", needed)))
        if not self._sections:
            self.refuse("survey", number, "type", "Questions stand in a group.")
            self._section(number, {})
        self._sections[-1]["fields"].append(made)
        self.places.question(self._here(), number)
        self._check_consent(number, name)
        more: dict[str, Any] = {key: line[key] for key in KEPT if key in line and key != "parameters"}
        if "constraint" in line and (said := texts_in(line, "constraint_message")):
            more["constraint_message"] = said
        self.items.append(Item("field", name, more, row=number))
        return made

    def _check_consent(self, number: int, name: str) -> None:
        if name in CONSENT:
            self._consented += 1
        elif self._consented < len(CONSENT):
            detail = f"Consent comes first: {', '.join(CONSENT)} stand before every other question."
            self.refuse("survey", number, "name", detail)

    def _status(self, number: int, line: Line, made: dict[str, Any]) -> str:
        if not self.flag(number, line, "required", default=False):
            return "optional"
        return "conditional" if made["condition"] else "required"

    def _flags(self, number: int, line: Line, core: dict[str, object]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name in ("must_be", "may_identify"):
            if f"testimony::{name}" in line or core.get(name):
                found[name] = self.flag(number, line, f"testimony::{name}", default=bool(core.get(name)))
        found |= {
            key: line[f"testimony::{key}"] for key in ("also", "needs", "roster", "why") if f"testimony::{key}" in line
        }
        least = line.get("testimony::min", "0" if core.get("min") == 0 else "1")
        if least not in {"0", "1"}:
            self.refuse("survey", number, "testimony::min", "Give 0 or 1.")
        return found | ({"min": 0} if least == "0" else {})

    def _offered(self, number: int, argument: str, name: str, at: str) -> list[dict[str, Any]]:
        if argument not in self._lists:
            self.refuse("survey", number, "type", "There is no list of choices of this name.")
        core = CORE.get(name, {})
        effects, needs = core.get("effects", {}), core.get("needs", {})
        offered = []
        for index, (row, line) in enumerate(self._lists.get(argument, [])):
            self.places.choice(f"{at}/{index}", row)
            made: dict[str, Any] = {"name": line.get("name", ""), "label": texts_in(line, "label")}
            for key, usual in (("effect", effects), ("needs", needs)):
                word = line.get(f"testimony::{key}") or (usual.get(made["name"]) if isinstance(usual, dict) else None)
                made |= {key: word} if word else {}
            if line.get("testimony::exclusive", "").lower() in YES:
                made["exclusive"] = True
            offered.append(made)
        return offered

    def _member(self, number: int, line: Line, kind: str, argument: str) -> None:
        members = self._object["members"] if self._object is not None else []
        at = f"{self._here()}/members/{len(members)}"
        self.places.question(at, number)
        made: dict[str, Any] = {"name": line.get("name", ""), "label": texts_in(line, "label")}
        made["required"] = self.flag(number, line, "required", default=False)
        made["type"] = {"text": "string", "select_one": "one"}.get(kind, kind)
        if kind == "select_one" and line.get("testimony::type") == "bool":
            made["type"] = "bool"
        elif kind == "select_one":
            made["choices"] = self._offered(number, argument, "", f"{at}/choices")
        if "testimony::roster" in line:
            made["roster"] = line["testimony::roster"]
        if "relevant" in line or "constraint" in line:
            self.refuse("survey", number, "relevant", "A member of an object has no condition and no constraint.")
        members.append(made)


def _ours(line: Line, *keys: str) -> dict[str, Any]:
    """What our own columns of these names say."""
    return {key: line[f"testimony::{key}"] for key in keys if f"testimony::{key}" in line}
