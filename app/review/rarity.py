"""How many of the study's cases share what a draft tells together: generalized answers and details of its texts.

It is computed in the session of whoever approves, from releases that they may open, and kept nowhere: a table of such
combinations would be a map to the rare ones. A reader joins the releases of one case, so they are one here; those whose
interview was edited since are read by no researcher and don't count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.access import Actor, Permission, require
from app.audit import service as audit
from app.cases import grants, queries
from app.cases.drafts import Draft
from app.cases.grants import FoundGrant, Scope
from app.cases.models import Record
from app.cases.sealing import Compartment, Place, open_pack
from app.collaborators import Collaborators
from app.crypto.sealed import Sealed
from app.deidentify.tells import Tell
from app.review.combinations import Combination, Detail, Rarity, answered, compare, told
from app.studies import roster
from app.studies.instrument import Instrument
from app.studies.roster import SignedRoster

# The newest releases say enough, and an approver does not wait for thousands to be opened.
MOST = 200


@dataclass(slots=True)
class CompareReleases:
    """Reading: what a draft and its case's releases tell together, counted among the study's other cases."""

    collaborators: Collaborators
    actor: Actor
    record: UUID
    instrument: Instrument
    draft: Draft = field(repr=False)
    case: UUID = field(init=False)
    signed: SignedRoster = field(init=False)
    places: dict[UUID, Place] = field(init=False)
    versions: dict[UUID, int] = field(init=False)
    found: dict[UUID, FoundGrant] = field(init=False)
    packs: dict[UUID, Sealed] = field(init=False, repr=False)

    def look(self, session: Session) -> None:
        """Authorise, fetch, and write one event for all that is opened."""
        require(self.actor, Permission.RELEASE_READ)
        row = session.get_one(Record, self.record)
        self.case = row.case_id
        self.signed = roster.latest(session, self.collaborators, row.study_id)
        own, stands = Record.case_id == row.case_id, Record.superseded_by.is_(None)
        others = queries.releases(self.actor).where(Record.id != self.record, stands)
        newest = others.order_by(None).order_by(own.desc(), Record.received_day.desc(), Record.id).limit(MOST)
        rows = [each for each, _ in session.execute(newest) if queries.consented(self.actor, each.consent_scopes)]
        self.places = {each.id: queries.place_of(self.collaborators, each) for each in rows}
        self.versions = {each.id: each.release_version for each in rows}
        scopes = {each: Scope.research(version) for each, version in self.versions.items()}
        self.found = grants.find_each(session, self.actor, scopes)
        self.packs = queries.packs(session, self.versions, Compartment.RESEARCH)
        action, count = "release.compared", len(self.found)
        audit.write(session, self.collaborators, self.actor, action, case=row.case_id, record=row.id, count=count)

    def open(self) -> Rarity:
        """Open the releases and count their cases."""
        found = {self.places[record]: grant for record, grant in self.found.items() if record in self.packs}
        cases: dict[UUID, frozenset[Detail]] = {}
        for place, key in grants.open_each(self.collaborators, self.actor, found, self.signed.floor):
            version, sealed = self.versions[place.record], self.packs[place.record]
            values = open_pack(place, key, Compartment.RESEARCH, version, sealed)
            cases[place.case] = cases.get(place.case, frozenset()) | self._details(values)
        earlier = (each for each in cases.pop(self.case, ()) if isinstance(each, Tell))
        tells = told(text.clean for text in self.draft.texts.values()).union(earlier)
        return compare(Combination(answered(self.instrument, self.draft.values), tells), list(cases.values()))

    def _details(self, values: Mapping[str, Any]) -> frozenset[Detail]:
        texts = (values.get(each.name, {}).get("value") for each in self.instrument.narratives)
        found = told(text for text in texts if isinstance(text, str))
        return found.union(answered(self.instrument, values))
