"""A study's people, questionnaires, overview and audit in a real browser."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from app.studies.instrument import bundled_definition
from tests.browser.browsing import submit
from tests.serving import Served
from tests.system import StudyPlace

Browse = Callable[..., Page]
Check = Callable[[Page], None]


def test_questionnaire_preview_is_accessible_in_the_dark(browse: Browse, check_page: Check, place: StudyPlace) -> None:
    """The longest page of a study."""
    page = browse("lead", path=f"/studies/{place.id}/instruments", dark=True)
    page.locator("main a[href*='/instruments/']").last.click()
    check_page(page)


def test_removal_and_moving_with_a_progress_bar(
    browse: Browse, check_page: Check, portal: Served, study: StudyPlace
) -> None:
    """The lead removes a guardian; another guardian's browser moves every grant by itself."""
    for _ in range(3):
        portal.submit(study)
    lead = browse("lead", study, path=f"/studies/{study.id}/members/{study['guardian2'].id}/removal")
    check_page(lead)
    submit(lead, "Remove")
    expect(lead.get_by_role("status")).to_contain_text("Removed.")
    guardian = browse("guardian", study, path=f"/studies/{study.id}/teams/guardians/moves")
    check_page(guardian)
    guardian.get_by_role("button", name="Go on").click()
    expect(guardian.get_by_role("status")).to_contain_text("Every grant is moved.")


def test_questionnaire_is_uploaded_from_a_file_and_published_by_another(
    browse: Browse, portal: Served, study: StudyPlace, tmp_path: Path
) -> None:
    """The script reads the file; two people are needed."""
    file = tmp_path / "questionnaire.json"
    file.write_text(json.dumps(bundled_definition() | {"version": "1.0.1"}))
    lead = browse("lead", study, path=f"/studies/{study.id}/instruments/upload")
    lead.get_by_label("File").set_input_files(file)
    expect(lead.get_by_label("Definition as JSON")).not_to_have_value("")
    submit(lead, "Upload as a draft")
    expect(lead.get_by_role("button", name="Publish")).to_be_disabled()
    approver = browse("approver", study, path=lead.url.removeprefix(portal.url).partition("?")[0])
    submit(approver, "Publish")
    expect(approver.get_by_role("status")).to_contain_text("Published.")
