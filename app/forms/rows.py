"""Rows of an XLSForm, as pyxform takes them: a form is a list of these, whether an instrument or a sheet gave it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from app.forms.texts import LANGUAGE_NAMES, Texts

__all__ = ["Row", "Sheet", "texts"]

Row = dict[str, Any]


def texts(column: str, given: Texts) -> Row:
    """The cells of one column in every language; what pyxform would take for a reference is taken apart."""
    return {f"{column}::{LANGUAGE_NAMES[code]}": words.replace("${", "$ {") for code, words in given.items()}


@dataclass(slots=True)
class Sheet:
    """A workbook in the making: its questions, and its lists of choices, each list once."""

    survey: list[Row] = field(default_factory=list)
    lists: dict[str, list[Row]] = field(default_factory=dict)

    def add(self, kind: str, name: str, label: Texts, **cells: Any) -> None:
        """Add a question; empty cells are left out, and cells of texts are given by language."""
        row = {"type": kind, "name": name} | texts("label", label)
        for column, value in cells.items():
            if isinstance(value, dict):
                row |= texts(column, value)
            elif value:
                row[column] = value
        self.survey.append(row)

    def end(self, kind: str) -> None:
        """Close a group or repeat; one that holds nothing is taken back."""
        if self.survey[-1]["type"] == f"begin_{kind}":
            self.survey.pop()
            return
        self.survey.append({"type": f"end_{kind}"})

    def offer(self, name: str, choices: Iterable[tuple[str, Texts]]) -> str:
        """Make a list of choices, unless it is there; its name."""
        if name not in self.lists:
            self.lists[name] = [{"list_name": name, "name": each} | texts("label", label) for each, label in choices]
        return name

    def workbook(self, settings: Row) -> dict[str, list[Row]]:
        """Everything as pyxform takes it."""
        return {
            "survey": self.survey,
            "choices": [row for rows in self.lists.values() for row in rows],
            "settings": [settings],
        }
