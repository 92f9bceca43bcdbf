"""How rare what a draft tells is among the study's cases, for those who may open its releases."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field

from app.access import Actor, Permission
from app.bootstrap import Runtime
from app.cases.drafts import Draft
from app.deidentify.tells import Tell, TellKind
from app.review.combinations import Answer, Detail
from app.review.drafts import OpenSource
from app.review.rarity import CompareReleases
from app.web.bodies import Out

__all__ = ["RarityOut", "rarity_of"]


class TellOut(Out):
    """A detail of clean texts: a region or age band as labels say it, a year, the code of a country or role."""

    kind: TellKind
    value: str = Field(repr=False)


class DetailsOut(Out):
    """Some of what a case tells: ``fields`` whose released answers count, and details of its clean texts."""

    fields: list[str]
    texts: list[TellOut]


class RarityOut(DetailsOut):
    """How many of the ``compared`` other cases, those released last, share all that this one tells.

    ``alone`` and ``alone_texts`` are what no other case has. ``few`` are up to three details that are rare together,
    where so few are: ``few_same`` other cases share them. ``rare`` is the warning.
    """

    compared: int
    same: int
    alone: list[str]
    alone_texts: list[TellOut]
    few: DetailsOut
    few_same: int
    rare: bool


def rarity_of(runtime: Runtime, actor: Actor, opened: OpenSource, draft: Draft) -> RarityOut | None:
    """Compare a draft with the releases that the actor may open; None for those who open none."""
    if Permission.RELEASE_READ not in actor.permissions():
        return None
    found = runtime.read(CompareReleases(runtime.collaborators, actor, opened.record, opened.instrument, draft))
    whole, alone = _details(found.details), _details(found.alone)
    return RarityOut(
        fields=whole.fields,
        texts=whole.texts,
        compared=found.compared,
        same=found.same,
        alone=alone.fields,
        alone_texts=alone.texts,
        few=_details(found.few),
        few_same=found.few_same,
        rare=found.rare,
    )


def _details(found: Iterable[Detail]) -> DetailsOut:
    details = list(found)
    return DetailsOut(
        fields=[each.name for each in details if isinstance(each, Answer)],
        texts=[TellOut(kind=each.kind, value=each.value) for each in details if isinstance(each, Tell)],
    )
