"""Fixtures: Enketo in one script, a study whose interviewer uses it, and a phone's tab."""

from __future__ import annotations

import os
import ssl
import subprocess
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser

from tests.browser.browsing import PATIENCE, PHONE
from tests.browser.enketo.surveys import FOLDER, Survey, relayed
from tests.collect import Collect, enrolled
from tests.deploy.files import REQUIRE_ALL, program
from tests.serving import Served
from tests.system import StudyPlace

SECONDS = 60
# Enketo asks otherwise where there is no mouse: by what the browser says that it runs on.
ANDROID = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36"
BUNDLER = FOLDER / "node_modules" / "esbuild" / "bin" / "esbuild"


@pytest.fixture(scope="package")
def script(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Enketo and what its server puts around it, for a browser; without its packages these tests are skipped."""
    node, made = program("node"), tmp_path_factory.mktemp("enketo") / "client.js"
    if not BUNDLER.exists() and os.environ.get(REQUIRE_ALL):
        pytest.fail(f"the packages of Enketo are not installed: npm ci --prefix {FOLDER}")
    if not BUNDLER.exists():
        pytest.skip("the packages of Enketo are not installed")
    # A browser never calls the transformer's other half.
    options = ["--bundle", "--external:libxslt", "--log-level=error", f"--outfile={made}"]
    subprocess.run([node, BUNDLER, FOLDER / "client.js", *options], check=True, timeout=SECONDS)
    return made.read_bytes()


@pytest.fixture(scope="package")
def enketo_place(portal: Served) -> StudyPlace:
    """A study that only these tests send to."""
    return portal.study("Enketo", prefix="enketo.")


@pytest.fixture
def survey(script: bytes, enketo_place: StudyPlace, portal: Served, browser: Browser) -> Iterator[Survey]:
    """A phone's tab that shows forms of the study and sends over TLS, by way of a relay."""
    trust = ssl.create_default_context(cafile=str(portal.certificate))
    context = browser.new_context(viewport={"width": PHONE, "height": 844}, has_touch=True, user_agent=ANDROID)
    context.set_default_timeout(PATIENCE)
    page, wrong = context.new_page(), list[str]()
    page.on("pageerror", lambda error: wrong.append(str(error)))
    with httpx.Client(base_url=portal.url, verify=trust, trust_env=False, timeout=SECONDS) as http:
        with relayed(script, program("xsltproc"), Collect(http, enrolled(portal, enketo_place))) as relay:
            yield Survey(page, relay)
        context.close()
    assert wrong == []
