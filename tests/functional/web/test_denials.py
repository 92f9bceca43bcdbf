"""Who may: authentication, roles by study, and the event of every denial."""

from __future__ import annotations

from uuid import uuid4

import pytest
from sqlalchemy import select, text

from app.access import Permission
from app.audit.models import Event
from app.web.deps import Acting, Roster
from app.web.routing import Router
from tests.functional.web.conftest import People
from tests.site import Site

router = Router("/v1/studies/{study}/things", tag="things")


@router.get("", permission=Permission.RECORD_SUBMIT)
def read_things(study: str, actor: Acting, roster: Roster) -> dict[str, str]:  # noqa: ARG001
    """Something an interviewer may do."""
    return {"roles": ",".join(sorted(actor.roles)), "study": str(roster.study)}


def denials(site: Site) -> list[Event]:
    """The events of denials."""
    with site.runtime.transaction() as session:
        return list(session.scalars(select(Event).where(Event.action == "denied")))


@pytest.fixture
def things(site: Site, people: People) -> str:
    """Where the study's things are."""
    site.serve([*site.routers, router])
    return f"/v1/studies/{people.study}/things"


def test_a_member_acts_with_the_roles_of_the_roster(site: Site, people: People, things: str) -> None:
    """The path names the study, the roster the roles."""
    answer = site.call("GET", things, token=site.sign_in(people.interviewer))

    assert answer.json() == {"roles": "interviewer", "study": str(people.study)}


@pytest.mark.parametrize("token", [None, "", "x", "ts_" + "A" * 43, "td_" + "A" * 43, "ts_" + "A" * 5000, "é"])
def test_without_a_live_token_nothing_is_told(site: Site, things: str, token: str | None) -> None:
    """401 and no event: nobody is known to have asked."""
    headers = {} if token is None else {"authorization": f"Bearer {token}".encode()}

    answer = site.call("GET", things, headers=headers)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert denials(site) == []


def test_a_token_counts_in_the_header_only(site: Site, people: People, things: str) -> None:
    """Addresses end up in histories and logs."""
    token = site.sign_in(people.interviewer)

    assert site.call("GET", f"{things}?access_token={token}").status_code == 401
    assert site.call("GET", things, headers={"cookie": f"token={token}"}).status_code == 401
    assert site.call("GET", things, headers={"authorization": f"Basic {token}"}).status_code == 401


def test_absent_and_not_yours_are_the_same_answer(site: Site, people: People, things: str) -> None:
    """A stranger learns nothing from the difference, for there is none but the request's id."""
    token = site.sign_in(people.stranger)

    foreign = site.call("GET", things, token=token)
    absent = site.call("GET", f"/v1/studies/{uuid4()}/things", token=token)

    assert (foreign.status_code, absent.status_code) == (404, 404)
    assert foreign.json() | {"instance": ""} == absent.json() | {"instance": ""}
    assert dict(foreign.headers) | {"x-request-id": ""} == dict(absent.headers) | {"x-request-id": ""}


def test_a_member_without_the_permission_is_refused(site: Site, people: People, things: str) -> None:
    """Known, but may not: and it is on record, with the route's template."""
    answer = site.call("GET", things, token=site.sign_in(people.lead))

    assert answer.status_code == 403
    (denial,) = denials(site)
    assert denial.actor_id == people.lead.id
    assert denial.study_id == people.study
    assert denial.details == {
        "route": "/v1/studies/{study}/things",
        "permission": "record.submit",
        "code": "forbidden",
    }


def test_nothing_is_validated_for_who_may_not(site: Site, people: People) -> None:
    """A refusal says nothing about the input."""
    stranger = site.sign_in(people.stranger)

    assert site.call("POST", "/v1/invitations", content=b"no json").status_code == 401
    assert site.call("POST", "/v1/invitations", content=b"no json", token=stranger).status_code == 403


def test_what_cannot_be_recorded_is_not_answered(site: Site, people: People, things: str) -> None:
    """A denial without its event would be unseen: 503 instead."""
    token = site.sign_in(people.lead)
    with site.runtime.engine.begin() as connection:
        connection.execute(text("ALTER TABLE event RENAME TO hidden"))

    assert site.call("GET", things, token=token).status_code == 503


def test_a_role_ends_with_the_roster_that_no_longer_has_it(site: Site, people: People, things: str) -> None:
    """At the next request, not at the next sign-in."""
    token = site.sign_in(people.interviewer)
    assert site.call("GET", things, token=token).status_code == 200

    site.remove(people.lead, people.study, people.interviewer)

    assert site.call("GET", things, token=token).status_code == 404
