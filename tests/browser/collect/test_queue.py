"""From a finished draft to a receipt, against the real server, with everything that can come between."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Page, Route

from app.intake import keys
from app.intake.keys import Lifetimes
from app.operations import intake_keys
from app.operations.setup import OPERATOR
from tests.browser.collect.phones import PIN, Phone, Phones

RECORDS = "**/v1/records/*"


@pytest.fixture(autouse=True)
def empty(phone: Phone) -> Iterator[None]:
    """Tests begin with an open vault and nothing that waits, and leave a network without changes behind."""
    phone.run("for (const name of await vault.names('draft/')) await vault.drop(name);")
    phone.run("for (const {id} of await queue.entries()) await store.write([['d', id, null], ['e', id, null]]);")
    yield
    phone.context.set_offline(False)
    phone.context.unroute_all()


@contextmanager
def offline(phone: Phone) -> Iterator[None]:
    """Airplane mode."""
    phone.context.set_offline(True)
    yield
    phone.context.set_offline(False)


def received(phone: Phone, entry: dict[str, Any]) -> dict[str, Any]:
    """The server's receipt of an entry, verified in Python."""
    client = phone.served.signed_in("interviewer", phone.place)
    receipt = client.intake.receipt(UUID(entry["id"]), phone.served.receipt_keys())
    return {"case": receipt.case, "sealed": receipt.sealed_body}


def requests(phone: Phone) -> list[str]:
    """Grows by every request for a record."""
    seen: list[str] = []
    phone.context.on("request", lambda request: seen.append(request.method) if "/v1/records/" in request.url else None)
    return seen


def test_finished_offline_sent_online(phone: Phone) -> None:
    """Sealed without a network, the draft and its key gone; then one record, and nothing left but a line about it."""
    draft, body = phone.draft()
    with offline(phone):
        entry = phone.seal(draft, body)
        phone.send()
        assert phone.states() == ["waiting"]
    kept = phone.run("return vault.names('draft/');")
    phone.send()

    assert entry["state"] == "waiting"
    assert entry["daysLeft"] == 90
    assert kept == []
    (sent,) = phone.entries()
    assert (sent["id"], sent["state"], sent["number"]) == (entry["id"], "sent", entry["number"])
    assert received(phone, entry)["case"] == sent["case"]
    assert phone.run("return (await store.readAll(store.QUEUE)).size;") == 0


def test_sealed_interview_is_closed_to_the_phone(phone: Phone) -> None:
    """With the vault open, every row that the phone can decrypt holds no word of it."""
    answers = {**phone.served.body(phone.place)["answers"]}
    first = phone.finish(answers=answers)
    script = """const stores = [store.SETTINGS, store.KEYS, store.VALUES, store.QUEUE, store.SENT];
        const rows = (await Promise.all(stores.map(store.readAll))).flatMap((each) => [...each.values()]);
        const values = await Promise.all((await vault.names("")).filter((name) => name !== "known").map(vault.get));
        const text = JSON.stringify([rows.map(({bytes, ...rest}) => rest), values]);
        return text + rows.map(({bytes = []}) => new TextDecoder("latin1").decode(Uint8Array.from(bytes))).join("");"""

    readable = phone.run(script)

    assert first["id"] not in readable
    assert [name for name in answers if name in readable] == []
    phone.send()


def test_double_tap_finishes_once_and_sends_once(phone: Phone) -> None:
    """Two taps, two tabs: one entry, one request; the second tap is told that the draft is gone."""
    draft, body = phone.draft()
    other = phone.tab()
    shown = {"number": 1, "day": "2026-01-31"}
    twice = """const {id, body, shown} = given;
        const finish = () => queue.finish(id, body, shown).then(() => "sealed", ({name}) => name);
        return Promise.all([finish(), finish()]);"""
    seen = requests(phone)

    said = phone.run(twice, id=draft, body=body, shown=shown)
    phone.run("setTimeout(queue.send);", tab=other)
    phone.run("await Promise.all([queue.send(), queue.send()]);")
    wait_for(lambda: phone.states() == ["sent"])
    other.close()

    assert sorted(said) == ["Missing", "sealed"]
    assert seen == ["PUT"]


def wait_for(done: Callable[[], bool]) -> None:
    """Until something is so; not for longer than twenty seconds."""
    until = time.monotonic() + 20
    while not done():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_sends_by_itself_when_online(phone: Phone) -> None:
    """Nobody presses anything, the vault is locked: it waits while there is no network, and goes when there is one."""
    draft, body = phone.draft()
    locked = phone.tab()
    phone.run("await queue.start();", tab=locked)
    with offline(phone):
        phone.seal(draft, body)
        wait_for(lambda: phone.states() == ["waiting"])

    wait_for(lambda: phone.states() == ["sent"])
    assert phone.run("return vault.state();", tab=locked) == "locked"
    locked.close()


def test_lost_answer_is_asked_for_again(phone: Phone) -> None:
    """Cut after the server accepted: the phone keeps it, sends the same bytes, and gets the same receipt."""

    def cut(route: Route) -> None:
        route.fetch()
        route.abort()

    phone.context.route(RECORDS, cut)
    entry = phone.finish()
    phone.send()
    assert phone.states() == ["waiting"]
    before = received(phone, entry)

    phone.context.unroute_all()
    phone.send()

    (sent,) = phone.entries()
    assert sent["state"] == "sent"
    assert received(phone, entry) == before


def test_server_that_is_down_loses_nothing(phone: Phone) -> None:
    """Killed while interviews wait; they go once it is back."""
    phone.served.kill()
    draft, body = phone.draft()
    phone.seal(draft, body)
    phone.send()
    assert phone.states() == ["waiting"]

    phone.served.start()
    phone.send()

    assert phone.states() == ["sent"]


@pytest.mark.parametrize("changed", ["case", "client_uuid", "sealed_body_sha256", "signature"])
def test_receipt_that_does_not_verify_deletes_nothing(phone: Phone, changed: str) -> None:
    """A changed receipt, or one for something else: the interview stays, and the list says so."""

    def forge(route: Route) -> None:
        answer = route.fetch()
        told = answer.json()
        told["receipt"][changed] = {
            "case": "AAAA-2222",
            "client_uuid": "2ae5650d-cfe3-446d-908c-61db3c76672f",
            "sealed_body_sha256": "0" * 64,
            "signature": "A" * 86 + "==",
        }[changed]
        route.fulfill(response=answer, json=told)

    phone.context.route(RECORDS, forge)
    phone.finish()
    phone.send()
    (entry,) = phone.entries()
    phone.context.unroute_all()
    phone.send()

    assert entry["state"] == "refused"
    assert entry["problem"] == {"name": "Tampered"}
    assert phone.states() == ["sent"]


def test_refused_interview_stays_until_somebody_forgets_it(phone: Phone) -> None:
    """What the server does not take is shown with its reason and is not sent again and again; one word deletes it."""
    phone.finish(answers={})
    phone.send()
    (entry,) = phone.entries()
    seen = requests(phone)
    phone.run("await sender.sendDue();")

    assert entry["state"] == "refused"
    assert (entry["problem"]["name"], entry["problem"]["status"]) == ("Refused", 422)
    assert seen == []
    phone.run("await queue.forget(given.id);", id=entry["id"])
    assert phone.entries() == []


def test_waiting_interview_cannot_be_forgotten(phone: Phone) -> None:
    """A slip of the finger deletes nothing that nobody has yet."""
    draft, body = phone.draft()
    with offline(phone):
        entry = phone.seal(draft, body)

        assert phone.run("await queue.forget(given.id);", id=entry["id"]) == {"name": "Missing"}
        wait_for(lambda: phone.states() == ["waiting"])
    phone.send()


def test_full_storage_is_told_and_nothing_is_half_written(phones: Phones) -> None:
    """No room: the draft stays as it was, and is no finished interview; with less to write it can be finished."""
    phone = phones.new()
    allow(phone.page, 4_000_000)
    draft, body = phone.enroll().draft()
    before = phone.run("return vault.get(`draft/${given.id}`);", id=draft)
    huge = "const huge = {...given.body, answers: {text: 'x'.repeat(6e6)}};"

    put = "await vault.put(`draft/${given.id}`, huge);"
    finish = "return queue.finish(given.id, huge, {number: 1, day: '2026-01-31'});"
    assert [phone.run(huge + verb, id=draft, body=body) for verb in (put, finish)] == [{"name": "Full"}] * 2
    assert phone.entries() == []
    assert phone.run("return vault.get(`draft/${given.id}`);", id=draft) == before
    assert phone.seal(draft, body)["state"] == "waiting"


def allow(page: Page, size: int) -> None:
    """Let this site store so many bytes."""
    origin = page.url.partition("/collect")[0]
    page.context.new_cdp_session(page).send("Storage.overrideQuotaForOrigin", {"origin": origin, "quotaSize": size})


def test_old_intake_key_asks_to_go_online(phone: Phone) -> None:
    """Past its time nothing is sealed to it: offline the draft stays; online the phone fetches the key of now."""
    draft, body = phone.draft()
    age = "const {sealUntil, ...rest} = await store.setting('i'); await store.keep('i', {...rest, sealUntil: 1});"
    phone.run(age)
    with offline(phone):
        assert phone.seal(draft, body) == {"name": "KeyTooOld"}
        assert phone.run("return vault.names('draft/');") == [f"draft/{draft}"]

    assert phone.seal(draft, body)["state"] == "waiting"
    phone.send()
    assert phone.states() == ["sent"]


def test_intake_key_that_another_signed_is_not_kept(phone: Phone) -> None:
    """The phone goes on with the key it has."""
    before = phone.run("return store.setting('i');")

    def forge(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "seal_until": 1, "open_until": 2})

    phone.context.route("**/v1/intake-key", forge)

    assert phone.run("return server.refreshKey();") == {"name": "Tampered"}
    assert phone.run("return store.setting('i');") == before


def test_rotated_key_opens_what_waits_and_the_next_is_sealed_to_the_new_one(phone: Phone) -> None:
    """A new key does not end the old one."""
    draft, body = phone.draft()
    with offline(phone):
        phone.seal(draft, body)
    before = phone.run("return device.intakeKey();")["id"]
    make(phone, open_for=timedelta(days=90))
    phone.send()
    phone.run("return server.refreshKey();")

    assert phone.states() == ["sent"]
    assert phone.run("return device.intakeKey();")["id"] != before


def test_destroyed_key_means_lost(phone: Phone) -> None:
    """The list says so, before the phone asks and afterwards; only somebody's word deletes it."""
    make(phone, open_for=timedelta(seconds=1))
    phone.run("return server.refreshKey();")
    draft, body = phone.draft()
    with offline(phone):
        entry = phone.seal(draft, body)
        time.sleep(1.1)
        shown = phone.states()
        make(phone, open_for=timedelta(days=90))
        intake_keys.turn(phone.served.runtime, OPERATOR)
    phone.send()
    phone.run("return server.refreshKey();")

    assert shown == ["lost"]
    (lost,) = phone.entries()
    assert (lost["state"], lost["daysLeft"], lost["problem"]["status"]) == ("lost", 0, 410)
    phone.run("await queue.forget(given.id);", id=entry["id"])
    assert phone.entries() == []


def make(phone: Phone, *, open_for: timedelta) -> None:
    """The next intake key, whatever the age of the last one."""
    runtime = phone.served.runtime
    lifetimes = Lifetimes(rotate=timedelta(0), seal=timedelta(days=30), open=open_for)
    with runtime.transaction() as session:
        assert keys.make(session, runtime.collaborators, OPERATOR, lifetimes) is not None


def test_revoked_phone_keeps_what_waits_and_sends_it_once_enrolled_again(phones: Phones) -> None:
    """It says that it is revoked and asks no more by itself; with a new code of the same study everything goes."""
    admin = phones.served.signed_in("admin")
    before = {device["id"] for device in admin.accounts.devices()}
    phone = phones.new().enroll()
    (device,) = {device["id"] for device in admin.accounts.devices()} - before
    draft, body = phone.draft()
    admin.accounts.revoke(device)
    phone.seal(draft, body)
    phone.send()
    waiting = phone.states()

    assert phone.run("return (await device.device()).revoked;")
    assert waiting == ["waiting"]
    phone.context.route("**/v1/devices/redemption", elsewhere)
    assert phone.run("return server.redeem(given.code);", code=phone.code()) == {"name": "OtherStudy"}
    phone.context.unroute_all()
    assert phone.run("return server.redeem(given.code);", code=phone.code()) is None
    phone.send()
    assert phone.states() == ["sent"]


def elsewhere(route: Route) -> None:
    """A redemption for another study."""
    answer = route.fetch()
    route.fulfill(response=answer, json={**answer.json(), "study": "2ae5650d-cfe3-446d-908c-61db3c76672f"})


def test_enrolled_phone_takes_no_other_code(phone: Phone) -> None:
    """A link that somebody sends changes nothing; a spent code or a wrong one enrolls nobody."""
    before = phone.run("return device.device();")

    assert phone.run("return server.redeem(given.code);", code=phone.code()) == {"name": "Enrolled"}
    assert phone.run("return device.device();") == before


def test_bad_codes_enroll_nobody(phones: Phones) -> None:
    """None, one that is none, an unknown one: the phone says that the code is no good, and is as new as before."""
    phone = phones.new()
    enrol = "return server.enrol(given.code, given.pin);"

    said = [phone.run(enrol, code=code, pin=PIN) for code in ("", "x", "do_" + "A" * 43)]

    assert said == [{"name": "Gone"}] * 3
    assert phone.run("return [await device.device(), await vault.state()];") == [None, "new"]
