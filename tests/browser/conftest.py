"""Fixtures of the browser tests: one server and one Chromium for this folder, tabs for each test.

They end with the folder: while Playwright runs, no other test of this process could start an event loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.browsing import Tabs, launch
from tests.deploy.files import program
from tests.serving import Served
from tests.system import StudyPlace

NUMBERS = iter(range(1, 1000))


@pytest.fixture(scope="package")
def chromium() -> str:
    """Debian's Chromium; without it these tests are skipped."""
    return program("chromium")


@pytest.fixture(scope="package")
def portal(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:  # noqa: ARG001
    """A system that serves over TLS (``tests/serving.py``) on SQLite, shared by all browser tests."""
    served = Served(tmp_path_factory.mktemp("portal") / "data", "sqlite")
    yield served
    served.close()


@pytest.fixture(scope="package")
def browser(chromium: str, portal: Served) -> Iterator[Browser]:
    """The browser."""
    with sync_playwright() as playwright:
        browser = launch(playwright, chromium, portal)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def place(portal: Served) -> StudyPlace:
    """The first study, for tests that change nothing others would miss."""
    return portal.first()


@pytest.fixture
def study(portal: Served) -> StudyPlace:
    """A study with people of the test's own."""
    number = next(NUMBERS)
    return portal.study(f"Study {number}", prefix=f"b{number}.")


@pytest.fixture
def tabs(browser: Browser, portal: Served) -> Iterator[Tabs]:
    """The test's own tabs."""
    tabs = Tabs(portal, browser)
    yield tabs
    tabs.close()


@pytest.fixture
def browse(tabs: Tabs) -> Callable[..., Page]:
    """Opens a tab signed in as somebody; see ``tests/browser/browsing.py``."""
    return tabs.open


@pytest.fixture
def check_page(tabs: Tabs) -> Callable[[Page], None]:
    """Asserts what every page must be; see ``tests/browser/browsing.py``."""
    return tabs.check
