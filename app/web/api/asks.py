"""Disclosure by two people: ask, approve or refuse, read for an hour; and reopening a sealed source."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field
from starlette.responses import Response

from app.access import Permission
from app.cases.grants import Scope
from app.review import asks, disclosure
from app.review.corrections import ExportMarked
from app.review.disclosure import ApproveAsk, AskDisclosure, ReadAsk, RefuseAsk
from app.review.halves import CONTENT
from app.review.opening import OpenDisclosedFile, OpenDisclosure, ReopenSource
from app.web.api.types import FieldName, Hex32, Reason
from app.web.bodies import Body, Out
from app.web.contents import RANGES, answer_with
from app.web.deps import Acting, Runtime_, Wanted
from app.web.routing import Router

__all__ = ["router"]

router = Router("/v1/studies/{study}/asks", tag="disclosure")


class AskBody(Body):
    """Which fields of which record, and why.

    ``reopen`` asks to hand a sealed source back to redaction, ``train`` for texts with the spans that people decided.
    Of scope ``file`` is an ask for one attachment, which ``file`` names, in the place of fields.
    """

    record: UUID
    scope: Literal["identity", "source", "file"]
    file: UUID | None = None
    fields: Annotated[list[FieldName], Field(max_length=200, default_factory=list)]
    reason: Reason
    purpose: Literal["read", "reopen", "train"] = "read"


class AskedOut(Out):
    """The new ask."""

    ask: UUID


class AskListedOut(Out):
    """An ask, nothing sealed opened; ``expires`` is when an approved one closes."""

    id: UUID
    record: UUID
    case: str
    scope: str
    purpose: str
    state: str
    asked_at: AwareDatetime
    expires: AwareDatetime | None


class AsksOut(Out):
    """The study's asks for auditors, one's own for guardians: the waiting ones, oldest first; then the newest."""

    asks: list[AskListedOut]


class AskOut(Out):
    """An ask; an approval names its digest."""

    id: UUID
    record: UUID
    scope: str
    purpose: str
    state: str
    fields: list[str]
    reason: str = Field(repr=False)
    refusal: str = Field(repr=False)
    digest: str


class ApprovalBody(Body):
    """The digest of the ask one has read."""

    digest: Hex32


class DisclosedOut(Out):
    """The disclosure and the moment it ends."""

    disclosure: UUID
    expires: AwareDatetime


class RefusalBody(Body):
    """Why it is refused."""

    reason: Reason


class ValuesOut(Out):
    """The named fields."""

    values: dict[str, Any] = Field(repr=False)


class MarkedOut(Out):
    """Marked texts by field name: material to train models with, as secret as the source."""

    texts: dict[str, str] = Field(repr=False)


@router.post("", permission=Permission.DISCLOSURE_ASK, status=201)
def ask_disclosure(study: UUID, body: AskBody, actor: Acting, runtime: Runtime_) -> AskedOut:  # noqa: ARG001
    """Ask to see named fields, or to reopen a source."""
    scope, fields = str(body.scope), body.fields
    if scope == "file":
        scope, fields = Scope.file(body.file or UUID(int=0)), [CONTENT]
    asking = AskDisclosure(runtime.collaborators, actor, body.record, scope, fields, body.reason, purpose=body.purpose)
    return AskedOut(ask=runtime.make(asking))


@router.get("", permission=Permission.DISCLOSURE_LIST)
def list_asks(study: UUID, actor: Acting, runtime: Runtime_) -> AsksOut:  # noqa: ARG001
    """The study's asks for auditors, one's own for guardians."""
    with runtime.glance() as session:
        rows = asks.listed(session, actor)
    return AsksOut(
        asks=[
            AskListedOut(
                id=row.id,
                record=row.record,
                case=row.case,
                scope=row.scope,
                purpose=row.purpose,
                state=row.state,
                asked_at=row.asked_at,
                expires=row.expires,
            )
            for row in rows
        ]
    )


@router.get("/{ask}", permission=Permission.DISCLOSURE_LIST)
def read_ask(study: UUID, ask: UUID, actor: Acting, runtime: Runtime_) -> AskOut:  # noqa: ARG001
    """An ask with its fields and its reason."""
    shown = runtime.read(ReadAsk(runtime.collaborators, actor, ask))
    return AskOut(
        id=shown.id,
        record=shown.record,
        scope=shown.scope,
        purpose=shown.purpose,
        state=shown.state,
        fields=shown.fields,
        reason=shown.reason,
        refusal=shown.refusal,
        digest=shown.digest.hex(),
    )


@router.post("/{ask}/approval", permission=Permission.DISCLOSURE_APPROVE)
def approve_ask(study: UUID, ask: UUID, body: ApprovalBody, actor: Acting, runtime: Runtime_) -> DisclosedOut:  # noqa: ARG001
    """Hand the auditors' half of one record to the asker for an hour."""
    approving = ApproveAsk(ReadAsk(runtime.collaborators, actor, ask), bytes.fromhex(body.digest))
    made = runtime.make(approving)
    return DisclosedOut(disclosure=made, expires=approving.expires)


@router.post("/{ask}/refusal", permission=Permission.DISCLOSURE_APPROVE)
def refuse_ask(study: UUID, ask: UUID, body: RefusalBody, actor: Acting, runtime: Runtime_) -> None:  # noqa: ARG001
    """Refuse, with a reason for the asker."""
    refusal = runtime.read(RefuseAsk(ReadAsk(runtime.collaborators, actor, ask), body.reason))
    with runtime.transaction() as session:
        disclosure.store_refusal(session, runtime.collaborators, actor, ask, refusal)


@router.get("/{ask}/disclosure", permission=Permission.DISCLOSURE_READ)
def read_disclosure(study: UUID, ask: UUID, actor: Acting, runtime: Runtime_) -> ValuesOut:  # noqa: ARG001
    """Read the named fields of an approved ask of one's own, until it expires."""
    return ValuesOut(values=runtime.read(OpenDisclosure(ReadAsk(runtime.collaborators, actor, ask))))


@router.get("/{ask}/file", permission=Permission.DISCLOSURE_READ, also=RANGES)
def read_disclosed_file(study: UUID, ask: UUID, actor: Acting, runtime: Runtime_, wanted: Wanted) -> Response:  # noqa: ARG001
    """Read the attachment of an approved ask of one's own, or one range of it, until it expires."""
    return answer_with(runtime.read(OpenDisclosedFile(ReadAsk(runtime.collaborators, actor, ask))), wanted)


@router.get("/{ask}/marked", permission=Permission.DISCLOSURE_READ)
def export_marked(study: UUID, ask: UUID, actor: Acting, runtime: Runtime_) -> MarkedOut:  # noqa: ARG001
    """The texts of an approved ask for training, with the spans that people decided marked in them."""
    opening = OpenDisclosure(ReadAsk(runtime.collaborators, actor, ask))
    return MarkedOut(texts=runtime.read(ExportMarked(opening)))


@router.post("/{ask}/reopening", permission=Permission.DISCLOSURE_READ)
def reopen_source(study: UUID, ask: UUID, actor: Acting, runtime: Runtime_) -> None:  # noqa: ARG001
    """Hand a sealed source back to the redaction team."""
    runtime.make(ReopenSource(OpenDisclosure(ReadAsk(runtime.collaborators, actor, ask))))
