"""Releasing exactly what the approver was shown, and cutting a release by removal only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from app.access import Actor, Permission, Team, require
from app.audit import service as audit
from app.cases import files, grants, queries, released, states
from app.cases.grants import FoundGrant, NewGrants, Scope
from app.cases.making import Attempt
from app.cases.models import Pack, Passage, Record
from app.cases.queries import Status
from app.cases.sealing import SCOPES, Compartment, Place, open_pack, seal_pack
from app.cases.states import Change
from app.collaborators import Collaborators
from app.crypto import packs
from app.crypto.sealed import Sealed
from app.crypto.secrets import Secret, split
from app.errors import Conflict, DigestDiffers, Flaw, Invalid
from app.review import doubts, policies
from app.review.copies import ChosenCopies
from app.review.drafts import OpenSource
from app.review.files import Attached
from app.studies import instruments, roster
from app.studies.answers import scopes_in_force
from app.studies.roster import SignedRoster

RESEARCH = Compartment.RESEARCH
CUT = "[CUT]"


@dataclass(slots=True)
class ReleaseRecord:
    """Making: the research copy under a fresh key for researchers, the source split between guardians and auditors.

    ``doubts`` is how many doubtful passages the approver looked at and let stay. ``copies`` are the clean copies of
    attachments that go along; ``recordings`` is how many of them may be heard.
    """

    source: OpenSource
    digest: bytes
    renaming: Mapping[str, str] = field(default_factory=dict)
    doubts: int = 0
    copies: Sequence[UUID] = ()
    recordings: int = 0
    chosen: ChosenCopies = field(init=False)
    attached: Attached = field(init=False)
    new: NewGrants = field(init=False)
    sealed: Sealed = field(init=False, repr=False)

    def plan(self, session: Session) -> None:
        """Authorise; own work, consent and the digest shown are checked before a key is touched."""
        opened = self.source
        require(opened.actor, Permission.RELEASE_MAKE, now=opened.collaborators.now())
        opened.look(session)
        policies.check_approvable(session, opened.actor, opened.row)
        policies.check_consented(opened.row.consent_scopes)
        policies.check_digest(opened.row, self.renaming, self.digest)
        if packs.digest(opened.packed[opened.row.draft_version]) != opened.row.draft_digest:
            raise DigestDiffers
        self.attached = Attached(opened.record)
        self.attached.look(session, opened.actor)
        self.chosen = ChosenCopies(opened.record, self.copies, self.recordings)
        self.chosen.look(session, opened.actor)

    @property
    def version(self) -> int:
        """The number of this release."""
        return self.source.row.release_version + 1

    def seal(self) -> Attempt:
        """Open the draft, seal the research copy, wrap its key and the halves of the source key."""
        opened, key = self.source, self.source.key()
        source = opened.decrypt(key)
        if source.draft is None:
            raise Conflict
        scopes = scopes_in_force(source.values)
        policies.check_consented(scopes)
        clean = policies.rename(source.draft, self.renaming)
        doubts.check_answered(clean, self.doubts)
        texts = {name: {"value": text} for name, text in clean.items()}
        copies = released.put(self.chosen.seal(opened))
        values = source.draft.values | texts | {SCOPES: sorted(scopes)} | copies
        research = Secret.random()
        self.sealed = seal_pack(opened.place, research, RESEARCH, values, self.version)
        half_g, half_a = split(key)
        self.new = NewGrants(opened.place)
        self.new.add(Scope.research(self.version), opened.signed.key_of(Team.RESEARCHERS), research)
        self.new.add(Scope.SOURCE_G, opened.signed.key_of(Team.GUARDIANS), half_g)
        self.new.add(Scope.SOURCE_A, opened.signed.key_of(Team.AUDITORS), half_a)
        self.attached.halve(opened, self.new)
        return Attempt(opened.record, self.new.shares, opened.signed.floor)

    def store(self, session: Session) -> int:
        """Store the release, end the redaction team's access, and return the release's number."""
        opened, version = self.source, self.version
        done = session.scalar(
            update(Record)
            .where(
                Record.id == opened.record,
                Record.status == Status.FINISHED,
                Record.approver_id == opened.actor.user(),
                Record.draft_digest == opened.row.draft_digest,
                Record.release_version == version - 1,
            )
            .values(status=Status.RELEASED, release_version=version)
            .returning(Record.id)
        )
        if done is None:
            raise Conflict
        superseded = [Scope.research(version - 1), Scope.sample(version - 1)]
        over = [Scope.SOURCE, Scope.WORK, Scope.REWORK, *superseded]
        gone = grants.drop(session, opened.collaborators, opened.record, over)
        gone += self.attached.drop(session, opened.collaborators)
        copied = self.chosen.store(session, opened.collaborators)
        change = _replace_pack(session, opened.record, version, self.sealed)
        made = change.made | copied.made | self.new.store(session)
        made |= states.columns(status=Status.RELEASED, release_version=version)
        change = Change(made, [*gone, *copied.gone, *change.gone])
        states.note(session, opened.collaborators, opened.actor, "release.made", opened.record, change, version=version)
        return version


def _replace_pack(session: Session, record: UUID, version: int, sealed: Sealed) -> Change:
    replaced = delete(Pack).where(Pack.record_id == record, Pack.compartment == RESEARCH.value)
    rows = session.execute(replaced.returning(Pack.compartment, Pack.version)).all()
    session.execute(
        insert(Pack).values(
            record_id=record, compartment=RESEARCH.value, version=version, sealed=sealed, digest=packs.digest(sealed)
        )
    )
    settled = update(Passage).where(Passage.record_id == record, Passage.settled.is_(False)).values(settled=True)
    answered = session.scalars(settled.returning(Passage)).all()
    made = states.of_pack(RESEARCH.value, version, sealed) | states.of_passages(answered)
    return Change(made, [states.pack_key(*row) for row in rows])


@dataclass(slots=True)
class CutRelease:
    """Making: the next release version by removal only; the one before can no longer be opened.

    ``cuts`` are ranges of a text (code points) that become ``[CUT]``; ``drop`` are fields that are withheld;
    ``reports`` are the reports it answers, which must be all that are open; ``files`` are clean copies that go.
    """

    collaborators: Collaborators
    actor: Actor
    record: UUID
    digest: bytes
    cuts: Mapping[str, Sequence[tuple[int, int]]] = field(default_factory=dict)
    drop: Sequence[str] = ()
    reports: frozenset[UUID] = frozenset()
    files: frozenset[UUID] = frozenset()
    row: Record = field(init=False, repr=False)
    place: Place = field(init=False)
    signed: SignedRoster = field(init=False)
    found: FoundGrant = field(init=False)
    narratives: frozenset[str] = field(init=False)
    reported: frozenset[UUID] = field(init=False)
    packed: Sealed = field(init=False, repr=False)
    new: NewGrants = field(init=False)
    sealed: Sealed = field(init=False, repr=False)

    def plan(self, session: Session) -> None:
        """Authorise and fetch the release named by its digest."""
        require(self.actor, Permission.RELEASE_CUT, now=self.collaborators.now())
        query = queries.releases(self.actor).where(Record.id == self.record)
        self.row, case = queries.one(session, query)
        version = self.row.release_version
        self.place = queries.place_of(self.collaborators, self.row)
        self.signed = roster.latest(session, self.collaborators, self.row.study_id)
        self.found = grants.find(session, self.actor, self.record, Scope.research(version))
        self.packed = queries.pack(session, self.record, RESEARCH, version)
        instrument = instruments.by_id(session, self.row.instrument_id)
        self.narratives = frozenset(each.name for each in instrument.narratives)
        if packs.digest(self.packed) != self.digest:
            raise DigestDiffers
        self.reported = _reported(session, self.record)
        if not self.reported <= self.reports:
            raise Conflict("A passage was reported that this cut does not answer; read the reports.")
        audit.write(session, self.collaborators, self.actor, "release.read", case=case.id, record=self.record)

    def seal(self) -> Attempt:
        """Open the release, remove, seal the next version under a fresh key."""
        version, scope = self.row.release_version, Scope.research(self.row.release_version)
        opened = grants.open_found(self.collaborators, self.actor, self.place, [self.found], self.signed.floor)
        values = open_pack(self.place, opened[scope], RESEARCH, version, self.packed)
        key = Secret.random()
        self.sealed = seal_pack(self.place, key, RESEARCH, self._removed(values), version + 1)
        self.new = NewGrants(self.place)
        self.new.add(Scope.research(version + 1), self.signed.key_of(Team.RESEARCHERS), key)
        return Attempt(self.record, self.new.shares, self.signed.floor)

    def _removed(self, values: dict[str, Any]) -> dict[str, Any]:
        copies = released.take(values)
        if not self.files <= {copy.id for copy in copies}:
            raise Invalid([Flaw("/files", "Names a file that this release does not have.")])
        if not {*self.cuts, *self.drop} <= values.keys() - {SCOPES}:
            raise Invalid([Flaw("/cuts", "Names a field that this release does not have.")])
        result = dict(values)
        for name, ranges in self.cuts.items():
            text = values[name].get("value")
            if name not in self.narratives or not isinstance(text, str):
                raise Invalid([Flaw(f"/cuts/{name}", "Only texts can be cut; drop the field.")])
            result[name] = {"value": _cut(text, ranges, f"/cuts/{name}")}
        kept = released.put(copy for copy in copies if copy.id not in self.files)
        return result | {name: {"status": "withheld"} for name in self.drop} | kept

    def store(self, session: Session) -> int:
        """Store the cut release and drop the one before."""
        version = self.row.release_version + 1
        done = session.scalar(
            update(Record)
            .where(Record.id == self.record, Record.release_version == version - 1)
            .values(release_version=version)
            .returning(Record.id)
        )
        if done is None:
            raise Conflict
        if _reported(session, self.record) != self.reported:
            raise Conflict("Another passage was reported meanwhile; read the reports again.")
        dropped = [Scope.research(version - 1), Scope.sample(version - 1)]
        gone = grants.drop(session, self.collaborators, self.record, dropped)
        gone += files.discard(session, self.collaborators, self.files)
        change = _replace_pack(session, self.record, version, self.sealed)
        made = change.made | self.new.store(session) | states.columns(release_version=version)
        change = Change(made, [*gone, *change.gone])
        states.note(session, self.collaborators, self.actor, "release.cut", self.record, change, version=version)
        return version


def _reported(session: Session, record: UUID) -> frozenset[UUID]:
    """The reports that a cut answers."""
    return frozenset(session.scalars(select(Passage.id).where(Passage.record_id == record, Passage.settled.is_(False))))


def _cut(text: str, ranges: Sequence[tuple[int, int]], pointer: str) -> str:
    parts, at = [], 0
    for start, end in sorted(ranges):
        if not at <= start < end <= len(text):
            raise Invalid([Flaw(pointer, "Ranges must lie in the text and apart from each other.")])
        parts += [text[at:start], CUT]
        at = end
    return "".join([*parts, text[at:]])
