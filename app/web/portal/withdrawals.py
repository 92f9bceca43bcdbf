"""The way out again: recorded by an interviewer or a guardian, or by the participant's own token without sign-in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from app.access import Permission
from app.cases import standing, withdrawal
from app.errors import Flaw, NotFound
from app.web.deps import Acting, Runtime_, Source
from app.web.portal.notices import N_
from app.web.portal.page import Page, Page_
from app.web.portal.routing import Pages
from app.web.withdrawing import by_token

__all__ = ["case_code", "pages"]

# Anything longer is no case code and no token of ours.
LONGEST_CODE, LONGEST_TOKEN = 16, 64
NO_SUCH_CASE = Flaw("/code", N_("There is no such case, or it is not yours. Compare the code with the receipt."))

pages = Pages()


def case_code(text: str) -> str:
    """A case code as it is written, from one as it was typed."""
    symbols = "".join(text.upper().replace("-", "").split())[:LONGEST_CODE]
    return f"{symbols[:4]}-{symbols[4:]}"


@pages.get("/studies/{study}/withdrawals", permission=Permission.WITHDRAWAL_RECORD)
def show_withdrawals(
    study: UUID,  # noqa: ARG001
    actor: Acting,  # noqa: ARG001
    runtime: Runtime_,  # noqa: ARG001
    page: Page_,
    code: Annotated[str, Query(max_length=LONGEST_CODE)] = "",
) -> Response:
    """The form, and the cases one submitted to."""
    return _form(page, code)


def _form(page: Page, code: str, flaws: Sequence[Flaw] = ()) -> Response:
    with page.runtime.glance() as session:
        own = standing.own_cases(session, page.actor)
        erased = standing.own_erased(session, page.actor)
    return page.render("withdrawals.html", status=422 if flaws else 200, own=own, erased=erased, code=code, flaws=flaws)


@pages.post("/studies/{study}/withdrawals", permission=Permission.WITHDRAWAL_RECORD)
def withdraw_by_page(study: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """Freeze every record of a case at once."""
    code = case_code(page.form.line("code"))
    try:
        with runtime.transaction() as session:
            withdrawal.withdraw(session, runtime.collaborators, actor, code)
    except NotFound:
        return _form(page, page.form.line("code"), [NO_SUCH_CASE])
    if page.may(Permission.CASE_DECIDE):
        return page.redirect(f"/studies/{study}/cases/{code}", "case-frozen")
    return page.redirect(f"/studies/{study}/withdrawals", "case-frozen")


@pages.get("/withdraw", permission=Permission.NOTHING_NEEDED)
def show_withdraw(page: Page_) -> Response:
    """The participant's page: a code, nothing else."""
    return page.render("withdraw.html")


@pages.post("/withdraw", permission=Permission.NOTHING_NEEDED)
def withdraw_by_code(source: Source, runtime: Runtime_, page: Page_) -> Response:
    """Freeze the case of a token; whoever has none that is known is told the same."""
    by_token(runtime, source, page.form.line("token")[:LONGEST_TOKEN])
    return page.redirect("/withdraw/done")


@pages.get("/withdraw/done", permission=Permission.NOTHING_NEEDED)
def show_withdrawn(page: Page_) -> Response:
    """What happens now, whatever was typed."""
    return page.render("withdrawn.html")
