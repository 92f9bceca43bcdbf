"""Cases for guardians and leads: how one stands, what was decided, and what can be done now."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from app.access import Permission
from app.accounts import queries as accounts
from app.cases import standing, withdrawal
from app.cases.standing import Erasure, Standing
from app.errors import NotFound
from app.web.deps import Acting, Runtime_
from app.web.portal import words
from app.web.portal.page import Page, Page_
from app.web.portal.routing import Pages
from app.web.portal.withdrawals import LONGEST_CODE, case_code
from app.web.withdrawing import erase

__all__ = ["pages"]

pages = Pages("/studies/{study}")


@pages.get("/cases", permission=Permission.CASE_DECIDE)
def show_cases(
    study: UUID,
    actor: Acting,
    runtime: Runtime_,
    page: Page_,
    code: Annotated[str, Query(max_length=LONGEST_CODE)] = "",
) -> Response:
    """Cases that wait for a decision; or the way to one by its code."""
    missing = False
    with runtime.glance() as session:
        if code.strip():
            try:
                standing.standing(session, runtime.collaborators, actor, case_code(code))
            except NotFound:
                missing = True
            else:
                return page.redirect(f"/studies/{study}/cases/{case_code(code)}")
        found = standing.open_cases(session, actor)
        erased = standing.erasures(session, actor)
    return page.render(
        "cases.html",
        status=404 if missing else 200,
        code=code,
        missing=missing,
        cases=found,
        erased=erased,
        decisions=words.DECISIONS,
    )


@pages.get("/cases/{code}", permission=Permission.CASE_DECIDE)
def show_case(study: UUID, code: str, actor: Acting, runtime: Runtime_, page: Page_) -> Response:  # noqa: ARG001
    """How a case stands."""
    with runtime.glance() as session:
        found = standing.standing(session, runtime.collaborators, actor, code)
        names = accounts.names_of(session, _people(found))
    return page.render(
        "case.html",
        found=found,
        names=names,
        stages=words.STAGES,
        told=words.CASE_EVENTS,
        wishes=words.WISHES,
        obstacles={verb: words.OBSTACLES.get(why) if why else None for verb, why in found.possible.items()},
        roles=words.ROLES,
    )


def _people(found: Standing) -> list[UUID]:
    people = [told.by for told in found.history] + [decision.first_by for decision in found.pending.values()]
    return [person for person in people if person is not None]


@pages.post("/cases/{code}/withdrawal", permission=Permission.WITHDRAWAL_RECORD)
def withdraw_case_by_page(study: UUID, code: str, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """Freeze every record of the case at once."""
    with runtime.transaction() as session:
        withdrawal.withdraw(session, runtime.collaborators, actor, code)
    return _back(page, study, code, "case-frozen")


@pages.post("/cases/{code}/erasure", permission=Permission.CASE_DECIDE)
def erase_by_page(study: UUID, code: str, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """Ask for the erasure, or agree to it as the other side."""
    decision = erase(runtime, actor, code, page.form.line("preference") or None)
    if decision.second_by is None:
        return _back(page, study, code, "erasure-asked")
    return page.redirect(f"/studies/{study}/erasures/{decision.id}", "erased")


@pages.post("/cases/{code}/thaw", permission=Permission.CASE_DECIDE)
def thaw_by_page(study: UUID, code: str, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """Ask to undo the freeze, or agree to it as the other side."""
    with runtime.transaction() as session:
        decision = withdrawal.decide(session, runtime.collaborators, actor, code, kind=withdrawal.THAW)
    return _back(page, study, code, "thawed" if decision.done else "thaw-asked")


@pages.post("/cases/{code}/hold", permission=Permission.CASE_HOLD)
def hold_by_page(study: UUID, code: str, actor: Acting, runtime: Runtime_, page: Page_) -> Response:
    """Stop the erasure of the case, or let it go on."""
    held = page.form.line("held") == "yes"
    with runtime.transaction() as session:
        withdrawal.hold(session, runtime.collaborators, actor, code, held=held)
    return _back(page, study, code, "held" if held else "lifted")


def _back(page: Page, study: UUID, code: str, notice: str) -> Response:
    return page.redirect(f"/studies/{study}/cases/{code}", notice)


@pages.get("/erasures/{decision}", permission=Permission.CASE_DECIDE)
def show_erasure(study: UUID, decision: UUID, actor: Acting, runtime: Runtime_, page: Page_) -> Response:  # noqa: ARG001
    """What is left of an erased case."""
    with runtime.glance() as session:
        found = standing.erasure(session, actor, decision)
        names = accounts.names_of(session, _deciders(found))
    return page.render("erasure.html", found=found, names=names, roles=words.ROLES)


def _deciders(found: Erasure) -> list[UUID]:
    return [person for person in (found.first_by, found.second_by) if person is not None]
