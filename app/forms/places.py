"""Where in a workbook each part of a questionnaire stands, so that a flaw is told by sheet, row and column."""

from __future__ import annotations

from app.errors import Flaw
from app.forms.texts import LANGUAGE_NAMES

__all__ = ["Places"]

# Keys of a questionnaire that are columns of the same name.
SAME = frozenset({"name", "type"})


class Places:
    """Sheets and rows by JSON pointers into the questionnaire."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[str, int]] = {}
        self._settings = 2

    def settings(self, row: int) -> None:
        """The row of the settings."""
        self._settings = row

    def section(self, index: int, row: int) -> None:
        """A section begins in this row of the survey."""
        self._rows[f"/sections/{index}"] = "survey", row

    def question(self, at: str, row: int) -> None:
        """A field, or a member of one, stands in this row of the survey."""
        self._rows[at] = "survey", row

    def choice(self, at: str, row: int) -> None:
        """A choice stands in this row of its sheet."""
        self._rows[at] = "choices", row

    def translated(self, flaw: Flaw) -> Flaw:
        """The same flaw where its author finds it."""
        at, rest = flaw.pointer, ""
        while at and at not in self._rows:
            at, _, last = at.rpartition("/")
            rest = f"{last}/{rest}" if rest else last
        if at:
            sheet, row = self._rows[at]
            return Flaw(f"/{sheet}/{row}/{_column(rest)}", flaw.detail)
        if rest.startswith("sections") or not rest:
            return Flaw("/survey", flaw.detail)
        return Flaw(f"/settings/{self._settings}/{_setting(rest)}", flaw.detail)


def _column(rest: str) -> str:
    key, _, more = rest.partition("/")
    if key in {"label", "hint", "title"}:
        column = "label" if key == "title" else key
        return f"{column}::{more}" if more in LANGUAGE_NAMES else column
    if key == "condition":
        return "relevant"
    if key == "choices":
        return "type"
    return key if key in SAME else f"testimony::{key}" if key else "name"


def _setting(rest: str) -> str:
    key, _, more = rest.partition("/")
    if key == "id":
        return "testimony::instrument"
    return f"testimony::{key}::{more}" if more in LANGUAGE_NAMES else f"testimony::{key}"
