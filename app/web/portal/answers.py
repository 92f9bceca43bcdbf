"""How answers of a questionnaire are shown: the question's text, choices by their texts, sentinels in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from babel import Locale

from app.studies.fields import Field
from app.studies.instrument import Instrument
from app.web.portal.locales import Formats
from app.web.portal.notices import N_
from app.web.portal.page import Page

__all__ = ["Row", "released_rows", "rows"]

SENTINELS = {
    "declined": N_("declined to answer"),
    "not_asked": N_("not asked"),
    "unknown": N_("not known"),
    "withheld": N_("withheld"),
    "absent": N_("no answer"),
}
YES, NO = N_("yes"), N_("no")
ABSENT = {"status": "absent"}
NOT_RELEASED = N_("not released")


@dataclass(frozen=True, slots=True)
class Row:
    """One question with its answer and, where both are shown, what of it is released."""

    name: str
    label: str
    answer: str = field(repr=False)
    released: str = field(default="", repr=False)


def rows(page: Page, instrument: Instrument, values: Mapping[str, Any], draft: Mapping[str, Any]) -> Iterator[Row]:
    """The structured answers of a source beside what is released of them; unanswered ones are left out."""
    for each in instrument.fields.values():
        answer = values.get(each.name, ABSENT)
        if each.compartment != "research" or each.rule == "redact" or answer.get("status") == "absent":
            continue
        released = shown(page, each, draft[each.name]) if each.name in draft else page.gettext(NOT_RELEASED)
        yield Row(each.name, each.label[page.locale], shown(page, each, answer), released)


def released_rows(page: Page, instrument: Instrument, values: Mapping[str, Any]) -> Iterator[Row]:
    """The structured answers of a release; unanswered ones are left out."""
    for each in instrument.fields.values():
        answer = values.get(each.name, ABSENT)
        if each.rule != "redact" and answer.get("status") != "absent":
            yield Row(each.name, each.label[page.locale], shown(page, each, answer))


def shown(page: Page, question: Field, answer: Mapping[str, Any]) -> str:
    """An answer in the page's language."""
    if "value" not in answer:
        return page.gettext(SENTINELS.get(answer["status"], answer["status"]))
    value = answer["value"]
    parts = value if isinstance(value, list) else [value]
    return " · ".join(_one(page, question, part) for part in parts)


def _one(page: Page, question: Field, value: object) -> str:
    if isinstance(value, bool):
        return page.gettext(YES if value else NO)
    text = str(value)
    if question.type == "countries":
        return str(Locale.parse(page.locale).territories.get(text, text)).replace("_", " ")
    if question.type == "bcp47":
        return Formats(page.locale).language(text)
    labels = {choice.name: choice.label[page.locale] for choice in question.choices}
    # What a coarser value is called is not part of a questionnaire.
    return labels.get(text, text.replace("_", " ") if question.choices else text)
