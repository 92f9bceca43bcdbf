"""Cells of an uploaded workbook (Office Open XML), read in memory and within bounds; whoever made it is not trusted.

Texts and numbers are taken as they stand. Formulas, macros, links to elsewhere and whatever else could fetch, run or
hide something are refused; pictures and styles are not looked at.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from posixpath import join, normpath
from typing import Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from app.errors import Flaw, Invalid

__all__ = ["MOST_BYTES", "Line", "Table", "read_workbook"]

MOST_BYTES: Final = 1 << 20
# A form of 300 questions in five languages inflates to two megabytes.
MOST_INFLATED: Final = 16 << 20
# Marks that begin or end an element, in all parts: far more cells than a sheet may have use them up.
MOST_MARKS: Final = 600_000
MOST_ENTRIES: Final = 100
MOST_ROWS: Final = 2000
MOST_COLUMNS: Final = 100
LONGEST_CELL: Final = 4000
ACTIVE: Final = re.compile(
    r"vba|macro|externallink|embedding|activex|connection|querytable|oleobject|customui", re.ASCII
)
NUMBER: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
PLACE: Final = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})", re.ASCII)
RELATION: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"

Line = dict[str, str]


@dataclass(slots=True)
class Table:
    """One sheet: its header's columns in order, and its rows by their number in the sheet, each by column."""

    columns: tuple[str, ...] = ()
    rows: dict[int, Line] = field(default_factory=dict)


def read_workbook(raw: bytes, names: tuple[str, ...]) -> dict[str, Table]:
    """The sheets of these names, empty ones for those that are missing.

    Raises:
        Invalid: it is no such workbook, breaks a bound, or holds what is refused; pointers are ``/sheet/row/column``.
    """
    return _Workbook(raw).tables(names)


class _Workbook:
    def __init__(self, raw: bytes) -> None:
        if len(raw) > MOST_BYTES:
            raise _refused("", f"A workbook has at most {MOST_BYTES >> 10} KiB.")
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(raw))
        except (zipfile.BadZipFile, ValueError, OSError):
            raise _refused("", "This is no workbook in the format .xlsx.") from None
        self._left, self._marks = MOST_INFLATED, MOST_MARKS
        entries = self._archive.namelist()
        if len(entries) > MOST_ENTRIES or len(set(entries)) != len(entries):
            raise _refused("", "The workbook has too many parts.")
        if any(ACTIVE.search(name.lower()) for name in entries):
            raise _refused("", "The workbook holds macros, links or embedded objects. Save it without them.")
        for name in entries:
            if name.endswith(".rels") and any(each.get("TargetMode") == "External" for each in self._xml(name)):
                raise _refused("", "The workbook refers to something outside of it. Remove links and pictures.")
        self._flaws: list[Flaw] = []

    def tables(self, names: tuple[str, ...]) -> dict[str, Table]:
        strings = self._strings()
        parts = {name.strip().lower(): part for name, part in self._sheets()}
        found = {name: self._table(name, parts[name], strings) if name in parts else Table() for name in names}
        if self._flaws:
            raise Invalid(self._flaws)
        return found

    def _bytes(self, name: str) -> bytes:
        try:
            with self._archive.open(name) as part:
                raw = part.read(self._left + 1)
        except (KeyError, zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, ValueError):
            raise _refused("", "The workbook is damaged.") from None
        self._left -= len(raw)
        self._marks -= raw.count(b"<")
        if self._left < 0 or self._marks < 0:
            raise _refused("", "The workbook is too large when it is unpacked.")
        return raw

    def _xml(self, name: str) -> Element:
        try:
            tree: Element = fromstring(self._bytes(name), forbid_dtd=True)
        except (ParseError, DefusedXmlException, LookupError, ValueError):
            raise _refused("", "The workbook is damaged.") from None
        return tree

    def _sheets(self) -> Iterator[tuple[str, str]]:
        relations = {each.get("Id"): each.get("Target", "") for each in self._xml("xl/_rels/workbook.xml.rels")}
        for sheet in self._xml("xl/workbook.xml").iterfind(".//{*}sheets/{*}sheet"):
            target = relations.get(sheet.get(RELATION), "")
            yield sheet.get("name", ""), normpath(target.lstrip("/") if target.startswith("/") else join("xl", target))

    def _strings(self) -> list[str]:
        if "xl/sharedStrings.xml" not in self._archive.namelist():
            return []
        return [_text_of(each) for each in self._xml("xl/sharedStrings.xml").iterfind("{*}si")]

    def _table(self, sheet: str, part: str, strings: list[str]) -> Table:
        header: dict[str, str] = {}
        table = Table()
        for cells in self._xml(part).iterfind(".//{*}sheetData/{*}row"):
            number, found = self._row(sheet, cells, strings, header)
            if not header:
                header = {column: text.strip() for column, text in found.items()}
                table.columns = tuple(header.values())
                if len(set(table.columns)) != len(table.columns):
                    self._refuse(sheet, number, "", "Column headings must differ.")
            elif found:
                table.rows[number] = {header[column]: text for column, text in found.items() if column in header}
            if len(table.rows) > MOST_ROWS:
                raise _refused(f"/{sheet}", f"A sheet has at most {MOST_ROWS} rows.")
        return table

    def _row(self, sheet: str, row: Element, strings: list[str], header: dict[str, str]) -> tuple[int, Line]:
        number, found = 0, {}
        for cell in row.iterfind("{*}c"):
            place = PLACE.fullmatch(cell.get("r", ""))
            if place is None:
                raise _refused(f"/{sheet}", "The workbook is damaged.")
            column, number = place[1], int(place[2])
            heading = header.get(column, column)
            if cell.find("{*}f") is not None:
                self._refuse(sheet, number, heading, "This cell holds a formula. Paste its value instead.")
                continue
            text = _cell(cell, strings)
            if len(text) > LONGEST_CELL:
                self._refuse(sheet, number, heading, f"A cell has at most {LONGEST_CELL} characters.")
            elif text.strip():
                found[column] = text.strip()
        if len(found) > MOST_COLUMNS:
            raise _refused(f"/{sheet}", f"A sheet has at most {MOST_COLUMNS} columns.")
        return number, found

    def _refuse(self, sheet: str, row: int, column: str, detail: str) -> None:
        self._flaws.append(Flaw(f"/{sheet}/{row}/{column}" if column else f"/{sheet}/{row}", detail))


def _refused(pointer: str, detail: str) -> Invalid:
    return Invalid([Flaw(pointer, detail)])


def _text_of(element: Element) -> str:
    """The text of a string, its formatted runs joined; what is only shown beside it (phonetic readings) is left out."""
    runs = [element.find("{*}t"), *(run.find("{*}t") for run in element.iterfind("{*}r"))]
    return "".join(run.text or "" for run in runs if run is not None)


def _cell(cell: Element, strings: list[str]) -> str:
    kind, value = cell.get("t", "n"), cell.findtext("{*}v") or ""
    if kind == "inlineStr":
        inline = cell.find("{*}is")
        return "" if inline is None else _text_of(inline)
    if kind == "s":
        return strings[int(value)] if NUMBER.fullmatch(value) and int(value) < len(strings) else ""
    if kind == "b":
        return "yes" if value == "1" else "no"
    return _number(value) if kind == "n" else value


def _number(text: str) -> str:
    """A whole number as people write it; anything else as it stands."""
    try:
        number = float(text)
    except ValueError:
        return text
    return str(int(number)) if number.is_integer() and abs(number) < 1 << 53 else text
