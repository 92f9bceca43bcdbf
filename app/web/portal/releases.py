"""Releases: reading them, reporting a passage that identifies somebody, cutting one, and samples for auditors."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from starlette.responses import Response

from app.access import Permission
from app.bootstrap import Runtime
from app.cases.drafts import narratives
from app.cases.models import Case, Record
from app.deidentify.label_forms import LABEL
from app.errors import Flaw, Invalid
from app.research import library
from app.research.library import DrawSample, FreezePassage, ReadRelease, ReadReports, Release, Report
from app.review.edits import occurrences
from app.review.release import CutRelease
from app.studies import instruments
from app.studies.instrument import Instrument
from app.web.deps import Acting, Runtime_
from app.web.portal import answers, copies
from app.web.portal.notices import N_
from app.web.portal.page import Page, Page_
from app.web.portal.passages import labelled, language_of
from app.web.portal.routing import Pages

__all__ = ["pages"]

MOST_REASON = 2000
LONGEST_PASSAGE = 5000
LONGEST_NUMBER = 9  # digits
NOT_THERE = N_("These words do not stand in this text. Copy them from it.")

pages = Pages("/studies/{study}")


@pages.get("/releases", permission=Permission.RELEASE_READ)
def show_releases(study: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:  # noqa: ARG001
    """The releases one may read; approvers see which are reported."""
    with runtime.glance() as session:
        rows = library.listed(session, actor)
        reported = library.reported(session, actor) if page.may(Permission.RELEASE_CUT) else frozenset()
    listed = [_listed(record, case) | {"reported": record.id in reported} for record, case in rows]
    listed.sort(key=lambda row: not row["reported"])
    return page.render("releases.html", rows=listed)


def _listed(record: Record, case: Case) -> dict[str, Any]:
    return {
        "record": record.id,
        "case": case.code,
        "version": record.release_version,
        "day": record.received_day,
        "hidden": case.hidden,
    }


@pages.get("/releases/{record}", permission=Permission.RELEASE_READ)
def show_release(study: UUID, record: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:  # noqa: ARG001
    """Read a release."""
    return _show(page, runtime, actor, record)


@pages.get("/samples", permission=Permission.SAMPLE_READ)
def show_samples(study: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:  # noqa: ARG001
    """The releases that are drawn for auditors."""
    with runtime.glance() as session:
        rows = library.samples(session, runtime.collaborators, actor)
    return page.render("samples.html", rows=[_listed(record, case) for record, case in rows])


@pages.get("/samples/{record}", permission=Permission.SAMPLE_READ)
def show_sample(study: UUID, record: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:  # noqa: ARG001
    """Read a drawn sample."""
    return _show(page, runtime, actor, record)


def _show(page: Page, runtime: Runtime, actor: Acting, record: UUID, flaws: list[Flaw] | None = None) -> Response:
    reading = ReadRelease(runtime.collaborators, actor, record)
    release = runtime.read(reading)
    return page.render(
        "release.html",
        status=422 if flaws else 200,
        flaws=flaws or [],
        entered=page.form if flaws else None,
        listing=_listing(page),
        **_shown(page, runtime, reading, release),
    )


def _shown(page: Page, runtime: Runtime, reading: ReadRelease, release: Release) -> dict[str, Any]:
    with runtime.glance() as session:
        instrument = instruments.by_id(session, reading.row.instrument_id)
    return {
        "release": release,
        "texts": _texts(instrument, release, page.locale),
        "rows": list(answers.released_rows(page, instrument, release.values)),
        "language": language_of(release.values),
        "labelled": labelled,
        "files": copies.released(f"/studies/{page.actor.study}/{_listing(page)}/{release.record}", release.files),
    }


def _listing(page: Page) -> str:
    return "samples" if page.may(Permission.SAMPLE_READ) else "releases"


def _texts(instrument: Instrument, release: Release, locale: str) -> list[dict[str, str]]:
    texts = narratives(instrument, release.values)
    return [
        {"name": name, "label": instrument.fields[name].label[locale], "text": text} for name, text in texts.items()
    ]


@pages.post("/releases/{record}/reports", permission=Permission.PASSAGE_FREEZE)
def report_by_page(study: UUID, record: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """Report a passage as identifying: the release is hidden at once from everybody but approvers."""
    form = page.form
    release = runtime.read(ReadRelease(runtime.collaborators, actor, record))
    reason, passage, found = form.text("reason").strip(), form.text("passage"), None
    if len(passage) <= LONGEST_PASSAGE:
        found = library.find_passage(_text(release, form.line("field")), passage)
    flaws = [] if found else [Flaw("/passage", NOT_THERE)]
    if not 0 < len(reason) <= MOST_REASON:
        flaws.append(Flaw("/reason", N_("Say why, in 2,000 characters at most.")))
    if found is None or flaws:
        return _show(page, runtime, actor, record, flaws)
    report = Report(form.line("field"), *found, reason)
    freezing = FreezePassage(ReadRelease(runtime.collaborators, actor, record), report)
    sealed = runtime.read(freezing)
    with runtime.transaction() as session:
        library.store_report(session, runtime.collaborators, freezing, sealed)
    return page.redirect(f"/studies/{study}/{_listing(page)}", "reported")


@pages.post("/releases/{record}/sample", permission=Permission.SAMPLE_DRAW)
def draw_by_page(study: UUID, record: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """Hand a release to the auditors for two weeks."""
    runtime.make(DrawSample(ReadRelease(runtime.collaborators, actor, record)))
    return page.redirect(f"/studies/{study}/releases/{record}", "sample-drawn")


@pages.get("/releases/{record}/cut", permission=Permission.RELEASE_CUT)
def show_cut(study: UUID, record: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:  # noqa: ARG001
    """A release with its reports, to be cut."""
    return _cut(page, runtime, actor, record)


def _cut(page: Page, runtime: Runtime, actor: Acting, record: UUID, flaws: list[Flaw] | None = None) -> Response:
    reading = ReadRelease(runtime.collaborators, actor, record)
    release = runtime.read(reading)
    reports = runtime.read(ReadReports(ReadRelease(runtime.collaborators, actor, record)))
    shown = _shown(page, runtime, reading, release)
    labels = {text["name"]: text["label"] for text in shown["texts"]}
    listed = [
        {
            "id": report["id"],
            "key": f"{report['field']}:{report['start']}-{report['end']}",
            "label": labels.get(report["field"], report["field"]),
            "passage": _passage(release, report),
            "reason": report["reason"],
        }
        for report in reports
    ]
    return page.render(
        "cut.html",
        status=422 if flaws else 200,
        flaws=flaws or [],
        entered=page.form if flaws else None,
        reports=listed,
        **shown,
    )


def _passage(release: Release, report: dict[str, Any]) -> str:
    return _text(release, report["field"])[report["start"] : report["end"]]


@pages.post("/releases/{record}/cut", permission=Permission.RELEASE_CUT)
def cut_by_page(study: UUID, record: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """Replace the release by one with less in it."""
    form = page.form
    try:
        digest, answered = bytes.fromhex(form.line("digest")), frozenset(map(UUID, form.all("report")))
        gone = frozenset(map(UUID, form.all("file")))
    except ValueError:
        raise Invalid([Flaw("/digest", N_("Read the page again and cut from there."))]) from None
    try:
        cuts = _cuts(page, runtime, actor, record)
    except Invalid as refused:
        return _cut(page, runtime, actor, record, refused.flaws)
    cutting = CutRelease(runtime.collaborators, actor, record, digest, cuts, form.all("drop"), answered, gone)
    runtime.make(cutting)
    return page.redirect(f"/studies/{study}/releases/{record}", "cut")


def _cuts(page: Page, runtime: Runtime, actor: Acting, record: UUID) -> dict[str, list[tuple[int, int]]]:
    """The reported passages that were ticked, and words copied from the text; ranges that meet become one."""
    cuts: dict[str, list[tuple[int, int]]] = {}
    for key in page.form.all("passage"):
        name, _, ends = key.rpartition(":")
        start, _, end = ends.partition("-")
        cuts.setdefault(name, []).append((_number(start), _number(end)))
    written = [(name.removeprefix("words-"), text) for name, text in page.form.fields if name.startswith("words-")]
    if any(len(text) > LONGEST_PASSAGE for _, text in written):
        raise Invalid([Flaw("/words", NOT_THERE)])
    wanted = [(name, line) for name, text in written for line in text.splitlines() if line.strip()]
    if not cuts and not wanted and not page.form.all("drop") and not page.form.all("file"):
        raise Invalid([Flaw("/cuts", N_("Choose what is cut or withheld."))])
    if cuts or wanted:
        release = runtime.read(ReadRelease(runtime.collaborators, actor, record))
        wanted += [(name, _text(release, name)[start:end]) for name, ranges in cuts.items() for start, end in ranges]
        for name, line in wanted:
            found = _everywhere(_text(release, name), line)
            if not found:
                raise Invalid([Flaw("/words", NOT_THERE)])
            cuts.setdefault(name, []).extend(found)
    return {name: _joined(ranges) for name, ranges in cuts.items()}


def _text(release: Release, name: str) -> str:
    text = release.values.get(name, {}).get("value")
    return text if isinstance(text, str) else ""


def _everywhere(text: str, words: str) -> list[tuple[int, int]]:
    """Where words stand as they were copied, and again as whole words: cut once, a name stays where it stands twice.

    What a label says is no word of the text.
    """
    first = library.find_passage(text, words)
    labels = [found.span() for found in LABEL.finditer(text)]
    again = [at for at in occurrences(text, words) if not any(at[0] < end and start < at[1] for start, end in labels)]
    return again if first is None else [first, *again]


def _joined(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def _number(text: str) -> int:
    """A number of the page's own making; 0, which makes an empty range, for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER else 0
