"""The attachments of a record one works on: listed, and read whole or in ranges."""

from __future__ import annotations

from uuid import UUID

from starlette.responses import Response

from app.access import Permission
from app.review.files import FileSeen, ListFiles
from app.web.api.types import Hex32
from app.web.bodies import Out
from app.web.contents import RANGES, answer_attachment
from app.web.deps import Acting, Runtime_, Wanted
from app.web.routing import Router

__all__ = ["router"]

router = Router("/v1/studies/{study}/records/{record}/files", tag="review")


class FileOut(Out):
    """An attachment: what it is by its content, the name it came with, and whether its form asked for it."""

    id: UUID
    client_uuid: UUID
    name: str
    type: str
    size: int
    sha256: Hex32 | None
    expected: bool

    @classmethod
    def seen(cls, file: FileSeen) -> FileOut:
        """As the service sees it."""
        digest = None if file.sha256 is None else file.sha256.hex()
        return cls(
            id=file.id,
            client_uuid=file.client_uuid,
            name=file.name,
            type=file.type,
            size=file.size,
            sha256=digest,
            expected=file.expected,
        )


class FilesOut(Out):
    """The attachments of a record."""

    files: list[FileOut]


@router.get("", permission=Permission.SOURCE_READ)
def list_files(study: UUID, record: UUID, actor: Acting, runtime: Runtime_) -> FilesOut:  # noqa: ARG001
    """The attachments of a record one works on."""
    seen = runtime.read(ListFiles(runtime.collaborators, actor, record))
    return FilesOut(files=[FileOut.seen(each) for each in seen])


@router.get("/{file}", permission=Permission.SOURCE_READ, also=RANGES)
def read_file(study: UUID, record: UUID, file: UUID, actor: Acting, runtime: Runtime_, wanted: Wanted) -> Response:  # noqa: ARG001
    """The content of an attachment, or one range of it (RFC 9110, section 14)."""
    return answer_attachment(runtime, actor, record, file, wanted)
