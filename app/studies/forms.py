"""A questionnaire as a form in one language: what a page shows, without an answer in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from app.studies.fields import Choice as _Choice
from app.studies.fields import Field, Member, Section
from app.studies.fields import Test as _Test
from app.studies.instrument import Instrument
from app.studies.policy import StudyPolicy

__all__ = ["Condition", "Form", "FormChoice", "FormField", "FormMember", "FormSection", "form_of"]

RIGHT_TO_LEFT: Final = frozenset({"ar"})
Direction = Literal["ltr", "rtl"]


@dataclass(frozen=True, slots=True)
class FormChoice:
    """One choice; ``effect`` is ``warn`` or ``block``, ``needs`` the policy switch that allows it."""

    name: str
    label: str
    effect: str | None
    needs: str | None
    exclusive: bool


@dataclass(frozen=True, slots=True)
class FormMember:
    """One member of an object."""

    name: str
    label: str
    type: str
    required: bool
    choices: tuple[FormChoice, ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """Asked only if the answer to an earlier field is one of these choices (``wanted``), or none of them."""

    field: str
    label: str
    wanted: bool
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FormField:
    """One question; ``asked`` says whether the study's policy asks it at all."""

    name: str
    label: str
    hint: str
    type: str
    class_: str
    compartment: str
    status: str
    asked: bool
    condition: tuple[Condition, ...]
    choices: tuple[FormChoice, ...]
    members: tuple[FormMember, ...]
    sentinels: bool
    must_be: bool
    minimum: int
    may_identify: bool
    release_rule: str


@dataclass(frozen=True, slots=True)
class FormSection:
    """A group of questions."""

    id: str
    title: str
    fields: tuple[FormField, ...]


@dataclass(frozen=True, slots=True)
class Form:
    """A whole questionnaire in one language."""

    id: str
    version: str
    title: str
    prompt: str
    language: str
    direction: Direction
    sections: tuple[FormSection, ...]


def form_of(instrument: Instrument, policy: StudyPolicy, language: str) -> Form:
    """The form of a questionnaire in one of the five languages, as a study with this policy asks it."""
    return _Words(instrument, policy, language).form()


class _Words:
    """Puts texts in the place of names."""

    def __init__(self, instrument: Instrument, policy: StudyPolicy, language: str) -> None:
        self._instrument = instrument
        self._policy = policy
        self._language = language

    def form(self) -> Form:
        """The whole form."""
        return Form(
            self._instrument.id,
            self._instrument.version,
            self._in(self._instrument.title),
            self._in(self._instrument.prompt),
            self._language,
            "rtl" if self._language in RIGHT_TO_LEFT else "ltr",
            tuple(self._section(section) for section in self._instrument.sections),
        )

    def _in(self, texts: Mapping[str, str]) -> str:
        return texts[self._language]

    def _section(self, section: Section) -> FormSection:
        return FormSection(section.id, self._in(section.title), tuple(self._field(field) for field in section.fields))

    def _field(self, field: Field) -> FormField:
        return FormField(
            name=field.name,
            label=self._in(field.label),
            hint=self._in(field.hint),
            type=field.type,
            class_=field.class_,
            compartment=field.compartment,
            status=field.status,
            asked=self._policy.asks(field),
            condition=tuple(self._condition(test) for test in field.condition),
            choices=tuple(self._choice(choice) for choice in field.choices),
            members=tuple(self._member(member) for member in field.members),
            sentinels=field.sentinels,
            must_be=field.must_be,
            minimum=field.minimum,
            may_identify=field.may_identify,
            release_rule=field.rule,
        )

    def _condition(self, test: _Test) -> Condition:
        field = self._instrument.fields[test.field]
        named = tuple(self._in(choice.label) for choice in field.choices if choice.name in test.names)
        return Condition(test.field, self._in(field.label), test.wanted, named)

    def _choice(self, choice: _Choice) -> FormChoice:
        return FormChoice(choice.name, self._in(choice.label), choice.effect, choice.needs, choice.exclusive)

    def _member(self, member: Member) -> FormMember:
        choices = tuple(self._choice(choice) for choice in member.choices)
        return FormMember(member.name, self._in(member.label), member.type, member.required, choices)
