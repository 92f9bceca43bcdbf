"""One field of an instrument as questions of a form.

A field that may go unanswered is never forced: where its answer is empty, the next question asks why, with the
sentinels as choices, and is forced if the field is needed. So "declined" never stands among the choices of a question,
and comes back as exactly what it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from app.forms.expressions import both, condition
from app.forms.mapping import Place
from app.forms.rows import Row, Sheet
from app.forms.texts import Texts, countries, text
from app.studies.countries import COUNTRIES
from app.studies.fields import SENTINELS, Choice, Field, Member
from app.studies.instrument import Instrument
from app.studies.policy import StudyPolicy
from app.studies.values import (
    EARLIEST_YEAR,
    LANGUAGE,
    LATEST_YEAR,
    MAX_COUNTRIES,
    MAX_OBJECTS,
    MAX_STRING,
    MAX_STRINGS,
    MAX_TEXT,
    STAFF_REF,
)

__all__ = ["Questions", "element"]

YES_NO: Final = "list-yes-no"
WHY: Final = "list-why"
HALF: Final = "list-half"
COUNTRY: Final = "list-country"
LINE: Final = f"string-length(.) <= {MAX_STRING}"
# Each further line begins with a line end, so there is one way to match and no backtracking.
LINES: Final = rf"regex(., '^[^\n]{{0,{MAX_STRING}}}(\n[^\n]{{0,{MAX_STRING}}}){{0,{MAX_STRINGS - 1}}}$')"
YEARS: Final = f". >= {EARLIEST_YEAR} and . <= {LATEST_YEAR}"
DAYS: Final = f". >= date('{EARLIEST_YEAR}-01-01') and . <= date('{LATEST_YEAR}-12-31')"


def element(name: str) -> str:
    """The element of a field: its name, with an underscore where XML allows no digit."""
    return name if name[0].isalpha() else f"_{name}"


class Questions:
    """Adds the questions of fields to a sheet, as a study with this policy asks them.

    ``places`` has each field with names of elements where a mapping has paths.
    """

    def __init__(self, sheet: Sheet, instrument: Instrument, policy: StudyPolicy) -> None:
        self._sheet = sheet
        self._fields = instrument.fields
        self._policy = policy
        self.places: dict[str, Place] = {}

    def asks(self, field: Field) -> bool:
        """Whether the study asks this field, and ever those it depends on."""
        return self._policy.asks(field) and all(
            self.asks(self._fields[test.field]) for test in field.condition if test.field in self._fields
        )

    def add(self, field: Field, *, gate: str = "", more: Row | None = None) -> None:
        """Add the questions of one field; ``gate`` is what must hold beside its condition.

        ``more`` are cells of a sheet: its constraint is joined to ours, the others go before ours.
        """
        when = both(gate, condition(field.condition, self._fields))
        needed = field.status in {"required", "conditional"}
        forced = needed and not field.sentinels and field.minimum > 0
        place = self._value(field, when, more or {}, forced=forced)
        self.places[field.name] = self._why(field, place, when, needed=needed) if field.sentinels else place

    def _why(self, field: Field, place: Place, when: str, *, needed: bool) -> Place:
        name = f"{element(field.name)}-why"
        self._sheet.offer(WHY, [(each, text(each)) for each in SENTINELS])
        asked = place.at or f"{element(field.name)}-given"
        empty = f"${{{asked}}} != 'true'" if field.type == "object" else f"${{{asked}}} = ''"
        self._sheet.add(
            f"select_one {WHY}",
            name,
            text("why"),
            hint=dict(field.label),
            relevant=both(when, empty),
            required="yes" if needed else "",
        )
        return replace(place, why=name)

    def _value(self, field: Field, when: str, more: Row, *, forced: bool) -> Place:
        if field.type == "half_year":
            return self._half_year(field, when, forced=forced)
        if field.type == "object":
            return self._object(field, when, forced=forced)
        if field.type == "objects":
            return self._objects(field, when, forced=forced)
        kind, cells = self._question(field)
        name = element(field.name)
        message = cells.pop("message", "form")
        hint = _hint(field, cells.pop("hint", None))
        rule = both(cells.pop("constraint", ""), more.get("constraint", ""))
        said = {"constraint": rule, "constraint_message": text(message)} if rule else {}
        self._sheet.add(
            kind,
            name,
            field.label,
            hint=hint,
            relevant=when,
            required="yes" if forced else "",
            **said | cells | {key: value for key, value in more.items() if key != "constraint"},
        )
        return Place(at=name)

    def _question(self, field: Field) -> tuple[str, dict[str, Any]]:
        """Its type, and the cells that its type brings."""
        if field.type == "one":
            stops = [f". != '{each.name}'" for each in field.choices if each.effect == "block"]
            return f"select_one {self._choices(field)}", {"constraint": both(*stops), "message": "stops"}
        if field.type == "many":
            alone = [f"selected(., '{each.name}')" for each in field.choices if each.exclusive]
            rule = f"count-selected(.) <= 1 or not({' or '.join(alone)})" if alone else ""
            return f"select_multiple {self._choices(field)}", {"constraint": rule, "message": "alone"}
        if field.type == "bool":
            self._yes_no()
            return f"select_one {YES_NO}", {"constraint": ". = 'true'" if field.must_be else "", "message": "stops"}
        if field.type == "countries":
            self._sheet.offer(COUNTRY, countries(tuple(sorted(COUNTRIES))).items())
            most = f"count-selected(.) <= {MAX_COUNTRIES}"
            return f"select_multiple {COUNTRY}", {"constraint": most, "appearance": "minimal autocomplete"}
        kind, cells = _WRITTEN[field.type]
        return kind, dict(cells)

    def _choices(self, asked: Field | Member, within: str = "") -> str:
        def allowed(choice: Choice) -> bool:
            return choice.needs is None or self._policy.allows(choice.needs)

        offered = [(each.name, each.label) for each in asked.choices if allowed(each)]
        return self._sheet.offer(f"list-{within}{asked.name}", offered)

    def _yes_no(self) -> None:
        self._sheet.offer(YES_NO, [("true", text("yes")), ("false", text("no"))])

    def _half_year(self, field: Field, when: str, *, forced: bool) -> Place:
        year, half = f"{element(field.name)}-year", f"{element(field.name)}-half"
        self._sheet.offer(HALF, [(each, text(each)) for each in ("H1", "H2")])
        cells = {"constraint": YEARS, "constraint_message": text("form"), "required": "yes" if forced else ""}
        self._sheet.add("integer", year, field.label, hint=_hint(field, text("year")), relevant=when, **cells)
        asked = both(when, f"${{{year}}} != ''")
        hint = dict(field.label)
        self._sheet.add(f"select_one {HALF}", half, text("half"), hint=hint, relevant=asked, required="yes")
        return Place(at=year, half=half)

    def _object(self, field: Field, when: str, *, forced: bool) -> Place:
        name = element(field.name)
        self._yes_no()
        cells = {"relevant": when, "required": "yes" if forced else ""}
        self._sheet.add(f"select_one {YES_NO}", f"{name}-given", field.label, hint=_hint(field, text("given")), **cells)
        self._sheet.add("begin_group", name, field.label, relevant=both(when, f"${{{name}-given}} = 'true'"))
        members = self._members(field)
        self._sheet.end("group")
        return Place(at=f"{name}-given", group=name, members=members)

    def _objects(self, field: Field, when: str, *, forced: bool) -> Place:
        name = element(field.name)
        cells = {"constraint": f". >= 1 and . <= {MAX_OBJECTS}", "constraint_message": text("form")}
        hint = _hint(field, text("count"))
        required = "yes" if forced else ""
        self._sheet.add("integer", f"{name}-count", field.label, hint=hint, relevant=when, required=required, **cells)
        asked = both(when, f"${{{name}-count}} != ''")
        self._sheet.add("begin_repeat", name, field.label, repeat_count=f"${{{name}-count}}", relevant=asked)
        members = self._members(field)
        self._sheet.end("repeat")
        return Place(at=f"{name}-count", group=name, members=members)

    def _members(self, field: Field) -> dict[str, str]:
        return {member.name: self._member(field, member) for member in field.members}

    def _member(self, field: Field, member: Member) -> str:
        name = f"{element(field.name)}-{member.name}"
        cells: dict[str, Any] = {"required": "yes" if member.required else ""}
        if member.type == "one":
            kind = f"select_one {self._choices(member, f'{field.name}-')}"
        elif member.type == "bool":
            self._yes_no()
            kind = f"select_one {YES_NO}"
        else:
            kind, cells = "text", cells | {"constraint": LINE, "constraint_message": text("form")}
        self._sheet.add(kind, name, member.label, **cells)
        return name


_WRITTEN: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "date": ("date", {"constraint": DAYS}),
    "year": ("integer", {"constraint": YEARS}),
    "string": ("text", {"constraint": LINE}),
    "strings": ("text", {"constraint": LINES, "appearance": "multiline", "hint": text("one_a_line")}),
    "text": ("text", {"constraint": f"string-length(.) <= {MAX_TEXT}", "appearance": "multiline"}),
    "bcp47": ("text", {"constraint": f"regex(., '^{LANGUAGE}$')", "hint": text("language_tag")}),
    "staff_ref": ("text", {"constraint": f"regex(., '^{STAFF_REF}$')"}),
}


def _hint(field: Field, more: Texts | None) -> dict[str, str]:
    """The field's hint, and what its question adds to it."""
    return {code: f"{said} {more[code]}" if more else said for code, said in field.hint.items()}
