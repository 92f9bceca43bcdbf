"""The people of a study: admitting, confirming and removing them, and moving grants to a team's new key."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from starlette.responses import JSONResponse, Response

from app.access import Permission, Role, Team, teams_of
from app.accounts import queries as accounts
from app.accounts import users
from app.accounts.fingerprints import fingerprint_words
from app.cases import moving
from app.cases.removal import removal_preview
from app.errors import Flaw, Invalid, NotFound
from app.review import drafts
from app.studies import queries, service
from app.web.deps import Acting, Roster, Runtime_
from app.web.moves import Batch, move_batch
from app.web.portal import words
from app.web.portal.locales import Formats
from app.web.portal.notices import N_
from app.web.portal.page import Page, Page_
from app.web.portal.routing import Pages

__all__ = ["pages"]

# Roles that a lead gives; administrators belong to no study.
GIVEN = tuple(role for role in Role if role is not Role.ADMIN)
# Grants moved by one click, or by one step of the progress bar.
BATCH = 25
OBSTACLES = {
    "last-lead": N_("This is the study's last lead. Admit another lead first."),
    "last-holder": N_("Nobody else holds every key of one of the teams. Confirm another member of it first."),
}

pages = Pages("/studies/{study}")


@pages.get("/members", permission=Permission.STUDY_READ)
def show_members(study: UUID, actor: Acting, roster: Roster, runtime: Runtime_, page: Page_) -> Response:  # noqa: ARG001
    """Everybody of the study, its teams, and what waits to be done about them."""
    now = runtime.clock()
    with runtime.glance() as session:
        view = queries.overview(session, actor, roster, now)
        names = accounts.names_of(session, list(roster.members))
        left = {team: moving.left_to_move(session, roster, team) for team in roster.epochs}
    mine = teams_of(actor.roles)
    members = [
        {
            "place": place,
            "name": names.get(place.user, ""),
            "confirmed": place.user in view.confirmed,
            "expired": not place.live(now),
            "confirmable": place.user not in view.confirmed and place.user != actor.id and mine & teams_of(place.roles),
        }
        for place in roster.members.values()
    ]
    members.sort(key=lambda member: (member["confirmed"], str(member["name"])))
    teams = [
        {"team": team, "key": roster.epochs.get(team), "left": left.get(team, 0), "mine": team in mine}
        for team in words.TEAMS
    ]
    return page.render("members.html", view=view, members=members, teams=teams, roles=words.ROLES, names=words.TEAMS)


@pages.get("/candidates", permission=Permission.MEMBER_ADMIT)
def show_candidate(
    study: UUID,  # noqa: ARG001
    actor: Acting,
    runtime: Runtime_,
    page: Page_,
    name: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """Look somebody up by name, and compare the fingerprint they read aloud."""
    found = None
    if name.strip():
        try:
            with runtime.glance() as session:
                found = users.find_user(session, runtime.collaborators, actor, name.strip())
        except NotFound:
            return page.render("candidate.html", status=404, name=name, found=None, missing=True, flaws=[])
    return _candidate(page, name, found)


def _candidate(page: Page, name: str, found: Any, flaws: list[Flaw] | None = None) -> Response:
    return page.render(
        "candidate.html",
        status=422 if flaws else 200,
        name=name,
        found=found,
        missing=False,
        flaws=flaws or [],
        words=[] if found is None else fingerprint_words(bytes.fromhex(found.fingerprint)),
        roles={role: words.ROLES[role] for role in GIVEN},
    )


@pages.post("/members/{user}", permission=Permission.MEMBER_ADMIT)
def admit_by_page(study: UUID, user: UUID, actor: Acting, roster: Roster, runtime: Runtime_, page: Page_) -> Response:
    """Admit somebody whose fingerprint was compared."""
    try:
        admitted = _admission(page)
        with runtime.transaction() as session:
            service.admit(session, runtime.collaborators, actor, roster, user, **admitted)
    except Invalid as refused:
        with runtime.glance() as session:
            found = users.find_user(session, runtime.collaborators, actor, page.form.line("name"))
        return _candidate(page, found.name, found, refused.flaws)
    return page.redirect(f"/studies/{study}/members", "admitted")


def _admission(page: Page) -> dict[str, Any]:
    form, flaws = page.form, []
    if "compared" not in form:
        flaws.append(Flaw("/compared", N_("Compare the fingerprint with the person first.")))
    roles = frozenset(role for role in GIVEN if role.value in form.all("roles"))
    if not roles:
        flaws.append(Flaw("/roles", N_("Choose at least one role.")))
    expires, fingerprint = None, b""
    try:
        # The agreement holds through its last day.
        day = date.fromisoformat(form.line("expires")) if form.line("expires") else None
        expires = None if day is None else datetime.combine(day, time.max, UTC)
        fingerprint = bytes.fromhex(form.line("fingerprint"))
    except ValueError:
        flaws.append(Flaw("/expires", N_("Give a day as year-month-day.")))
    if flaws:
        raise Invalid(flaws)
    return {"roles": roles, "expires": expires, "fingerprint": fingerprint}


@pages.get("/members/{user}/confirmation", permission=Permission.MEMBER_CONFIRM)
def show_confirmation(
    study: UUID,  # noqa: ARG001
    user: UUID,
    actor: Acting,
    roster: Roster,
    runtime: Runtime_,
    page: Page_,
) -> Response:
    """The fingerprint that the lead admitted, to be compared with the person once more."""
    place = roster.members.get(user)
    if place is None or not teams_of(place.roles) & teams_of(actor.roles):
        raise NotFound
    with runtime.glance() as session:
        name = accounts.names_of(session, [user]).get(user, "")
    return page.render(
        "confirmation.html",
        place=place,
        name=name,
        words=fingerprint_words(place.fingerprint),
        roles=words.ROLES,
        own_admission=place.admitted_by == actor.id,
    )


@pages.post("/members/{user}/confirmation", permission=Permission.MEMBER_CONFIRM)
def confirm_by_page(study: UUID, user: UUID, actor: Acting, roster: Roster, runtime: Runtime_, page: Page_) -> Response:
    """Hand the keys of the shared teams over."""
    try:
        fingerprint = bytes.fromhex(page.form.line("fingerprint"))
    except ValueError:
        raise NotFound from None
    if "compared" not in page.form:
        raise Invalid([Flaw("/compared", N_("Compare the fingerprint with the person first."))])
    with runtime.transaction() as session:
        service.confirm(session, runtime.collaborators, actor, roster, user, fingerprint=fingerprint)
    return page.redirect(f"/studies/{study}/members", "confirmed")


@pages.get("/members/{user}/removal", permission=Permission.MEMBER_REMOVE)
def show_removal(
    study: UUID,  # noqa: ARG001
    user: UUID,
    actor: Acting,
    roster: Roster,
    runtime: Runtime_,
    page: Page_,
) -> Response:
    """What removing somebody will do, before it is done."""
    with runtime.glance() as session:
        preview = removal_preview(session, runtime.collaborators, actor, roster, user)
        names = accounts.names_of(session, list(roster.members))
    obstacles = list(dict.fromkeys(OBSTACLES[each.partition(":")[0]] for each in preview.obstacles))
    return page.render(
        "removal.html", preview=preview, names=names, obstacles=obstacles, teams=words.TEAMS, roles=words.ROLES
    )


@pages.post("/members/{user}/removal", permission=Permission.MEMBER_REMOVE)
def remove_by_page(study: UUID, user: UUID, actor: Acting, roster: Roster, runtime: Runtime_, page: Page_) -> Response:
    """Remove somebody: access ends at once."""
    with runtime.transaction() as session:
        service.remove(session, runtime.collaborators, actor, roster, user)
        drafts.unassign(session, runtime.collaborators, actor, study, user)
    return page.redirect(f"/studies/{study}/members", "removed")


@pages.post("/teams/{team}", permission=Permission.MEMBER_CONFIRM)
def found_by_page(study: UUID, team: Team, actor: Acting, roster: Roster, runtime: Runtime_, page: Page_) -> Response:
    """Make a team's first key."""
    with runtime.transaction() as session:
        service.found_team(session, runtime.collaborators, actor, roster, team)
    return page.redirect(f"/studies/{study}/members", "founded")


def _label(page: Page, progress: moving.MovesLeft | Batch) -> str:
    shown = Formats(page.locale).number
    text = page.gettext(N_("%(done)s of %(all)s moved"))
    return text % {"done": shown(progress.done), "all": shown(progress.done + progress.left)}


@pages.get("/teams/{team}/moves", permission=Permission.GRANT_MOVE)
def show_moves(study: UUID, team: Team, actor: Acting, roster: Roster, runtime: Runtime_, page: Page_) -> Response:  # noqa: ARG001
    """How far the moving of a team's grants has come."""
    with runtime.glance() as session:
        progress = moving.moves_left(session, actor, roster, team)
    return page.render("moves.html", progress=progress, label=_label(page, progress), team=words.TEAMS[team])


@pages.post("/teams/{team}/moves", permission=Permission.GRANT_MOVE)
def move_by_page(study: UUID, team: Team, actor: Acting, roster: Roster, runtime: Runtime_, page: Page_) -> Response:
    """Move the next batch; the page's script goes on by itself."""
    moved = move_batch(runtime, actor, roster, team, BATCH)
    if page.by_script:
        return JSONResponse(
            {"done": moved.done, "left": moved.left, "stuck": not moved.moved, "label": _label(page, moved)}
        )
    if moved.left and moved.moved:
        return page.redirect(f"/studies/{study}/teams/{team}/moves")
    return page.redirect(f"/studies/{study}/members", "" if moved.left else "moved")
