"""Two people for one look: a guardian asks, an auditor approves the ask it saw, the guardian reads for an hour.

The auditor's half of one record's key travels to the asking guardian's own key under a share that expires. The named
fields are enforced here, by code; scope, record, asker and expiry by the box's context.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from app.access import Actor, Permission, Role, Team, require
from app.accounts.models import User
from app.audit import service as audit
from app.audit.parts import Parts
from app.cases import grants, queries, states
from app.cases.grants import FoundGrant, NewGrants, Scope
from app.cases.making import Attempt
from app.cases.models import Record
from app.cases.sealing import Place, open_pack, seal_pack
from app.cases.states import Change
from app.collaborators import Collaborators
from app.crypto import contexts, packs
from app.crypto.grants import open_box, seal_box
from app.crypto.principals import fingerprint as fingerprint_of
from app.crypto.sealed import Sealed
from app.crypto.secrets import Secret
from app.errors import Conflict, DigestDiffers, Flaw, Gone, Invalid, NotFound, OwnWork, TamperedField
from app.keystore.service import Share
from app.review import halves
from app.review.asks import APPROVED, PENDING, READ, REFUSED, REOPEN, TRAIN, fields_of
from app.review.halves import AUDITORS, half_of
from app.review.models import Ask, Disclosure
from app.review.states import of_answer, of_ask, of_disclosure
from app.studies import instruments, roster
from app.studies.instrument import Instrument
from app.studies.roster import SignedRoster

LASTS = timedelta(minutes=60)
REASON_CHARACTERS = 2000
BAD_REASON = Flaw("/reason", "Give a reason of 1 to 2,000 characters.")
# Fields of an ask's own pack, sealed under K_ask in a compartment of that name.
ASK = "ask"
CONTENT, REFUSAL = "ask.content", "ask.refusal"
# What an ask says in clear and, so that nobody changes it in the row, under the seal.
TERMS = {"scope": "scope", "purpose": "purpose", "asker": "asker_id"}


def _ask_place(place: Place, ask: UUID) -> Place:
    # An ask is bound to its own id where a record's field is bound to the record.
    return Place(place.deployment, place.study, place.record, ask)


@dataclass(slots=True)
class AskDisclosure:
    """Making: an ask with sealed reason and fields, readable for the auditors and the asker.

    ``scope`` is a compartment or that of one attachment, which is asked for as a whole.
    """

    collaborators: Collaborators
    actor: Actor
    record: UUID
    scope: str
    fields: Sequence[str] = field(repr=False)
    reason: str = field(repr=False)
    purpose: str = READ
    place: Place = field(init=False)
    signed: SignedRoster = field(init=False)
    new: NewGrants = field(init=False)
    row: dict[str, Any] = field(init=False, repr=False)

    def plan(self, session: Session) -> None:
        """Authorise and check the names asked for against the instrument, never against what is there."""
        require(self.actor, Permission.DISCLOSURE_ASK)
        record, _ = queries.one(session, queries.guarded(self.actor).where(Record.id == self.record))
        self.place = queries.place_of(self.collaborators, record)
        self.signed = roster.latest(session, self.collaborators, record.study_id)
        is_file = halves.file_of(session, record.id, self.scope) is not None
        self._check(instruments.by_id(session, record.instrument_id), is_file=is_file)

    def _check(self, instrument: Instrument, *, is_file: bool) -> None:
        flaws = []
        known_scope = is_file or self.scope in halves.COMPARTMENTS
        if not known_scope or (self.purpose != READ and self.scope != "source"):
            raise Invalid([Flaw("/scope", "Not one of the choices.")])
        known = {halves.CONTENT} if is_file else {each.name for each in fields_of(instrument, self.scope)}
        if self.purpose == TRAIN:
            known = {each.name for each in instrument.narratives}
        if self.purpose != REOPEN and (not self.fields or not set(self.fields) <= known):
            flaws.append(Flaw("/fields", "Name fields of this compartment."))
        if not 0 < len(self.reason.strip()) <= REASON_CHARACTERS:
            flaws.append(BAD_REASON)
        if flaws:
            raise Invalid(flaws)

    def seal(self) -> Attempt:
        """Seal reason and fields under K_ask; wrap it to the auditors and to the asker."""
        ask, key = uuid4(), Secret.random()
        content = {"fields": sorted(set(self.fields)), "reason": self.reason} | self._terms()
        sealed = seal_pack(_ask_place(self.place, ask), key, ASK, {CONTENT: content}, 0)
        self.new = NewGrants(self.place)
        self.new.add(Scope.ask(ask), self.signed.key_of(Team.AUDITORS), key)
        pair, share, value = self.actor.unlocked(), uuid4(), Secret.random()
        context = _asker_context(self.place, share, Scope.ask(ask), self.actor.user(), pair.fingerprint)
        self.new.shares.append(Share(share, Scope.ask(ask), value))
        self.row = {
            "id": ask,
            "record_id": self.place.record,
            "asker_id": self.actor.user(),
            "asker_key_id": self.actor.key_id,
            "asker_fingerprint": pair.fingerprint,
            "asker_share_id": share,
            "asker_box": seal_box(value, context, pair.public, key),
            "scope": self.scope,
            "purpose": self.purpose,
            "sealed": sealed,
            "digest": packs.digest(sealed),
            "state": PENDING,
            "asked_at": self.collaborators.now(),
        }
        return Attempt(self.place.record, self.new.shares, self.signed.floor)

    def _terms(self) -> dict[str, str]:
        return {"scope": self.scope, "purpose": self.purpose, "asker": str(self.actor.user())}

    def store(self, session: Session) -> UUID:
        """Store the ask and its grant; returns its id."""
        session.execute(insert(Ask).values(self.row))
        ask: UUID = self.row["id"]
        change, told = Change(of_ask(self.row) | self.new.store(session)), {"ask": str(ask)}
        states.note(session, self.collaborators, self.actor, "disclosure.asked", self.place.record, change, **told)
        return ask


def _asker_context(place: Place, share: UUID, scope: str, asker: UUID, fingerprint: bytes) -> bytes:
    return grants.grant_context(place, share, scope, asker, fingerprint)


@dataclass(frozen=True, slots=True)
class AskShown:
    """An ask as its auditors or its asker read it; ``digest`` is what an approval must name."""

    id: UUID
    record: UUID
    scope: str
    purpose: str
    state: str
    fields: list[str] = field(repr=False)
    reason: str = field(repr=False)
    refusal: str = field(repr=False)
    digest: bytes = b""


@dataclass(slots=True)
class ReadAsk:
    """Reading: an ask, by an auditor of the study or by the one who asked; Gone if their key was replaced since."""

    collaborators: Collaborators
    actor: Actor
    ask: UUID
    row: Ask = field(init=False, repr=False)
    place: Place = field(init=False)
    signed: SignedRoster = field(init=False)
    found: FoundGrant | None = field(init=False)

    def look(self, session: Session) -> None:
        """Authorise, fetch, write the event."""
        require(self.actor, Permission.DISCLOSURE_LIST)
        self.row, record = _visible(session, self.actor, self.ask)
        self.place = queries.place_of(self.collaborators, record)
        self.signed = roster.latest(session, self.collaborators, record.study_id)
        asker = self.row.asker_id == self.actor.user()
        if asker and self.row.asker_fingerprint != self.actor.unlocked().fingerprint:
            # Asked with a key that was replaced since: nothing opens it any more.
            raise Gone
        self.found = None if asker else grants.find(session, self.actor, record.id, Scope.ask(self.ask))
        audit.write(session, self.collaborators, self.actor, "ask.read", record=record.id, ask=str(self.ask))

    def key(self) -> Secret:
        """Unwrap K_ask."""
        scope = Scope.ask(self.ask)
        if self.found is not None:
            opened = grants.open_found(self.collaborators, self.actor, self.place, [self.found], self.signed.floor)
            return opened[scope]
        row, pair = self.row, self.actor.unlocked()
        shares = self.collaborators.keystore.get([row.asker_share_id], floor=self.signed.floor)
        context = _asker_context(self.place, row.asker_share_id, scope, row.asker_id, pair.fingerprint)
        return open_box(shares[row.asker_share_id], context, pair, row.asker_box)

    def decrypt(self, key: Secret) -> AskShown:
        """Open the ask under its key."""
        row, place = self.row, _ask_place(self.place, self.ask)
        content = open_pack(place, key, ASK, 0, row.sealed)[CONTENT]
        if any(content[name] != str(getattr(row, column)) for name, column in TERMS.items()):
            # The digest that an approval names covers what is sealed, not the columns beside it.
            raise TamperedField
        refusal = open_pack(place, key, ASK, 1, row.refusal)[REFUSAL] if row.refusal is not None else ""
        return AskShown(
            row.id,
            row.record_id,
            row.scope,
            row.purpose,
            row.state,
            content["fields"],
            content["reason"],
            refusal,
            row.digest,
        )

    def open(self) -> AskShown:
        """Unwrap and decrypt."""
        return self.decrypt(self.key())


def _visible(session: Session, actor: Actor, ask: UUID) -> tuple[Ask, Record]:
    query = select(Ask, Record).join(Record, Record.id == Ask.record_id)
    query = query.where(Ask.id == ask, Record.study_id == actor.study)
    if Role.AUDITOR not in actor.roles:
        query = query.where(Ask.asker_id == actor.user())
    row = session.execute(query).one_or_none()
    if row is None:
        raise NotFound
    return row


@dataclass(slots=True)
class ApproveAsk:
    """Making: the auditors' half of one record, for one guardian, for an hour; names the digest of the ask it saw.

    To reopen a source, the halves of its attachments go along.
    """

    reading: ReadAsk
    digest: bytes
    half: FoundGrant = field(init=False)
    files: dict[UUID, FoundGrant] = field(init=False)
    public: bytes = field(init=False)
    expires: datetime = field(init=False)
    row: dict[str, Any] = field(init=False, repr=False)
    fields: list[str] = field(init=False, repr=False)

    def plan(self, session: Session) -> None:
        """Authorise; the asker never approves, and the half must exist: before the release no source half does."""
        reading = self.reading
        require(reading.actor, Permission.DISCLOSURE_APPROVE, now=reading.collaborators.now())
        reading.look(session)
        ask = reading.row
        if ask.asker_id == reading.actor.user():
            raise OwnWork
        if ask.state != PENDING:
            raise Conflict("This ask is answered already.")
        if ask.digest != self.digest or packs.digest(ask.sealed) != self.digest:
            raise DigestDiffers
        place = reading.signed.members.get(ask.asker_id)
        now = reading.collaborators.now()
        if place is None or not place.live(now) or place.fingerprint != ask.asker_fingerprint:
            raise Conflict("Whoever asked is no longer a member with that key.")
        if Role.GUARDIAN not in place.roles:
            raise Conflict("Whoever asked is no longer a guardian.")
        self.public = _public_of(session, ask)
        try:
            self.half = grants.find(session, reading.actor, ask.record_id, half_of(ask.scope, AUDITORS))
        except NotFound:
            raise Conflict("This compartment is not under two-person access yet.") from None
        reopening = ask.purpose == REOPEN
        self.files = halves.file_halves(session, reading.actor, ask.record_id, AUDITORS) if reopening else {}

    def seal(self) -> Attempt:
        """Open the auditors' half and wrap it to the asker under a share that expires."""
        reading, ask = self.reading, self.reading.row
        collaborators, place = reading.collaborators, reading.place
        self.fields = reading.open().fields
        found = [self.half, *self.files.values()]
        opened = grants.open_found(collaborators, reading.actor, place, found, reading.signed.floor)
        along = {file: opened[grant.scope] for file, grant in self.files.items()}
        self.expires = (collaborators.now() + LASTS).replace(microsecond=0)
        disclosure, value = uuid4(), Secret.random()
        context = disclosure_context(place, disclosure, ask, self.fields, self.expires)
        self.row = {
            "id": disclosure,
            "ask_id": ask.id,
            "record_id": place.record,
            "scope": ask.scope,
            "asker_id": ask.asker_id,
            "approver_id": reading.actor.user(),
            "box": seal_box(value, context, self.public, halves.joined(opened[self.half.scope], along)),
            "expires_at": self.expires,
        }
        share = Share(disclosure, self.half.scope, value, self.expires)
        return Attempt(place.record, [share], reading.signed.floor)

    def store(self, session: Session) -> UUID:
        """Store the disclosure; returns its id."""
        reading = self.reading
        answered = _answer(session, reading.actor, reading.ask, APPROVED)
        session.execute(insert(Disclosure).values(self.row))
        states.note(
            session,
            reading.collaborators,
            reading.actor,
            "disclosure.approved",
            reading.place.record,
            Change(answered | of_disclosure(self.row)),
            ask=str(reading.ask),
            disclosure=str(self.row["id"]),
            digest=self.digest.hex(),
        )
        disclosure: UUID = self.row["id"]
        return disclosure


def _public_of(session: Session, ask: Ask) -> bytes:
    public = session.scalar(select(User.public).where(User.id == ask.asker_id))
    if public is None or fingerprint_of(public) != ask.asker_fingerprint:
        raise Conflict("Whoever asked is no longer a member with that key.")
    return public


def disclosure_context(place: Place, disclosure: UUID, ask: Ask, fields: Sequence[str], expires: datetime) -> bytes:
    """What the handed-over half is bound to."""
    return contexts.disclosure(
        place.deployment,
        study=place.study,
        record=place.record,
        disclosure=disclosure,
        scope=ask.scope,
        asker=ask.asker_id,
        fingerprint=ask.asker_fingerprint,
        fields=fields,
        expires=int(expires.timestamp()),
    )


def _answer(session: Session, actor: Actor, ask: UUID, state: str, refusal: Sealed | None = None) -> Parts:
    done = session.scalar(
        update(Ask)
        .where(Ask.id == ask, Ask.state == PENDING)
        .values(state=state, answered_by=actor.user(), refusal=refusal)
        .returning(Ask)
    )
    if done is None:
        raise Conflict("This ask is answered already.")
    return of_answer(done)


@dataclass(slots=True)
class RefuseAsk:
    """Reading: the reason of a refusal, sealed under K_ask for the asker."""

    reading: ReadAsk
    reason: str = field(repr=False)

    def look(self, session: Session) -> None:
        """Authorise and fetch."""
        require(self.reading.actor, Permission.DISCLOSURE_APPROVE, now=self.reading.collaborators.now())
        if not 0 < len(self.reason.strip()) <= REASON_CHARACTERS:
            raise Invalid([BAD_REASON])
        self.reading.look(session)

    def open(self) -> Sealed:
        """Seal the reason."""
        place = _ask_place(self.reading.place, self.reading.ask)
        return seal_pack(place, self.reading.key(), ASK, {REFUSAL: self.reason}, 1)


def store_refusal(session: Session, collaborators: Collaborators, actor: Actor, ask: UUID, refusal: Sealed) -> None:
    """Store a refusal with its sealed reason."""
    require(actor, Permission.DISCLOSURE_APPROVE, now=collaborators.now())
    row, record = _visible(session, actor, ask)
    change = Change(_answer(session, actor, row.id, REFUSED, refusal))
    states.note(session, collaborators, actor, "disclosure.refused", record.id, change, ask=str(ask))
