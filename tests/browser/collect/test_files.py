"""Photos, recordings and documents: sealed when they are added, at the end closed to the phone, sent to the last."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Route, expect
from sqlalchemy import select

from app.cases.models import Record
from tests.browser.browsing import sideways, violations
from tests.browser.collect.arriving import arrived
from tests.browser.collect.filling import Form
from tests.browser.collect.phones import PIN, Phone, Phones
from tests.browser.collect.test_form import small
from tests.browser.collect.test_queue import allow, offline
from tests.serving import Served

ONE_FILE = "**/v1/records/*/files/*"
CANARY = "zqbirdname"
# The same bytes on both sides, without sending them.
BYTES = """const bytes = (size, first) => {
    const made = new Uint8Array(size);
    let state = first;
    for (let at = 0; at < Math.min(size, 9973); at++) made[at] = (state = (state * 16807) % 2147483647) >> 16;
    for (let at = 9973; at < size; at += 9973) made.copyWithin(at, 0, 9973);
    return made;
  };"""
ADD = BYTES + "await attachments.add(given.draft, new File([bytes(given.size, given.first)], given.name));"
PART = 16 * 65_552


def content(size: int, first: int) -> bytes:
    """What ``bytes`` gives in the browser."""
    made, state = bytearray(), first
    for _ in range(9973):
        state = state * 16807 % 2147483647
        made.append(state >> 16 & 255)
    return (bytes(made) * (size // 9973 + 1))[:size]


@pytest.fixture(autouse=True)
def empty(phone: Phone) -> Iterator[None]:
    """Tests begin with an open vault and nothing that waits, and leave a network without changes behind."""
    phone.run(
        """for (const name of [...await vault.names("file/"), ...await vault.names("draft/")]) await vault.drop(name);
        for (const {id} of await queue.entries()) await store.write([["d", id, null], ["e", id, null]]);
        await attachments.sweep();"""
    )
    yield
    phone.context.set_offline(False)
    phone.context.unroute_all()


def add(phone: Phone, draft: str, size: int, first: int = 1, name: str = f"{CANARY}.m4a") -> Any:
    """Add a file to a draft; what goes wrong."""
    return phone.run(ADD, draft=draft, size=size, first=first, name=name)


def parts(phone: Phone) -> int:
    """How many files have parts on the phone."""
    found: int = phone.run("return (await parts.withParts()).length;")
    return found


def received(served: Served, entry: dict[str, Any]) -> dict[str, str]:
    """The files of an entry that the server keeps: digests by name."""
    with served.runtime.glance() as session:
        record = session.scalars(select(Record.id).where(Record.client_uuid == UUID(entry["id"]))).one()
    return arrived(served, record)


def digests(**sent: tuple[int, int]) -> dict[str, str]:
    """What must have arrived."""
    return {f"{name}.m4a": hashlib.sha256(content(*made)).hexdigest() for name, made in sent.items()}


def test_files_added_offline_arrive_as_they_were(phone: Phone) -> None:
    """Of every size; the list tells how many are there; afterwards the phone has nothing of them."""
    draft, body = phone.draft()
    sizes = {"empty": (0, 1), "small": (70_000, 2), "parts": (1_200_000, 3)}
    with offline(phone):
        for name, (size, first) in sizes.items():
            assert add(phone, draft, size, first, f"{name}.m4a") is None
        entry = phone.seal(draft, body)
        waiting = entry["files"]
    phone.send()

    (sent,) = phone.entries()
    assert waiting == {"sent": 0, "count": 3}
    assert (sent["state"], sent["files"]) == ("sent", {"sent": 3, "count": 3})
    assert received(phone.served, entry) == digests(**sizes)
    assert parts(phone) == 0


def test_neither_name_nor_content_rests_in_clear(phone: Phone) -> None:
    """Not in a draft, under the PIN; nor once it is finished, when the open vault has no key of it any more."""
    draft, body = phone.draft()
    script = BYTES + "await attachments.add(given.draft, new File([given.text.repeat(9000)], given.text));"
    phone.run(script, draft=draft, text=CANARY)
    begun = phone.raw()
    (listed,) = phone.run("return attachments.list(given.draft);", draft=draft)
    with offline(phone):
        phone.seal(draft, body)
        finished = phone.raw()
        (item,) = phone.run("return [...(await store.readAll(store.QUEUE)).values()];")

    assert CANARY not in begun + finished
    assert listed["name"] == CANARY
    assert phone.run("return vault.names('file/');") == []
    assert [set(file) for file in item["files"]] == [{"id", "head"}]
    assert item["files"][0]["id"] == listed["id"]
    phone.send()


def test_a_file_that_was_cut_goes_on(phone: Phone) -> None:
    """In the middle of it the network ends, the server is started anew and so is the phone: it goes on from there."""
    draft, body = phone.draft()
    add(phone, draft, 4_200_000, 4, "long.m4a")
    add(phone, draft, 10, 5, "short.m4a")
    offsets: list[int] = []

    def cut(route: Route) -> None:
        if route.request.method == "PATCH":
            offsets.append(int(route.request.headers["upload-offset"]))
            if offsets[-1]:
                route.abort()
                return
        route.continue_()

    phone.context.route(ONE_FILE, cut)
    entry = phone.seal(draft, body)
    phone.send()
    (half,) = phone.entries()
    phone.context.unroute_all()
    phone.served.kill()
    phone.send()
    phone.served.start()
    phone.reload()
    phone.run("await vault.unlock(given.pin);", pin=PIN)
    again: list[int] = []
    noted = lambda request: again.append(int(request.headers.get("upload-offset", -1)))  # noqa: E731
    phone.context.on("request", noted)
    phone.send()
    phone.context.remove_listener("request", noted)

    assert set(offsets) == {0, 4 * PART}
    assert (half["state"], half["arrived"], half["files"]) == ("waiting", True, {"sent": 0, "count": 2})
    assert 4 * PART in again
    assert phone.states() == ["sent"]
    assert received(phone.served, entry) == digests(long=(4_200_000, 4), short=(10, 5))


@pytest.mark.parametrize("word", ["", "A" * 86 + "=="], ids=["none", "forged"])
def test_a_file_is_deleted_on_a_signed_word_only(phone: Phone, word: str) -> None:
    """Without it, or with one that the pinned key did not sign, the file stays, and the list says so."""
    draft, body = phone.draft()
    add(phone, draft, 10)

    def forge(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, headers={**answer.headers, "testimony-file-receipt": word})

    phone.context.route(ONE_FILE, forge)
    phone.seal(draft, body)
    phone.send()
    (entry,) = phone.entries()
    kept = parts(phone)
    phone.context.unroute_all()
    phone.send()

    assert (entry["state"], entry["problem"], entry["arrived"]) == ("refused", {"name": "Tampered"}, True)
    assert kept == 1
    assert phone.states() == ["sent"]


def test_a_refused_file_holds_up_no_other(phone: Phone) -> None:
    """The interview and the other file are there; what is left is told, and goes on somebody's word."""
    draft, body = phone.draft()
    add(phone, draft, 10, 1, "one.m4a")
    add(phone, draft, 10, 2, "two.m4a")
    refused: list[str] = []

    def refuse(route: Route) -> None:
        refused.append(route.request.url)
        if route.request.url != refused[0]:
            route.continue_()
            return
        problem = {"type": "urn:testimony:problem:too-many-files", "title": "Conflict", "status": 409}
        route.fulfill(status=409, json=problem)

    phone.context.route(ONE_FILE, refuse)
    entry = phone.seal(draft, body)
    phone.send()
    phone.context.unroute_all()

    (left,) = phone.entries()
    assert (left["state"], left["arrived"], left["files"]) == ("refused", True, {"sent": 1, "count": 2})
    assert received(phone.served, entry) == digests(two=(10, 2))
    phone.run("await queue.forget(given.id);", id=left["id"])
    assert (phone.entries(), parts(phone)) == ([], 0)


def test_files_past_their_time_are_lost_and_the_interview_is_not(phone: Phone) -> None:
    """The list says what arrived and what nobody can open any more."""
    draft, body = phone.draft()
    add(phone, draft, 10)
    gone = {"type": "urn:testimony:problem:intake-key-gone", "title": "Gone", "status": 410}
    phone.context.route(ONE_FILE, lambda route: route.fulfill(status=410, json=gone))
    entry = phone.seal(draft, body)
    phone.send()

    (lost,) = phone.entries()
    assert (lost["state"], lost["arrived"], lost["files"]) == ("lost", True, {"sent": 0, "count": 1})
    client = phone.served.signed_in("interviewer", phone.place)
    assert client.intake.receipt(UUID(entry["id"]), phone.served.receipt_keys()).case == lost["case"]


def test_a_full_storage_takes_nothing_and_harms_nothing(phones: Phones) -> None:
    """Nor does it take what would leave too little for the draft, which is as it was and can be finished."""
    phone = phones.new()
    allow(phone.page, 4_000_000)
    draft, body = phone.enroll().draft()
    before = phone.run("return vault.get(`draft/${given.id}`);", id=draft)

    said = [add(phone, draft, size) for size in (6_000_000, 10)]

    assert said == [{"name": "Full"}] * 2
    assert (parts(phone), phone.run("return attachments.list(given.id);", id=draft)) == (0, [])
    assert phone.run("return vault.get(`draft/${given.id}`);", id=draft) == before
    assert phone.seal(draft, body)["state"] == "waiting"


def test_files_are_bounded(phone: Phone) -> None:
    """In size and number; what cannot be read, or comes when the draft is gone, leaves nothing."""
    draft, _ = phone.draft()
    large = """const file = new File([], "x");
        Object.defineProperty(file, "size", {value: 200_000_001});
        await attachments.add(given.draft, file);"""
    shrunk = """const file = new File(["text"], "x");
        Object.defineProperty(file, "size", {value: 70_000});
        await attachments.add(given.draft, file);"""
    many = "for (let at = 0; at < attachments.MOST; at++) await vault.put(`file/${given.draft}/${at}`, {name: 'x'});"

    assert phone.run(large, draft=draft) == {"name": "TooLarge"}
    assert phone.run(shrunk, draft=draft) == {"name": "Unreadable"}
    assert add(phone, "no-such-draft", 10) == {"name": "Missing"}
    phone.run(many, draft=draft)
    assert add(phone, draft, 10) == {"name": "TooMany"}
    assert parts(phone) == 0


def test_what_nothing_names_is_swept(phone: Phone) -> None:
    """The app ended while a file was being added: its parts go; those of drafts and of finished interviews stay."""
    draft, body = phone.draft()
    other, _ = phone.draft()
    add(phone, draft, 10)
    add(phone, other, 10)
    with offline(phone):
        phone.seal(draft, body)
        phone.run("await parts.keepPart(crypto.randomUUID(), 0, new Uint8Array(9));")
        assert parts(phone) == 3
        phone.run("await attachments.sweep();")
        assert parts(phone) == 2
        phone.run("await attachments.discard(given.id);", id=other)
        assert (parts(phone), phone.run("return vault.names('file/');")) == (1, [])
    phone.send()


def test_names_are_kept_printable(phone: Phone) -> None:
    """In every script; what cannot be printed is replaced, and what is too long is cut."""
    draft, _ = phone.draft()
    for name in ("صورة 1.jpg", "a\u202eb\x00c\ud800.txt", "é" * 300):
        phone.run("await attachments.add(given.draft, new File([], given.name));", draft=draft, name=name)

    names = [file["name"] for file in phone.run("return attachments.list(given.draft);", draft=draft)]

    assert names == ["صورة 1.jpg", "a_b_c\ufffd.txt", "é" * 255]


def test_storage_of_before_gets_its_new_store(phones: Phones) -> None:
    """A phone that was enrolled with an earlier version keeps what it has."""
    phone = phones.new()
    phone.page.evaluate(
        """() => new Promise((resolve, reject) => {
          const request = indexedDB.open("app", 1);
          request.onupgradeneeded = () => "abcdek".split("").forEach((name) => request.result.createObjectStore(name));
          request.onsuccess = () => { request.result.close(); resolve(); };
          request.onerror = reject;
        })"""
    )

    phone.enroll()
    draft, body = phone.draft()

    assert add(phone, draft, 10) is None
    assert phone.seal(draft, body)["files"] == {"sent": 0, "count": 1}
    phone.send()
    assert phone.states() == ["sent"]


@pytest.fixture(scope="module")
def form(phones: Phones) -> Form:
    """The form with consent given, on the screen of files."""
    phone = phones.new()
    form = Form(phone.page)
    form.enroll(phone.code())
    form.begin()
    form.fill_section(phone.served.body(phone.place)["answers"])
    form.press("Photos, recordings, files")
    return form


def choose(form: Form, *names: str, button: str = "Choose a file") -> None:
    """Choose files as a thumb does."""
    with form.page.expect_file_chooser() as chooser:
        form.press(button)
    given: Any = [{"name": name, "mimeType": "audio/mp4", "buffer": b"x" * 1234} for name in names]
    chooser.value.set_files(given)


def test_files_are_listed_and_removed(form: Form) -> None:
    """With their size; removing asks twice. A camera, a recorder and the phone's files are offered."""
    page, entries = form.page, form.page.locator("li.entry")
    choose(form, "one.m4a", "اثنان.m4a")
    expect(entries).to_have_count(2)
    expect(entries.first).to_contain_text("one.m4a")
    expect(entries.first).to_contain_text("2 kB")
    found = [*violations(page), *sideways(page), *small(page)]
    entries.first.get_by_role("button").click()
    page.wait_for_timeout(500)
    entries.first.get_by_role("button", name="Press again to remove it for good").click()
    expect(entries).to_have_count(1)
    page.get_by_label("Language", exact=True).select_option("ar")
    expect(entries).to_contain_text("اثنان.m4a")
    found += [*violations(page), *sideways(page), *small(page)]
    page.get_by_label("اللغة", exact=True).select_option("en")

    kinds = page.eval_on_selector_all(
        "input[type=file]", "all => all.map(each => [each.accept, each.getAttribute('capture')])"
    )
    assert kinds == [["image/*", "environment"], ["audio/*", "user"], ["", None]]
    assert found == []


def test_a_recording_that_outlasts_the_lock_is_added_after_the_pin(form: Form) -> None:
    """The app locks itself while the recorder is in front: what was recorded waits for the PIN and is not lost."""
    entries = form.page.locator("li.entry")
    before = entries.count()
    with form.page.expect_file_chooser() as chooser:
        form.press("Record sound")
    form.press("Lock")
    expect(form.heading).to_have_text("Locked")
    chooser.value.set_files({"name": "recorded.m4a", "mimeType": "audio/mp4", "buffer": b"x"})
    form.unlock()

    expect(form.heading).to_have_text("Photos, recordings, files")
    expect(entries).to_have_count(before + 1)
    expect(entries.last).to_contain_text("recorded.m4a")


def test_a_deleted_interview_takes_its_files_along(form: Form) -> None:
    """No key and no part of them stays."""
    choose(form, "more.m4a")
    expect(form.page.locator("li.entry").last).to_contain_text("more.m4a")
    form.press("Back")
    expect(form.heading).to_have_text("Consent")
    form.press_summary("Delete this interview")
    form.page.wait_for_timeout(500)
    form.press("Press again to delete it for good")
    expect(form.heading).to_have_text("Interviews")

    kept = """async () => {
      const [vault, parts] = [await import("/collect/vault.js"), await import("/collect/parts.js")];
      return [await vault.names("file/"), await parts.withParts()];
    }"""
    assert form.page.evaluate(kept) == [[], []]
