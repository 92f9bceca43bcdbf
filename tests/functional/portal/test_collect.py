"""What the server gives phones: files without data that no cache of the browser keeps, under a policy of their own."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from app.web.collect.files import FOLDER, PAGE, files
from tests.functional.portal.visitor import Visitor

SAME_SITE = {"sec-fetch-site": "same-origin", "sec-fetch-dest": "empty"}


@pytest.fixture(scope="module")
def nobody(visit: Callable[..., Visitor]) -> Visitor:
    """A browser in which nobody is signed in."""
    return visit(None)


def worker(nobody: Visitor, name: str) -> tuple[dict[str, str], str]:
    """What a service worker keeps, and the name of its version."""
    script = nobody.get(f"/collect/{name}").text
    kept = re.search(r"^self.FILES = (.*);$", script, re.MULTILINE)
    version = re.search(r'^self.VERSION = "(.*)";$', script, re.MULTILINE)
    assert kept is not None
    assert version is not None
    return json.loads(kept[1]), version[1]


def test_every_file_is_served_and_kept_by_its_digest(nobody: Visitor) -> None:
    """The service worker's list names every file, the page included, each with the digest of what is served."""
    kept, _ = worker(nobody, "m.js")

    assert kept.keys() == files().keys()
    assert PAGE in kept
    for address, integrity in kept.items():
        content = nobody.get(address).answer.content
        assert integrity == "sha256-" + base64.b64encode(sha256(content).digest()).decode()


def test_service_workers_differ_in_sending_only(nobody: Visitor) -> None:
    """One is a module that sends in the background, the other imports nothing; both keep the same version."""
    assert worker(nobody, "m.js") == worker(nobody, "w.js")
    assert "import " not in nobody.get("/collect/w.js").text
    assert nobody.get("/collect/m.js").text.startswith('import { sendDue } from "/collect/sender.js";')


@pytest.mark.parametrize(
    "path", ["/collect", "/collect/m.js", "/collect/crypto/hpke.js", "/collect/manifest.webmanifest"]
)
def test_headers_are_strict(nobody: Visitor, path: str) -> None:
    """Own scripts only, no markup from text, no form, no frame; nothing in a cache that no script can empty."""
    headers = nobody.get(path).answer.headers

    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["form-action"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == policy["worker-src"] == "'self'"
    assert (policy["require-trusted-types-for"], policy["trusted-types"]) == ("'script'", "w")
    assert headers["cache-control"] == "no-store"
    assert headers["service-worker-allowed"] == PAGE
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "set-cookie" not in headers


def test_nothing_names_what_it_is() -> None:
    """Neither an address nor the page itself says more than that it takes notes."""
    telling = re.compile(r"testimon|defect|interview|witness", re.IGNORECASE)
    seen = [*files(), files()[PAGE].content.decode()]

    assert [text for text in seen if telling.search(text)] == []


def test_manifest_wears_the_study_s_name_and_icon(nobody: Visitor) -> None:
    """What enrollment told; neutral before; no icon but ours, no name that is none."""
    manifest: dict[str, Any] = nobody.get("/collect/manifest.webmanifest?name=Einkauf&icon=list").answer.json()

    assert (manifest["name"], manifest["short_name"]) == ("Einkauf", "Einkauf")
    assert manifest["start_url"] == manifest["scope"] == PAGE
    assert {icon["src"] for icon in manifest["icons"]} <= files().keys()
    assert nobody.get("/collect/manifest.webmanifest").answer.json()["name"] == "Notes"
    for wrong in ("icon=../app", "icon=", "name=", "name=" + "x" * 31, "name=%07", "other=1"):
        assert nobody.get(f"/collect/manifest.webmanifest?{wrong}").status in {404, 422}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {**SAME_SITE, "sec-fetch-site": "cross-site"},
        {**SAME_SITE, "sec-fetch-site": "same-site"},
        {**SAME_SITE, "sec-fetch-dest": "image"},
        {**SAME_SITE, "sec-fetch-dest": "document"},
    ],
    ids=["says nothing", "another site", "another host", "an image", "a link"],
)
def test_no_other_site_wipes_a_phone(nobody: Visitor, headers: dict[str, str]) -> None:
    """The browser is told to forget this site only when a script of this site asks."""
    refused = nobody.http.get("/collect/clear", headers=headers)

    assert refused.status_code == 403
    assert "clear-site-data" not in refused.headers
    cleared = nobody.http.get("/collect/clear", headers=SAME_SITE)
    assert cleared.headers["clear-site-data"] == '"cache", "cookies", "storage"'


@pytest.mark.parametrize(
    "path", ["/collect/worker.js", "/collect/..%2ffiles.py", "/collect/%2e%2e/files.py", "/collect/x"]
)
def test_nothing_else_is_served(nobody: Visitor, path: str) -> None:
    """Only what the list names; the list is what lies in the folder."""
    assert nobody.get(path).status == 404
    assert {path.name for path in FOLDER.iterdir()} >= {"worker.js", "index.html"}
