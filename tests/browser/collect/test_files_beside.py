"""Files beside everything else: interviews go first, and a finger that slips costs nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.collect.filling import Form
from tests.browser.collect.phones import Phone, Phones
from tests.browser.collect.test_files import ONE_FILE, add, choose, parts
from tests.browser.collect.test_queue import offline

KEPT = """async () => {
  const [vault, parts] = [await import("/collect/vault.js"), await import("/collect/parts.js")];
  return [(await vault.names("file/")).length, (await parts.withParts()).length];
}"""
# While a piece of a file is on its way another interview is finished; the requests are told in their order.
FINISH_MEANWHILE = """const [seen, real] = [[], fetch];
    const finish = (id) => queue.finish(id, given.body, {number: 1, day: "2026-01-31"});
    globalThis.fetch = async (path, how) => {
      if (path.includes("/v1/records/") && seen.push(how.method) === 3) await finish(given.second);
      return real(path, how);
    };
    await finish(given.first);
    await queue.send();
    globalThis.fetch = real;
    return seen;"""


@pytest.fixture(autouse=True)
def empty(phone: Phone) -> Iterator[None]:
    """Tests begin with an empty list, and leave a network without changes behind."""
    phone.run("for (const {id} of await queue.entries()) await store.write([['d', id, null], ['e', id, null]]);")
    yield
    phone.context.set_offline(False)
    phone.context.unroute_all()


def sealed(phone: Phone, *sizes: int) -> dict[str, Any]:
    """An interview with files that was finished: its entry."""
    draft, body = phone.draft()
    for size in sizes:
        assert add(phone, draft, size) is None
    entry: dict[str, Any] = phone.seal(draft, body)
    return entry


def states(phone: Phone) -> dict[str, str]:
    """States of the finished ones by id."""
    return {entry["id"]: entry["state"] for entry in phone.entries()}


@pytest.mark.parametrize("status", [429, 507], ids=["busy", "no room"])
def test_files_that_the_server_puts_off_hold_up_no_interview(phone: Phone, status: int) -> None:
    """An interview of a few kilobytes goes, whatever becomes of another's files; those go later."""
    problem = {"type": "urn:testimony:problem:later", "title": "Later", "status": status}
    put_off = {"status": status, "json": problem, "headers": {"retry-after": "60"}}
    phone.context.route(ONE_FILE, lambda route: route.fulfill(**put_off))
    with offline(phone):
        ids = {sealed(phone, 10, 10)["id"], sealed(phone, 10)["id"]}
    phone.send()
    found = {entry["id"]: (entry["state"], entry.get("arrived")) for entry in phone.entries()}
    tried = phone.run("return sender.sendDue();")
    phone.context.unroute_all()
    phone.send()

    assert found == dict.fromkeys(ids, ("waiting", True))
    assert tried == {"wait": 0, "more": True}
    assert states(phone) == dict.fromkeys(ids, "sent")


def test_an_interview_goes_between_the_pieces_of_a_file(phone: Phone) -> None:
    """What is finished while a long file is being sent waits for one piece of it, and the file goes on from there."""
    (first, body), (second, _) = phone.draft(), phone.draft()
    assert add(phone, first, 4_200_000) is None

    seen = phone.run(FINISH_MEANWHILE, first=first, second=second, body=body)

    assert seen == ["PUT", "POST", "PATCH", "PUT", "POST", "PATCH"]
    assert phone.states() == ["sent"] * 2


def test_a_file_that_went_with_its_interview_is_not_removed(phone: Phone) -> None:
    """Removed and finished at the same time, it is either gone or sent, and never sealed without its content."""
    draft, body = phone.draft()
    assert add(phone, draft, 10) is None
    both = """const [{id}] = await attachments.list(given.draft);
        const finishing = queue.finish(given.draft, given.body, {number: 1, day: "2026-01-31"});
        await attachments.remove(given.draft, id);
        return finishing;"""

    entry = phone.run(both, draft=draft, body=body)
    phone.send()

    assert entry["files"] == {"sent": 0, "count": 1}
    assert states(phone)[entry["id"]] == "sent"


def test_nothing_is_added_to_what_is_being_deleted(phone: Phone) -> None:
    """A file before and one after: neither keeps a key or a part."""
    draft, _ = phone.draft()
    during = """const file = new File(["text"], "x");
        const adding = () => attachments.add(given.draft, file).then(() => "", ({name}) => name);
        return Promise.all([adding(), attachments.discard(given.draft).then(() => ""), adding()]);"""

    assert phone.run(during, draft=draft) == ["", "", "Missing"]
    assert (parts(phone), phone.run("return vault.names('file/');")) == (0, [])


def test_files_without_a_draft_are_swept(phone: Phone) -> None:
    """The app ended after consent was taken back: the next time the files go."""
    draft, _ = phone.draft()
    assert add(phone, draft, 10) is None
    phone.run("await vault.drop(`draft/${given.id}`); await attachments.sweep();", id=draft)

    assert (parts(phone), phone.run("return vault.names('file/');")) == (0, [])


@pytest.fixture(scope="module")
def form(phones: Phones) -> Form:
    """The form with consent given and a recording, at the consent."""
    phone = phones.new()
    form = Form(phone.page)
    form.enroll(phone.code())
    form.begin()
    form.fill_section(phone.served.body(phone.place)["answers"])
    form.press("Photos, recordings, files")
    choose(form, "one.m4a")
    expect(form.page.locator("li.entry")).to_have_count(1)
    form.press("Back")
    expect(form.heading).to_have_text("Consent")
    return form


def take_back(form: Form) -> None:
    """Answer that there is no consent, and wait until the draft is gone."""
    form.answer("consent_given", {"value": False})
    expect(form.page.get_by_text("Nothing is stored yet")).to_be_visible()
    gone = """async () => !(await (await import("/collect/vault.js")).names("draft/")).length"""
    form.page.wait_for_function(gone)


def test_a_wrong_tap_on_consent_deletes_no_recording(form: Form) -> None:
    """The answers go at once; the files are there again with the right tap."""
    take_back(form)
    form.answer("consent_given", {"value": True})
    expect(form.page.locator(".saved")).to_have_text("Saved, encrypted")
    form.press("Photos, recordings, files")

    expect(form.page.locator("li.entry")).to_contain_text("one.m4a")
    form.press("Back")


def test_left_without_consent_the_files_go(form: Form) -> None:
    """The list is asked for twice; then no key and no part stays."""
    take_back(form)
    ahead = form.page.locator(".bar .quiet")
    ahead.click()
    expect(ahead).to_have_text("Press again to delete it for good")
    asked = form.page.evaluate(KEPT)
    form.page.wait_for_timeout(450)
    ahead.click()
    expect(form.heading).to_have_text("Interviews")

    assert asked == [1, 1]
    assert form.page.evaluate(KEPT) == [0, 0]
