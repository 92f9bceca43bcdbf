"""How rare what a draft tells is, in words: the answers as released, and what its clean texts say."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from babel import Locale

from app.access import Actor, Permission
from app.bootstrap import Runtime
from app.cases.drafts import Draft
from app.deidentify.tells import Tell, TellKind
from app.review.combinations import Answer, Detail, Rarity
from app.review.drafts import OpenSource
from app.review.rarity import CompareReleases
from app.studies.instrument import Instrument
from app.web.portal import answers, words
from app.web.portal.page import Page

__all__ = ["Told", "Warned", "warned"]


@dataclass(frozen=True, slots=True)
class Told:
    """A detail in words: what it is of, and what it says."""

    label: str
    text: str = field(repr=False)
    alone: bool


@dataclass(frozen=True, slots=True)
class Warned:
    """What other cases share or do not, and the details in words."""

    found: Rarity
    details: list[Told] = field(repr=False)
    few: list[Told] = field(repr=False)


def warned(page: Page, runtime: Runtime, actor: Actor, opened: OpenSource, draft: Draft) -> Warned | None:
    """The warning of a rare combination; None where it is not, or the actor may not open the study's releases."""
    if Permission.RELEASE_READ not in actor.permissions():
        return None
    found = runtime.read(CompareReleases(runtime.collaborators, actor, opened.record, opened.instrument, draft))
    if not found.rare:
        return None
    told = {each: _told(page, opened.instrument, each, alone=each in found.alone) for each in found.details}
    return Warned(found, list(told.values()), [told[each] for each in found.few])


def _told(page: Page, instrument: Instrument, detail: Detail, *, alone: bool) -> Told:
    if isinstance(detail, Answer):
        question = instrument.fields[detail.name]
        text = answers.shown(page, question, {"value": json.loads(detail.value)})
        return Told(question.label[page.locale], text, alone)
    return Told(page.gettext(words.TELLS[detail.kind]), _said(page, detail), alone)


def _said(page: Page, detail: Tell) -> str:
    if detail.kind is TellKind.ROLE:
        return page.gettext(words.ROLES_TOLD[detail.value])
    if detail.kind is TellKind.COUNTRY:
        return str(Locale.parse(page.locale).territories[detail.value])
    return detail.value
