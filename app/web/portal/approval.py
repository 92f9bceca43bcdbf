"""Approval: the clean text first, the spans second; release exactly what is shown, or send it back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from app.access import Permission
from app.bootstrap import Runtime
from app.errors import (
    CannotBeCleaned,
    Conflict,
    CopiesUnseen,
    DoubtsOpen,
    Flaw,
    Invalid,
    NotFound,
    TestimonyError,
    VoicesUnconfirmed,
)
from app.review import doubts, drafts, policies
from app.review.approval import OpenApproval
from app.review.copies import MakeCopy
from app.review.drafts import OpenSource, SendBack
from app.review.files import OpenFile
from app.review.release import ReleaseRecord
from app.web.deps import Acting, Runtime_
from app.web.portal import answers, arrivals, attachments, copies, rarity, words
from app.web.portal.notices import N_
from app.web.portal.page import Page, Page_
from app.web.portal.passages import Marked, labelled, language_of, marked, marked_labels
from app.web.portal.routing import Pages

__all__ = ["pages"]

MOST_COMMENT = 2000
# Renamed labels in an address, as in PERSON-01.PERSON-03_PLACE-02.PLACE-01: names of labels, never what they stand for.
PAIR = re.compile(r"([A-Z]+-\d{2,4})\.([A-Z]+-\d{2,4})", re.ASCII)
COUNT = re.compile(r"\d{1,6}", re.ASCII)
NAME = re.compile(r"\[([A-Z]+-\d{2,4})")

pages = Pages("/studies/{study}/records/{record}/approval")


@pages.get("", permission=Permission.SOURCE_READ)
def show_approval(
    study: UUID,  # noqa: ARG001
    record: UUID,
    actor: Acting,
    runtime: Runtime_,
    page: Page_,
    renaming: Annotated[str, Query(max_length=20_000)] = "",
) -> Response:
    """What would be released under this renaming of labels."""
    return _approval(page, runtime, actor, record, _renaming(renaming))


def _renaming(text: str) -> dict[str, str]:
    pairs = [PAIR.fullmatch(pair) for pair in text.split("_") if pair]
    return {found[1]: found[2] for found in pairs if found is not None}


def _approval(
    page: Page,
    runtime: Runtime,
    actor: Acting,
    record: UUID,
    renaming: Mapping[str, str],
    refused: TestimonyError | None = None,
) -> Response:
    opening = OpenApproval(OpenSource(runtime.collaborators, actor, record))
    source = runtime.read(opening)
    reading = opening.source
    if source.draft is None or source.digest is None:
        raise Conflict(N_("There is no draft yet."))
    try:
        clean = policies.rename(source.draft, renaming)
    except Invalid as flawed:
        refused, renaming, clean = refused or flawed, {}, policies.rename(source.draft, {})
    narratives = marked(reading.instrument, source, page.locale)
    doubtful = doubts.look(clean)
    return page.render(
        "approval.html",
        status=_status(refused),
        flaws=refused.flaws if isinstance(refused, Invalid) else [Flaw("", refused.detail)] if refused else [],
        row=reading.row,
        code=reading.code,
        hindrance=opening.hindrance,
        earlier=opening.earlier,
        draft=source.draft,
        version=source.version,
        narratives=narratives,
        clean=clean,
        labelled=labelled,
        attachments=attachments.shown(runtime, actor, record),
        copies=copies.waiting(runtime, actor, record),
        arrival=arrivals.shown(runtime, actor, record),
        doubts=doubtful,
        doubt_count=doubts.count(doubtful),
        doubt_words=words.DOUBTS,
        other_doubt=words.OTHER_DOUBT,
        flags=words.DRAFT_FLAGS,
        rarity=rarity.warned(page, runtime, actor, reading, source.draft),
        labels=_labels(narratives),
        renaming=renaming,
        renaming_text=_renaming_text(renaming),
        digest=policies.release_digest(source.digest, renaming).hex(),
        rows=list(answers.rows(page, reading.instrument, source.values, source.draft.values)),
        language=language_of(source.values),
        kinds=words.SPAN_KINDS,
        levels=words.SPAN_LEVELS,
        ratings=words.RISK_RATINGS,
        stages=words.STAGES,
    )


def _status(refused: TestimonyError | None) -> int:
    if refused is None:
        return 200
    return 409 if isinstance(refused, Conflict) else 422


def _labels(narratives: list[Marked]) -> dict[str, list[str]]:
    """What stands under each numbered label in the source: different spellings of one thing, or two things in one."""
    found: dict[str, dict[str, None]] = {}
    for each in narratives:
        for label, surface in marked_labels(each):
            name = NAME.match(label)
            if name is not None:
                found.setdefault(name[1], {})[" ".join(surface.split())] = None
    return {name: list(surfaces) for name, surfaces in sorted(found.items())}


def _renaming_text(renaming: Mapping[str, str]) -> str:
    return "_".join(f"{old}.{new}" for old, new in sorted(renaming.items()))


@pages.post("/renaming", permission=Permission.SOURCE_READ)
def show_renamed(study: UUID, record: UUID, page: Page_) -> Response:
    """The same with labels joined to those of the case's earlier releases."""
    given = {name.removeprefix("label-"): value.strip().upper() for name, value in page.form.fields if "label-" in name}
    renaming = {old: new for old, new in given.items() if new and new != old}
    flawed = [pair for pair in renaming.items() if not PAIR.fullmatch(".".join(pair))]
    if flawed:
        raise Invalid([Flaw("/renaming", N_("A label reads like PERSON-03."))])
    text = _renaming_text(renaming)
    return page.redirect(_path(study, record) + (f"?renaming={text}" if text else ""))


@pages.post("/release", permission=Permission.RELEASE_MAKE)
def release_by_page(study: UUID, record: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """Release exactly what was shown; never one's own draft or interview."""
    try:
        digest = bytes.fromhex(page.form.line("digest"))
    except ValueError:
        raise Invalid([Flaw("/digest", N_("Read the page again and release from there."))]) from None
    renaming, answered = _renaming(page.form.line("renaming")), page.form.line("doubts")
    source = OpenSource(runtime.collaborators, actor, record)
    making = ReleaseRecord(source, digest, renaming, int(answered) if COUNT.fullmatch(answered) else 0)
    making.copies, making.recordings = _chosen(page)
    try:
        runtime.make(making)
    except (CopiesUnseen, DoubtsOpen, VoicesUnconfirmed) as refused:
        return _approval(page, runtime, actor, record, renaming, refused)
    return page.redirect(f"/studies/{study}/queue", "released")


@pages.post("/copies", permission=Permission.RELEASE_MAKE)
def make_copy_by_page(study: UUID, record: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """Make the clean copy of an attachment."""
    renaming = page.form.line("renaming")
    try:
        file = UUID(page.form.line("file"))
    except ValueError:
        raise NotFound from None
    try:
        runtime.make(MakeCopy(OpenFile(runtime.collaborators, actor, record, file)))
    except CannotBeCleaned as refused:
        return _approval(page, runtime, actor, record, _renaming(renaming), refused)
    return page.redirect(_path(study, record) + (f"?renaming={renaming}" if renaming else ""), "copy-made")


def _chosen(page: Page) -> tuple[list[UUID], int]:
    """The copies that go along, and how many of them may be heard."""
    try:
        copies, heard = (list(map(UUID, dict.fromkeys(page.form.all(name)))) for name in ("copy", "voice"))
    except ValueError:
        raise Invalid([Flaw("/copy", N_("Read the page again and release from there."))]) from None
    return copies, len(set(copies) & set(heard))


@pages.post("/return", permission=Permission.DRAFT_RETURN)
def send_back_by_page(study: UUID, record: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """Send it back with a comment."""
    comment = page.form.text("comment").strip()
    if not 0 < len(comment) <= MOST_COMMENT:
        flaw = Invalid([Flaw("/comment", N_("Say what is to be changed, in 2,000 characters at most."))])
        return _approval(page, runtime, actor, record, _renaming(page.form.line("renaming")), flaw)
    returned = runtime.read(SendBack(OpenSource(runtime.collaborators, actor, record), comment))
    with runtime.transaction() as session:
        drafts.store_returned(session, runtime.collaborators, actor, returned)
    return page.redirect(f"/studies/{study}/queue", "sent-back")


def _path(study: UUID, record: UUID) -> str:
    return f"/studies/{study}/records/{record}/approval"
