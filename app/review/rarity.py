"""How many of the study's releases share a case's combination of generalized answers.

It is computed in the session of whoever approves, from releases that they may open, and kept nowhere: a table of such
combinations would be a map to the rare ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.access import Actor, Permission, require
from app.audit import service as audit
from app.cases import grants, queries
from app.cases.grants import FoundGrant, Scope
from app.cases.models import Record
from app.cases.sealing import Compartment, Place, open_pack
from app.collaborators import Collaborators
from app.crypto.encoding import canonical_json
from app.crypto.sealed import Sealed
from app.errors import Gone, NotFound
from app.studies import roster
from app.studies.instrument import Instrument
from app.studies.release import NOT_RELEASED
from app.studies.roster import SignedRoster

# The newest releases say enough, and an approver does not wait for thousands to be opened.
MOST = 200
# A combination that fewer others share is rare.
COMMON = 5
ABOUT_THE_TALK = "interview_"


@dataclass(frozen=True, slots=True)
class Rarity:
    """``same`` of ``compared`` other cases' releases share all answers to ``fields``.

    ``alone`` are the fields whose answer no other release has.
    """

    fields: tuple[str, ...]
    compared: int
    same: int
    alone: tuple[str, ...]

    @property
    def rare(self) -> bool:
        """Whether so few share the combination that it may point to one person."""
        return bool(self.fields) and self.same < COMMON


@dataclass(frozen=True, slots=True)
class _Sealed:
    place: Place
    version: int
    found: FoundGrant
    pack: Sealed = field(repr=False)


@dataclass(slots=True)
class CompareReleases:
    """Reading: the combination of a draft's released answers, counted among releases of the study's other cases."""

    collaborators: Collaborators
    actor: Actor
    record: UUID
    instrument: Instrument
    values: Mapping[str, Any] = field(repr=False)
    signed: SignedRoster = field(init=False)
    releases: list[_Sealed] = field(init=False, repr=False)

    def look(self, session: Session) -> None:
        """Authorise, fetch, and write one event for all that is opened."""
        require(self.actor, Permission.RELEASE_READ)
        row = session.get_one(Record, self.record)
        self.signed = roster.latest(session, self.collaborators, row.study_id)
        others = queries.releases(self.actor).where(Record.case_id != row.case_id).order_by(None)
        newest = others.order_by(Record.received_day.desc(), Record.id).limit(MOST)
        self.releases = []
        for record, _ in session.execute(newest).all():
            if queries.consented(self.actor, record.consent_scopes):
                with suppress(NotFound):
                    self.releases.append(self._fetch(session, record))
        action, count = "release.compared", len(self.releases)
        audit.write(session, self.collaborators, self.actor, action, case=row.case_id, record=row.id, count=count)

    def _fetch(self, session: Session, record: Record) -> _Sealed:
        version = record.release_version
        found = grants.find(session, self.actor, record.id, Scope.research(version))
        pack = queries.pack(session, record.id, Compartment.RESEARCH, version)
        return _Sealed(queries.place_of(self.collaborators, record), version, found, pack)

    def open(self) -> Rarity:
        """Open the releases one by one and count."""
        fields = combined(self.instrument, self.values)
        others = []
        for release in self.releases:
            with suppress(Gone):
                others.append(self._open(release))
        return compare(fields, self.values, others)

    def _open(self, release: _Sealed) -> dict[str, Any]:
        keys = grants.open_found(self.collaborators, self.actor, release.place, [release.found], self.signed.floor)
        key = keys[release.found.scope]
        return open_pack(release.place, key, Compartment.RESEARCH, release.version, release.pack)


def combined(instrument: Instrument, values: Mapping[str, Any]) -> tuple[str, ...]:
    """The answers that together may point to one person: quasi-identifying ones that are released, not of the talk."""
    return tuple(
        each.name
        for each in instrument.fields.values()
        if each.class_ == "quasi"
        and each.rule not in NOT_RELEASED
        and not each.name.startswith(ABOUT_THE_TALK)
        and "value" in values.get(each.name, {})
    )


def compare(fields: tuple[str, ...], values: Mapping[str, Any], others: list[dict[str, Any]]) -> Rarity:
    """Count the others that share each answer, and all of them."""
    shared = [{name for name in fields if _answer(values, name) == _answer(other, name)} for other in others]
    same = sum(len(each) == len(fields) for each in shared)
    alone = tuple(name for name in fields if not any(name in each for each in shared))
    return Rarity(fields, len(others), same, alone)


def _answer(values: Mapping[str, Any], name: str) -> bytes:
    return canonical_json(values.get(name, {}).get("value"))
