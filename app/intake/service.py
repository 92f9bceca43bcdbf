"""Taking a record in: validated, sealed field by field, durable, receipted.

The same id with the same content is the same record; nothing is stored without consent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import UUID, uuid4

from sqlalchemy import Uuid, bindparam, null, select, tuple_, union_all, update
from sqlalchemy.orm import Session

from app.access import Actor, ActorKind, Permission, Team, require
from app.audit import service as audit
from app.audit.models import Event
from app.audit.parts import Parts
from app.cases import states
from app.cases.grants import NewGrants, Scope
from app.cases.making import Attempt, Rows
from app.cases.models import Case, Grant, Pack, Record, Tombstone
from app.cases.queries import Status
from app.cases.questionnaire import RECEIPT_KEY, at_rest
from app.cases.sealing import Compartment, Place, seal_pack
from app.collaborators import Collaborators
from app.crypto import packs
from app.crypto.codes import CASE_CODE, new_case_code
from app.crypto.encoding import canonical_json
from app.crypto.intake import SealedBody
from app.crypto.mac import content_digest
from app.crypto.receipts import Receipt
from app.crypto.secrets import Secret, split
from app.db import insert_all, once
from app.errors import Conflict, ContentDiffers, Flaw, Gone, Invalid, NotFound, RecordFrozen
from app.studies import answers as checking
from app.studies import instruments, policies, roster, service
from app.studies.instrument import Instrument
from app.studies.roster import SignedRoster

SUBMITTERS = frozenset({ActorKind.USER, ActorKind.DEVICE})


@dataclass(frozen=True, slots=True)
class Submission:
    """The body of a submission, its shape checked, its answers not yet.

    ``sealed_body`` is the SHA-256 of the bytes that a phone sealed it in; empty if it came in clear over TLS.
    """

    client_uuid: UUID
    study: UUID
    case: str | None
    instrument: str
    version: str
    answers: dict[str, Any] = field(repr=False)
    withdrawal: bytes | None
    sealed_body: bytes = b""

    def canonical(self) -> bytes:
        """The content that the same id must repeat."""
        return canonical_json(
            {
                "study": str(self.study),
                "case": self.case,
                "instrument": {"id": self.instrument, "version": self.version},
                "answers": self.answers,
                "withdrawal_sha256": None if self.withdrawal is None else self.withdrawal.hex(),
            }
        )


@dataclass(frozen=True, slots=True)
class Accepted:
    """An accepted record: its receipt, and warnings about its answers (pointer and text, never a value)."""

    receipt: dict[str, Any]
    warnings: list[Flaw] = field(default_factory=list)
    new: bool = True


@dataclass(frozen=True, slots=True)
class Earlier:
    """A record already accepted under this id."""

    record: UUID
    content: bytes
    receipt: dict[str, Any]

    def again(self, collaborators: Collaborators, submission: Submission) -> Accepted:
        """The same receipt for the same content; ContentDiffers for other content, Gone if it was erased."""
        idem = collaborators.keystore.idem(self.record)
        if content_digest(idem, submission.canonical()) != self.content:
            raise ContentDiffers
        return Accepted(self.receipt, new=False)


def earlier(session: Session, collaborators: Collaborators, actor: Actor, client_uuid: UUID) -> Earlier | None:
    """What the actor already submitted under this id.

    Raises:
        NotFound, Forbidden: the actor no longer submits in that study.
        Gone: it was erased.
    """
    require_submitter(actor)
    rows = session.connection().execute(_SENT, {"submitter": actor.user(), "client_uuid": client_uuid}).all()
    if not rows:
        return None
    # An erasure that kept the release leaves a tombstone beside its record.
    row = next((each for each in rows if each.content is not None), rows[0])
    acting, _ = service.act_in(session, collaborators, actor, row.study_id)
    require(acting, Permission.RECORD_SUBMIT)
    if row.content is None:
        raise Gone
    return Earlier(row.id, row.content, row.receipt)


def sealed_before(
    session: Session, collaborators: Collaborators, actor: Actor, client_uuid: UUID, sealed: SealedBody
) -> Accepted | None:
    """The receipt of this very sealed body, known by its SHA-256 and so without any key; None for anything else.

    Raises as ``earlier``.
    """
    known = earlier(session, collaborators, actor, client_uuid)
    if known is None or known.receipt["sealed_body_sha256"] != sealed.digest.hex():
        return None
    return Accepted(known.receipt, new=False)


def require_submitter(actor: Actor) -> None:
    """Ask whether this kind of actor can submit at all; the study's roster is asked when the study is known."""
    if actor.kind not in SUBMITTERS:
        raise NotFound


@dataclass(slots=True)
class AcceptRecord:
    """Making: one record with its packs and the five grants of its arrival."""

    collaborators: Collaborators
    actor: Actor
    submission: Submission
    reads_only = True
    signed: SignedRoster = field(init=False)
    system: SignedRoster = field(init=False)
    instrument: tuple[UUID, Instrument] = field(init=False)
    checked: checking.Checked = field(init=False)
    case: tuple[UUID, str, bool] = field(init=False)
    record: dict[str, Any] = field(init=False, repr=False)
    packed: list[dict[str, Any]] = field(init=False, repr=False)
    new: NewGrants = field(init=False)
    made: Parts = field(init=False)

    @property
    def joins(self) -> bool:
        """A first interview shares no row with another; a later one locks its case."""
        return self.submission.case is None and self.actor.kind in SUBMITTERS

    def fresh(self, session: Session, makings: Sequence[Self]) -> Sequence[Self]:
        """One for each id under which nothing was accepted or erased before."""
        first = {(each.actor.user(), each.submission.client_uuid): each for each in reversed(makings)}
        taken = {tuple(row) for row in session.connection().execute(_TAKEN, {"ids": list(first)})}
        return [each for key, each in first.items() if key not in taken]

    def plan(self, session: Session) -> None:
        """Read rosters, instrument and case; check every answer. Conflict if something was accepted under this id."""
        if earlier(session, self.collaborators, self.actor, self.submission.client_uuid) is not None:
            raise Conflict
        self.plan_fresh(session)

    def plan_fresh(self, session: Session) -> None:
        """What ``plan`` does once it is known that nothing was accepted under this id."""
        asked, now = self.submission, self.collaborators.now()
        if self.actor.kind is ActorKind.DEVICE and self.actor.study != asked.study:
            raise NotFound
        self.signed, self.system = once(
            session,
            ("rosters", asked.study),
            lambda: roster.latest_with_system(session, self.collaborators, asked.study),
        )
        self.actor = service.member_of(self.signed, self.actor, now)
        require(self.actor, Permission.RECORD_SUBMIT)
        once(session, ("open", asked.study), lambda: policies.check_open(session, self.signed, now))
        wanted = (asked.study, asked.instrument, asked.version)
        try:
            key, instrument, policy = once(session, wanted, lambda: instruments.published(session, *wanted))
        except NotFound:
            raise Invalid([Flaw("/instrument", "No such published instrument.")]) from None
        self.instrument = key, instrument
        self.checked = checking.validate(instrument, asked.answers, policy=policy)
        self.case = self._case(session)

    def _case(self, session: Session) -> tuple[UUID, str, bool]:
        code = self.submission.case
        if code is None:
            return uuid4(), new_case_code(), True
        if CASE_CODE.fullmatch(code) is None:
            raise NotFound
        mine = select(Record.case_id).where(Record.submitter_id == self.actor.user())
        case = session.scalar(
            select(Case).where(Case.study_id == self.submission.study, Case.code == code, Case.id.in_(mine))
        )
        if case is None:
            raise NotFound
        if case.frozen:
            raise RecordFrozen
        return case.id, code, False

    def seal(self) -> Attempt:
        """Make the record's keys, seal every field, wrap the keys, sign the receipt."""
        case, code, _ = self.case
        place = Place(self.collaborators.deployment, self.submission.study, case, uuid4())
        keys = {compartment: Secret.random() for compartment in _AT_REST}
        self.packed = [self._pack(place, keys[compartment], compartment) for compartment in _AT_REST]
        self.new = self._grants(place, keys)
        idem = Secret.random()
        content = content_digest(idem, self.submission.canonical())
        self.record = self._row(place, code, content)
        self.made = states.of_record(self.record) | states.of_grants(self.new.rows)
        for row in self.packed:
            self.made |= states.of_pack(row["compartment"], row["version"], row["sealed"])
        return Attempt(place.record, self.new.shares, self.signed.floor, idem=idem, also=self.system.floor)

    def fields(self, compartment: Compartment) -> dict[str, Any]:
        """What is sealed in a compartment: every field of the questionnaire that rests there."""
        return {name: self.checked.values[name] for name in at_rest(self.instrument[1], compartment)}

    def _pack(self, place: Place, key: Secret, compartment: Compartment) -> dict[str, Any]:
        sealed = seal_pack(place, key, compartment, self.fields(compartment), 0)
        return {
            "record_id": place.record,
            "compartment": compartment.value,
            "version": 0,
            "sealed": sealed,
            "digest": packs.digest(sealed),
        }

    def _grants(self, place: Place, keys: dict[Compartment, Secret]) -> NewGrants:
        made = NewGrants(place)
        identity, source = keys[Compartment.IDENTITY], keys[Compartment.SOURCE]
        half_g, half_a = split(identity)
        made.add(Scope.WORK, self.system.key_of(Team.WORKER), Secret(identity.reveal() + source.reveal()))
        made.add(Scope.SOURCE, self.signed.key_of(Team.REDACTION), source)
        made.add(Scope.IDENTITY_G, self.signed.key_of(Team.GUARDIANS), half_g)
        made.add(Scope.IDENTITY_A, self.signed.key_of(Team.AUDITORS), half_a)
        made.add(Scope.PROTECTION, self.signed.key_of(Team.GUARDIANS), keys[Compartment.PROTECTION])
        return made

    def _row(self, place: Place, code: str, content: bytes) -> dict[str, Any]:
        day = self.collaborators.today()
        receipt = Receipt(
            deployment=place.deployment,
            key_id=RECEIPT_KEY,
            study=place.study,
            record=place.record,
            case=code,
            submitter=self.actor.user(),
            client_uuid=self.submission.client_uuid,
            instrument=self.instrument[1].sha256,
            content=content,
            day=day,
            sealed_body=self.submission.sealed_body,
        )
        signature = self.collaborators.custody.sign(RECEIPT_KEY, receipt.message())
        return {
            "id": place.record,
            "study_id": place.study,
            "case_id": place.case,
            "instrument_id": self.instrument[0],
            "submitter_id": self.actor.user(),
            "device_id": self.actor.device,
            "client_uuid": self.submission.client_uuid,
            "received_day": day,
            "content": content,
            "receipt": receipt.to_json(signature),
            "status": Status.RECEIVED,
            "consent_scopes": sorted(self.checked.scopes),
            "withdrawal_preference": self.checked.withdrawal_preference,
            "withdrawal_hash": self.submission.withdrawal,
            "draft_version": 0,
            "release_version": 0,
            "next_try_at": self.collaborators.now(),
            "tries": 0,
            "turn": 1,
        }

    def store(self, session: Session) -> Accepted:
        """Insert case, record, packs, grants and event."""
        insert_all(session.connection(), self.rows() if self.case[2] else self._later_rows(session))
        return self.result()

    def rows(self) -> Rows:
        """The rows of a case and of its first record."""
        case, code, _ = self.case
        values = {"id": case, "study_id": self.submission.study, "code": code, "frozen": False, "held": False}
        values |= self._flags()
        change = states.first_turn(self.made, states.of_case(values))
        return [(Case.table(), [values | {"turn": 1}]), *self._record_rows(change)]

    def result(self) -> Accepted:
        """The receipt, to be given once the rows are committed."""
        return Accepted(self.record["receipt"], self.checked.warnings)

    def _later_rows(self, session: Session) -> Rows:
        raised = {name: True for name, flag in self._flags().items() if flag}
        turn = self._join(session, self.case[0], raised)
        return self._record_rows(states.first_turn(self.made, states.columns(**raised), turn))

    def _record_rows(self, change: dict[str, Any]) -> Rows:
        event = self._event(change)
        rows = (Record, [self.record]), (Pack, self.packed), (Grant, self.new.rows), (Event, [event])
        return [(model.table(), each) for model, each in rows]

    def _flags(self) -> dict[str, bool]:
        return {"priority": self.checked.priority, "hidden": self.checked.threat}

    def _event(self, change: dict[str, Any]) -> dict[str, Any]:
        place = self.new.place
        return audit.row(
            self.collaborators,
            self.actor,
            "record.accepted",
            study=place.study,
            case=place.case,
            record=place.record,
            **change,
        )

    @staticmethod
    def _join(session: Session, case: UUID, raised: dict[str, bool]) -> int:
        """Raise the case's flags, and take its turn: whoever freezes it either comes first or finds this record."""
        joined = update(Case).where(Case.id == case, Case.frozen.is_(False)).values(turn=Case.turn + 1, **raised)
        turn: int | None = session.scalar(joined.returning(Case.turn))
        if turn is None:
            raise RecordFrozen
        return turn


_AT_REST = (Compartment.IDENTITY, Compartment.PROTECTION, Compartment.SOURCE)


# Built once and past the mapper: these run for every record.
_record, _tombstone = Record.table(), Tombstone.table()
_BY_ID = {"submitter": bindparam("submitter", type_=Uuid()), "client_uuid": bindparam("client_uuid", type_=Uuid())}
_SENT = union_all(
    select(_record.c.id, _record.c.study_id, _record.c.content, _record.c.receipt).where(
        _record.c.submitter_id == _BY_ID["submitter"], _record.c.client_uuid == _BY_ID["client_uuid"]
    ),
    select(_tombstone.c.record_id, _tombstone.c.study_id, null(), null()).where(
        _tombstone.c.submitter_id == _BY_ID["submitter"], _tombstone.c.client_uuid == _BY_ID["client_uuid"]
    ),
)
_TAKEN = union_all(
    *(
        select(table.c.submitter_id, table.c.client_uuid).where(
            tuple_(table.c.submitter_id, table.c.client_uuid).in_(bindparam("ids", expanding=True))
        )
        for table in (_record, _tombstone)
    )
)
