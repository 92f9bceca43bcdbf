"""Fixtures: phones of the first study on the browser and the server that all browser tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.collect.phones import Phone, Phones
from tests.serving import Served
from tests.system import StudyPlace


@pytest.fixture(scope="module")
def phones(portal: Served, place: StudyPlace, browser: Browser) -> Iterator[Phones]:
    """Makes phones."""
    phones = Phones(portal, place, browser)
    yield phones
    phones.close()


@pytest.fixture(scope="module")
def phone(phones: Phones) -> Phone:
    """One phone for a whole module, enrolled."""
    return phones.new().enroll()
