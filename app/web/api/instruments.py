"""Questionnaires of a study: list, read, draft, publish, and their JSON Schema for form builders."""

from __future__ import annotations

import json
from typing import Any, Literal
from uuid import UUID

from pydantic import ConfigDict, RootModel

from app.access import Permission
from app.studies import instruments
from app.studies.models import InstrumentVersion
from app.studies.schema import json_schema
from app.web.bodies import Out
from app.web.deps import Acting, Runtime_
from app.web.routing import Router

__all__ = ["router"]

router = Router("/v1/studies/{study}/instruments", tag="instruments")

# The languages that every questionnaire has.
Language = Literal["en", "ar", "fr", "de", "tr"]


class DefinitionBody(RootModel[dict[str, Any]]):
    """A questionnaire in the project's own format."""

    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True)


class InstrumentOut(Out):
    """One version of a questionnaire."""

    id: UUID
    name: str
    version: str
    sha256: str
    published: bool
    drafted_by: UUID | None
    published_by: UUID | None
    published_day: str | None


class InstrumentsOut(Out):
    """Every version of the study's questionnaires."""

    instruments: list[InstrumentOut]


class ChoiceOut(Out):
    """One choice; ``effect`` is ``warn`` or ``block``, ``needs`` the policy switch that allows it."""

    name: str
    label: str
    effect: str | None
    needs: str | None
    exclusive: bool


class FieldMemberOut(Out):
    """One member of an object."""

    name: str
    label: str
    type: str
    required: bool
    choices: list[ChoiceOut]


class ConditionOut(Out):
    """Asked only if the answer to an earlier field is one of these choices (``wanted``), or none of them."""

    field: str
    label: str
    wanted: bool
    choices: list[str]


class FieldOut(Out):
    """One question; ``asked`` says whether the study's policy asks it at all."""

    name: str
    label: str
    hint: str
    type: str
    class_: str
    compartment: str
    status: str
    asked: bool
    condition: list[ConditionOut]
    choices: list[ChoiceOut]
    members: list[FieldMemberOut]
    sentinels: bool
    must_be: bool
    minimum: int
    may_identify: bool
    release_rule: str


class SectionOut(Out):
    """A group of questions."""

    id: str
    title: str
    fields: list[FieldOut]


class FormOut(Out):
    """A whole questionnaire in one language."""

    id: str
    version: str
    title: str
    prompt: str
    language: str
    direction: Literal["ltr", "rtl"]
    sections: list[SectionOut]


class ChangeOut(Out):
    """One field that differs; ``aspects`` says in what."""

    kind: Literal["added", "removed", "changed"]
    field: str
    section: str
    aspects: list[str]


class ChangesOut(Out):
    """What differs from the published version before, null if there is none."""

    before: str | None
    texts: list[str]
    changes: list[ChangeOut]


@router.get("", permission=Permission.INSTRUMENT_READ)
def list_instruments(study: UUID, actor: Acting, runtime: Runtime_) -> InstrumentsOut:
    """Every version, drafts included."""
    with runtime.glance() as session:
        rows = instruments.listed(session, actor, study)
    return InstrumentsOut(instruments=[_out(row) for row in rows])


@router.post("", permission=Permission.INSTRUMENT_DRAFT, status=201)
def draft_instrument(study: UUID, body: DefinitionBody, actor: Acting, runtime: Runtime_) -> InstrumentOut:
    """Load a questionnaire as a draft; one that would not be safe is refused with every flaw."""
    with runtime.transaction() as session:
        key, instrument = instruments.draft(session, runtime.collaborators, actor, study, body.root)
    return InstrumentOut(
        id=key,
        name=instrument.id,
        version=instrument.version,
        sha256=instrument.sha256.hex(),
        published=False,
        drafted_by=actor.id,
        published_by=None,
        published_day=None,
    )


@router.get("/{instrument}", permission=Permission.INSTRUMENT_READ)
def read_instrument(study: UUID, instrument: UUID, actor: Acting, runtime: Runtime_) -> dict[str, Any]:
    """The questionnaire itself."""
    with runtime.glance() as session:
        body = instruments.definition(session, actor, study, instrument)
    definition: dict[str, Any] = json.loads(body)
    return definition


@router.get("/{instrument}/schema", permission=Permission.INSTRUMENT_READ)
def read_instrument_schema(study: UUID, instrument: UUID, actor: Acting, runtime: Runtime_) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a submission's answers."""
    with runtime.glance() as session:
        body = instruments.definition(session, actor, study, instrument)
    return json_schema(instruments.parsed(body))


@router.get("/{instrument}/form", permission=Permission.INSTRUMENT_READ)
def read_instrument_form(
    study: UUID, instrument: UUID, actor: Acting, runtime: Runtime_, language: Language = "en"
) -> FormOut:
    """The questionnaire as a form in one language, as the study asks it."""
    with runtime.glance() as session:
        return FormOut.of(instruments.preview(session, actor, study, instrument, language=language))


@router.get("/{instrument}/changes", permission=Permission.INSTRUMENT_READ)
def read_instrument_changes(study: UUID, instrument: UUID, actor: Acting, runtime: Runtime_) -> ChangesOut:
    """What this version changes against the published one before it."""
    with runtime.glance() as session:
        return ChangesOut.of(instruments.changes(session, actor, study, instrument))


@router.post("/{instrument}/publication", permission=Permission.INSTRUMENT_PUBLISH)
def publish_instrument(study: UUID, instrument: UUID, actor: Acting, runtime: Runtime_) -> None:
    """Publish a draft that somebody else made."""
    with runtime.transaction() as session:
        instruments.publish(session, runtime.collaborators, actor, study, instrument)


def _out(row: InstrumentVersion) -> InstrumentOut:
    return InstrumentOut(
        id=row.id,
        name=row.name,
        version=row.version,
        sha256=row.sha256.hex(),
        published=row.published_at is not None,
        drafted_by=row.drafted_by,
        published_by=row.published_by,
        published_day=None if row.published_at is None else row.published_at.date().isoformat(),
    )
