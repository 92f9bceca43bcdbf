"""What rests on a phone in Chromium: nothing readable, few guesses, and nothing at all after too many or a panic."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.browser.collect.phones import PIN, Phone, Phones
from tests.browser.collect.test_queue import offline

CANARY = "Ahmad from Bayt Lahya, أحمد"
WRONG = "771155"
# Long timers end a thousand times sooner, and are noted.
FAST = """const real = setTimeout;
    globalThis.asked = [];
    globalThis.setTimeout = (work, wait) => {
      if (wait < 30_000) return real(work, wait);
      asked.push(wait);
      return real(work, wait / 1000);
    };"""
# Deleting parts of files never ends.
SLOW = """const clear = IDBObjectStore.prototype.clear;
    IDBObjectStore.prototype.clear = function () {
      const again = () => { this.count().onsuccess = again; };
      if (this.name === "f") again();
      return clear.call(this);
    };"""
HIDE = """Object.defineProperty(document, "hidden", {value: true});
    document.dispatchEvent(new Event("visibilitychange"));"""
UNLOCK = "return vault.unlock(given.pin);"


@pytest.fixture
def fresh(phones: Phones) -> Phone:
    """A phone with an open vault that the test may ruin; not enrolled."""
    phone = phones.new()
    phone.run("await vault.create(given.pin);", pin=PIN)
    return phone


def guess(phone: Phone, pin: str = WRONG, **more: Any) -> Any:
    """What an attempt to unlock says."""
    return phone.run(UNLOCK, pin=pin, **more)


def test_storage_holds_nothing_readable(phone: Phone) -> None:
    """Not a draft, a question, the study or the token: IndexedDB holds noise, and nothing else holds anything."""
    told = phone.run("return device.device();")
    phone.draft(answers={"account": {"value": CANARY}})
    raw, known = phone.raw(), phone.run("return JSON.stringify(await server.known());")

    assert CANARY in phone.run("return JSON.stringify(await Promise.all((await vault.names('')).map(vault.get)));")
    assert len(known) > len("consent") * 1000, "the questionnaire is there"
    for text in (CANARY, "Ahmad", "draft", "answers", "consent", "instrument", "PBKDF2", told["token"], told["study"]):
        assert text not in raw
        assert text.encode().decode("latin-1") not in raw
    assert told["study_title"] not in raw
    assert "extractable: false" in raw
    others = "[Object.keys(localStorage), Object.keys(sessionStorage), document.cookie, (await caches.keys()).length]"
    assert phone.run(f"return {others};") == [[], [], "", 0]


def test_locked_vault_opens_with_its_pin_only(fresh: Phone) -> None:
    """After locking, and after the page is gone: nothing can be read or written until the PIN is given."""
    fresh.run("await vault.put('a', {text: given.text});", text=CANARY)
    fresh.run("await vault.lock();")
    locked = [fresh.run(f"return vault.{verb};") for verb in ("get('a')", "put('a', 1)", "names('')")]
    fresh.reload()

    assert locked == [{"name": "Locked"}] * 3
    assert fresh.run("return vault.state();") == "locked"
    assert guess(fresh) == {"name": "WrongPin", "left": 9, "waitSeconds": 0}
    # The same digits from an Arabic keyboard.
    assert guess(fresh, "٤٨٢٩١٣") is None
    assert fresh.run("return vault.get('a');") == {"text": CANARY}


def test_pin_can_be_changed_by_who_knows_it(fresh: Phone) -> None:
    """A wrong old PIN changes nothing and counts; then the new one opens what the old one sealed, and it alone."""
    fresh.run("await vault.put('a', 1);")
    change = "return vault.changePin(given.old, given.pin);"

    assert fresh.run(change, old=WRONG, pin="another1")["name"] == "WrongPin"
    assert fresh.run(change, old=PIN, pin="another1") is None
    fresh.reload()
    assert guess(fresh, PIN)["name"] == "WrongPin"
    assert guess(fresh, "another1") is None
    assert fresh.run("return vault.get('a');") == 1


def test_wrong_pins_slow_down(fresh: Phone) -> None:
    """Two are free, then each doubles the wait: for the right PIN, in other tabs, when the page was opened anew."""
    fresh.run("await vault.lock();")
    said = fresh.run(
        "return Promise.all([1, 2, 3].map(() => vault.unlock(given.pin).catch((said) => ({...said}))));", pin=WRONG
    )
    fresh.reload()
    waiting = guess(fresh, PIN)
    in_half_a_minute = "const now = Date.now; Date.now = () => now() + 31_000;"
    set_back = "Date.now = () => 0;"

    assert [(one["left"], one["waitSeconds"]) for one in said] == [(9, 0), (8, 0), (7, 30)]
    assert waiting["name"] == "Wait"
    assert 0 < waiting["waitSeconds"] <= 30
    assert fresh.run(set_back + UNLOCK, tab=fresh.tab(), pin=PIN)["waitSeconds"] == 30
    assert fresh.run(in_half_a_minute + UNLOCK, pin=WRONG)["waitSeconds"] == 60


def test_guess_counts_before_it_is_checked(fresh: Phone) -> None:
    """Whoever cuts the power before the answer has used one up all the same."""
    fresh.reload()
    hang = "SubtleCrypto.prototype.deriveKey = () => new Promise(() => {});"
    until_counted = "for (;;) { if ((await store.setting('v')).tries) return; }"
    fresh.run(f"{hang} vault.unlock(given.pin); {until_counted}", pin=PIN)
    fresh.reload()

    assert guess(fresh)["left"] == 8


def test_too_many_wrong_pins_leave_nothing(fresh: Phone) -> None:
    """After the tenth in a row every storage is empty."""
    fresh.run("await store.keep('v', {...await store.setting('v'), tries: 9, at: 0});")
    fresh.run("localStorage.setItem('look', 'x'); await caches.open('x');")
    fresh.reload()

    assert guess(fresh) == {"name": "Wiped"}

    fresh.page.goto("/collect/errors.js")
    assert left(fresh) == [[], 0, 0, 0]


def test_panic_leaves_nothing(phones: Phones) -> None:
    """Everything goes, files, what is sealed and the service worker too, and an empty page stands there in each tab."""
    phone = phones.new().enroll()
    phone.finish()
    draft, _ = phone.draft()
    phone.run("await attachments.add(given.draft, new File(['text'], 'name'));", draft=draft)
    phone.run("await install.install(); await navigator.serviceWorker.ready;")
    other = phone.tab()
    phone.run("return vault.state();", tab=other)
    assert left(phone) != [[], 0, 0, 0]

    # In the middle of another file.
    adding = "attachments.add(given.draft, new File([new Uint8Array(2e7)], 'name')).catch(() => {});"
    phone.run(f"{adding} setTimeout(wipe.panic, 100);", draft=draft)

    for tab in (phone.page, other):
        tab.wait_for_url("about:blank")
        assert tab.inner_text("body") == ""
    phone.page.goto("/collect/errors.js")
    assert left(phone) == [[], 0, 0, 0]


def test_panic_shreds_every_key_before_it_waits_for_files(phones: Phones) -> None:
    """Deleting gigabytes takes longer than the page lives: what it leaves behind then is noise that nothing opens."""
    phone = phones.new().enroll()
    phone.finish()
    draft, _ = phone.draft()
    phone.run("await attachments.add(given.draft, new File(['text'], 'name'));", draft=draft)

    # Nor can the server be asked to have everything cleared.
    with offline(phone):
        phone.run(f"{FAST.replace('30_000', '3_000')} {SLOW} setTimeout(wipe.panic);")
        phone.page.wait_for_url("about:blank")
    phone.page.goto("/collect/errors.js")

    assert re.findall("^([a-k]) ", phone.raw(), re.MULTILINE) == ["f"]


def left(phone: Phone) -> Any:
    """What is stored: databases, caches, items, service workers."""
    return phone.page.evaluate(
        """() => Promise.race([
          (async () => [
            (await indexedDB.databases()).map(({ name }) => name), (await caches.keys()).length, localStorage.length,
            (await navigator.serviceWorker.getRegistrations()).length,
          ])(),
          new Promise((_, fail) => setTimeout(() => fail(new Error("too late")), 20_000)),
        ])"""
    )


@pytest.mark.parametrize(("seconds", "hide"), [(300, False), (60, True)], ids=["untouched", "out of sight"])
def test_vault_locks_by_itself(fresh: Phone, seconds: int, *, hide: bool) -> None:
    """Five minutes after the last touch, one minute out of sight; what is open is saved first."""
    fresh.reload()
    fresh.run(FAST)
    fresh.run("vault.beforeLock(() => vault.put('a', 'saved')); await vault.unlock(given.pin);", pin=PIN)
    fresh.run(HIDE if hide else "")

    fresh.run("while (await vault.state() === 'open') await new Promise((done) => setTimeout(done, 10));")
    assert fresh.run("return asked.at(-1);") == pytest.approx(seconds * 1000, rel=0.01)
    fresh.run("await vault.unlock(given.pin);", pin=PIN)
    assert fresh.run("return vault.get('a');") == "saved"


def test_vault_locks_when_the_phone_wakes_up(fresh: Phone) -> None:
    """While it sleeps no timer runs: the first touch finds that the time is over."""
    slept = "const now = Date.now; Date.now = () => now() + 301_000; document.dispatchEvent(new Event('scroll'));"
    fresh.run(slept)

    fresh.run("while (await vault.state() === 'open') await new Promise((done) => setTimeout(done, 10));")


def test_weak_pins_are_refused(fresh: Phone) -> None:
    """Too short, one digit again and again, runs; in any digits. A vault is made once."""
    judged = fresh.run(
        "return given.pins.map(pin.isStrong);",
        pins=["12345", "111111", "123456", "٦٥٤٣٢١", "aaaaaaa", "135790", "كلمة سر"],
    )

    assert judged == [False] * 5 + [True] * 2
    assert fresh.run("return vault.create(given.pin);", pin="111111") == {"name": "WeakPin"}
    assert fresh.run("return vault.create(given.pin);", pin=WRONG) == {"name": "Locked"}


def test_iterations_are_current_and_rise(fresh: Phone) -> None:
    """At least what OWASP asks for; a vault made with fewer is wrapped anew when it is next unlocked."""
    assert fresh.run("return (await store.setting('v')).iterations;") >= 600_000
    weaken = """await vault.lock();
        const raw = Uint8Array.from({length: 32}, (_, at) => at);
        const salt = new Uint8Array(32);
        const material = await crypto.subtle.importKey("raw", encoding.utf8(given.pin), "PBKDF2", false, ["deriveKey"]);
        const how = {name: "PBKDF2", hash: "SHA-256", salt, iterations: 1000};
        const key = await crypto.subtle.deriveKey(how, material, {name: "AES-GCM", length: 256}, false, ["encrypt"]);
        const bytes = await store.encrypt(key, encoding.enc("testimony/1/pin", salt, 1000), raw);
        await store.keep("v", {tries: 0, at: 0, salt: Array.from(salt), iterations: 1000, bytes});"""
    fresh.run(weaken, pin=PIN)

    assert guess(fresh, PIN) is None
    assert fresh.run("return (await store.setting('v')).iterations;") >= 600_000
    fresh.run("await vault.lock();")
    assert guess(fresh, PIN) is None
