"""The redaction desk: the source with its spans, what was decided about them, and the clean text that comes of it.

With scripts the desk sends differences as one works and gets the labels back; without, each part is a form of its own.
Both are the same verb: the next version of the draft, made from the version that was shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import Query
from pydantic import Field, ValidationError
from starlette.responses import JSONResponse, Response

from app.access import Permission
from app.bootstrap import Runtime
from app.cases.drafts import NOT_RATED, RATINGS, DecidedSpan, Residual
from app.cases.models import Record
from app.cases.queries import Status
from app.deidentify.label_forms import CUT, PREFIXES
from app.deidentify.spans import Kind, Level, Span
from app.errors import Conflict, Flaw, Invalid, TestimonyError
from app.review import doubts, drafts
from app.review.drafts import DraftAgain, EditDraft, NextDraft, OpenSource, Source
from app.review.edits import Answer, Answers, Difference, Differences, Edit, Masking, Whole, labels_in, to_source
from app.web.bodies import Body, flaws_of, strict_json
from app.web.deps import Acting, Runtime_
from app.web.portal import answers, arrivals, attachments, words
from app.web.portal.notices import N_
from app.web.portal.page import Page, Page_
from app.web.portal.passages import Marked, labelled, language_of, marked
from app.web.portal.routing import Pages

__all__ = ["pages"]

# Spans on one page of the form without scripts: three fields each, and a form has 2,000 at most.
ON_A_PAGE = 50
MOST_WORDS = 500
MOST_NOTE = 2000
LONGEST_NUMBER = 9  # digits

# The key that makes a span of this kind; it also stands beside each span.
KEYS = {
    Kind.PERSON: "p",
    Kind.CODE: "c",
    Kind.LOC: "l",
    Kind.ORG: "o",
    Kind.DATETIME: "d",
    Kind.DEM: "t",
    Kind.QUANTITY: "q",
    Kind.MISC: "m",
}

Offset = Annotated[int, Field(ge=0, le=10_000_000)]
Name = Annotated[str, Field(max_length=128)]

pages = Pages("/studies/{study}/records/{record}/desk")


class SpanBody(Body):
    """A decided span, offsets in code points."""

    start: Offset
    end: Offset
    kind: Kind
    level: Level
    score: Annotated[float, Field(ge=0, le=1)]
    reason: Annotated[str, Field(max_length=64)]
    accepted: bool
    why: Annotated[str, Field(max_length=500, repr=False)]


class ChangeBody(Body):
    """Spans of a text that go, and spans that come."""

    gone: Annotated[list[tuple[Offset, Offset]], Field(max_length=20_000)]
    come: Annotated[list[SpanBody], Field(max_length=20_000)]


class ChangesBody(Body):
    """What was decided since the version that the desk has."""

    version: Annotated[int, Field(ge=0, le=1_000_000)]
    texts: dict[Name, ChangeBody] = Field(max_length=200)
    rating: Annotated[str, Field(max_length=16)]
    note: Annotated[str, Field(max_length=MOST_NOTE, repr=False)]


@dataclass(slots=True)
class Opened:
    """A record on the desk."""

    code: str
    row: Record
    source: Source = field(repr=False)
    narratives: list[Marked] = field(repr=False)
    editable: bool

    def state(self) -> dict[str, Any]:
        """What the script works on: spans as rows, whose order it knows."""
        doubtful = doubts.look({each.name: each.draft.clean for each in self.narratives})
        residual = NOT_RATED if self.source.draft is None else self.source.draft.residual
        return {
            "version": self.source.version,
            "editable": self.editable,
            "rating": residual.rating,
            "note": residual.note,
            "texts": [
                {
                    "name": each.name,
                    "text": each.text,
                    "labels": each.labels,
                    "spans": [_row(span) for span in each.draft.spans],
                    "doubts": [
                        [*to_source(each.draft, found.start, found.end), found.reason] for found in doubtful[each.name]
                    ],
                }
                for each in self.narratives
            ],
        }


def _row(each: DecidedSpan) -> list[Any]:
    span = each.span
    row = [span.start, span.end, span.kind.value, span.level.value, round(span.score, 3), span.reason]
    return [*row, each.accepted, each.why]


def _open(runtime: Runtime, actor: Acting, record: UUID, locale: str) -> tuple[OpenSource, Opened]:
    reading = OpenSource(runtime.collaborators, actor, record)
    source = runtime.read(reading)
    row = reading.row
    editable = (
        row.redactor_id == actor.id
        and row.status in {Status.DRAFTED, Status.FAILED}
        and Permission.DRAFT_EDIT in actor.permissions()
    )
    return reading, Opened(reading.code, row, source, marked(reading.instrument, source, locale), editable)


@pages.get("", permission=Permission.SOURCE_READ)
def show_desk(
    study: UUID,  # noqa: ARG001
    record: UUID,
    actor: Acting,
    runtime: Runtime_,
    page: Page_,
    text: Annotated[str, Query(max_length=128)] = "",
    part: Annotated[int, Query(ge=1, le=10_000)] = 1,
) -> Response:
    """The record; ``text`` and ``part`` choose what the form without scripts shows."""
    return _desk(page, runtime, actor, record, text, part)


@pages.get("/state", permission=Permission.SOURCE_READ)
def show_state(study: UUID, record: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:  # noqa: ARG001
    """What the script asks for when somebody else saved first, or when one has signed in again."""
    _, opened = _open(runtime, actor, record, page.locale)
    return JSONResponse(opened.state() | {"token": page.form_token})


def _desk(
    page: Page,
    runtime: Runtime,
    actor: Acting,
    record: UUID,
    text: str = "",
    part: int = 1,
    refused: TestimonyError | None = None,
) -> Response:
    reading, opened = _open(runtime, actor, record, page.locale)
    chosen = next((each for each in opened.narratives if each.name == text), None) or next(
        iter(opened.narratives), None
    )
    flaws = refused.flaws if isinstance(refused, Invalid) else [Flaw("", refused.detail)] if refused else []
    return page.render(
        "desk.html",
        status=_status(refused),
        flaws=flaws,
        opened=opened,
        state=opened.state(),
        draft=opened.source.draft,
        chosen=chosen,
        part=part,
        parts_of_text=1 if chosen is None else max(1, -(-len(chosen.draft.spans) // ON_A_PAGE)),
        on_a_page=ON_A_PAGE,
        rows=list(answers.rows(page, reading.instrument, opened.source.values, _values(opened))),
        language=language_of(opened.source.values),
        kinds=words.SPAN_KINDS,
        levels=words.SPAN_LEVELS,
        detectors=words.DETECTORS,
        other_detector=words.OTHER_DETECTOR,
        ratings=words.RISK_RATINGS,
        stages=words.STAGES,
        reasons=words.WHY_KEPT,
        doubt_words=words.DOUBTS,
        other_doubt=words.OTHER_DOUBT,
        flags=words.DRAFT_FLAGS,
        labelled=labelled,
        attachments=attachments.shown(runtime, actor, record),
        arrival=arrivals.shown(runtime, actor, record),
        prefixes={kind: f"[{PREFIXES[kind]}-…]" if kind in PREFIXES else CUT for kind in Kind},
        keys=KEYS,
        entered=page.form if refused else None,
    )


def _values(opened: Opened) -> dict[str, Any]:
    return {} if opened.source.draft is None else opened.source.draft.values


def _status(refused: TestimonyError | None) -> int:
    if refused is None:
        return 200
    return 409 if isinstance(refused, Conflict) else 422


@pages.post("/changes", permission=Permission.DRAFT_EDIT)
def save_changes(study: UUID, record: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:  # noqa: ARG001
    """What the script sends as one works; answers with the version, the labels and the levels as they are now."""
    body = _changes(page.form.text("changes"))
    differences = {
        name: Difference(frozenset(change.gone), tuple(map(_decided, change.come)))
        for name, change in body.texts.items()
    }
    residual = _residual(body.rating, body.note)
    edited = _save(runtime, actor, record, body.version, Differences(differences), residual)
    return JSONResponse(_answer(edited))


def _changes(text: str) -> ChangesBody:
    raw = text.encode()
    strict_json(raw)
    try:
        return ChangesBody.model_validate_json(raw)
    except ValidationError as refused:
        raise Invalid(flaws_of(refused)) from None


def _decided(body: SpanBody) -> DecidedSpan:
    return DecidedSpan(
        Span(body.start, body.end, body.kind, body.level, body.score, body.reason), body.accepted, body.why
    )


def _answer(edited: NextDraft) -> dict[str, Any]:
    return {
        "version": edited.before + 1,
        "texts": {
            name: {
                "labels": labels_in(text),
                "direct": [[each.span.start, each.span.end] for each in text.spans if each.span.level is Level.DIRECT],
            }
            for name, text in edited.draft.texts.items()
        },
    }


def _residual(rating: str, note: str) -> Residual:
    if (rating and rating not in RATINGS) or len(note) > MOST_NOTE:
        raise Invalid([Flaw("/rating", N_("Choose one of the ratings; a note has 2,000 characters at most."))])
    return Residual(rating, note)


def _save(
    runtime: Runtime, actor: Acting, record: UUID, version: int, edit: Edit, residual: Residual | None = None
) -> NextDraft:
    source = OpenSource(runtime.collaborators, actor, record)
    edited = runtime.read(EditDraft(source, version, edit, residual))
    with runtime.transaction() as session:
        drafts.store_edit(session, runtime.collaborators, actor, edited)
    return edited


@pages.post("/answers", permission=Permission.DRAFT_EDIT)
def save_answers(study: UUID, record: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """The form without scripts: decisions about the spans it shows."""
    name, part = page.form.line("text"), _number(page.form.line("part")) or 1
    back = f"{_path(study, record)}?text={quote(name)}&part={part}"

    def save() -> None:
        _save(runtime, actor, record, _number(page.form.line("version")), Answers(name, _given(page)))

    return _tried(save, page, runtime, actor, record, back, text=name, part=part)


def _given(page: Page) -> dict[tuple[int, int], Answer]:
    found = {}
    for key in page.form.all("span"):
        start, _, end = key.partition("-")
        kind = page.form.line(f"kind-{key}")
        if kind not in words.SPAN_KINDS:
            raise Invalid([Flaw("/kind", N_("Choose what it is."))])
        accepted = page.form.line(f"decision-{key}") != "keep"
        found[_number(start), _number(end)] = Answer(accepted, Kind(kind), page.form.line(f"why-{key}")[:500])
    return found


@pages.post("/words", permission=Permission.DRAFT_EDIT)
def mask_words(study: UUID, record: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """The form without scripts: words to mask, here or everywhere."""
    form = page.form
    name = form.line("text")

    def save() -> None:
        wanted, kind, level = form.line("words"), form.line("kind"), form.line("level")
        if not 0 < len(wanted) <= MOST_WORDS or kind not in words.SPAN_KINDS or level not in words.SPAN_LEVELS:
            raise Invalid([Flaw("/words", N_("Give the words to mask, and what they are."))])
        masking = Masking(wanted, Kind(kind), Level(level), "everywhere" in form, name)
        _save(runtime, actor, record, _number(form.line("version")), masking)

    return _tried(save, page, runtime, actor, record, f"{_path(study, record)}?text={quote(name)}", text=name)


@pages.post("/residual", permission=Permission.DRAFT_EDIT)
def save_residual(study: UUID, record: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """The form without scripts: what the redactor thinks of the risk that is left."""

    def save() -> None:
        residual = _residual(page.form.line("rating"), page.form.text("note"))
        _save(runtime, actor, record, _number(page.form.line("version")), Whole({}), residual)

    return _tried(save, page, runtime, actor, record, _path(study, record))


def _tried(
    save: Callable[[], None],
    page: Page,
    runtime: Runtime,
    actor: Acting,
    record: UUID,
    back: str,
    *,
    text: str = "",
    part: int = 1,
) -> Response:
    """Save and go back; or show the desk again with what is wrong."""
    try:
        save()
    except (Invalid, Conflict) as refused:
        return _desk(page, runtime, actor, record, text, part, refused)
    return page.redirect(back, "saved")


@pages.post("/finish", permission=Permission.DRAFT_FINISH)
def finish_by_page(study: UUID, record: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """Fix the draft and hand it to the approvers."""
    try:
        with runtime.transaction() as session:
            drafts.finish(session, runtime.collaborators, actor, record, _number(page.form.line("version")))
    except Conflict as refused:
        return _desk(page, runtime, actor, record, refused=refused)
    return page.redirect(f"/studies/{study}/queue", "finished")


@pages.post("/again", permission=Permission.DRAFT_EDIT)
def draft_again_by_page(study: UUID, record: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """Ask the machine for a fresh draft."""
    runtime.make(DraftAgain(OpenSource(runtime.collaborators, actor, record)))
    return page.redirect(f"/studies/{study}/queue", "drafted-again")


def _path(study: UUID, record: UUID) -> str:
    return f"/studies/{study}/records/{record}/desk"


def _number(text: str) -> int:
    """A number of the page's own making; 0, which fits nothing, for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER else 0
