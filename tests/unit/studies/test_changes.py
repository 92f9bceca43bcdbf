"""What a version changes is told field by field, whatever part of a field it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

from app.studies.changes import Change, compare
from app.studies.fields import Choice, Field, Member
from app.studies.instrument import Instrument
from tests.unit.studies.forms import definition, field_of

OLD = Instrument.load(definition())
Form = dict[str, Any]


def changed(change: Callable[[Form], object]) -> tuple[Change, ...]:
    """What is told of one change."""
    form = definition(version="2.0.0")
    change(form)
    return compare(OLD, Instrument.load(form)).changes


def _label(form: Form) -> None:
    field_of(form, "gender")["label"]["fr"] = "Autrement dit"


def _choice(form: Form) -> None:
    field_of(form, "gender")["choices"][0]["label"]["tr"] = "Baska"


def _sentinels(form: Form) -> None:
    field_of(form, "interview_date")["sentinels"] = False


def _optional(form: Form) -> None:
    field_of(form, "interview_setting")["status"] = "optional"


@pytest.mark.parametrize(
    ("change", "name", "aspect"),
    [
        pytest.param(_label, "gender", "label", id="label"),
        pytest.param(_choice, "gender", "choices", id="choice"),
        pytest.param(_optional, "interview_setting", "status", id="status"),
    ],
)
def test_the_aspect_is_named(change: Callable[[Form], object], name: str, aspect: str) -> None:
    """One change, one field, one aspect."""
    (told,) = changed(change)

    assert (told.kind, told.field, told.aspects) == ("changed", name, (aspect,))


def test_the_same_form_changes_nothing() -> None:
    """Another number alone is no change."""
    assert changed(Form.copy) == ()


def test_a_field_that_moved_is_told() -> None:
    """And the one that stood after it, and no other."""

    def swap(form: Form) -> None:
        section = next(each for each in form["sections"] if field_of(form, "gender") in each["fields"])
        section["fields"].reverse()

    told = changed(swap)

    assert told
    assert {each.aspects for each in told} == {("order",)}


def test_what_is_gone_and_what_is_new_is_told() -> None:
    """A field under another name is one removed and one added."""

    def rename(form: Form) -> None:
        field_of(form, "recruitment_channel")["name"] = "recruitment_way"

    told = {(each.kind, each.field) for each in changed(rename) if each.aspects == ()}

    assert told == {("added", "recruitment_way"), ("removed", "recruitment_channel")}


def test_texts_of_no_field_are_told() -> None:
    """The title, the prompt and the headings belong to no field."""
    form = definition(version="2.0.0")
    form["title"]["en"] = "Another title"
    form["sections"][0]["title"]["de"] = "Anders"

    assert compare(OLD, Instrument.load(form)).texts == ("title", "sections")


def test_without_a_version_before_everything_is_new() -> None:
    """The first version of a questionnaire."""
    told = compare(None, OLD)

    assert told.before is None
    assert [(each.kind, each.field) for each in told.changes] == [("added", name) for name in OLD.fields]


def test_no_part_of_a_field_is_forgotten() -> None:
    """A part added to the vocabulary has to be put under an aspect too."""
    assert {each.name for each in fields(Field)} == {
        "name", "type", "class_", "compartment", "status", "section", "label", "hint", "release", "choices",
        "members", "condition", "needs", "sentinels", "must_be", "minimum", "also", "roster", "may_identify", "why",
    }  # fmt: skip
    assert {each.name for each in fields(Choice)} == {"name", "label", "effect", "needs", "exclusive"}
    assert {each.name for each in fields(Member)} == {"name", "type", "required", "label", "choices", "roster"}
