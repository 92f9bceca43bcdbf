"""Fills a form as a client would: answers in, a submission's XML out, written apart from the code that reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

from defusedxml.ElementTree import fromstring

from app.forms.mapping import FormMapping, Place

XFORMS = "{http://www.w3.org/2002/xforms}"
ANSWERED = {True: "true", False: "false"}


def filled(xml: bytes, mapping: FormMapping, answers: Mapping[str, Any], instance: str = "uuid:1") -> ET.Element:
    """The root of a submission that answers these fields; what repeats is there as often as it was given."""
    instance_of = fromstring(xml).find(f".//{XFORMS}model/{XFORMS}instance")
    assert instance_of is not None
    root: ET.Element = instance_of[0]
    for parent in list(root.iter()):
        for child in [each for each in parent if _is_template(each)]:
            parent.remove(child)
    for name, place in mapping.fields.items():
        _fill(root, place, answers.get(name))
    found = root.find(f"{XFORMS}meta/{XFORMS}instanceID")
    assert found is not None
    found.text = instance
    return root


def _is_template(element: ET.Element) -> bool:
    return any(name.endswith("}template") for name in element.attrib)


def _fill(root: ET.Element, place: Place, answer: Any) -> None:
    if answer is None:
        _drop(root, place)
        return
    if "status" in answer:
        _set(root, place.why, answer["status"])
        _drop(root, place)
        return
    value = answer["value"]
    if place.group and isinstance(value, list):
        _set(root, place.at, str(len(value)))
        parent, first = _parent(root, place.group), _element(root, place.group)
        for more in value[1:]:
            copy = fromstring(ET.tostring(first))
            parent.append(copy)
            _members(copy, place, more)
        _members(first, place, value[0])
    elif place.group:
        _set(root, place.at, "true")
        _members(_element(root, place.group), place, value)
    elif place.half:
        year, half = value.split("-")
        _set(root, place.at, year)
        _set(root, place.half, half)
    else:
        _set(root, place.at, _text(value))


def _drop(root: ET.Element, place: Place) -> None:
    """Clients leave out what is not asked."""
    if place.group and (group := root.find(_path(place.group))) is not None:
        _parent(root, place.group).remove(group)


def _members(group: ET.Element, place: Place, value: Mapping[str, Any]) -> None:
    for name, path in place.members.items():
        if name in value:
            _element(group, path).text = _text(value[name])


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return ANSWERED[value]
    if isinstance(value, list):
        lines = any(" " in each for each in value)
        return ("\n" if lines else " ").join(value)
    return str(value)


def _path(path: str) -> str:
    return "/".join(f"{XFORMS}{name}" for name in path.split("/"))


def _element(root: ET.Element, path: str) -> ET.Element:
    found = root.find(_path(path))
    assert found is not None, path
    return found


def _parent(root: ET.Element, path: str) -> ET.Element:
    above = path.rpartition("/")[0]
    return _element(root, above) if above else root


def _set(root: ET.Element, path: str, text: str) -> None:
    _element(root, path).text = text
