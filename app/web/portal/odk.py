"""Forms for ODK Collect, KoboCollect, Enketo and Tella: making one, publishing by two, closing, its key."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from starlette.responses import Response

from app.access import Actor, Permission
from app.accounts import queries as accounts
from app.bootstrap import Runtime
from app.errors import Conflict, Flaw, Invalid
from app.forms import queries, service
from app.forms.drafting import Drafting, Uploading, Wish
from app.forms.xform import ATTACHMENTS
from app.studies import instruments
from app.web.deps import Acting, Runtime_
from app.web.portal import words
from app.web.portal.notices import N_
from app.web.portal.page import Page, Page_
from app.web.portal.routing import Pages

__all__ = ["pages"]

pages = Pages("/studies/{study}/forms")
INTERVIEW = "interview"


@pages.get("", permission=Permission.INSTRUMENT_READ)
def show_forms(study: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """Every form with its version and status, newest first."""
    with runtime.glance() as session:
        forms = queries.listed(session, actor, study)
    return page.render("forms.html", forms=forms, words=words)


@pages.get("/new", permission=Permission.INSTRUMENT_DRAFT)
def show_new_form(study: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """Where a form is made of a questionnaire, or of an uploaded XLSForm."""
    return _new(page, runtime, actor, study)


def _new(
    page: Page, runtime: Runtime, actor: Actor, study: UUID, flaws: list[Flaw] | None = None, *, uploaded: bool = False
) -> Response:
    with runtime.glance() as session:
        rows = [row for row in instruments.listed(session, actor, study) if row.published_at is not None]
    status = HTTPStatus.UNPROCESSABLE_ENTITY if flaws else HTTPStatus.OK
    return page.render(
        "form_new.html",
        status=status,
        rows=rows,
        flaws=flaws or [],
        uploaded=uploaded,
        words=words,
        attachments=ATTACHMENTS,
        usual=INTERVIEW,
    )


@pages.post("", permission=Permission.INSTRUMENT_DRAFT)
def make_form(study: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """Make a form of a published questionnaire, as a draft."""
    form = page.form
    try:
        wish = _wish(page, tuple(each for each in ATTACHMENTS if each in form.all("attachments")))
        made = runtime.run(Drafting(runtime.collaborators, actor, study, _instrument(form.line("instrument")), wish))
    except Invalid as refused:
        return _new(page, runtime, actor, study, refused.flaws)
    return page.redirect(f"/studies/{study}/forms/{made}", "form-drafted")


def _wish(page: Page, attachments: tuple[str, ...] = ()) -> Wish:
    form = page.form
    return Wish(
        form_id=form.line("form_id"),
        title=form.line("title"),
        encrypted="encrypted" in form,
        plaintext_policy=form.line("plaintext_policy"),
        attachments=attachments,
    )


def _instrument(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid([Flaw("/instrument", N_("Choose a questionnaire."))]) from None


@pages.post("/xlsform", permission=Permission.INSTRUMENT_DRAFT)
def upload_form(study: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """Make a questionnaire and its form of an XLSForm, both as drafts."""
    parts, workbook = runtime.collaborators, page.form.files.get("workbook", b"")
    try:
        made = runtime.run(Uploading(parts, actor, study, workbook, _wish(page)))
    except Invalid as refused:
        return _new(page, runtime, actor, study, refused.flaws, uploaded=True)
    except Conflict as refused:
        return _new(page, runtime, actor, study, [Flaw("", refused.detail)], uploaded=True)
    return page.redirect(f"/studies/{study}/forms/{made}", "form-drafted")


@pages.get("/{form}", permission=Permission.INSTRUMENT_READ)
def show_form(study: UUID, form: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """One version of a form, and what can be done with it now."""
    with runtime.glance() as session:
        view = queries.one(session, actor, study, form)
        names = accounts.names_of(session, [one for one in (view.drafted_by, view.published_by) if one is not None])
    return page.render("form.html", form=view, names=names, words=words, own=view.drafted_by == actor.id)


@pages.get("/{form}/xform", permission=Permission.INSTRUMENT_READ)
def download_form(study: UUID, form: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:  # noqa: ARG001
    """The exact bytes that phones load, as a file."""
    with runtime.glance() as session:
        view, content = queries.one(session, actor, study, form), queries.document(session, actor, study, form)
    name = f"{view.form_id}-{view.version}.xml"
    return Response(
        content, media_type="text/xml; charset=utf-8", headers={"content-disposition": f'attachment; filename="{name}"'}
    )


@pages.post("/{form}/publication", permission=Permission.INSTRUMENT_PUBLISH)
def publish_form_by_page(study: UUID, form: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """Publish a draft that somebody else made."""
    with runtime.transaction() as session:
        service.publish(session, runtime.collaborators, actor, study, form)
    return page.redirect(f"/studies/{study}/forms/{form}", "published")


@pages.post("/{form}/closing", permission=Permission.INSTRUMENT_DRAFT)
def close_form_by_page(study: UUID, form: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """Take a form off the phones' list."""
    with runtime.transaction() as session:
        service.close(session, runtime.collaborators, actor, study, form)
    return page.redirect(f"/studies/{study}/forms/{form}", "form-closed")


@pages.post("/{form}/key", permission=Permission.INSTRUMENT_DRAFT)
def destroy_key_by_page(study: UUID, form: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """Destroy the private key of a closed form."""
    with runtime.transaction() as session:
        service.destroy_key(session, runtime.collaborators, actor, study, form)
    return page.redirect(f"/studies/{study}/forms/{form}", "form-key-destroyed")
