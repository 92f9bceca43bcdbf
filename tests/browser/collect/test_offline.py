"""The application on a phone without a network, and what its service worker keeps."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any
from uuid import UUID

from playwright.sync_api import Page

from app.client import Client, Problem
from app.web.collect.files import files
from tests.browser.collect.phones import Phones

KEPT = (
    "(async () => (await (await caches.open((await caches.keys())[0])).keys()).map(({url}) => new URL(url).pathname))()"
)


def test_opens_in_airplane_mode_after_one_visit(phones: Phones) -> None:
    """Every file is there, and nothing but the files: no answer of the API is ever kept."""
    phone = phones.new().enroll()
    phone.run("await install.install(); await navigator.serviceWorker.ready;")
    phone.reload()
    phone.run("await server.refresh().catch(({name}) => name);")

    phone.context.set_offline(True)
    phone.page.goto("/collect#anything")
    phone.page.reload()

    assert phone.page.locator("main").count() == 1
    assert sorted(phone.page.evaluate(KEPT)) == sorted(files())
    assert unanswered(phone.page, "/v1/intake-key")
    assert unanswered(phone.page, "/sign-in")


def unanswered(page: Page, path: str) -> bool:
    """Whether there is no answer to be had."""
    refused: bool = page.evaluate("path => fetch(path).then(() => false, () => true)", path)
    return refused


def test_service_worker_sends_without_a_page(phones: Phones) -> None:
    """Finished offline and the page closed: once there is a network the browser wakes the service worker."""
    phone = phones.new().enroll()
    phone.run("await install.install(); await navigator.serviceWorker.ready;")
    draft, body = phone.draft()
    devtools, told = phone.context.new_cdp_session(phone.page), list[dict[str, Any]]()
    devtools.on("ServiceWorker.workerRegistrationUpdated", lambda event: told.extend(event["registrations"]))
    devtools.send("ServiceWorker.enable")
    phone.context.set_offline(True)
    entry = phone.seal(draft, body)
    waiting = "(await navigator.serviceWorker.getRegistration('/collect')).sync.getTags()"
    phone.run(f"while (!(await {waiting}).includes('q')) await new Promise((done) => setTimeout(done, 10));")
    phone.page.goto("about:blank")
    phone.context.set_offline(False)

    # The browser itself would do so within some minutes.
    registration = told[-1]["registrationId"]
    wakes = {"origin": phone.served.url, "registrationId": registration, "tag": "q", "lastChance": False}
    devtools.send("ServiceWorker.dispatchSyncEvent", wakes)

    client = phone.served.signed_in("interviewer", phone.place)
    until = time.monotonic() + 20
    while not accepted(client, phone.served.receipt_keys(), entry["id"]):
        assert time.monotonic() < until
        phone.page.wait_for_timeout(50)


def accepted(client: Client, keys: dict[str, bytes], client_uuid: str) -> bool:
    """Whether the server has it."""
    with suppress(Problem):
        return client.intake.receipt(UUID(client_uuid), keys) is not None
    return False
