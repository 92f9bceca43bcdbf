"""Instrument versions of a study: the default one, drafting, publishing by another person, loading."""

from __future__ import annotations

import json
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from app.access import Actor, Permission, Role, require
from app.audit import service as audit
from app.collaborators import Collaborators
from app.crypto.encoding import canonical_json
from app.errors import Conflict, NotFound, OwnWork
from app.studies import policies
from app.studies.changes import Changes, compare
from app.studies.forms import Form, form_of
from app.studies.instrument import Instrument, bundled_definition
from app.studies.models import InstrumentVersion, Study
from app.studies.policy import StudyPolicy
from app.studies.successor import check_successor

CACHED = 128


@lru_cache(maxsize=CACHED)
def parsed(body: bytes) -> Instrument:
    """The questionnaire of a stored definition."""
    return Instrument.load(json.loads(body))


def add_default(session: Session, study: UUID, now: datetime) -> None:
    """Give a new study the shipped questionnaire, published."""
    definition = bundled_definition()
    _insert(session, study, Instrument.load(definition), definition, published_at=now)


def draft(
    session: Session, collaborators: Collaborators, actor: Actor, study: UUID, definition: dict[str, Any]
) -> tuple[UUID, Instrument]:
    """Load a questionnaire as a draft of the study.

    Raises:
        InstrumentRefused: it is not safe, not well formed, or breaks what its version number promises; every flaw.
        Conflict: this version exists already.
    """
    require(actor, Permission.INSTRUMENT_DRAFT)
    instrument = Instrument.load(definition)
    before = _published(session, study, instrument.id)
    if before:
        check_successor(before[-1], instrument)
    key = _insert(session, study, instrument, definition, drafted_by=actor.user())
    audit.write(
        session, collaborators, actor, "instrument.drafted", instrument=str(key), digest=instrument.sha256.hex()
    )
    return key, instrument


def _published(session: Session, study: UUID, name: str) -> list[Instrument]:
    """The published versions of one questionnaire, oldest first."""
    rows = session.scalars(
        select(InstrumentVersion.body).where(
            InstrumentVersion.study_id == study,
            InstrumentVersion.name == name,
            InstrumentVersion.published_at.is_not(None),
        )
    )
    return sorted((parsed(body) for body in rows), key=lambda each: each.numbers)


def publish(session: Session, collaborators: Collaborators, actor: Actor, study: UUID, key: UUID) -> None:
    """Publish a draft.

    Raises:
        NotFound: the study has no such version.
        OwnWork: whoever drafted it does not publish it.
        Forbidden: admitted, and not confirmed by the team yet.
        Conflict: it is published already.
    """
    require(actor, Permission.INSTRUMENT_PUBLISH)
    row = session.execute(
        select(InstrumentVersion).where(InstrumentVersion.id == key, InstrumentVersion.study_id == study)
    ).scalar_one_or_none()
    if row is None:
        raise NotFound
    if row.drafted_by == actor.user():
        raise OwnWork
    policies.check_confirmed(session, collaborators, actor, Role.APPROVER)
    if row.published_at is not None:
        raise Conflict("This version is published already.")
    session.execute(
        update(InstrumentVersion)
        .where(InstrumentVersion.id == key, InstrumentVersion.published_at.is_(None))
        .values(published_by=actor.user(), published_at=collaborators.now())
    )
    audit.write(session, collaborators, actor, "instrument.published", instrument=str(key))


def published(session: Session, study: UUID, name: str, version: str) -> tuple[UUID, Instrument, StudyPolicy]:
    """A published version of the study by name and version, and the study's policy; NotFound otherwise."""
    wanted = {"study": study, "name": name, "version": version}
    row = session.connection().execute(_PUBLISHED, wanted).one_or_none()
    if row is None:
        raise NotFound
    known = _KNOWN.get((row.id, row.sha256))
    if known is None:
        known = by_id(session, row.id)
        if len(_KNOWN) >= CACHED:
            _KNOWN.clear()
        _KNOWN[row.id, row.sha256] = known
    return row.id, known, StudyPolicy.from_dict(row.policy)


# Every intake asks; a definition is a hundred kilobytes and does not change once it is published, so it is read once.
_KNOWN: dict[tuple[UUID, bytes], Instrument] = {}
_version, _study = InstrumentVersion.table(), Study.table()
_PUBLISHED = (
    select(_version.c.id, _version.c.sha256, _study.c.policy)
    .join_from(_version, _study, _study.c.id == _version.c.study_id)
    .where(
        _version.c.study_id == bindparam("study"),
        _version.c.name == bindparam("name"),
        _version.c.version == bindparam("version"),
        _version.c.published_at.is_not(None),
    )
)


def by_id(session: Session, key: UUID) -> Instrument:
    """The version that a record was taken with."""
    body = session.scalar(select(InstrumentVersion.body).where(InstrumentVersion.id == key))
    if body is None:
        raise NotFound
    return parsed(body)


def definition(session: Session, actor: Actor, study: UUID, key: UUID) -> bytes:
    """The stored definition of a version of the study, or NotFound."""
    require(actor, Permission.INSTRUMENT_READ)
    query = select(InstrumentVersion.body)
    body = session.scalar(query.where(InstrumentVersion.id == key, InstrumentVersion.study_id == study))
    if body is None:
        raise NotFound
    return body


def preview(session: Session, actor: Actor, study: UUID, key: UUID, *, language: str = "en") -> Form:
    """A version of the study as a form in one of the five languages, or NotFound."""
    instrument = parsed(definition(session, actor, study, key))
    policy = session.scalar(select(Study.policy).where(Study.id == study))
    return form_of(instrument, StudyPolicy.from_dict(policy or {}), language)


def changes(session: Session, actor: Actor, study: UUID, key: UUID) -> Changes:
    """What a version of the study changes against the published one before it, or NotFound."""
    instrument = parsed(definition(session, actor, study, key))
    before = [old for old in _published(session, study, instrument.id) if old.numbers < instrument.numbers]
    return compare(before[-1] if before else None, instrument)


def listed(session: Session, actor: Actor, study: UUID) -> list[InstrumentVersion]:
    """Every version of the study, drafts included."""
    require(actor, Permission.INSTRUMENT_READ)
    query = select(InstrumentVersion).where(InstrumentVersion.study_id == study)
    return list(session.scalars(query.order_by(InstrumentVersion.name, InstrumentVersion.version)))


def _insert(
    session: Session,
    study: UUID,
    instrument: Instrument,
    definition: dict[str, Any],
    *,
    drafted_by: UUID | None = None,
    published_at: datetime | None = None,
) -> UUID:
    key = uuid4()
    session.execute(
        insert(InstrumentVersion).values(
            id=key,
            study_id=study,
            name=instrument.id,
            version=instrument.version,
            sha256=instrument.sha256,
            body=canonical_json(definition),
            drafted_by=drafted_by,
            published_at=published_at,
        )
    )
    return key
