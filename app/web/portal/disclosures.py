"""Disclosure by two people: asking, answering, and reading named fields for an hour.

The fields are shown in the answer to a POST: browsers keep such a page neither in their history nor in the cache for
going back, so what is left behind is an address. A Refresh header ends it at its second, without a script too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

from starlette.responses import Response

from app.access import Permission
from app.accounts import queries as accounts
from app.cases.grants import Scope
from app.errors import Flaw, Gone, Invalid, NotFound
from app.review import asks, disclosure
from app.review.asks import PENDING, READ, REOPEN, Askable, Listed
from app.review.disclosure import ApproveAsk, AskDisclosure, ReadAsk, RefuseAsk
from app.review.halves import COMPARTMENTS, CONTENT
from app.review.opening import OpenDisclosedFile, OpenDisclosure, ReopenSource
from app.web.contents import answer_with
from app.web.deps import Acting, Runtime_, Wanted
from app.web.portal import words
from app.web.portal.details import Detail, details
from app.web.portal.page import Page, Page_
from app.web.portal.routing import Pages

__all__ = ["pages"]

# What an ask is about, in addresses and in words: the identity, the sealed source, or reopening the source.
Kind = Literal["identity", "source", "reopen"]
# One repetition of the reader's name covers about this many characters of text; a page has at least so many.
CHARACTERS_A_MARK, FEWEST_MARKS = 60, 48

pages = Pages("/studies/{study}/disclosures")


def kind_of(ask: Listed) -> str:
    """What an ask is about: whoever approves must not take an export for a look."""
    if ask.purpose != READ:
        return ask.purpose
    return ask.scope if ask.scope in COMPARTMENTS else "file"


@pages.get("", permission=Permission.DISCLOSURE_LIST)
def show_asks(study: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:  # noqa: ARG001
    """What waits for an answer, what is open, and what was."""
    now = runtime.clock()
    with runtime.glance() as session:
        found = asks.listed(session, actor)
        names = accounts.names_of(session, [each.asker for each in found])
    rows = [
        {
            "ask": each,
            "kind": words.ASK_KINDS[kind_of(each)],
            "asker": names.get(each.asker, ""),
            "age": _seconds(now, each.asked_at),
            "open": each.opens(now),
            "state": words.ASK_STATES[_state(each, page)],
        }
        for each in found
    ]
    waiting = [row for row, each in zip(rows, found, strict=True) if each.state == PENDING]
    opened = [row for row in rows if row["open"]]
    rest = [row for row in rows if row not in waiting and row not in opened]
    return page.render("disclosures.html", waiting=waiting, opened=opened, rest=rest)


def _seconds(later: Any, earlier: Any) -> int:
    return max(0, int((later - earlier).total_seconds()))


def _state(ask: Listed, page: Page) -> str:
    if ask.state == PENDING:
        return "frozen" if ask.frozen else "pending"
    if ask.opens(page.runtime.clock()):
        return "open"
    return "over" if ask.state == asks.APPROVED else ask.state


@pages.get("/records/{record}/{kind}", permission=Permission.DISCLOSURE_ASK)
def show_ask_form(study: UUID, record: UUID, kind: Kind, actor: Acting, runtime: Runtime_, page: Page_) -> Response:  # noqa: ARG001
    """The form of an ask: the same for every record, whatever it holds."""
    return _form(page, record, kind)


@pages.post("/records/{record}/{kind}", permission=Permission.DISCLOSURE_ASK)
def ask_by_page(study: UUID, record: UUID, kind: Kind, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """Ask."""
    reopening = kind == "reopen"
    asking = AskDisclosure(
        runtime.collaborators,
        actor,
        record,
        "source" if reopening else kind,
        [] if reopening else page.form.all("field"),
        page.form.text("reason"),
        purpose=REOPEN if reopening else READ,
    )
    try:
        runtime.make(asking)
    except Invalid as refused:
        return _form(page, record, kind, refused.flaws)
    return page.redirect(f"/studies/{study}/disclosures", "asked")


@pages.get("/records/{record}/files/{file}", permission=Permission.DISCLOSURE_ASK)
def show_file_ask(study: UUID, record: UUID, file: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:  # noqa: ARG001
    """The form of an ask for one attachment."""
    return _file_form(page, record, file)


@pages.post("/records/{record}/files/{file}", permission=Permission.DISCLOSURE_ASK)
def ask_file_by_page(study: UUID, record: UUID, file: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """Ask for one attachment."""
    reason = page.form.text("reason")
    try:
        runtime.make(AskDisclosure(runtime.collaborators, actor, record, Scope.file(file), [CONTENT], reason))
    except Invalid as refused:
        return _file_form(page, record, file, refused.flaws)
    return page.redirect(f"/studies/{study}/disclosures", "asked")


def _file_form(page: Page, record: UUID, file: UUID, flaws: Sequence[Flaw] = ()) -> Response:
    with page.runtime.glance() as session:
        askable = asks.askable(session, page.actor, record)
    if file not in askable.files:
        raise NotFound
    status, reason = 422 if flaws else 200, page.form.text("reason")
    shown = {"kind": "file", "sections": [], "ticked": [], "reason": reason, "flaws": flaws}
    return page.render("ask_form.html", status=status, askable=askable, **shown)


def _form(page: Page, record: UUID, kind: Kind, flaws: Sequence[Flaw] = ()) -> Response:
    with page.runtime.glance() as session:
        askable = asks.askable(session, page.actor, record)
    return page.render(
        "ask_form.html",
        status=422 if flaws else 200,
        askable=askable,
        kind=kind,
        sections=[] if kind == "reopen" else _by_section(askable, kind),
        ticked=page.form.all("field"),
        reason=page.form.text("reason"),
        flaws=flaws,
    )


def _by_section(askable: Askable, scope: str) -> list[tuple[Any, list[Any]]]:
    fields = askable.fields(scope)
    found = [(each, [one for one in fields if one.section == each.id]) for each in askable.instrument.sections]
    return [(section, within) for section, within in found if within]


@pages.get("/{ask}", permission=Permission.DISCLOSURE_LIST)
def show_ask(study: UUID, ask: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:  # noqa: ARG001
    """An ask with its fields and its reason, and what can be done about it."""
    return _shown(page, ask)


def _shown(page: Page, ask: UUID, flaws: Sequence[Flaw] = ()) -> Response:
    runtime = page.runtime
    with runtime.glance() as session:
        listed = asks.one(session, page.actor, ask)
        names = accounts.names_of(session, [one for one in (listed.asker, listed.answered_by) if one])
        instrument = asks.instrument_of(session, page.actor, listed.record)
    shown = runtime.read(ReadAsk(runtime.collaborators, page.actor, ask))
    now = runtime.clock()
    return page.render(
        "ask.html",
        status=422 if flaws else 200,
        ask=listed,
        shown=shown,
        kind=kind_of(listed),
        kinds=words.ASK_KINDS,
        state=words.ASK_STATES[_state(listed, page)],
        labels=[instrument.fields[name].label[page.locale] for name in shown.fields if name in instrument.fields],
        names=names,
        mine=listed.asker == page.actor.id,
        open=listed.opens(now),
        left=_seconds(listed.expires, now) if listed.expires else 0,
        reason=page.form.text("reason"),
        flaws=flaws,
    )


@pages.post("/{ask}/approval", permission=Permission.DISCLOSURE_APPROVE)
def approve_by_page(study: UUID, ask: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """Hand the auditors' half over for an hour; the form names what was read."""
    try:
        digest = bytes.fromhex(page.form.line("digest"))
    except ValueError:
        raise NotFound from None
    runtime.make(ApproveAsk(ReadAsk(runtime.collaborators, actor, ask), digest))
    return page.redirect(f"/studies/{study}/disclosures", "ask-approved")


@pages.post("/{ask}/refusal", permission=Permission.DISCLOSURE_APPROVE)
def refuse_by_page(study: UUID, ask: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """Refuse, with a reason that the asker reads."""
    try:
        refusal = runtime.read(RefuseAsk(ReadAsk(runtime.collaborators, actor, ask), page.form.text("reason")))
    except Invalid as refused:
        return _shown(page, ask, refused.flaws)
    with runtime.transaction() as session:
        disclosure.store_refusal(session, runtime.collaborators, actor, ask, refusal)
    return page.redirect(f"/studies/{study}/disclosures", "ask-refused")


@pages.post("/{ask}/reading", permission=Permission.DISCLOSURE_READ)
def read_by_page(study: UUID, ask: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """The named fields, marked with the reader's name, until the hour is over."""
    opening = OpenDisclosure(ReadAsk(runtime.collaborators, actor, ask))
    values = runtime.read(opening)
    now, expires = runtime.clock(), opening.disclosure.expires_at
    left = _seconds(expires, now)
    if left == 0:
        raise Gone
    with runtime.glance() as session:
        listed = asks.one(session, actor, ask)
        instrument = asks.instrument_of(session, actor, listed.record)
        name = accounts.names_of(session, [actor.user()]).get(actor.user(), "")
    rows = details(page, instrument.fields.values(), values)
    back = f"/studies/{study}/disclosures/{ask}"
    answer = page.render(
        "disclosed.html",
        ask=listed,
        rows=rows,
        expires=expires,
        left=left,
        name=name,
        now=now,
        back=back,
        marks=_marks(rows),
    )
    answer.headers["refresh"] = f"{left}; url={back}"
    return answer


def _marks(rows: Sequence[Detail]) -> int:
    return FEWEST_MARKS + sum(row.characters for row in rows) // CHARACTERS_A_MARK


@pages.get("/{ask}/reading", permission=Permission.DISCLOSURE_READ)
def show_nothing(study: UUID, ask: UUID, page: Page_) -> Response:
    """What is left in a history leads to the ask, never to its fields."""
    return page.redirect(f"/studies/{study}/disclosures/{ask}")


@pages.get("/{ask}/file", permission=Permission.DISCLOSURE_READ)
def show_disclosed_file(study: UUID, ask: UUID, actor: Acting, runtime: Runtime_, wanted: Wanted) -> Response:  # noqa: ARG001
    """The attachment of an approved ask, or the range that a player asks for, until the hour is over."""
    return answer_with(runtime.read(OpenDisclosedFile(ReadAsk(runtime.collaborators, actor, ask))), wanted)


@pages.post("/{ask}/reopening", permission=Permission.DISCLOSURE_READ)
def reopen_by_page(study: UUID, ask: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """Hand a sealed source back to the redaction team."""
    runtime.make(ReopenSource(OpenDisclosure(ReadAsk(runtime.collaborators, actor, ask))))
    return page.redirect(f"/studies/{study}/disclosures", "reopened")
