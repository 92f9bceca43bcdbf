"""What phones are told of their study: what the app is called there, and the questionnaires to fill in.

An app that says on the home screen what it is for endangers whoever carries it, so the study chooses a dull name.
"""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from app.access import Actor, ActorKind, Permission, require
from app.audit import parts
from app.audit import service as audit
from app.collaborators import Collaborators
from app.errors import Flaw, Invalid, NotFound
from app.studies import instruments, service
from app.studies.models import InstrumentVersion, Study, StudyApp
from app.studies.policy import StudyPolicy

__all__ = ["CHANGED", "ICONS", "App", "Collecting", "change", "collecting", "digest_of", "look", "of_study", "title_of"]

NAME_CHARACTERS = 30
# The pictures that the form brings along.
ICONS = ("notes", "calendar", "calculator", "list")
CHANGED = "study.app_changed"
COLUMNS = tuple(StudyApp.table().columns.keys())
# What a questionnaire says for the service alone.
NOT_FOR_PHONES = frozenset({"class", "also", "compartment", "release", "roster", "why"})


@dataclass(frozen=True, slots=True)
class App:
    """How the form looks on a phone's home screen."""

    name: str = "Notes"
    icon: str = "notes"


@dataclass(frozen=True, slots=True)
class Collecting:
    """All that a phone needs to fill in its study's questionnaires offline."""

    study: UUID
    title: str
    app: App
    policy: StudyPolicy
    instruments: list[tuple[bytes, dict[str, Any]]] = field(repr=False)


def of_study(session: Session, study: UUID) -> App:
    """What the app is called in a study; nobody is asked."""
    row = session.get(StudyApp, study)
    return App() if row is None else App(row.name, row.icon)


def title_of(session: Session, study: UUID) -> str:
    """The study's name; NotFound without that study."""
    name = session.scalar(select(Study.name).where(Study.id == study))
    if name is None:
        raise NotFound
    return name


def look(session: Session, actor: Actor, study: UUID) -> App:
    """What the app is called in the study, for its members."""
    require(actor, Permission.STUDY_READ)
    return of_study(session, study)


def change(session: Session, collaborators: Collaborators, actor: Actor, study: UUID, app: App) -> None:
    """Call the app something else; phones hear of it when they next ask.

    Raises:
        Invalid: the name is empty, too long or not plain text, or there is no such icon.
    """
    require(actor, Permission.APP_CHANGE)
    flaws = [] if _is_plain(app.name) else [Flaw("/name", "Between 1 and 30 letters, digits or signs.")]
    if app.icon not in ICONS:
        flaws.append(Flaw("/icon", "It is not one of the icons that there are."))
    if flaws:
        raise Invalid(flaws)
    values = {"name": app.name, "icon": app.icon}
    there = session.scalar(update(StudyApp).where(StudyApp.study_id == study).values(values).returning(StudyApp.name))
    if there is None:
        session.execute(insert(StudyApp).values(study_id=study, **values))
    audit.write(session, collaborators, actor, CHANGED, study=study, digest=digest_of({"study_id": study, **values}))


def digest_of(row: Any) -> str:
    """The digest of a row, as the event of its change carries it."""
    return parts.digest_of("study_app", row, COLUMNS)


def collecting(session: Session, collaborators: Collaborators, actor: Actor) -> Collecting:
    """What a device needs of its study: the newest published version of each questionnaire, and what is asked.

    Raises:
        NotFound, Forbidden: no device, or one whose interviewer no longer submits in its study.
    """
    if actor.kind is not ActorKind.DEVICE or actor.study is None:
        raise NotFound
    acting, _ = service.act_in(session, collaborators, actor, actor.study)
    require(acting, Permission.INSTRUMENT_READ)
    study = session.get(Study, actor.study)
    if study is None:
        raise NotFound
    rows = [row for row in instruments.listed(session, acting, study.id) if row.published_at is not None]
    found = [(row.sha256, _for_phones(row)) for row in _newest(rows)]
    return Collecting(study.id, study.name, of_study(session, study.id), StudyPolicy.from_dict(study.policy), found)


def _newest(rows: list[InstrumentVersion]) -> list[InstrumentVersion]:
    """The last version of each questionnaire."""
    ordered = sorted(rows, key=lambda row: instruments.parsed(row.body).numbers)
    return sorted({row.name: row for row in ordered}.values(), key=lambda row: row.name)


def _for_phones(row: InstrumentVersion) -> dict[str, Any]:
    definition: dict[str, Any] = json.loads(row.body)
    for section in definition["sections"]:
        section["fields"] = [_without(each) for each in section["fields"]]
    return definition


def _without(question: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in question.items() if name not in NOT_FOR_PHONES}
    if "members" in kept:
        kept["members"] = [
            {name: value for name, value in each.items() if name not in NOT_FOR_PHONES} for each in kept["members"]
        ]
    return kept


def _is_plain(name: str) -> bool:
    return (
        0 < len(name) <= NAME_CHARACTERS
        and name == name.strip()
        and not any(unicodedata.category(letter).startswith("C") for letter in name)
    )
