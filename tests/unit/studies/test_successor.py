"""Semantic versions of an instrument: what each number allows."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import InstrumentRefused
from app.studies.fields import LANGUAGES
from app.studies.instrument import Instrument, bundled
from app.studies.successor import check_successor
from tests.unit.studies.forms import definition, field_of

WORDS = dict.fromkeys(LANGUAGES, "Other words")


def form(version: str) -> dict[str, Any]:
    """The default form under another version."""
    return definition(version=version)


def refused(raw: dict[str, Any]) -> bool:
    """Whether the form may not follow the default one."""
    try:
        check_successor(bundled(), Instrument.load(raw))
    except InstrumentRefused:
        return True
    return False


def with_field(version: str, status: str) -> dict[str, Any]:
    """The default form with one more field."""
    raw = form(version)
    more = field_of(raw, "gender") | {"name": "more", "status": status}
    raw["sections"][3]["fields"].append(more)
    return raw


def with_choice(version: str) -> dict[str, Any]:
    """The default form with one more choice."""
    raw = form(version)
    field = field_of(raw, "gender")
    field["choices"].append({"name": "more", "label": WORDS})
    field["release"]["map"]["more"] = "another_or_undisclosed"
    return raw


def without_choice(version: str) -> dict[str, Any]:
    """The default form with one choice less."""
    raw = form(version)
    field_of(raw, "group")["choices"].pop()
    return raw


def without_field(version: str) -> dict[str, Any]:
    """The default form with one field less."""
    raw = form(version)
    raw["sections"][3]["fields"].pop()
    return raw


def with_meaning(version: str) -> dict[str, Any]:
    """The default form with one field released otherwise."""
    raw = form(version)
    field_of(raw, "left_period")["release"] = {"rule": "half_year"}
    return raw


def with_map(version: str) -> dict[str, Any]:
    """The default form with one choice grouped otherwise."""
    raw = form(version)
    field_of(raw, "gender")["release"]["map"]["woman"] = "another_or_undisclosed"
    return raw


@pytest.mark.parametrize("version", ["1.0.0", "0.9.9"])
def test_a_version_rises(version: str) -> None:
    """Never the same twice, never back."""
    assert refused(form(version))


def test_another_id_is_another_form() -> None:
    """It follows nothing."""
    assert refused(form("1.0.1") | {"id": "another"})


def test_a_patch_may_change_words() -> None:
    """Labels, hints and reasons."""
    raw = form("1.0.1")
    field_of(raw, "gender").update(label=WORDS, hint=WORDS, why="Other words")

    assert not refused(raw)


@pytest.mark.parametrize("change", [with_choice, without_choice, without_field, with_meaning, with_map])
def test_a_patch_changes_nothing_else(change: Any) -> None:
    """Neither fields, nor choices, nor releases."""
    assert refused(change("1.0.1"))
    assert refused(with_field("1.0.1", "optional"))


def test_a_minor_version_adds() -> None:
    """Optional fields and choices."""
    assert not refused(with_field("1.1.0", "optional"))
    assert not refused(with_field("1.1.0", "extension"))
    assert not refused(with_choice("1.1.0"))


@pytest.mark.parametrize("change", [without_choice, without_field, with_meaning, with_map])
def test_a_minor_version_takes_nothing_away(change: Any) -> None:
    """Nor does it change what stands."""
    assert refused(change("1.1.0"))
    assert refused(with_field("1.1.0", "required"))


@pytest.mark.parametrize("change", [with_choice, without_choice, without_field, with_meaning, with_map])
def test_a_major_version_may_change_meaning(change: Any) -> None:
    """That is what it is for."""
    assert not refused(change("2.0.0"))
