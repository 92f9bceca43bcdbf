"""Disclosure by two people in a browser, and what a browser keeps of it: nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Error, Page

from app.review import disclosure
from app.review.disclosure import ApproveAsk, ReadAsk
from tests.browser.browsing import PHONE, Tabs, submit
from tests.serving import Served
from tests.system import StudyPlace

Browse = Callable[..., Page]
NAME = "Sameer Idris Rahmanov"
REASON = "His brother has to be warned today."
SHOW = "Show the fields now"


@pytest.fixture(scope="module")
def record(portal: Served, place: StudyPlace) -> UUID:
    """A record whose identity needs two people."""
    return UUID(portal.submit(place)["record"])


def asked(portal: Served, place: StudyPlace, record: UUID) -> UUID:
    """An ask for the name, by the API."""
    client = portal.signed_in("guardian", place)
    return client.disclosures.ask(place.id, record, scope="identity", fields=["legal_name"], reason=REASON)


def approved(portal: Served, place: StudyPlace, record: UUID) -> str:
    """The address of an ask that an auditor approved."""
    ask, auditor = asked(portal, place, record), portal.signed_in("auditor", place).disclosures
    auditor.approve(place.id, ask, digest=auditor.read_ask(place.id, ask)["digest"])
    return f"/studies/{place.id}/disclosures/{ask}"


def ending(monkeypatch: pytest.MonkeyPatch, portal: Served, place: StudyPlace, record: UUID, seconds: int) -> str:
    """The address of an ask that was approved for some seconds."""
    ask, parts = asked(portal, place, record), portal.web.collaborators
    monkeypatch.setattr(disclosure, "LASTS", timedelta(seconds=seconds))
    reading = ReadAsk(parts, portal.acting("auditor", place), ask)
    digest = portal.web.read(reading).digest
    portal.web.make(ApproveAsk(reading, digest))
    return f"/studies/{place.id}/disclosures/{ask}"


def shows_nothing(page: Page) -> bool:
    """Whether nothing of what was disclosed is on whatever page the browser shows in the end."""
    for _ in range(20):
        page.wait_for_timeout(200)
        with suppress(Error):
            return NAME not in page.content()
    raise AssertionError("the browser never came to rest")


def go(page: Page, step: Callable[[], object]) -> None:
    """Go back, forward, or load again; a browser that has no page there any more shows an error of its own."""
    with suppress(Error):
        step()
    with suppress(Error):
        page.wait_for_load_state()


@pytest.mark.parametrize("javascript", [True, False], ids=["script", "no-script"])
def test_two_people_disclose(browse: Browse, portal: Served, study: StudyPlace, javascript: bool) -> None:
    """A guardian asks, an auditor approves, the guardian reads: by the pages alone, with and without scripts."""
    receipt = portal.submit(study)
    guardian = browse("guardian", study, path=f"/studies/{study.id}/disclosures", javascript=javascript)
    guardian.get_by_label("Case code").fill(receipt["case"].lower())
    submit(guardian, "Find the case")
    guardian.get_by_role("link", name="Ask for fields of the identity").click()
    guardian.get_by_label("Legal name").check()
    guardian.get_by_label("Why is this needed?").fill(REASON)
    submit(guardian, "Ask the auditors")
    guardian.get_by_text("Asked. An auditor answers").wait_for()

    auditor = browse("auditor", study, path=f"/studies/{study.id}/disclosures", javascript=javascript)
    auditor.get_by_role("link", name="Read and answer").click()
    auditor.get_by_text(REASON).wait_for()
    submit(auditor, "Approve this ask")

    guardian.reload()
    guardian.get_by_role("link", name="Go on").click()
    submit(guardian, SHOW)
    guardian.get_by_text(NAME).wait_for()
    assert "Daoud" not in guardian.content()


@pytest.mark.parametrize("javascript", [True, False], ids=["script", "no-script"])
def test_nothing_is_left_to_go_back_to(
    browse: Browse, portal: Served, place: StudyPlace, record: UUID, javascript: bool
) -> None:
    """Left for another page, neither Back nor Forward shows the fields again."""
    page = browse("guardian", path=approved(portal, place, record), javascript=javascript)
    submit(page, SHOW)
    page.get_by_text(NAME).wait_for()
    with page.expect_navigation():
        page.get_by_role("link", name="Close this page").click()
    assert shows_nothing(page)

    go(page, page.go_back)
    assert shows_nothing(page)
    go(page, page.go_back)
    assert shows_nothing(page)
    go(page, page.go_forward)
    assert shows_nothing(page)


@pytest.fixture
def keeping(browser: Browser, portal: Served) -> Iterator[Tabs]:
    """Tabs of a browser that keeps whole pages for going back, as people's browsers do and test browsers do not."""
    other = browser.browser_type.launch(
        executable_path="/usr/bin/chromium",
        args=["--no-sandbox", "--ignore-certificate-errors"],
        ignore_default_args=["--disable-back-forward-cache"],
    )
    tabs = Tabs(portal, other)
    yield tabs
    tabs.close()
    other.close()


def is_kept(page: Page, path: str, then: str) -> bool:
    """Whether the browser shows a page again as it was, after another one."""
    page.goto(path)
    page.evaluate("addEventListener('pageshow', event => { document.title = `kept ${event.persisted}`; })")
    page.goto(then)
    try:
        page.evaluate("history.back()")
        page.wait_for_function("document.title === 'kept true'", timeout=10_000)
    except Error:
        return False
    return True


def test_the_browser_that_keeps_pages_does(keeping: Tabs, portal: Served, place: StudyPlace, record: UUID) -> None:
    """What fails below does not fail for want of a cache: a page that is opened by a link is kept whole.

    A browser may drop one when it is busy, so there are three tries.
    """
    path, then = (f"/studies/{place.id}/disclosures{end}" for end in (f"/{asked(portal, place, record)}", ""))

    assert any(is_kept(keeping.open("guardian"), path, then) for _ in range(3))


def test_a_browser_that_keeps_pages_keeps_none_of_these(
    keeping: Tabs, portal: Served, place: StudyPlace, record: UUID
) -> None:
    """Without scripts too: the answer to a form is never kept whole."""
    page = keeping.open("guardian", path=approved(portal, place, record), javascript=False)
    submit(page, SHOW)
    page.get_by_text(NAME).wait_for()
    with page.expect_navigation():
        page.get_by_role("link", name="Close this page").click()

    go(page, page.go_back)

    assert shows_nothing(page)


@pytest.mark.parametrize("javascript", [True, False], ids=["script", "no-script"])
def test_the_page_leaves_by_itself(
    browse: Browse,
    portal: Served,
    place: StudyPlace,
    record: UUID,
    monkeypatch: pytest.MonkeyPatch,
    javascript: bool,
) -> None:
    """When the time is over the fields are gone, with or without scripts, and no way back shows them."""
    page = browse("guardian", javascript=javascript)
    path = ending(monkeypatch, portal, place, record, 8)
    page.goto(path)
    submit(page, SHOW)
    assert not shows_nothing(page)

    page.wait_for_url(portal.url + path)

    # It leaves within its last second, never after it.
    page.wait_for_timeout(1500)
    page.reload()
    page.get_by_text("The time is over.").wait_for()
    for step in (page.reload, page.go_back, page.reload, page.go_forward):
        go(page, step)
        assert shows_nothing(page)


def test_a_clock_that_jumps_ends_it(browse: Browse, portal: Served, place: StudyPlace, record: UUID) -> None:
    """A tab that slept through its hour takes the fields away when it wakes up."""
    path = approved(portal, place, record)
    page = browse("guardian", path=path)
    page.clock.install()
    submit(page, SHOW)
    page.get_by_text(NAME).wait_for()
    assert page.locator("[data-countdown]").inner_text().startswith("59:")

    page.clock.fast_forward("01:00:00")

    page.wait_for_url(portal.url + path)
    assert shows_nothing(page)


def test_nothing_is_printed(browse: Browse, portal: Served, place: StudyPlace, record: UUID) -> None:
    """A print preview is empty."""
    page = browse("guardian", path=approved(portal, place, record))
    submit(page, SHOW)
    assert page.get_by_text(NAME).is_visible()

    page.emulate_media(media="print")

    assert not page.get_by_text(NAME).is_visible()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pages_are_for_everybody(
    browse: Browse,
    check_page: Callable[[Page], None],
    portal: Served,
    place: StudyPlace,
    record: UUID,
    dark: bool,
) -> None:
    """Every page of a disclosure passes axe and fits a phone."""
    path = approved(portal, place, record)
    waiting = asked(portal, place, record)
    for who, address in (
        ("guardian", f"/studies/{place.id}/disclosures"),
        ("auditor", f"/studies/{place.id}/disclosures"),
        ("guardian", f"/studies/{place.id}/disclosures/records/{record}/identity"),
        ("auditor", f"/studies/{place.id}/disclosures/{waiting}"),
        ("guardian", path),
    ):
        check_page(browse(who, path=address, dark=dark))
    page = browse("guardian", path=path, dark=dark, width=PHONE)
    submit(page, SHOW)
    page.get_by_text(NAME).wait_for()
    check_page(page)


def test_right_to_left(
    browse: Browse, check_page: Callable[[Page], None], portal: Served, place: StudyPlace, record: UUID
) -> None:
    """In Arabic the page runs from right to left, and the reader's name covers it all the same."""
    page = browse("guardian", path=approved(portal, place, record), locale="ar")
    with page.expect_navigation():
        page.locator("form[action$='/reading'] button").click()

    assert page.locator("html").get_attribute("dir") == "rtl"
    assert page.locator("[data-mark]").count() >= 48
    check_page(page)
