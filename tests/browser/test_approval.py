"""Approval in a browser: reading, joining labels, releasing or sending back, and what is explained and off."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from app.cases.models import Record
from tests.browser.browsing import PHONE, submit
from tests.serving import Served
from tests.system import StudyPlace

Browse = Callable[..., Page]
Check = Callable[[Page], None]


@pytest.fixture
def record(portal: Served, study: StudyPlace) -> UUID:
    """A finished record that waits for an approver."""
    return portal.finished(study)


def take(browse: Browse, study: StudyPlace, *, javascript: bool = True) -> Page:
    """A tab with the next record of the approver's queue."""
    page = browse("approver", study, path=f"/studies/{study.id}/queue", javascript=javascript)
    submit(page, "Take the next one")
    return page


@pytest.mark.parametrize("javascript", [True, False])
def test_approved_by_another_person(
    portal: Served, study: StudyPlace, browse: Browse, record: UUID, *, javascript: bool
) -> None:
    """With a label of the approver's own, every doubt looked at; then researchers read it."""
    page = take(browse, study, javascript=javascript)
    page.get_by_label("Label of PERSON-01 in this release").fill("PERSON-44")
    submit(page, "Show it with these labels")
    expect(page.locator(".reading").first).to_contain_text("My name is [PERSON-44]")
    page.locator("[name=doubts]").check()
    submit(page, "Approve and release")

    assert page.url.endswith("/queue?notice=released")
    with portal.signed_in("researcher", study) as client:
        assert "My name is [PERSON-44]" in str(client.research.release(study.id, record)["values"])


def test_sent_back_to_the_redactor(study: StudyPlace, browse: Browse, record: UUID) -> None:
    """The comment stands above the desk."""
    page = take(browse, study)
    page.get_by_label("Comment for the redactor").fill("Mind the blue bus.")
    submit(page, "Send back")
    desk = browse("redactor", study, path=f"/studies/{study.id}/records/{record}/desk")

    expect(desk.locator(".comment")).to_contain_text("Mind the blue bus.")


def test_ones_own_interview_is_explained(
    portal: Served, study: StudyPlace, browse: Browse, record: UUID, check_page: Check
) -> None:
    """The buttons can be reached, say why they are off, and do nothing."""
    page = take(browse, study)
    with portal.runtime.transaction() as session:
        session.execute(update(Record).where(Record.id == record).values(submitter_id=study["approver"].id))
    page.reload()
    button = page.get_by_role("button", name="Approve and release")
    button.focus()
    page.keyboard.press("Enter")

    expect(button).to_have_attribute("aria-disabled", "true")
    expect(button).to_have_accessible_description(
        "You cannot approve this draft. You may not approve your own interview."
    )
    assert page.url.endswith("/approval")
    check_page(page)


def test_the_source_is_compared_only_when_asked_for(study: StudyPlace, browse: Browse, record: UUID) -> None:
    """Clean text first, spans second."""
    del record
    page = take(browse, study)
    name = page.get_by_text("Sameer Rahmanov").first
    expect(name).to_be_hidden()
    page.locator("summary").first.click()
    expect(name).to_be_visible()


def test_an_arabic_record_keeps_its_direction(
    portal: Served, study: StudyPlace, browse: Browse, check_page: Check
) -> None:
    """In a page that is written the other way, labels included."""
    portal.finished(study, body=portal.body(study, 2))
    page = take(browse, study)

    assert page.locator(".reading").first.evaluate("text => getComputedStyle(text).direction") == "rtl"
    assert page.locator(".reading .label").first.evaluate("label => getComputedStyle(label).unicodeBidi") == "isolate"
    check_page(page)


@pytest.mark.parametrize(("width", "dark", "locale"), [(1280, False, "en"), (PHONE, True, "en"), (PHONE, False, "ar")])
def test_approval_is_accessible(
    study: StudyPlace, browse: Browse, record: UUID, check_page: Check, width: int, locale: str, *, dark: bool
) -> None:
    """With the source open."""
    address = take(browse, study).url.split("/", 3)[3]
    page = browse("approver", study, path=f"/{address}", width=width, dark=dark, locale=locale)
    assert str(record) in page.url
    for summary in page.locator("summary").all():
        summary.click()
    check_page(page)
