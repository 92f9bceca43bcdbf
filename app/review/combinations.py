"""What a case's releases tell together, and how many other cases tell the same. Pure counting."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from app.crypto.encoding import canonical_json
from app.deidentify.tells import Tell, TellKind, tells
from app.studies.instrument import Instrument
from app.studies.release import NOT_RELEASED

__all__ = ["Answer", "Combination", "Detail", "Rarity", "answered", "compare", "told"]

# A combination that fewer other cases share is rare.
COMMON = 5
# Details of each kind that count, those that fewest other cases share first. More would make every text unlike all.
MOST_OF_A_KIND = 3
# Details that a reader may well know together; sets of more are not looked for.
FEW = 3
ABOUT_THE_TALK = "interview_"


@dataclass(frozen=True, slots=True, order=True)
class Answer:
    """A released answer: the name of its field, and its value in canonical JSON."""

    name: str
    value: bytes = field(repr=False)


Detail = Answer | Tell
Values = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Combination:
    """What is told of a case: in the order of the form, then by kind."""

    answers: tuple[Answer, ...]
    tells: frozenset[Tell] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Rarity:
    """``same`` of ``compared`` other cases share all ``details``.

    ``alone`` are the details that no other case has. ``few`` are the fewest of the details, three at most, that are
    rare together, where so few are; ``few_same`` other cases share those.
    """

    details: tuple[Detail, ...]
    compared: int
    same: int
    alone: tuple[Detail, ...]
    few: tuple[Detail, ...] = ()
    few_same: int = 0

    @property
    def rare(self) -> bool:
        """Whether so few share the combination that it may point to one person."""
        return bool(self.details) and self.same < COMMON


def answered(instrument: Instrument, values: Values) -> tuple[Answer, ...]:
    """The answers that together may point to one person: quasi-identifying ones that are released, not of the talk."""
    return tuple(
        Answer(each.name, canonical_json(values[each.name]["value"]))
        for each in instrument.fields.values()
        if each.quasi
        and each.rule not in NOT_RELEASED
        and not each.name.startswith(ABOUT_THE_TALK)
        and "value" in values.get(each.name, {})
    )


def told(texts: Iterable[str]) -> frozenset[Tell]:
    """What clean texts tell together."""
    return frozenset().union(*map(tells, texts))


def compare(ours: Combination, others: Sequence[frozenset[Detail]]) -> Rarity:
    """Count the other cases that share each detail, a few of them, and all."""
    found: list[Detail] = [*ours.answers, *ours.tells]
    having = {each: _having(each, others) for each in found}
    details: tuple[Detail, ...] = (*ours.answers, *_telling(ours.tells, having))
    every = (1 << len(others)) - 1
    same = every
    for each in details:
        same &= having[each]
    few = _fewest(details, having, every)
    alone = tuple(each for each in details if not having[each])
    return Rarity(details, len(others), same.bit_count(), alone, *few)


def _having(detail: Detail, others: Sequence[frozenset[Detail]]) -> int:
    """The other cases that have a detail, a bit for each."""
    return sum(1 << at for at, other in enumerate(others) if detail in other)


def _telling(found: Iterable[Tell], having: Mapping[Detail, int]) -> list[Tell]:
    """Some details of each kind, those that point to fewest cases first."""
    ordered = sorted(found, key=lambda each: (having[each].bit_count(), each.value))
    return [each for kind in TellKind for each in [tell for tell in ordered if tell.kind is kind][:MOST_OF_A_KIND]]


def _fewest(details: Sequence[Detail], having: Mapping[Detail, int], every: int) -> tuple[tuple[Detail, ...], int]:
    """The fewest details that fewer than ``COMMON`` others share, and of so many the rarest; nothing above ``FEW``."""
    if every.bit_count() < COMMON:
        return (), 0
    for size in range(1, FEW + 1):
        shared = {chosen: _shared(chosen, having, every) for chosen in combinations(details, size)}
        chosen = min(shared, key=shared.__getitem__, default=())
        if chosen and shared[chosen] < COMMON:
            return chosen, shared[chosen]
    return (), 0


def _shared(chosen: Sequence[Detail], having: Mapping[Detail, int], every: int) -> int:
    for each in chosen:
        every &= having[each]
    return every.bit_count()
