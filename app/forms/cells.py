"""Reading the cells of an uploaded XLSForm; every flaw is noted with sheet, row and column, and nothing is repeated."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from app.errors import Flaw
from app.forms.columns import APPEARANCES, EXPRESSIONS, allowed_expression, allowed_parameters, language_of
from app.forms.expressions import parse_condition
from app.forms.texts import LANGUAGE_NAMES
from app.forms.workbook import Line
from app.studies.fields import Test

__all__ = ["YES", "Cells", "texts_in", "typed"]

YES: Final = frozenset({"yes", "true", "1", "true()"})
NO: Final = frozenset({"no", "false", "0", "false()"})


class Cells:
    """Reads cells and notes flaws."""

    def __init__(self) -> None:
        self.flaws: list[Flaw] = []

    def refuse(self, sheet: str, row: int, column: str, detail: str) -> None:
        """Note one flaw."""
        self.flaws.append(Flaw(f"/{sheet}/{row}/{column}", detail))

    def check(self, number: int, line: Line) -> None:
        """Refuse what a phone would evaluate or start, beyond plain functions and appearances."""
        for column in EXPRESSIONS:
            if not allowed_expression(line.get(column, "")):
                self.refuse("survey", number, column, "This calls a function that forms here may not use.")
        if not set(line.get("appearance", "").split()) <= APPEARANCES:
            self.refuse("survey", number, "appearance", "This appearance is not allowed here.")
        if not allowed_parameters(line.get("parameters", "")):
            self.refuse("survey", number, "parameters", "Only max-pixels and quality are allowed here.")

    def condition(self, number: int, line: Line) -> tuple[Test, ...]:
        """The condition of a row as tests."""
        text = line.get("relevant", "")
        tests = parse_condition(text) if text else ()
        if tests is None:
            detail = "Write choices of earlier questions, such as ${a} = 'x' or selected(${a}, 'x'), joined by and."
            self.refuse("survey", number, "relevant", detail)
        return tests or ()

    def spoken(self, number: int, line: Line, column: str) -> dict[str, str]:
        """The texts of a column, in every language."""
        found = texts_in(line, column)
        for code in LANGUAGE_NAMES:
            if code not in found:
                self.refuse("survey", number, f"{column}::{code}", "This text is missing.")
        return found

    def flag(self, number: int, line: Line, column: str, *, default: bool) -> bool:
        """Yes or no."""
        text = line.get(column, "").lower()
        if text and text not in YES | NO:
            self.refuse("survey", number, column, "Give yes or no.")
        return text in YES if text else default

    def release(self, number: int, text: str) -> object:
        """A release rule: its name, or its JSON where it takes parameters."""
        if not text.startswith("{"):
            return {"rule": text}
        try:
            return json.loads(text)
        except ValueError:
            self.refuse("survey", number, "testimony::release", "Give the name of a rule, or its JSON.")
            return {"rule": "never"}


def typed(line: Line) -> tuple[str, str]:
    """The type of a row, its usual spelling taken, and the list that it names."""
    words = line.get("type", "").split()
    if words[:1] in (["begin"], ["end"]):
        words = ["_".join(words[:2]), *words[2:]]
    argument = words[1] if len(words) > 1 else ""
    # What stands behind a list (or_other) and in front of it (from a file) is not known here.
    known = len(words) <= (2 if words[:1] in (["select_one"], ["select_multiple"]) else 1)
    return (words[0] if words and known else ""), argument


def texts_in(line: Line, column: str) -> dict[str, str]:
    """The texts of a column by language, as far as they are there."""
    found: Iterator[tuple[str, str, str]] = ((*language_of(name), text) for name, text in line.items())
    return {code: text for name, code, text in found if name == column and code}
