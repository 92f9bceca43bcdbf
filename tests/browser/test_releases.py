"""Releases in a browser: reading, reporting selected words, cutting, samples; the queue's looks."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from tests.browser.browsing import PHONE, submit
from tests.serving import Served
from tests.system import StudyPlace

Browse = Callable[..., Page]
Check = Callable[[Page], None]
SELECT = """words => {
  const walker = document.createTreeWalker(document.querySelector("[data-passage]"), NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const at = node.data.indexOf(words);
    if (at >= 0) { getSelection().setBaseAndExtent(node, at, node, at + words.length); return; }
  }
}"""
WORDS = "driving deliveries"


@pytest.fixture
def record(portal: Served, study: StudyPlace) -> UUID:
    """A released record."""
    return portal.released(study)


def read(browse: Browse, study: StudyPlace, record: UUID, who: str = "researcher", **options: object) -> Page:
    """A tab with the release."""
    return browse(who, study, path=f"/studies/{study.id}/releases/{record}", **options)


def test_selected_words_are_reported_and_cut(study: StudyPlace, browse: Browse, record: UUID) -> None:
    """The release is hidden from readers until an approver cut it; then they read the next one."""
    page = read(browse, study, record)
    page.evaluate(SELECT, WORDS)
    expect(page.get_by_label("The words, copied from the text")).to_have_value(WORDS)
    page.get_by_label("Why they may identify somebody").fill("his work")
    submit(page, "Report and hide the release")
    assert page.url.endswith("/releases?notice=reported")
    assert page.get_by_role("link", name="See to it").count() == 0

    approver = browse("approver", study, path=f"/studies/{study.id}/releases")
    approver.get_by_role("link", name="See to it").click()
    expect(approver.locator("blockquote")).to_have_text(WORDS)
    approver.evaluate(SELECT, "everybody had to pick a name")
    approver.get_by_role("button", name="Add the selected words").first.click()
    submit(approver, "Cut the release")

    page = read(browse, study, record)
    expect(page.locator(".reading").first).to_contain_text("I was [CUT")
    expect(page.get_by_text(WORDS)).to_have_count(0)
    expect(page.get_by_text("everybody had to pick a name")).to_have_count(0)


def test_reported_and_cut_without_scripts(study: StudyPlace, browse: Browse, record: UUID) -> None:
    """Words are copied by hand."""
    page = read(browse, study, record, javascript=False)
    page.get_by_label("The words, copied from the text").fill(WORDS)
    page.get_by_label("Why they may identify somebody").fill("his work")
    submit(page, "Report and hide the release")
    approver = read(browse, study, record, "approver", javascript=False)
    approver.get_by_role("link", name="Cut this release").click()
    submit(approver, "Cut the release")

    expect(read(browse, study, record).get_by_text(WORDS)).to_have_count(0)


def test_a_sample_for_the_auditors(study: StudyPlace, browse: Browse, record: UUID) -> None:
    """Drawn by an approver, found and read by an auditor."""
    submit(read(browse, study, record, "approver"), "Draw it as a sample for the auditors")
    page = browse("auditor", study, path=f"/studies/{study.id}/samples")
    page.locator("main a").first.click()

    expect(page.locator(".reading").first).to_contain_text("My name is [PERSON-01]")
    assert page.url.endswith(f"/samples/{record}")


@pytest.mark.parametrize(("width", "dark", "locale"), [(1280, False, "en"), (PHONE, True, "ar")])
def test_pages_of_releases_are_accessible(
    study: StudyPlace, browse: Browse, record: UUID, check_page: Check, width: int, locale: str, *, dark: bool
) -> None:
    """List, release, cut and samples."""
    options = {"width": width, "dark": dark, "locale": locale}
    submit(read(browse, study, record, "approver"), "Draw it as a sample for the auditors")
    listing = f"/studies/{study.id}/releases"
    for who, path in (
        ("researcher", listing),
        ("approver", f"{listing}/{record}"),
        ("approver", f"{listing}/{record}/cut"),
        ("auditor", f"/studies/{study.id}/samples"),
        ("auditor", f"/studies/{study.id}/samples/{record}"),
    ):
        check_page(browse(who, study, path=path, **options))


@pytest.mark.parametrize(("width", "dark", "locale"), [(1280, True, "en"), (PHONE, False, "ar")])
def test_the_queue_is_accessible(
    portal: Served, study: StudyPlace, browse: Browse, check_page: Check, width: int, locale: str, *, dark: bool
) -> None:
    """With something in it, for redactors and approvers."""
    portal.finished(study)
    portal.drafted(study)
    for who in ("redactor", "approver"):
        check_page(browse(who, study, path=f"/studies/{study.id}/queue", width=width, dark=dark, locale=locale))
