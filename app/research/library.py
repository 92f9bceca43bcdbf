"""What researchers read: releases that consent and triage cover, auditors' drawn samples, and reported passages."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Select, exists, insert, select
from sqlalchemy.orm import Session

from app.access import Actor, Permission, Role, Team, require
from app.audit import service as audit
from app.cases import files, grants, queries, released, states
from app.cases.contents import Opened
from app.cases.grants import FoundGrant, NewGrants, Scope
from app.cases.making import Attempt
from app.cases.models import Case, File, Grant, Passage, Record
from app.cases.released import ReleasedFile
from app.cases.sealing import SCOPES, Compartment, Place, open_pack, seal_pack
from app.cases.states import Change
from app.collaborators import Collaborators
from app.crypto import packs
from app.crypto.sealed import Sealed
from app.crypto.secrets import Secret
from app.errors import Conflict, Flaw, Invalid, NotFound, TamperedField
from app.studies import roster
from app.studies.roster import SignedRoster

RESEARCH = Compartment.RESEARCH
SAMPLE_LASTS = timedelta(days=14)
REASON_CHARACTERS = 2000


def _readable(actor: Actor) -> Select[Record, Case]:
    query = queries.releases(actor)
    if Role.APPROVER in actor.roles:
        return query
    return query.where(~_has_report())


def _has_report() -> ColumnElement[bool]:
    return exists().where(Passage.record_id == Record.id, Passage.settled.is_(False))


def listed(session: Session, actor: Actor) -> list[tuple[Record, Case]]:
    """The releases that the actor may read."""
    require(actor, Permission.RELEASE_READ)
    rows = session.execute(_readable(actor))
    return [(record, case) for record, case in rows if queries.consented(actor, record.consent_scopes)]


def reported(session: Session, actor: Actor) -> frozenset[UUID]:
    """Of the releases that an approver may read, those with a passage that somebody reported."""
    require(actor, Permission.RELEASE_CUT)
    rows = queries.releases(actor).with_only_columns(Record.id).order_by(None)
    return frozenset(session.scalars(rows.where(_has_report())))


def samples(session: Session, collaborators: Collaborators, actor: Actor) -> list[tuple[Record, Case]]:
    """The releases that are drawn for the actor's team of auditors now."""
    require(actor, Permission.SAMPLE_READ)
    running = (Grant.record_id == Record.id) & (Grant.expires_at > collaborators.now())
    rows = session.execute(_readable(actor).join(Grant, running).add_columns(Grant.scope))
    return [(record, case) for record, case, scope in rows if scope == Scope.sample(record.release_version)]


def find_passage(text: str, words: str) -> tuple[int, int] | None:
    """Where words that somebody copied stand in a text, blanks aside; code points. None: nowhere."""
    parts = words.split()
    found = re.search(r"\s+".join(map(re.escape, parts)), text) if parts else None
    return None if found is None else found.span()


@dataclass(frozen=True, slots=True)
class Release:
    """A release as researchers read it; ``digest`` is that of its sealed pack."""

    record: UUID
    case: str
    version: int
    values: dict[str, Any] = field(repr=False)
    digest: bytes
    files: tuple[ReleasedFile, ...] = ()


@dataclass(slots=True)
class ReadRelease:
    """Reading: a release, by consent for leads, approvers and researchers, or by a drawn sample for auditors."""

    collaborators: Collaborators
    actor: Actor
    record: UUID
    row: Record = field(init=False, repr=False)
    code: str = field(init=False)
    place: Place = field(init=False)
    signed: SignedRoster = field(init=False)
    found: FoundGrant = field(init=False)
    packed: Sealed = field(init=False, repr=False)

    def look(self, session: Session) -> None:
        """Authorise, fetch, write the event."""
        sampled = Role.AUDITOR in self.actor.roles
        require(self.actor, Permission.SAMPLE_READ if sampled else Permission.RELEASE_READ)
        self.row, case = queries.one(session, _readable(self.actor).where(Record.id == self.record))
        if not sampled and not queries.consented(self.actor, self.row.consent_scopes):
            raise NotFound
        version = self.row.release_version
        self.code = case.code
        self.place = queries.place_of(self.collaborators, self.row)
        self.signed = roster.latest(session, self.collaborators, self.row.study_id)
        scope = Scope.sample(version) if sampled else Scope.research(version)
        self.found = grants.find(session, self.actor, self.record, scope)
        self.packed = queries.pack(session, self.record, RESEARCH, version)
        audit.write(
            session,
            self.collaborators,
            self.actor,
            "release.read",
            case=case.id,
            record=self.record,
            version=version,
        )

    def key(self) -> Secret:
        """Unwrap the release's key."""
        opened = grants.open_found(self.collaborators, self.actor, self.place, [self.found], self.signed.floor)
        return opened[self.found.scope]

    def decrypt(self, key: Secret) -> Release:
        """Open the release under its key."""
        version = self.row.release_version
        values = open_pack(self.place, key, RESEARCH, version, self.packed)
        scopes = values.pop(SCOPES, None)
        if scopes is None:
            raise TamperedField
        if Role.AUDITOR not in self.actor.roles and not queries.consented(self.actor, scopes):
            raise NotFound
        copies = released.take(values)
        return Release(self.record, self.code, version, values, packs.digest(self.packed), copies)

    def open(self) -> Release:
        """Unwrap and decrypt."""
        return self.decrypt(self.key())


@dataclass(slots=True)
class OpenReleased:
    """Reading: one clean copy that belongs to a release; what it holds is read as it is used.

    Opening it is the event, whatever part of it is read then.
    """

    reading: ReadRelease
    file: UUID
    row: File = field(init=False, repr=False)

    def look(self, session: Session) -> None:
        """Authorise, fetch, and write the event of the read."""
        reading = self.reading
        reading.look(session)
        mine = select(File).where(File.id == self.file, File.record_id == reading.record)
        row = session.scalar(mine.where(File.status == files.RELEASED))
        if row is None:
            raise NotFound
        self.row = row
        parts, case, file = reading.collaborators, reading.row.case_id, str(self.file)
        audit.write(session, parts, reading.actor, "copy.read", case=case, record=reading.record, file=file)

    def open(self) -> Opened:
        """Open the release, which holds the key."""
        release = self.reading.open()
        copy = next((each for each in release.files if each.id == self.file), None)
        if copy is None:
            raise NotFound
        return files.open_file(self.reading.collaborators, self.reading.place, self.row, copy.key)


@dataclass(frozen=True, slots=True)
class Report:
    """A passage that may identify somebody: a range of one text (code points) and why."""

    name: str
    start: int
    end: int
    reason: str = field(repr=False)


@dataclass(slots=True)
class FreezePassage:
    """Reading: a report, sealed under the key the passage was read with."""

    reading: ReadRelease
    report: Report
    passage: UUID = field(default_factory=uuid4)

    def look(self, session: Session) -> None:
        """Authorise and fetch."""
        require(self.reading.actor, Permission.PASSAGE_FREEZE)
        if not 0 < len(self.report.reason.strip()) <= REASON_CHARACTERS:
            raise Invalid([Flaw("/reason", "Between 1 and 2,000 characters.")])
        self.reading.look(session)

    def open(self) -> Sealed:
        """Check the range and seal the report."""
        key = self.reading.key()
        release = self.reading.decrypt(key)
        text = release.values.get(self.report.name, {}).get("value")
        if not isinstance(text, str) or not 0 <= self.report.start < self.report.end <= len(text):
            raise Invalid([Flaw("/start", "Lies outside the text.")])
        content = {
            "field": self.report.name,
            "start": self.report.start,
            "end": self.report.end,
            "reason": self.report.reason,
        }
        name = f"passage.{self.passage.hex}"
        return seal_pack(self.reading.place, key, RESEARCH, {name: content}, release.version)


def store_report(session: Session, collaborators: Collaborators, freezing: FreezePassage, sealed: Sealed) -> None:
    """Store the report: from here on nobody but approvers reads the release until it is cut."""
    reading = freezing.reading
    require(reading.actor, Permission.PASSAGE_FREEZE)
    values = {
        "id": freezing.passage,
        "record_id": reading.record,
        "release_version": reading.row.release_version,
        "sealed": sealed,
        "reported_by": reading.actor.user(),
        "settled": False,
    }
    session.execute(insert(Passage).values(values))
    change = Change(states.of_passages([values]))
    states.note(session, collaborators, reading.actor, "release.frozen", reading.record, change)


@dataclass(slots=True)
class ReadReports:
    """Reading: the open reports of a release, for the approver who is to cut it."""

    reading: ReadRelease
    rows: list[Passage] = field(init=False, repr=False)

    def look(self, session: Session) -> None:
        """Authorise and fetch."""
        require(self.reading.actor, Permission.RELEASE_CUT, now=None)
        self.reading.look(session)
        query = select(Passage).where(Passage.record_id == self.reading.record, Passage.settled.is_(False))
        self.rows = list(session.scalars(query))

    def open(self) -> list[dict[str, Any]]:
        """Open each report made on this version."""
        key, version = self.reading.key(), self.reading.row.release_version
        return [
            open_pack(self.reading.place, key, RESEARCH, version, row.sealed)[f"passage.{row.id.hex}"] | {"id": row.id}
            for row in self.rows
            if row.release_version == version
        ]


@dataclass(slots=True)
class DrawSample:
    """Making: a release for the auditors to check, for two weeks."""

    reading: ReadRelease
    new: NewGrants = field(init=False)

    def plan(self, session: Session) -> None:
        """Authorise and fetch."""
        require(self.reading.actor, Permission.SAMPLE_DRAW)
        self.reading.look(session)
        if self.reading.row.superseded_by is not None:
            raise Conflict("An edit of the interview took the place of this release.")
        scope = Scope.sample(self.reading.row.release_version)
        drawn = select(Grant.id).where(Grant.record_id == self.reading.record, Grant.scope == scope)
        if session.scalar(drawn.where(Grant.expires_at > self.reading.collaborators.now())) is not None:
            raise Conflict("A sample of this release is drawn already.")

    def seal(self) -> Attempt:
        """Wrap the release's key to the auditors under a share that expires."""
        expires = self.reading.collaborators.now() + SAMPLE_LASTS
        self.new = NewGrants(self.reading.place)
        scope = Scope.sample(self.reading.row.release_version)
        key = self.reading.signed.key_of(Team.AUDITORS)
        self.new.add(scope, key, self.reading.key(), expires_at=expires)
        return Attempt(self.reading.record, self.new.shares, self.reading.signed.floor)

    def store(self, session: Session) -> None:
        """Store the sample's grant in the place of an expired one."""
        reading = self.reading
        version = reading.row.release_version
        current = select(Record.id).where(Record.id == reading.record, Record.release_version == version)
        if session.scalar(current.with_for_update()) is None:
            raise Conflict("This release was replaced meanwhile.")
        gone = grants.drop(session, reading.collaborators, reading.record, [Scope.sample(version)])
        change = Change(self.new.store(session), gone)
        states.note(session, reading.collaborators, reading.actor, "sample.drawn", reading.record, change)
