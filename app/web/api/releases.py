"""What researchers read, auditors sample, and anybody who reads may report."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field
from starlette.responses import Response

from app.access import Permission
from app.research import library
from app.research.library import DrawSample, FreezePassage, ReadRelease, ReadReports, Release, Report
from app.web.api.types import FieldName, Reason
from app.web.bodies import Body, Out
from app.web.contents import RANGES, answer_released
from app.web.deps import Acting, Runtime_, Wanted
from app.web.routing import Router

__all__ = ["router"]

router = Router("/v1/studies/{study}", tag="research")

Offset = Annotated[int, Field(ge=0, le=10_000_000)]


class ReleaseListedOut(Out):
    """A release one may read."""

    record: UUID
    case: str
    version: int


class ReleasesOut(Out):
    """The releases one may read."""

    releases: list[ReleaseListedOut]


class ReleasedFileOut(Out):
    """A clean copy of an attachment, under a name of ours."""

    id: UUID
    name: str
    type: str
    size: int


class ReleaseOut(Out):
    """A release: redacted texts, generalised values, and clean copies of attachments."""

    record: UUID
    case: str
    version: int
    digest: str
    values: dict[str, Any] = Field(repr=False)
    files: list[ReleasedFileOut]


class ReportBody(Body):
    """A range (code points) of a released text that may identify somebody, and why."""

    field: FieldName
    start: Offset
    end: Offset
    reason: Reason


class PassageOut(Out):
    """A reported passage; a cut names the reports it answers."""

    id: UUID
    field: str
    start: int
    end: int
    reason: str = Field(repr=False)


class PassagesOut(Out):
    """The reported passages of a release."""

    reports: list[PassageOut]


@router.get("/releases", permission=Permission.RELEASE_READ)
def list_releases(study: UUID, actor: Acting, runtime: Runtime_) -> ReleasesOut:  # noqa: ARG001
    """The releases that consent and triage let one read."""
    with runtime.glance() as session:
        rows = library.listed(session, actor)
    return ReleasesOut(
        releases=[
            ReleaseListedOut(record=record.id, case=case.code, version=record.release_version) for record, case in rows
        ]
    )


@router.get("/releases/{record}", permission=Permission.RELEASE_READ)
def read_release(study: UUID, record: UUID, actor: Acting, runtime: Runtime_) -> ReleaseOut:  # noqa: ARG001
    """Read a release."""
    return _out(runtime.read(ReadRelease(runtime.collaborators, actor, record)))


def _out(release: Release) -> ReleaseOut:
    return ReleaseOut(
        record=release.record,
        case=release.case,
        version=release.version,
        digest=release.digest.hex(),
        values=release.values,
        files=[ReleasedFileOut.of(each) for each in release.files],
    )


@router.get("/releases/{record}/files/{file}", permission=Permission.RELEASE_READ, also=RANGES)
def read_released_file(
    study: UUID,  # noqa: ARG001
    record: UUID,
    file: UUID,
    actor: Acting,
    runtime: Runtime_,
    wanted: Wanted,
) -> Response:
    """The content of a clean copy that belongs to a release, or one range of it (RFC 9110, section 14)."""
    return answer_released(runtime, actor, record, file, wanted)


@router.post("/releases/{record}/reports", permission=Permission.PASSAGE_FREEZE, status=201)
def report_passage(study: UUID, record: UUID, body: ReportBody, actor: Acting, runtime: Runtime_) -> None:  # noqa: ARG001
    """Report a passage as identifying: the release is hidden at once from everybody but approvers."""
    report = Report(body.field, body.start, body.end, body.reason)
    freezing = FreezePassage(ReadRelease(runtime.collaborators, actor, record), report)
    sealed = runtime.read(freezing)
    with runtime.transaction() as session:
        library.store_report(session, runtime.collaborators, freezing, sealed)


@router.get("/releases/{record}/reports", permission=Permission.RELEASE_CUT)
def list_reports(study: UUID, record: UUID, actor: Acting, runtime: Runtime_) -> PassagesOut:  # noqa: ARG001
    """The reports that a cut has to answer."""
    rows = runtime.read(ReadReports(ReadRelease(runtime.collaborators, actor, record)))
    return PassagesOut(reports=[PassageOut.model_validate(row) for row in rows])


@router.post("/samples/{record}", permission=Permission.SAMPLE_DRAW)
def draw_sample(study: UUID, record: UUID, actor: Acting, runtime: Runtime_) -> None:  # noqa: ARG001
    """Hand a release to the auditors for two weeks."""
    runtime.make(DrawSample(ReadRelease(runtime.collaborators, actor, record)))


@router.get("/samples/{record}", permission=Permission.SAMPLE_READ)
def read_sample(study: UUID, record: UUID, actor: Acting, runtime: Runtime_) -> ReleaseOut:  # noqa: ARG001
    """Read a drawn sample."""
    return _out(runtime.read(ReadRelease(runtime.collaborators, actor, record)))


@router.get("/samples/{record}/files/{file}", permission=Permission.SAMPLE_READ, also=RANGES)
def read_sampled_file(
    study: UUID,  # noqa: ARG001
    record: UUID,
    file: UUID,
    actor: Acting,
    runtime: Runtime_,
    wanted: Wanted,
) -> Response:
    """The content of a clean copy that belongs to a drawn sample, or one range of it."""
    return answer_released(runtime, actor, record, file, wanted)
