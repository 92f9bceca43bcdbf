"""Clean copies of attachments, made and looked at by whoever is to approve a draft."""

from __future__ import annotations

from uuid import UUID

from app.access import Permission
from app.review.copies import ListCopies, MakeCopy
from app.review.files import OpenFile
from app.web.bodies import Out
from app.web.deps import Acting, Runtime_
from app.web.routing import Router

__all__ = ["router"]

router = Router("/v1/studies/{study}/records/{record}", tag="review")


class CopyMadeOut(Out):
    """A clean copy: read it at the address of a file."""

    id: UUID


class CopyOut(Out):
    """A clean copy that waits for a decision. ``recording``: a voice is in it; ``opened``: the caller has seen it."""

    id: UUID
    origin: UUID | None
    name: str
    type: str
    size: int
    recording: bool
    opened: bool


class CopiesOut(Out):
    """The clean copies that wait for a decision."""

    copies: list[CopyOut]


@router.post("/files/{file}/copy", permission=Permission.RELEASE_MAKE, status=201)
def make_copy(study: UUID, record: UUID, file: UUID, actor: Acting, runtime: Runtime_) -> CopyMadeOut:  # noqa: ARG001
    """Make the clean copy of an attachment, in the place of an earlier one. It is released only by name."""
    copy = runtime.make(MakeCopy(OpenFile(runtime.collaborators, actor, record, file)))
    return CopyMadeOut(id=copy)


@router.get("/copies", permission=Permission.SOURCE_READ)
def list_copies(study: UUID, record: UUID, actor: Acting, runtime: Runtime_) -> CopiesOut:  # noqa: ARG001
    """The clean copies of a record one works on. Their content stands at the address of the attachments."""
    seen = runtime.read(ListCopies(runtime.collaborators, actor, record))
    return CopiesOut(copies=[CopyOut.of(each) for each in seen])
