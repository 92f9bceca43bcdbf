"""Questionnaires of a study: list, read, draft, publish, and their JSON Schema for form builders."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, RootModel

from app.access import Permission
from app.studies import instruments
from app.studies.schema import json_schema
from app.web.bodies import Out
from app.web.deps import Acting, Runtime_
from app.web.routing import Router

__all__ = ["router"]

router = Router("/v1/studies/{study}/instruments", tag="instruments")


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


class InstrumentsOut(Out):
    """Every version of the study's questionnaires."""

    instruments: list[InstrumentOut]


@router.get("", permission=Permission.INSTRUMENT_READ)
def list_instruments(study: UUID, actor: Acting, runtime: Runtime_) -> InstrumentsOut:
    """Every version, drafts included."""
    with runtime.glance() as session:
        rows = instruments.listed(session, actor, study)
    return InstrumentsOut(
        instruments=[
            InstrumentOut(
                id=row.id,
                name=row.name,
                version=row.version,
                sha256=row.sha256.hex(),
                published=row.published_at is not None,
            )
            for row in rows
        ]
    )


@router.post("", permission=Permission.INSTRUMENT_DRAFT, status=201)
def draft_instrument(study: UUID, body: DefinitionBody, actor: Acting, runtime: Runtime_) -> InstrumentOut:
    """Load a questionnaire as a draft; one that would not be safe is refused with every flaw."""
    with runtime.transaction() as session:
        key, instrument = instruments.draft(session, runtime.collaborators, actor, study, body.root)
    return InstrumentOut(
        id=key, name=instrument.id, version=instrument.version, sha256=instrument.sha256.hex(), published=False
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


@router.post("/{instrument}/publication", permission=Permission.INSTRUMENT_PUBLISH)
def publish_instrument(study: UUID, instrument: UUID, actor: Acting, runtime: Runtime_) -> None:
    """Publish a draft that somebody else made."""
    with runtime.transaction() as session:
        instruments.publish(session, runtime.collaborators, actor, study, instrument)
