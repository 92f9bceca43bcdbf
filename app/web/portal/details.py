"""Answers of sealed compartments in full: texts as they were said, groups with each of their parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from babel import Locale

from app.studies.fields import FREE_TEXT_TYPES, OBJECT_TYPES, Field, Member
from app.web.portal.answers import NO, YES, shown
from app.web.portal.locales import Formats
from app.web.portal.page import Page

__all__ = ["Detail", "details"]


@dataclass(frozen=True, slots=True)
class Detail:
    """One question with its answer: ``lines``, said freely or chosen, or ``groups`` of label and text."""

    name: str
    label: str
    lines: list[str] = field(default_factory=list, repr=False)
    groups: list[list[tuple[str, str]]] = field(default_factory=list, repr=False)
    free: bool = False

    @property
    def characters(self) -> int:
        """How much there is to read."""
        return sum(map(len, self.lines)) + sum(len(text) for group in self.groups for _, text in group)


def details(page: Page, questions: Iterable[Field], values: Mapping[str, Mapping[str, Any]]) -> list[Detail]:
    """The answers to these questions that are among the values, in the order of the form."""
    return [_detail(page, each, values[each.name]) for each in questions if each.name in values]


def _detail(page: Page, question: Field, answer: Mapping[str, Any]) -> Detail:
    label = question.label[page.locale]
    if "value" not in answer:
        return Detail(question.name, label, [shown(page, question, answer)])
    value = answer["value"]
    parts = value if isinstance(value, list) else [value]
    if question.type in OBJECT_TYPES:
        return Detail(question.name, label, groups=[_group(page, question.members, part) for part in parts])
    lines = [_line(page, question, part) for part in parts]
    return Detail(question.name, label, lines, free=question.type in FREE_TEXT_TYPES)


def _line(page: Page, question: Field, value: Any) -> str:
    if question.type == "date":
        return Formats(page.locale).day(value)
    if question.type == "bcp47":
        return Formats(page.locale).language(value)
    if question.type == "countries":
        return str(Locale.parse(page.locale).territories.get(value, value))
    return shown(page, question, {"value": value})


def _group(page: Page, members: Iterable[Member], value: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(each.label[page.locale], _part(page, each, value[each.name])) for each in members if each.name in value]


def _part(page: Page, member: Member, value: Any) -> str:
    if isinstance(value, bool):
        return page.gettext(YES if value else NO)
    labels = {choice.name: choice.label[page.locale] for choice in member.choices}
    return labels.get(str(value), str(value))
