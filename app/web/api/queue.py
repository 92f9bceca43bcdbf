"""Redactors' and approvers' work: the queue, the source, the draft, the release."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from app.access import Permission
from app.cases.drafts import BY_HAND, DecidedSpan, Draft
from app.cases.models import Case, Record
from app.deidentify.spans import Kind, Level, Span
from app.errors import Conflict
from app.intake import queries
from app.review import doubts, drafts, policies
from app.review.drafts import DraftAgain, EditDraft, OpenSource, SendBack
from app.review.edits import Whole
from app.review.release import CutRelease, ReleaseRecord
from app.web.api.rarity import RarityOut, rarity_of
from app.web.api.types import FieldName, Hex32, Reason
from app.web.bodies import INTAKE_LIMIT, Body, Out
from app.web.deps import Acting, Runtime_
from app.web.routing import Router

__all__ = ["router"]

router = Router("/v1/studies/{study}", tag="review")

Offset = Annotated[int, Field(ge=0, le=10_000_000)]
# More than any record can have.
MOST_FILES = 1000
Files = Annotated[list[UUID], Field(max_length=MOST_FILES, default_factory=list)]
Renaming = Annotated[dict[str, str], Field(max_length=1000)]


class WaitingOut(Out):
    """A record in the queue: its stage and age, nothing of its content."""

    record: UUID
    case: str
    status: str
    priority: bool
    received_day: str
    mine: bool


class QueueOut(Out):
    """What waits for one's roles: priority first, then oldest."""

    records: list[WaitingOut]


class SpanOut(Out):
    """A span of the source, offsets in code points: what it names, who found it, what was decided."""

    start: int
    end: int
    kind: Kind
    level: Level
    score: float
    reason: str
    accepted: bool
    why: str = Field(repr=False)


class DoubtOut(Out):
    """A passage of a clean text that may still identify somebody, offsets in code points, and why."""

    text: str = Field(repr=False)
    start: int
    end: int
    reason: str


class TextOut(Out):
    """A narrative's clean text with its spans."""

    clean: str = Field(repr=False)
    spans: list[SpanOut]


class DraftOut(Out):
    """A draft, and what in its clean texts still looks identifying.

    ``risk`` is the machine's estimate, from 0 to 1, that it missed a direct identifier, and ``flags`` are reasons to
    trust its draft less: ``unknown-language``, ``rules-only``. A draft made by hand has none.
    """

    texts: dict[str, TextOut]
    values: dict[str, Any] = Field(repr=False)
    comment: str = Field(repr=False)
    risk: float | None
    flags: list[str]
    doubts: list[DoubtOut]


class SourceOut(Out):
    """The source as it came in, and the newest draft; ``version`` 0 means that there is none yet.

    ``unsealed``: it came in clear, although its form asks phones to encrypt it. ``superseded``: the interview was
    edited since, and another record takes the place of this one.
    """

    record: UUID
    unsealed: bool
    superseded: bool
    values: dict[str, Any] = Field(repr=False)
    version: int
    digest: str | None
    draft: DraftOut | None


class SpanBody(Body):
    """A decided span, offsets in code points; a direct identifier that stays needs a reason."""

    start: Offset
    end: Offset
    kind: Kind
    level: Level
    score: Annotated[float, Field(ge=0, le=1)] = 1.0
    reason: Annotated[str, Field(max_length=64)] = BY_HAND
    accepted: bool = True
    why: Annotated[str, Field(max_length=500, repr=False)] = ""


class EditBody(Body):
    """The whole list of spans for each text that changes, made from draft ``version``."""

    version: Annotated[int, Field(ge=0, le=1_000_000)]
    texts: dict[FieldName, Annotated[list[SpanBody], Field(max_length=20_000)]] = Field(max_length=200)


class EditedOut(Out):
    """The stored draft: its version, the digest of its pack, and the clean texts."""

    version: int
    digest: str
    texts: dict[str, str] = Field(repr=False)


class VersionBody(Body):
    """The draft version one has seen."""

    version: Annotated[int, Field(ge=0, le=1_000_000)]


class DigestOut(Out):
    """A digest in hex."""

    digest: str


class CommentBody(Body):
    """Why the draft goes back."""

    comment: Reason


class RenamingBody(Body):
    """New names for labels, to join those of the case's earlier releases."""

    renaming: Renaming = Field(default_factory=dict)


class ToReleaseOut(Out):
    """What would be released under a renaming, and the digest and the count of doubts that a release must name.

    ``rarity`` is there for those who may open the study's releases.
    """

    digest: str
    texts: dict[str, str] = Field(repr=False)
    values: dict[str, Any] = Field(repr=False)
    risk: float | None
    flags: list[str]
    doubts: list[DoubtOut]
    rarity: RarityOut | None


class ReleaseBody(Body):
    """The digest of what was shown, the renaming it was shown with, and how many of its doubts were looked at.

    ``copies`` are the clean copies that go along; ``recordings`` is how many of them may be heard.
    """

    digest: Hex32
    renaming: Renaming = Field(default_factory=dict)
    doubts: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    copies: Files
    recordings: Annotated[int, Field(ge=0, le=MOST_FILES)] = 0


class ReleasedOut(Out):
    """The number of the release."""

    version: int


class CutBody(Body):
    """Ranges (code points) to cut out of texts, and fields to withhold, of the release with this digest.

    ``reports`` names every open report of the release: what nobody has read is not settled. ``files`` are clean copies
    that are withheld from now on.
    """

    digest: Hex32
    cuts: dict[FieldName, Annotated[list[tuple[Offset, Offset]], Field(max_length=1000)]] = Field(
        default_factory=dict, max_length=200
    )
    drop: Annotated[list[FieldName], Field(max_length=200, default_factory=list)]
    reports: Annotated[list[UUID], Field(max_length=1000, default_factory=list)]
    files: Files


def _waiting(record: Record, case: Case, actor: Acting) -> WaitingOut:
    return WaitingOut(
        record=record.id,
        case=case.code,
        status=record.status,
        priority=case.priority,
        received_day=record.received_day,
        mine=actor.id in {record.redactor_id, record.approver_id},
    )


@router.get("/queue", permission=Permission.QUEUE_READ)
def list_queue(study: UUID, actor: Acting, runtime: Runtime_) -> QueueOut:  # noqa: ARG001
    """What waits for one's roles."""
    with runtime.glance() as session:
        rows = drafts.waiting(session, actor)
    return QueueOut(records=[_waiting(record, case, actor) for record, case in rows])


@router.post("/queue/next", permission=Permission.RECORD_TAKE)
def take_next(study: UUID, actor: Acting, runtime: Runtime_) -> WaitingOut:  # noqa: ARG001
    """Take the first that is not one's own; what one already works on comes first."""
    with runtime.transaction() as session:
        record, case = drafts.take(session, runtime.collaborators, actor)
        return _waiting(record, case, actor)


@router.get("/records/{record}/source", permission=Permission.SOURCE_READ)
def read_source(study: UUID, record: UUID, actor: Acting, runtime: Runtime_) -> SourceOut:  # noqa: ARG001
    """The source and the draft of a record one works on."""
    source = runtime.read(OpenSource(runtime.collaborators, actor, record))
    with runtime.glance() as session:
        came = queries.arrival(session, actor, record)
    return SourceOut(
        record=source.record,
        unsealed=came.unsealed,
        superseded=came.superseded,
        values=source.values,
        version=source.version,
        digest=None if source.digest is None else source.digest.hex(),
        draft=None if source.draft is None else _draft(source.draft),
    )


def _draft(draft: Draft) -> DraftOut:
    texts = {
        name: TextOut(clean=text.clean, spans=[SpanOut.model_validate(span.to_json()) for span in text.spans])
        for name, text in draft.texts.items()
    }
    found = _doubts({name: text.clean for name, text in draft.texts.items()})
    return DraftOut(texts=texts, values=draft.values, comment=draft.comment, doubts=found, **_estimate(draft))


def _doubts(clean: dict[str, str]) -> list[DoubtOut]:
    return [
        DoubtOut(text=name, start=each.start, end=each.end, reason=each.reason)
        for name, found in doubts.look(clean).items()
        for each in found
    ]


def _estimate(draft: Draft) -> dict[str, Any]:
    made = draft.estimate
    return {"risk": None, "flags": []} if made is None else {"risk": made.risk, "flags": list(made.flags)}


@router.put("/records/{record}/draft", permission=Permission.DRAFT_EDIT, limit=INTAKE_LIMIT)
def edit_draft(study: UUID, record: UUID, body: EditBody, actor: Acting, runtime: Runtime_) -> EditedOut:  # noqa: ARG001
    """Save decisions about spans as the next draft version; the first one of a failed record is made by hand."""
    texts = {name: [_decided(span) for span in spans] for name, spans in body.texts.items()}
    edited = runtime.read(EditDraft(OpenSource(runtime.collaborators, actor, record), body.version, Whole(texts)))
    with runtime.transaction() as session:
        digest = drafts.store_edit(session, runtime.collaborators, actor, edited)
    clean = {name: text.clean for name, text in edited.draft.texts.items()}
    return EditedOut(version=edited.before + 1, digest=digest.hex(), texts=clean)


def _decided(body: SpanBody) -> DecidedSpan:
    span = Span(body.start, body.end, body.kind, body.level, body.score, body.reason)
    return DecidedSpan(span, body.accepted, body.why)


@router.post("/records/{record}/draft/finish", permission=Permission.DRAFT_FINISH)
def finish_draft(study: UUID, record: UUID, body: VersionBody, actor: Acting, runtime: Runtime_) -> DigestOut:  # noqa: ARG001
    """Fix the draft and hand it to the approvers."""
    with runtime.transaction() as session:
        digest = drafts.finish(session, runtime.collaborators, actor, record, body.version)
    return DigestOut(digest=digest.hex())


@router.post("/records/{record}/draft/return", permission=Permission.DRAFT_RETURN)
def return_draft(study: UUID, record: UUID, body: CommentBody, actor: Acting, runtime: Runtime_) -> None:  # noqa: ARG001
    """Send a finished draft back with a comment."""
    returned = runtime.read(SendBack(OpenSource(runtime.collaborators, actor, record), body.comment))
    with runtime.transaction() as session:
        drafts.store_returned(session, runtime.collaborators, actor, returned)


@router.post("/records/{record}/draft/again", permission=Permission.DRAFT_EDIT)
def draft_again(study: UUID, record: UUID, actor: Acting, runtime: Runtime_) -> None:  # noqa: ARG001
    """Ask the worker for a fresh draft; it no longer knows the names of the identity compartment, and says so."""
    runtime.make(DraftAgain(OpenSource(runtime.collaborators, actor, record)))


@router.post("/records/{record}/draft/preview", permission=Permission.SOURCE_READ)
def preview_release(study: UUID, record: UUID, body: RenamingBody, actor: Acting, runtime: Runtime_) -> ToReleaseOut:  # noqa: ARG001
    """The clean texts and values as they would be released, with the digest to name and what speaks against it."""
    opening = OpenSource(runtime.collaborators, actor, record)
    source = runtime.read(opening)
    if source.draft is None or source.digest is None:
        raise Conflict("There is no draft yet.")
    clean = policies.rename(source.draft, body.renaming)
    return ToReleaseOut(
        digest=policies.release_digest(source.digest, body.renaming).hex(),
        texts=clean,
        values=source.draft.values,
        doubts=_doubts(clean),
        rarity=rarity_of(runtime, actor, opening, source.draft),
        **_estimate(source.draft),
    )


@router.post("/records/{record}/release", permission=Permission.RELEASE_MAKE, status=201)
def release_record(study: UUID, record: UUID, body: ReleaseBody, actor: Acting, runtime: Runtime_) -> ReleasedOut:  # noqa: ARG001
    """Release exactly what the digest names; never one's own draft or interview."""
    source = OpenSource(runtime.collaborators, actor, record)
    digest, chosen = bytes.fromhex(body.digest), tuple(body.copies)
    making = ReleaseRecord(source, digest, body.renaming, body.doubts, chosen, body.recordings)
    return ReleasedOut(version=runtime.make(making))


@router.post("/records/{record}/release/cut", permission=Permission.RELEASE_CUT)
def cut_release(study: UUID, record: UUID, body: CutBody, actor: Acting, runtime: Runtime_) -> ReleasedOut:  # noqa: ARG001
    """Replace a release by one with less in it; the one before can no longer be opened."""
    digest, answered = bytes.fromhex(body.digest), frozenset(body.reports)
    gone = frozenset(body.files)
    cutting = CutRelease(runtime.collaborators, actor, record, digest, body.cuts, body.drop, answered, gone)
    return ReleasedOut(version=runtime.make(cutting))
