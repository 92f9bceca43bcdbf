"""Every page that a role reaches: accessible, quiet, and readable on a phone, in both directions and themes."""

from __future__ import annotations

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest
from playwright.sync_api import Page

from app.forms.drafting import Drafting, Wish
from app.studies import instruments
from tests.browser.browsing import DESKTOP, PHONE
from tests.serving import Served
from tests.system import StudyPlace

Browse = Callable[..., Page]
Check = Callable[[Page], None]
ROLES = ("interviewer", "redactor", "approver", "researcher", "lead", "guardian", "auditor", "admin")
LOOKS = (
    pytest.param({"width": DESKTOP}, id="desktop"),
    pytest.param({"width": PHONE, "dark": True, "locale": "ar"}, id="phone dark arabic"),
)
THING = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[A-Z0-9]{4}-[A-Z0-9]{4}")
FILES = ("/audit/checkpoints", "/desk/state", "/xform")


@pytest.fixture(scope="module")
def full(portal: Served) -> StudyPlace:
    """A study with something of everything: each stage, a sample, an ask, a threat, a withdrawal, a device."""
    study = portal.study("Everything", prefix="all.")
    released = portal.released(study)
    with portal.signed_in("approver", study) as client:
        client.research.draw_sample(study.id, released)
    portal.finished(study)
    with portal.signed_in("approver", study) as client:
        client.review.take(study.id)
    portal.drafted(study)
    with portal.signed_in("redactor", study) as client:
        client.review.take(study.id)
    body = portal.body(study)
    portal.submit(study, body | {"answers": body["answers"] | {"threat_disclosed": {"value": "child_at_risk"}}})
    case = portal.submit(study)["case"]
    portal.redact_all()
    with portal.signed_in("guardian", study) as client:
        client.cases.withdraw(study.id, case)
        client.disclosures.ask(study.id, released, scope="identity", fields=["legal_name"], reason="danger")
    with portal.signed_in("admin") as client:
        client.accounts.enrol(study["interviewer"].id, study.id)
    lead = portal.acting("lead", study)
    with portal.runtime.glance() as session:
        questionnaire = instruments.listed(session, lead, study.id)[0].id
    portal.runtime.run(Drafting(portal.collaborators, lead, study.id, questionnaire, Wish("interview", "Interview")))
    return study


@pytest.fixture(scope="module")
def looked() -> dict[str, set[str]]:
    """The kinds of pages that were judged in each look."""
    return {}


def shape(address: str) -> str:
    """An address without what it is about: one page of each kind is looked at."""
    return THING.sub("{}", re.sub(r"[?#].*", "", address))


def links(page: Page) -> list[str]:
    """Where the page leads on this site; files are no pages."""
    found: list[str] = page.evaluate("[...document.querySelectorAll('a[href]')].map(link => link.getAttribute('href'))")
    return [link for link in found if link.startswith("/") and not shape(link).endswith(FILES)]


@pytest.mark.slow
@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("role", ROLES)
def test_every_page_of_a_role(
    browse: Browse,
    check_page: Check,
    portal: Served,
    full: StudyPlace,
    looked: dict[str, set[str]],
    role: str,
    look: dict[str, Any],
) -> None:
    """From the first page on, one page of each kind; the second look needs no page that another role has had."""
    shared = looked.setdefault(str(look), set())
    page = browse("admin" if role == "admin" else full[role], **look)
    seen, waiting = set[str](), ["/", "/account", "/account/password"]
    while waiting:
        path = waiting.pop(0)
        if shape(path) in seen:
            continue
        seen.add(shape(path))
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == HTTPStatus.OK, f"{path}\n{portal.log.read_text()[-3000:]}"
        if "dark" not in look or shape(path) not in shared:
            check_page(page)
        shared.add(shape(path))
        waiting += links(page)
    assert len(seen) > 3


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("path", ["/sign-in", "/forgotten", "/invitations", "/withdraw", "/no/such/page"])
def test_every_page_of_nobody(browse: Browse, check_page: Check, path: str, look: dict[str, Any]) -> None:
    """What is open to everybody."""
    check_page(browse(None, path=path, **look))
