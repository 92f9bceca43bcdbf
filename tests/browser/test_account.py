"""The account page and administration with a real browser."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

import pytest
from playwright.sync_api import Page, expect

from app.client import Problem
from tests.browser.browsing import Tabs, submit
from tests.serving import Served
from tests.system import StudyPlace

Browse = Callable[..., Page]
Check = Callable[[Page], None]


def test_study_is_created(browse: Browse, check_page: Check, portal: Served) -> None:
    """The admin looks the lead up, compares the fingerprint, and says what the study collects."""
    person = portal.person("leads.soon")
    page = browse("admin", path="/admin/studies")
    page.get_by_label("Account name of the lead").fill(person.name)
    submit(page, "Look up")
    check_page(page)
    expect(page.locator("ol.read-aloud > li")).to_have_count(32)
    page.get_by_label("I heard all 32 words").check()
    page.get_by_label("Name of the study").fill("A study from the page")
    page.get_by_label("Background").check()

    submit(page, "Create the study")

    expect(page.get_by_role("status")).to_have_text("The study is created. Its lead can go on from here.")
    expect(page.get_by_role("listitem").filter(has_text="A study from the page")).to_be_visible()


def test_another_session_is_ended(browse: Browse, tabs: Tabs, portal: Served) -> None:
    """One tab ends the other's session, which says so at its next step."""
    person = portal.person("two.tabs")
    page = browse(person, path="/account")
    other = browse(None)
    tabs.hold(other, portal.sign_in(person))
    other.goto("/account")
    page.reload()

    submit(page, "End this one")

    expect(page.get_by_role("status")).to_have_text("That session has ended.")
    other.reload()
    expect(other.get_by_role("status")).to_have_text("Your session has ended. Please sign in again.")


@pytest.mark.parametrize("javascript", [True, False], ids=["scripts", "no scripts"])
def test_device_is_enrolled_and_revoked(
    browse: Browse, check_page: Check, portal: Served, study: StudyPlace, *, javascript: bool
) -> None:
    """The admin shows a picture that a phone reads, sees the device to the day, and revokes it at once."""
    page = browse("admin", path="/admin/devices", javascript=javascript)
    page.get_by_label("Account name of the interviewer").fill(study["interviewer"].name)
    page.get_by_label("Study", exact=True).select_option(str(study.id))
    submit(page, "Make the code")
    expect(page.get_by_role("img", name="QR code for the device")).to_be_visible()
    code = page.locator("p.secret").first.inner_text()
    if javascript:
        check_page(page)
    device = portal.client().accounts.redeem_offer(code)
    client = portal.client(device["token"])
    assert client.studies.instruments(study.id)

    page.get_by_role("link", name="Done").click()
    row = page.get_by_role("row").filter(has_text=study["interviewer"].name)
    expect(row).not_to_contain_text("never")
    submit(page, f"Revoke {study['interviewer'].name}")

    expect(page.get_by_role("status")).to_have_text("The device is revoked.")
    expect(row).to_contain_text("revoked")
    with pytest.raises(Problem) as refused:
        client.studies.instruments(study.id)
    assert refused.value.status == HTTPStatus.UNAUTHORIZED
