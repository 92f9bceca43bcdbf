"""Guardians at work in a browser: threats, triage, hiding, notes."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from playwright.sync_api import Page

from tests.browser.browsing import PHONE, submit
from tests.serving import Served
from tests.system import StudyPlace

Browse = Callable[..., Page]
Check = Callable[[Page], None]


def threat(portal: Served, study: StudyPlace) -> UUID:
    """A record in which a threat came up."""
    answers = portal.body(study)["answers"] | {"threat_disclosed": {"value": "child_at_risk"}}
    return UUID(portal.submit(study, portal.body(study, answers=answers))["record"])


@pytest.mark.parametrize("javascript", [True, False], ids=["script", "no-script"])
def test_a_guardian_triages_a_threat(browse: Browse, portal: Served, study: StudyPlace, javascript: bool) -> None:
    """From the list to the decision and to a note, with and without scripts."""
    threat(portal, study)
    page = browse("guardian", study, path=f"/studies/{study.id}/protection", javascript=javascript)
    page.get_by_role("link", name="Open and triage").click()
    page.get_by_text("A child at risk").wait_for()

    page.get_by_label("Act: somebody is in danger").check()
    page.get_by_label("No: hide every release of it").check()
    page.get_by_label("Note for the guardians").fill("قال إن أخاه مراقب")
    submit(page, "Record the triage")
    page.get_by_text("Recorded. The case is hidden from research.").wait_for()
    page.get_by_text("Every threat has been looked at.").wait_for()

    page.get_by_role("link", name="Open", exact=False).last.click()
    page.get_by_label("New note").fill("Reached the sister; he is safe.")
    submit(page, "Add the note")

    notes = page.locator("#notes ~ ol > li")
    assert notes.count() == 2
    assert "Reached the sister; he is safe." in notes.first.inner_text()
    assert study["guardian"].name in notes.first.inner_text()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pages_are_for_everybody(
    browse: Browse, check_page: Check, portal: Served, place: StudyPlace, dark: bool
) -> None:
    """The list and a record pass axe and fit a phone."""
    record = threat(portal, place)
    for path in (f"/studies/{place.id}/protection", f"/studies/{place.id}/protection/{record}"):
        check_page(browse("guardian", path=path, dark=dark))
        check_page(browse("guardian", path=path, dark=dark, width=PHONE))


def test_right_to_left(browse: Browse, check_page: Check, portal: Served, place: StudyPlace) -> None:
    """In Arabic the page runs from right to left; what was said keeps its own direction."""
    record = threat(portal, place)

    page = browse("guardian", path=f"/studies/{place.id}/protection/{record}", locale="ar")

    assert page.locator("html").get_attribute("dir") == "rtl"
    assert page.locator(".testimony").first.get_attribute("dir") == "auto"
    check_page(page)
