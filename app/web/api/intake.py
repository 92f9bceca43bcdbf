"""Intake: a record comes in, its receipt goes out; and the participant's way out again."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from app.access import Actor, Permission
from app.bootstrap import Runtime
from app.cases.questionnaire import RECEIPT_KEY
from app.crypto.intake import SealedBody
from app.errors import BadEncoding, Conflict
from app.intake import keys, queries, service
from app.intake.service import Accepted, AcceptRecord, Submission
from app.web.api.types import CaseCode, Hex32, ReceiptKeyOut, base64url, receipt_key
from app.web.bodies import INTAKE_LIMIT, OPAQUE, Body, Opaque, Out, read
from app.web.deps import Runtime_, Signed, Source
from app.web.handling import Reply
from app.web.routing import Router
from app.web.withdrawing import by_token

__all__ = ["router"]

router = Router("/v1", tag="intake")


class InstrumentRef(Body):
    """A published questionnaire of the study."""

    id: Annotated[str, Field(min_length=1, max_length=64)]
    version: Annotated[str, Field(min_length=1, max_length=32)]


class RecordBody(Body):
    """One interview. ``case`` is null for a new interviewee, else the code of a case one submitted to before."""

    study: UUID
    case: CaseCode | None = None
    instrument: InstrumentRef
    answers: dict[str, Any] = Field(repr=False)
    withdrawal_sha256: Hex32 | None = None


class SealedRecordBody(Opaque):
    """The same, sealed by a phone to an intake key."""

    model_config = ConfigDict(json_schema_extra={OPAQUE: "application/vnd.testimony.sealed"})


class ReceiptOut(Out):
    """A signed receipt; verify it offline with the deployment's receipt key."""

    deployment: UUID
    key_id: str
    study: UUID
    record: UUID
    case: str
    submitter: UUID
    client_uuid: UUID
    instrument_sha256: str
    content: str
    sealed_body_sha256: str
    day: str
    signature: str


class WarningOut(Out):
    """Something to look at again: where and what, never the value."""

    pointer: str
    detail: str


class AcceptedOut(Out):
    """The receipt, and warnings about the answers."""

    receipt: ReceiptOut
    warnings: list[WarningOut]


class OneReceiptOut(Out):
    """The receipt."""

    receipt: ReceiptOut


class KeysOut(Out):
    """Public Ed25519 keys (hex) by key id: pin them."""

    keys: dict[str, str]


class IntakeKeyOut(Out):
    """An intake key. The signature is Ed25519 by the receipt key over deployment, id, key and both times.

    Keys and signature in base64url without padding, times in unix seconds: until when a phone may seal to it, and until
    when the service opens what was sealed to it.
    """

    deployment: UUID
    key_id: UUID
    public: str
    seal_until: int
    open_until: int
    signature: str
    receipt_key: ReceiptKeyOut


class WithdrawalBody(Body):
    """The participant's withdrawal token."""

    token: Annotated[str, Field(min_length=1, max_length=64, repr=False)]


class Nothing(Out):
    """An answer that tells nothing."""


@router.put(
    "/records/{client_uuid}",
    permission=Permission.RECORD_SUBMIT,
    status=201,
    limit=INTAKE_LIMIT,
    roles_later=True,
    also={
        200: "The same content was accepted before: the same receipt.",
        415: "The body is neither application/json nor application/vnd.testimony.sealed.",
    },
)
def submit_record(
    client_uuid: UUID, body: RecordBody | SealedRecordBody, actor: Signed, runtime: Runtime_
) -> Reply[AcceptedOut]:
    """Take a record in: 201 once it is durable, 200 for the same content again, 409 for other content."""
    if isinstance(body, RecordBody):
        return _accept(runtime, actor, _submission(client_uuid, body))
    sealed = SealedBody.parse(body.root)
    with runtime.glance() as session:
        known = service.sealed_before(session, runtime.collaborators, actor, client_uuid, sealed)
        if known is not None:
            return _reply(known)
        opening = keys.opening(session, runtime.collaborators, actor, sealed)
    inside = read(RecordBody, opening.open(runtime.collaborators, sealed, client_uuid))
    if inside.study != sealed.study:
        raise BadEncoding
    return _accept(runtime, actor, _submission(client_uuid, inside, sealed.digest))


def _submission(client_uuid: UUID, body: RecordBody, sealed_body: bytes = b"") -> Submission:
    return Submission(
        client_uuid=client_uuid,
        study=body.study,
        case=body.case,
        instrument=body.instrument.id,
        version=body.instrument.version,
        answers=body.answers,
        withdrawal=None if body.withdrawal_sha256 is None else bytes.fromhex(body.withdrawal_sha256),
        sealed_body=sealed_body,
    )


def _accept(runtime: Runtime, actor: Actor, submission: Submission) -> Reply[AcceptedOut]:
    try:
        return _reply(runtime.make(AcceptRecord(runtime.collaborators, actor, submission)))
    except Conflict:
        # Accepted before, or sent twice at once and the other one was first.
        accepted = _again(runtime, actor, submission)
        if accepted is None:
            raise
    return _reply(accepted)


def _again(runtime: Runtime, actor: Actor, submission: Submission) -> Accepted | None:
    with runtime.glance() as session:
        earlier = service.earlier(session, runtime.collaborators, actor, submission.client_uuid)
    return None if earlier is None else earlier.again(runtime.collaborators, submission)


def _reply(accepted: Accepted) -> Reply[AcceptedOut]:
    warnings = [WarningOut(pointer=flaw.pointer, detail=flaw.detail) for flaw in accepted.warnings]
    out = AcceptedOut(receipt=ReceiptOut.model_validate(accepted.receipt), warnings=warnings)
    return Reply(out, 201 if accepted.new else 200)


@router.get("/records/{client_uuid}/receipt", permission=Permission.RECEIPT_READ, roles_later=True)
def read_receipt(client_uuid: UUID, actor: Signed, runtime: Runtime_) -> OneReceiptOut:
    """The receipt of a record one submitted."""
    with runtime.glance() as session:
        return OneReceiptOut(
            receipt=ReceiptOut.model_validate(queries.receipt(session, runtime.collaborators, actor, client_uuid))
        )


@router.get("/intake-key", permission=Permission.RECORD_SUBMIT, roles_later=True)
def read_intake_key(actor: Signed, runtime: Runtime_) -> IntakeKeyOut:
    """The key that a device seals to now, signed; for devices, which pin the receipt key when they are enrolled."""
    with runtime.glance() as session:
        key = keys.current(session, runtime.collaborators, actor)
    return IntakeKeyOut(
        deployment=runtime.collaborators.deployment,
        key_id=key.id,
        public=base64url(key.public),
        seal_until=int(key.seal_until.timestamp()),
        open_until=int(key.open_until.timestamp()),
        signature=base64url(key.signature),
        receipt_key=receipt_key(runtime.collaborators),
    )


@router.get("/receipt-keys", permission=Permission.NOTHING_NEEDED)
def read_receipt_keys(runtime: Runtime_) -> KeysOut:
    """The keys that receipts verify with."""
    return KeysOut(keys={RECEIPT_KEY: runtime.collaborators.custody.public(RECEIPT_KEY).hex()})


@router.post("/withdrawals", permission=Permission.NOTHING_NEEDED, status=202)
def withdraw_by_token(body: WithdrawalBody, source: Source, runtime: Runtime_) -> Nothing:
    """Withdraw with the token alone: the case is frozen at once. An unknown token gets the same answer."""
    by_token(runtime, source, body.token)
    return Nothing()
