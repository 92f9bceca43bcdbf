"""From a submission's XML to answers as the checker takes them: every element is known, or the submission is refused.

What clients add of themselves (device, phone number, user name, start and end, positions, their audit) answers no field
and is dropped here, before anything is stored. Namespaces are ignored, as clients differ in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final
from xml.etree.ElementTree import Element

from app.errors import Flaw, Invalid
from app.forms.mapping import FormMapping, Place
from app.studies.fields import SENTINELS, Field, Member, Test
from app.studies.instrument import Instrument
from app.studies.values import LINE_FORBIDS, TEXT_FORBIDS

__all__ = ["METADATA", "binary_values", "read_answers"]

Answers = dict[str, dict[str, object]]

# What ODK's clients may add by themselves, by the usual names of the questions that ask for it.
METADATA: Final = frozenset(
    {"audit", "deviceid", "email", "end", "geopoint", "phonenumber", "simserial", "start", "subscriberid", "today"}
    | {"username"}
)
META: Final = "meta"
# Far above the default form with every relative given; a hostile document could hold millions.
MOST_ELEMENTS: Final = 20_000
DEEPEST: Final = 16
YES, NO = frozenset({"true", "1"}), frozenset({"false", "0"})

_BREAKS: Final = re.compile(f"[{LINE_FORBIDS}]+")
_CONTROL: Final = re.compile(f"[{TEXT_FORBIDS}]")
_NUMBER: Final = re.compile(r"-?\d{1,18}", re.ASCII)


def read_answers(instrument: Instrument, mapping: FormMapping, root: Element) -> Answers:
    """The answers in a submission, whatever their worth: the checker judges them.

    Raises:
        Invalid: the submission holds elements that the form does not have, or one twice that it has once.
    """
    found = _Found(mapping, root)
    answers: Answers = {}
    for name, field in instrument.fields.items():
        place = mapping.fields.get(name)
        answer = None if place is None else _answer(field, place, found, answers)
        if answer is not None:
            answers[name] = answer
    return answers


def binary_values(mapping: FormMapping, root: Element) -> list[str]:
    """The names of the files that a submission says belong to it, in the order of the document."""
    wanted = frozenset(mapping.binary)
    texts = [(element.text or "").strip() for path, element in _walk(root) if path in wanted]
    return [text for text in texts if text]


class _Found:
    """The elements of a submission by their paths."""

    def __init__(self, mapping: FormMapping, root: Element) -> None:
        self._elements: dict[str, list[Element]] = {}
        for path, element in _walk(root):
            self._elements.setdefault(path, []).append(element)
        repeated, single = _known(mapping)
        known = repeated | single
        for path, elements in self._elements.items():
            if path not in known and not _is_metadata(path) and any(_says(each) for each in elements):
                raise Invalid([Flaw("", "Holds an element that this version of the form does not have.")])
            if path in single and len(elements) > 1:
                raise Invalid([Flaw("", "Holds an element twice that this form has once.")])

    def text(self, path: str) -> str:
        """The text at a path; empty if there is none."""
        elements = self._elements.get(path, []) if path else []
        return (elements[0].text or "") if elements else ""

    def groups(self, path: str) -> list[Element]:
        """Every group at a path."""
        return self._elements.get(path, [])


def _walk(root: Element) -> Iterator[tuple[str, Element]]:
    """Every element below the root with its path, in the order of the document; the client's ``meta`` is left out."""
    waiting = [("", child, 1) for child in reversed(root)]
    count = 0
    while waiting:
        prefix, element, depth = waiting.pop()
        name = _local(element)
        if not prefix and name == META:
            continue
        count += 1
        if count > MOST_ELEMENTS or depth > DEEPEST:
            raise Invalid([Flaw("", "Holds too many elements.")])
        path = f"{prefix}{name}"
        yield path, element
        waiting += [(f"{path}/", child, depth + 1) for child in reversed(element)]


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _says(element: Element) -> bool:
    return bool((element.text or "").strip())


def _is_metadata(path: str) -> bool:
    return path.rpartition("/")[2].lower() in METADATA


def _known(mapping: FormMapping) -> tuple[frozenset[str], frozenset[str]]:
    """The paths that may stand more than once, and those that stand once."""
    single = {path for each in mapping.fields.values() for path in (each.at, each.why, each.half) if path}
    repeated = set(mapping.binary) | set(mapping.ignored)
    for place in mapping.fields.values():
        if place.group:
            repeated |= {place.group, *(f"{place.group}/{path}" for path in place.members.values())}
    return frozenset(repeated), frozenset(single)


def _answer(field: Field, place: Place, found: _Found, before: Answers) -> dict[str, object] | None:
    value = _value(field, place, found)
    if value is not None:
        return {"value": value}
    why = found.text(place.why).strip()
    if why:
        return {"status": why if why in SENTINELS else ""}
    # Nothing ticked where nothing need be is an answer, if the question was one.
    nothing = field.minimum == 0 and all(_holds(test, before) for test in field.condition)
    return {"value": []} if nothing else None


def _holds(test: Test, answers: Mapping[str, Mapping[str, object]]) -> bool:
    value = answers.get(test.field, {}).get("value")
    chosen = value if isinstance(value, list) else [value]
    return value is not None and test.names.isdisjoint(chosen) is not test.wanted


def _value(field: Field, place: Place, found: _Found) -> object:
    """What was given, in the spelling of its type where it can be read as such; None for nothing."""
    if field.type == "object":
        return _one_object(field, place, found)
    if field.type == "objects":
        items = [_members(field.members, place, group) for group in found.groups(place.group)]
        return [item for item in items if item] or None
    text = found.text(place.at)
    if field.type == "half_year" and place.half:
        year, half = text.strip(), found.text(place.half).strip()
        return f"{year}-{half}" if year else None
    return _scalar(field.type, text)


def _one_object(field: Field, place: Place, found: _Found) -> object:
    if place.at and found.text(place.at).strip() not in YES:
        return None
    groups = found.groups(place.group)
    if len(groups) > 1:
        raise Invalid([Flaw("", "Holds an element twice that this form has once.")])
    return (_members(field.members, place, groups[0]) or None) if groups else None


def _members(members: tuple[Member, ...], place: Place, group: Element) -> dict[str, object]:
    texts: dict[str, str] = {}
    for path, element in _walk(group):
        if path in texts:
            raise Invalid([Flaw("", "Holds an element twice that this form has once.")])
        texts[path] = element.text or ""
    values = {each.name: _scalar(each.type, texts.get(place.members.get(each.name, ""), "")) for each in members}
    return {name: value for name, value in values.items() if value is not None}


def _scalar(kind: str, text: str) -> object:
    if not text.strip():
        return None
    if kind == "text":
        return _CONTROL.sub("", text)
    line = _BREAKS.sub(" ", text).strip()
    if kind == "bool":
        return line in YES if line in YES | NO else line
    if kind in {"many", "countries"}:
        return list(dict.fromkeys(line.split()))
    if kind == "strings":
        lines = [_BREAKS.sub(" ", each).strip() for each in text.splitlines()]
        return list(dict.fromkeys(each for each in lines if each))
    if kind == "year":
        return int(line) if _NUMBER.fullmatch(line) else line
    # Some clients write the moment of midnight for a day.
    return line.partition("T")[0] if kind == "date" else line
