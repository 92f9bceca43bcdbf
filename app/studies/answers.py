"""The answers of one interview, checked against an instrument, a study's policy and the rules of consent.

Every flaw is found at once and told by JSON pointer and fixed text: neither a value nor the name of an unknown field is
ever repeated. Pure: nothing is stored here, and without consent nobody gets anything to store.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as member
from functools import lru_cache
from typing import Final

from app.errors import ConsentMissing, Flaw, Invalid
from app.studies.core import PUBLIC
from app.studies.fields import ABSENT, SENTINELS, Field, Test
from app.studies.instrument import Instrument
from app.studies.policy import StudyPolicy
from app.studies.values import Check, checker

# A public account was never consented to: the server allows what leaves nobody's words attributable.
PUBLIC_SCOPES: Final = frozenset({"team_analysis", "aggregate_statistics"})
# Who understood only part of the explanation has agreed to no more than the team's own work.
PARTIAL_SCOPES: Final = frozenset({"team_analysis"})
# The one preference that leaves the choice to a guardian; stands where nobody was there to be asked.
NO_PREFERENCE: Final = "decide_later"
# Studies times versions of instruments that one process serves at a time.
MAX_PLANS: Final = 256

_ROOT: Final = "/answers"
_TOLD: Final = frozenset({"teach_back_passed", "teach_back_partial"})
_FORMS: Final = ({"value"}, {"status"})


@dataclass(frozen=True, slots=True)
class Checked:
    """What passed: every field of the instrument, absent ones as ``{"status": "absent"}``.

    ``scopes`` are the scopes in force, which need not be those ticked; ``priority`` and ``threat`` come from
    ``third_parties_named`` and ``threat_disclosed``. Its repr shows no answer.
    """

    values: dict[str, dict[str, object]] = member(repr=False)
    warnings: list[Flaw]
    scopes: frozenset[str]
    priority: bool
    threat: bool
    withdrawal_preference: str


@dataclass(frozen=True, slots=True)
class IdentityNames:
    """What the identity fields name: the redaction looks for them in every text. Its repr shows none."""

    persons: tuple[str, ...] = member(repr=False)
    places: tuple[str, ...] = member(repr=False)
    codes: tuple[str, ...] = member(repr=False)


def validate(instrument: Instrument, answers: object, *, policy: StudyPolicy) -> Checked:
    """Check the answers of a body and return what may be sealed.

    Raises:
        ConsentMissing: consent, the explanation of its limits or its comprehension is missing; nothing may be stored.
        Invalid: anything else is wrong. Both carry every flaw; pointers start at ``/answers``.
    """
    if not isinstance(answers, dict):
        raise Invalid([Flaw(_ROOT, "Give an object.")])
    run = _Run(answers)
    if not answers.keys() <= instrument.fields.keys():
        run.flaws.append(Flaw(_ROOT, "Names a field that this instrument does not have."))
    for step in _plan(instrument, policy):
        run.take(step)
    if not run.consented():
        raise ConsentMissing(run.flaws)
    if run.flaws:
        raise Invalid(run.flaws)
    return run.checked(instrument)


def scopes_in_force(values: Mapping[str, Mapping[str, object]]) -> frozenset[str]:
    """Return what the consent in these answers covers: capped where only part of the explanation was understood."""
    if values.get("source_type", {}).get("value") == PUBLIC:
        return PUBLIC_SCOPES
    ticked = values.get("consent_scopes", {}).get("value")
    scopes = frozenset(ticked) if isinstance(ticked, list) else frozenset()
    partial = values.get("consent_comprehension", {}).get("value") == "teach_back_partial"
    return scopes & PARTIAL_SCOPES if partial else scopes


def identity_names(instrument: Instrument, values: Mapping[str, Mapping[str, object]]) -> IdentityNames:
    """Return the people, places and codes that the identity answers name, each once, in the order of the form."""
    found: dict[str, dict[str, None]] = {"persons": {}, "places": {}, "codes": {}}
    for field in instrument.in_compartment("identity"):
        for roster, name in _named(field, values.get(field.name, {}).get("value")):
            found[roster][name] = None
    return IdentityNames(*(tuple(found[roster]) for roster in ("persons", "places", "codes")))


def _named(field: Field, value: object) -> Iterator[tuple[str, str]]:
    items = value if isinstance(value, list) else [value]
    for item in items:
        if isinstance(item, str) and field.roster:
            yield field.roster, item
        elif isinstance(item, dict):
            for each in field.members:
                if each.roster and each.name in item:
                    yield each.roster, item[each.name]


@dataclass(frozen=True, slots=True)
class _Step:
    """One field, made ready: its checker under this policy, and whether the study asks it."""

    field: Field
    name: str
    at: str
    check: Check
    asked: bool
    needed: bool
    condition: tuple[Test, ...]
    warned: frozenset[str]


@lru_cache(maxsize=MAX_PLANS)
def _plan(instrument: Instrument, policy: StudyPolicy) -> tuple[_Step, ...]:
    return tuple(
        _Step(
            field=field,
            name=field.name,
            at=f"{_ROOT}/{field.name}",
            check=checker(field, policy),
            asked=policy.asks(field),
            needed=field.status in {"required", "conditional"},
            condition=field.condition,
            warned=frozenset(choice.name for choice in field.choices if choice.effect == "warn"),
        )
        for field in instrument.fields.values()
    )


class _Run:
    """One pass over the answers, in the order of the form, so that a condition finds its field already read."""

    __slots__ = ("_answers", "_bad", "_read", "flaws", "warnings")

    def __init__(self, answers: Mapping[str, object]) -> None:
        self.flaws: list[Flaw] = []
        self.warnings: list[Flaw] = []
        self._answers = answers
        self._read: dict[str, dict[str, object]] = {}
        self._bad: set[str] = set()

    def take(self, step: _Step) -> None:
        """Read one field's answer, or note that it should, or should not, be there."""
        before = len(self.flaws)
        # A condition over a flawed answer cannot be told: nothing is said about who depends on it.
        unsure = bool(self._bad) and any(test.field in self._bad for test in step.condition)
        wanted = step.asked and (unsure or all(map(self._holds, step.condition)))
        if step.name not in self._answers:
            if wanted and step.needed and not unsure:
                self.flaws.append(Flaw(step.at, "An answer is required."))
        elif wanted:
            self._read_answer(step, self._answers[step.name])
        else:
            self.flaws.append(Flaw(step.at, _why_not(step)))
        if len(self.flaws) > before:
            self._bad.add(step.name)

    def consented(self) -> bool:
        """Say whether consent, its limits and its comprehension allow storing; public accounts need none."""
        return self._value("source_type") == PUBLIC or (
            self._value("consent_given") is True
            and self._value("confidentiality_limits_explained") is True
            and self._value("consent_comprehension") in _TOLD
        )

    def checked(self, instrument: Instrument) -> Checked:
        """Return what passed; only to be asked when nothing is wrong."""
        scopes = self._scopes()
        return Checked(
            values={name: self._read.get(name) or {"status": ABSENT} for name in instrument.fields},
            warnings=self.warnings,
            scopes=scopes,
            priority=self._value("third_parties_named") is True,
            threat=self._value("threat_disclosed") != "none",
            withdrawal_preference=str(self._value("withdrawal_preference") or NO_PREFERENCE),
        )

    def _scopes(self) -> frozenset[str]:
        scopes = scopes_in_force(self._read)
        ticked = self._value("consent_scopes")
        if isinstance(ticked, list) and not scopes.issuperset(ticked):
            detail = "Only part was understood: no scope beyond team_analysis is in force."
            self.warnings.append(Flaw(f"{_ROOT}/consent_scopes/value", detail))
        return scopes

    def _holds(self, test: Test) -> bool:
        value = self._value(test.field)
        chosen = value if isinstance(value, list) else (value,)
        return value is not None and test.names.isdisjoint(chosen) is not test.wanted

    def _value(self, name: str) -> object:
        return self._read.get(name, {}).get("value")

    def _read_answer(self, step: _Step, answer: object) -> None:
        if not isinstance(answer, dict) or answer.keys() not in _FORMS:
            self.flaws.append(Flaw(step.at, "Give an object with either value or status."))
        elif "value" in answer:
            self._read_value(step, answer["value"])
        else:
            self._read_status(step, answer["status"])

    def _read_value(self, step: _Step, raw: object) -> None:
        before = len(self.flaws)
        value = step.check(raw, f"{step.at}/value", self.flaws)
        if len(self.flaws) > before:
            return
        self._read[step.name] = {"value": value}
        if step.warned and not step.warned.isdisjoint(value if isinstance(value, list) else (value,)):
            self.warnings.append(Flaw(f"{step.at}/value", "This choice asks for care: read the hint."))

    def _read_status(self, step: _Step, status: object) -> None:
        if not step.field.sentinels:
            self.flaws.append(Flaw(f"{step.at}/status", "This field takes a value only."))
        elif not isinstance(status, str) or status not in SENTINELS:
            self.flaws.append(Flaw(f"{step.at}/status", f"Give one of: {', '.join(SENTINELS)}."))
        else:
            self._read[step.name] = {"status": status}


def _why_not(step: _Step) -> str:
    if not step.asked:
        return "This study does not ask this."
    return "This does not apply, given the other answers."
