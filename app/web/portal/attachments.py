"""Attachments on the desk and the approval page: played, shown or downloaded, by those who work on the record."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from starlette.responses import Response

from app.access import Actor, Permission
from app.bootstrap import Runtime
from app.review.files import FileSeen, ListFiles
from app.web.contents import answer_attachment, is_audio, is_image
from app.web.deps import Acting, Runtime_, Wanted
from app.web.portal.routing import Pages

__all__ = ["Shown", "how", "pages", "shown"]

pages = Pages("/studies/{study}/records/{record}/files")


@dataclass(frozen=True, slots=True)
class Shown:
    """One attachment on a page: ``how`` is ``audio``, ``image`` or ``download``."""

    file: FileSeen = field(repr=False)
    how: str = field(repr=False)
    path: str = field(repr=False)


def shown(runtime: Runtime, actor: Actor, record: UUID) -> list[Shown]:
    """The attachments of a record one works on; the names in them are read, so that is an event."""
    base = f"/studies/{actor.study}/records/{record}/files"
    listed = runtime.read(ListFiles(runtime.collaborators, actor, record))
    return [Shown(file, how(file.type), f"{base}/{file.id}") for file in listed]


def how(media_type: str) -> str:
    """What a page makes of a file of this type."""
    if is_audio(media_type):
        return "audio"
    return "image" if is_image(media_type) else "download"


@pages.get("/{file}", permission=Permission.SOURCE_READ)
def show_attachment(
    study: UUID,  # noqa: ARG001
    record: UUID,
    file: UUID,
    actor: Acting,
    runtime: Runtime_,
    wanted: Wanted,
) -> Response:
    """Its content, or the range that a player asks for."""
    return answer_attachment(runtime, actor, record, file, wanted)
