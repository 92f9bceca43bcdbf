"""Clean copies of attachments on the approval page, and on releases for whoever may read those."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from starlette.responses import Response

from app.access import Actor, Permission
from app.bootstrap import Runtime
from app.cases.released import ReleasedFile
from app.review.copies import CopySeen, ListCopies
from app.web.contents import answer_released
from app.web.deps import Acting, Runtime_, Wanted
from app.web.portal.attachments import how
from app.web.portal.routing import Pages

__all__ = ["Shown", "pages", "released", "waiting"]

pages = Pages("/studies/{study}")


@dataclass(frozen=True, slots=True)
class Shown:
    """One clean copy on a page: ``how`` is ``audio``, ``image`` or ``download``."""

    copy: CopySeen | ReleasedFile
    how: str = field(repr=False)
    path: str = field(repr=False)


def waiting(runtime: Runtime, actor: Actor, record: UUID) -> list[Shown]:
    """The copies that wait for a decision."""
    base = f"/studies/{actor.study}/records/{record}/files"
    copies = runtime.read(ListCopies(runtime.collaborators, actor, record))
    return [Shown(copy, how(copy.type), f"{base}/{copy.id}") for copy in copies]


def released(base: str, copies: Iterable[ReleasedFile]) -> list[Shown]:
    """The copies of a release that stands at this address."""
    return [Shown(copy, how(copy.type), f"{base}/files/{copy.id}") for copy in copies]


@pages.get("/releases/{record}/files/{file}", permission=Permission.RELEASE_READ)
def show_released_file(
    study: UUID,  # noqa: ARG001
    record: UUID,
    file: UUID,
    actor: Acting,
    runtime: Runtime_,
    wanted: Wanted,
) -> Response:
    """A clean copy of a release, or the range that a player asks for."""
    return answer_released(runtime, actor, record, file, wanted)


@pages.get("/samples/{record}/files/{file}", permission=Permission.SAMPLE_READ)
def show_sampled_file(
    study: UUID,  # noqa: ARG001
    record: UUID,
    file: UUID,
    actor: Acting,
    runtime: Runtime_,
    wanted: Wanted,
) -> Response:
    """The same for a drawn sample."""
    return answer_released(runtime, actor, record, file, wanted)
