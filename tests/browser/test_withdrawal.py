"""Withdrawal and erasure in a browser: by the participant's own code, and by two people."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from app.crypto.tokens import new_withdrawal_token, withdrawal_hash
from tests.browser.browsing import PHONE, submit
from tests.serving import Served
from tests.system import StudyPlace

Browse = Callable[..., Page]
Check = Callable[[Page], None]


def test_a_participant_withdraws_on_an_old_phone(
    browse: Browse, portal: Served, study: StudyPlace, check_page: Check
) -> None:
    """Without scripts, without signing in, at phone width: a code, a button, and the case is frozen."""
    token = new_withdrawal_token()
    body = portal.body(study, withdrawal_sha256=withdrawal_hash(token).hex())
    code = portal.submit(study, body)["case"]
    page = browse(None, path="/withdraw", javascript=False, width=PHONE)

    page.get_by_label("Your code").fill(token.lower())
    submit(page, "Stop the use of my interview")

    page.get_by_role("heading", name="Your wish has arrived").wait_for()
    guardian = browse("guardian", study, path=f"/studies/{study.id}/cases/{code}")
    guardian.get_by_text("by the participant's own code").wait_for()
    check_page(guardian)


@pytest.mark.parametrize("locale", ["en", "ar", "fr", "de", "tr"])
def test_participants_page_in_every_language(browse: Browse, check_page: Check, locale: str) -> None:
    """Both pages pass axe and fit a phone, in each language and its direction."""
    for path in ("/withdraw", "/withdraw/done"):
        page = browse(None, path=path, width=PHONE, locale=locale)
        assert page.locator("html").get_attribute("dir") == ("rtl" if locale == "ar" else "ltr")
        check_page(page)


@pytest.mark.parametrize("javascript", [True, False], ids=["script", "no-script"])
def test_two_people_erase(browse: Browse, portal: Served, study: StudyPlace, javascript: bool) -> None:
    """The interviewer records it, a guardian asks, cannot agree alone, a lead erases; what is left is a tombstone."""
    receipt = portal.submit(study)
    code, record = receipt["case"], receipt["record"]
    interviewer = browse("interviewer", study, path=f"/studies/{study.id}/withdrawals", javascript=javascript)
    interviewer.get_by_role("link", name=f"Withdraw {code}").click()
    submit(interviewer, "Freeze this case now")
    interviewer.get_by_text("Frozen. From now on nobody can open anything of this case.").wait_for()

    guardian = browse("guardian", study, path=f"/studies/{study.id}/cases", javascript=javascript)
    guardian.get_by_role("link", name=f"Show the case {code}").click()
    guardian.get_by_label("Everything").check()
    submit(guardian, "Ask for the erasure")
    disabled = guardian.get_by_role("button", name="Agree and erase now")
    assert disabled.get_attribute("aria-disabled") == "true"
    assert guardian.locator("#why-erase").inner_text().startswith("You decided this.")

    lead = browse("lead", study, path=f"/studies/{study.id}/cases", javascript=javascript)
    lead.get_by_role("link", name=f"Decide {code}").click()
    submit(lead, "Agree and erase now")

    lead.get_by_text("Everything of this case was erased").wait_for()
    assert record in lead.content()
    assert code not in lead.content()
    guardian.goto(f"/studies/{study.id}/cases/{code}")
    assert guardian.get_by_role("heading", name="There is nothing here").is_visible()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pages_are_for_everybody(
    browse: Browse, check_page: Check, portal: Served, study: StudyPlace, dark: bool
) -> None:
    """Every page of a withdrawal and of an erasure passes axe and fits a phone."""
    code, other = portal.submit(study)["case"], portal.submit(study)["case"]
    portal.signed_in("lead", study).cases.erase(study.id, code, preference="erase_all")
    decision = portal.signed_in("guardian", study).cases.erase(study.id, code, preference="erase_all")["decision"]
    portal.signed_in("guardian", study).cases.erase(study.id, other, preference="erase_all")
    for who, path in (
        ("interviewer", "withdrawals"),
        ("guardian", "cases"),
        ("guardian", f"cases/{other}"),
        ("lead", f"cases/{other}"),
        ("lead", f"erasures/{decision}"),
    ):
        check_page(browse(who, study, path=f"/studies/{study.id}/{path}", dark=dark))


def test_right_to_left(browse: Browse, check_page: Check, portal: Served, study: StudyPlace) -> None:
    """In Arabic a case's page runs from right to left; its code does not."""
    code = portal.submit(study)["case"]

    page = browse("guardian", study, path=f"/studies/{study.id}/cases/{code}", locale="ar")

    assert page.locator("html").get_attribute("dir") == "rtl"
    assert page.get_by_role("heading", level=1).inner_text().endswith(code)
    check_page(page)
