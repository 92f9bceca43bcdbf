"""The form on a phone: what an interviewer does with it, and what it leaves behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Browser, BrowserContext, FilePayload, Page, expect
from sqlalchemy import select

from app.cases.models import Record
from app.crypto.mac import content_digest
from app.crypto.tokens import withdrawal_hash
from app.intake.service import Submission
from tests.browser.browsing import HEIGHTS, PATIENCE, PHONE, arguments, sideways, violations
from tests.browser.collect.arriving import arrived
from tests.browser.collect.filling import COLLECT, INSTRUMENT, Form
from tests.browser.collect.phones import DUMP, PIN, Phone, Phones
from tests.serving import Served
from tests.system import DEMO, StudyPlace

# Words that stand in the answers and nowhere else: whatever holds one of them holds testimony.
CANARIES = ("Zephyrine Oakbarrow", "marmalade lighthouse", "heron-44-quartz", "+44 7700 900417", "zqfilecanary")
# A file that is added; its name and its content hold the last of them.
ATTACHED: FilePayload = {
    "name": f"{CANARIES[4]} صوت.m4a",
    "mimeType": "audio/mp4",
    "buffer": (CANARIES[4] * 20_000).encode(),
}
KEPT = """async () => {
  const { QUEUE, readAll } = await import("/collect/store.js");
  const { names } = await import("/collect/vault.js");
  return [(await names("draft/")).length, (await readAll(QUEUE)).size];
}"""
SEED = """async () => {
  const { QUEUE, write } = await import("/collect/store.js");
  const days = (count) => Date.now() / 1000 + count * 86400 - 60;
  const item = { day: "2026-01-31", study: "", sha256: "", tries: 1, nextAt: 0, bytes: new Uint8Array(9) };
  const rows = [
    { number: 1, openUntil: days(2) },
    { number: 2, openUntil: days(9), problem: { name: "Refused", status: 400, type: "" } },
    { number: 3, openUntil: days(9), problem: { name: "Tampered" } },
    { number: 4, openUntil: days(-1) },
  ];
  await write(rows.map((row) => [QUEUE, crypto.randomUUID(), { ...item, ...row }]));
  (await import("/collect/sender.js")).tell();
}"""
FORGETFUL = {"autocomplete": "off", "autocorrect": "off", "spellcheck": "false", "name": None}
TARGET = 48  # pixels: what a thumb hits


@pytest.fixture(scope="module")
def answers() -> dict[str, Any]:
    """An answer to every question of the default questionnaire, canaries in those that are written."""
    whole: dict[str, Any] = json.loads(next(DEMO.glob("1-*.json")).read_text())["answers"]
    whole["legal_name"] = {"value": CANARIES[0]}
    # The form keeps choices in the order in which they are offered, however they were ticked.
    whole["roles_held"]["value"].sort(key=[choice.name for choice in INSTRUMENT.fields["roles_held"].choices].index)
    whole["turning_point"]["value"] += f" It was the {CANARIES[1]}."
    whole["safe_contact"]["value"] |= {"address": CANARIES[3], "code_phrase": CANARIES[2]}
    return whole


@pytest.fixture
def phone(phones: Phones) -> Phone:
    """A browser of the test's own."""
    return phones.new()


@pytest.fixture(scope="module")
def enrolled(phones: Phones) -> Form:
    """The form on a phone that several tests use one after the other."""
    phone = phones.new()
    form = Form(phone.page)
    form.enroll(phone.code())
    return form


@pytest.fixture
def form(enrolled: Form) -> Form:
    """The form, opened anew and unlocked, at the list."""
    enrolled.open()
    enrolled.unlock()
    enrolled.leave()
    return enrolled


class Profile:
    """Opens and closes one browser over and over."""

    def __init__(self, served: Served, browser: Browser, program: str, folder: Path) -> None:
        self.folder = folder
        self._served, self._type, self._program = served, browser.browser_type, program
        self._context: BrowserContext | None = None

    def open(self, *, online: bool = True) -> Page:
        """Start the browser, with or without a network; its tab."""
        self._context = self._type.launch_persistent_context(
            self.folder,
            executable_path=self._program,
            args=arguments(self._served),
            base_url=self._served.url,
            viewport={"width": PHONE, "height": HEIGHTS[PHONE]},
            offline=not online,  # from the first moment on: the service worker sends as soon as it can
        )
        self._context.set_default_timeout(PATIENCE)
        return self._context.pages[0]

    def go(self, *, online: bool) -> None:
        """Lose or find the network."""
        assert self._context is not None
        self._context.set_offline(not online)

    def close(self) -> None:
        """End the browser; its files stay."""
        if self._context is not None:
            self._context.close()
            self._context = None

    def holding(self, words: tuple[str, ...]) -> list[str]:
        """The files of the closed browser that hold one of these words."""
        assert self._context is None
        needles = [word.encode(code) for word in words for code in ("utf-8", "utf-16-le")]
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return [str(path) for path in files if any(needle in path.read_bytes() for needle in needles)]


def records(served: Served, place: StudyPlace) -> list[UUID]:
    """The records of a study."""
    with served.runtime.glance() as session:
        return list(session.scalars(select(Record.id).where(Record.study_id == place.id).order_by(Record.id)))


def drafts(page: Page) -> list[str]:
    """What the vault keeps of interviews."""
    found: list[str] = page.evaluate('async () => (await import("/collect/vault.js")).names("draft/")')
    return found


@dataclass(frozen=True)
class Journey:
    """What was seen on the way of one interview, from enrollment to receipt, over four starts of the browser."""

    token: str
    held_unfinished: list[str]  # files that held a canary while the interview was begun
    came_back_to: tuple[str, str]  # the heading and what stood in the focused field after the PIN
    held_finished: list[str]
    records_offline: int
    shown: list[str]  # the entry's text before and after the network came back
    case: str
    records: list[UUID]
    held_sent: list[str]
    kept: list[int]  # how many drafts, and how many sealed interviews, are on the phone in the end


@pytest.fixture(scope="module")
def journey(
    portal: Served,
    place: StudyPlace,
    browser: Browser,
    chromium: str,
    phones: Phones,
    answers: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Journey]:
    """An interviewer's days: enroll, begin offline, be interrupted, finish offline, send."""
    profile = Profile(portal, browser, chromium, tmp_path_factory.mktemp("profile"))
    yield _travel(profile, portal, place, phones.new().code(), answers)
    profile.close()


def _travel(profile: Profile, served: Served, place: StudyPlace, code: str, answers: dict[str, Any]) -> Journey:
    before = records(served, place)
    token, unfinished = _begin(profile, code, answers)
    form, came_back_to = _go_on(profile, answers)
    entry = form.page.locator("li.entry")
    shown, offline = [entry.inner_text()], len(records(served, place)) - len(before)
    profile.close()
    finished = profile.holding(CANARIES)
    form = Form(profile.open(online=False))
    form.open()
    form.unlock()
    profile.go(online=True)
    entry = form.page.locator("li.entry.sent")
    expect(entry.locator("bdi")).to_be_visible()
    shown, case, kept = [*shown, entry.inner_text()], entry.locator("bdi").inner_text(), form.page.evaluate(KEPT)
    profile.close()
    new = [record for record in records(served, place) if record not in before]
    held = profile.holding((*CANARIES, token))
    return Journey(token, unfinished, came_back_to, finished, offline, shown, case, new, held, kept)


def _begin(profile: Profile, code: str, answers: dict[str, Any]) -> tuple[str, list[str]]:
    """Fill offline as far as into the middle of a sentence, where the browser ends."""
    form = Form(profile.open())
    form.enroll(code)
    form.page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    profile.go(online=False)
    form.begin()
    form.fill_section(answers)
    token = form.hand_over_token()
    form.next()
    form.fill(answers, until="Leaving")
    writing = form.question("turning_point").locator("textarea")
    writing.press_sequentially(CANARIES[1])
    expect(form.page.locator(".saved")).to_have_text("Saved, encrypted")
    _attach(form)
    expect(writing).to_have_value(CANARIES[1])
    profile.close()
    return token, profile.holding(CANARIES)


def _attach(form: Form) -> None:
    """Choose a file, as from a phone's recorder, and come back."""
    with form.page.expect_file_chooser() as chooser:
        form.press("Photos, recordings, files")
        form.press("Choose a file")
    chooser.value.set_files([ATTACHED])
    expect(form.page.locator("li.entry")).to_contain_text(CANARIES[4])
    form.press("Back")


def _go_on(profile: Profile, answers: dict[str, Any]) -> tuple[Form, tuple[str, str]]:
    """Come back by the PIN, fill the rest, finish, look at the list."""
    form = Form(profile.open(online=False))
    form.open()
    form.unlock()
    writing = form.question("turning_point").locator("textarea")
    expect(writing).to_be_focused()
    found = (form.heading.inner_text(), writing.input_value())
    form.fill(answers)
    form.finish()
    form.press("List")
    expect(form.page.locator("li.entry")).to_be_visible()
    return form, found


def test_interview_filled_offline_arrives_once_as_it_was_entered(
    journey: Journey, portal: Served, place: StudyPlace, answers: dict[str, Any]
) -> None:
    """One record, with exactly these answers and the hash of the token that was handed over."""
    (record,) = journey.records
    assert journey.records_offline == 0
    with portal.runtime.glance() as session:
        row = session.get_one(Record, record)
        hashed = withdrawal_hash(journey.token)
        sent = Submission(row.client_uuid, place.id, None, INSTRUMENT.id, INSTRUMENT.version, answers, hashed)
        assert content_digest(portal.collaborators.keystore.idem(record), sent.canonical()) == row.content
        assert (row.receipt["case"], row.withdrawal_hash) == (journey.case, hashed)


def test_file_added_offline_arrives_with_the_interview(journey: Journey, portal: Served) -> None:
    """With its name and every byte, over four starts of the browser, as the redaction team's key opens it."""
    (record,) = journey.records

    assert arrived(portal, record) == {ATTACHED["name"]: sha256(ATTACHED["buffer"]).hexdigest()}


def test_list_tells_what_was_sent_and_what_waits(journey: Journey) -> None:
    """Sealed and with its days left while offline; with the verified receipt's case code once it was sent."""
    waiting, sent = journey.shown

    assert "Sealed, waits for a connection" in waiting
    assert "90 days left" in waiting
    assert "0 of 1 file sent" in waiting
    assert "1 of 1 file sent" in sent
    assert "the receipt was verified" in sent
    assert journey.case in sent


def test_interview_goes_on_where_it_stopped(journey: Journey) -> None:
    """The browser ended in the middle of a sentence: the PIN leads back to it, still offline."""
    assert journey.came_back_to == ("Leaving", CANARIES[1])


def test_no_file_of_the_browser_ever_holds_testimony(journey: Journey) -> None:
    """Not while it is entered, not sealed, not after: every file is searched, form history and sessions included."""
    assert journey.held_unfinished == []
    assert journey.held_finished == []
    assert journey.held_sent == []


def test_sent_interview_leaves_nothing_to_open(journey: Journey) -> None:
    """Neither a draft nor sealed bytes stay on the phone: what is left is a line of the list."""
    assert journey.kept == [0, 0]


def test_nothing_is_stored_before_consent(form: Form, answers: dict[str, Any]) -> None:
    """Without a yes, or without understanding, there is no going on and no draft; taking it back drops the draft."""
    before = drafts(form.page)
    form.begin()
    form.fill_section({**answers, "consent_comprehension": {"value": "not_done"}})
    form.next()
    expect(form.page.get_by_role("alert").filter(has_text="Without consent")).to_be_visible()
    expect(form.heading).to_have_text("Consent")
    expect(form.page.get_by_text("Nothing is stored yet")).to_be_visible()
    assert drafts(form.page) == before

    form.answer("consent_comprehension", answers["consent_comprehension"])
    form.next()
    expect(form.heading).to_have_text("Provenance")
    expect(form.page.locator(".saved")).to_have_text("Saved, encrypted")
    assert len(drafts(form.page)) == len(before) + 1

    form.press("Back")
    form.answer("consent_given", {"value": False})
    expect(form.page.get_by_text("Nothing is stored yet")).to_be_visible()
    form.page.wait_for_timeout(100)
    assert drafts(form.page) == before


def test_phone_without_consent_forgets_what_was_entered(form: Form, answers: dict[str, Any]) -> None:
    """Locked before consent, the interview is gone."""
    before = drafts(form.page)
    form.begin()
    form.answer("source_type", answers["source_type"])
    form.press("Lock")
    form.unlock()

    expect(form.heading).to_have_text("Interviews")
    assert drafts(form.page) == before


def test_answers_are_told_wrong_where_they_stand(form: Form, answers: dict[str, Any]) -> None:
    """In words at the question; what is missing when one wants to go on, which a second press allows."""
    form.begin()
    form.fill_section({**answers, "consent_comprehension": {"value": "teach_back_partial"}})
    expect(form.flaw("consent_scopes")).to_contain_text("only the team itself may work with it")
    form.next()
    form.answer("interviewer_ref", {"value": "two words"})
    form.answer("interpreter", {"value": "relative_or_acquaintance"})
    expect(form.flaw("interviewer_ref")).to_contain_text("no blanks")
    expect(form.flaw("interpreter")).to_contain_text("asks for care")
    expect(form.question("interpreter_ref")).to_be_visible()
    expect(form.flaw("recording")).to_be_hidden()
    form.next()
    expect(form.flaw("recording")).to_have_text("An answer is missing.")
    form.answer("recording", {"status": "declined"})
    expect(form.flaw("recording")).to_be_hidden()
    form.press("Go on anyway")

    expect(form.heading).to_have_text("Identity vault")
    form.press_summary("Check and finish")
    expect(form.page.get_by_role("button", name="Finish and seal")).to_have_count(0)
    form.page.get_by_role("button", name="Interviewer (staff pseudonym)").click()
    expect(form.question("interviewer_ref").locator("input")).to_be_focused()


def test_form_speaks_arabic_from_right_to_left(form: Form, answers: dict[str, Any]) -> None:
    """Switched in the middle, nothing entered is lost, and the numbers of an Arabic keyboard are numbers."""
    form.begin()
    form.fill_section(answers)
    form.next()
    form.answer("interviewer_ref", answers["interviewer_ref"])
    form.page.get_by_label("Language", exact=True).select_option("ar")

    root = form.page.locator("html")
    expect(root).to_have_attribute("lang", "ar")
    expect(root).to_have_attribute("dir", "rtl")
    expect(form.heading).to_have_text(INSTRUMENT.sections[0].title["ar"])
    expect(form.question("interviewer_ref").locator("input")).to_have_value(answers["interviewer_ref"]["value"])
    assert [*violations(form.page), *sideways(form.page)] == []
    form.page.locator("summary").click()
    form.page.get_by_role("button", name=INSTRUMENT.sections[3].title["ar"]).click()
    form.question("birth_year").locator("input").fill("\u0661\u0669\u0669\u0660")
    form.question("birth_year").locator("input").blur()
    form.page.get_by_label("اللغة", exact=True).select_option("en")
    expect(form.question("birth_year").locator("input")).to_have_value("1990")


def test_screens_are_accessible(form: Form, answers: dict[str, Any]) -> None:
    """WCAG 2.2 AA by axe, without sideways scrolling at 320 pixels, with targets for a thumb, in light and dark."""
    page, found = form.page, list[str]()
    page.on("console", lambda message: found.append(message.text))

    def look() -> None:
        found.extend([*violations(page), *sideways(page), *small(page)])

    page.set_viewport_size({"width": 320, "height": 640})
    look()
    form.press("Settings")
    look()
    form.press("Back")
    form.begin()
    form.next()
    look()
    form.fill_section(answers)
    form.press("Make the code")
    page.emulate_media(color_scheme="dark")
    look()
    form.go_to("Identity vault")
    form.fill_section(answers)
    look()
    form.press_summary("Check and finish")
    look()
    form.press("Lock")
    form.page.get_by_label("PIN").fill("0")
    form.press("Unlock")
    expect(page.get_by_role("alert").filter(has_text="This PIN is wrong.")).to_be_visible()
    look()

    assert found == []


def test_keyboards_and_browsers_are_told_to_forget(form: Form, answers: dict[str, Any]) -> None:
    """Every field that is typed into is kept from history, spelling services and password stores."""
    form.begin()
    form.fill_section(answers)
    typed: list[list[str | None]] = []
    for section in ("Provenance", "Identity vault", "Leaving"):
        form.go_to(section)
        typed += form.page.eval_on_selector_all(
            "input:not([type=radio], [type=checkbox], [type=date]), textarea",
            f"all => all.map(each => {list(FORGETFUL)}.map(name => each.getAttribute(name)))",
        )

    assert len(typed) > 8
    assert {tuple(each) for each in typed} == {tuple(FORGETFUL.values())}


def test_wrong_pin_opens_nothing_and_counts(form: Form) -> None:
    """It is said how many are left; the right one opens."""
    form.press("Lock")
    form.unlock("602817")
    expect(form.page.get_by_role("alert").filter(has_text="9 more wrong PINs erase everything.")).to_be_visible()
    expect(form.page.locator("main")).not_to_contain_text("interview")

    form.unlock()

    expect(form.heading).to_have_text("Interviews")


def test_two_presses_erase_everything(phone: Phone, answers: dict[str, Any]) -> None:
    """One press asks, two that are too fast are one; the second leaves an empty page and empty storage."""
    form = Form(phone.page)
    form.enroll(phone.code())
    form.begin()
    form.fill_section(answers)
    page = form.page
    page.get_by_role("button", name="Erase everything").dblclick()
    expect(page.get_by_role("button", name="Press again to erase everything")).to_be_visible()
    expect(form.heading).to_have_text("Consent")
    page.wait_for_timeout(500)

    page.get_by_role("button", name="Press again to erase everything").click()

    page.wait_for_url("about:blank")
    page.goto("/collect/errors.js")
    left = (
        "async () => [await caches.keys(), Object.keys(localStorage), await navigator.serviceWorker.getRegistrations()]"
    )
    assert page.evaluate(left) == [[], [], []]
    assert page.evaluate(DUMP) == ""


def test_list_tells_what_became_of_each_interview(phone: Phone) -> None:
    """What waits has its days left; what was refused or is lost says what to do, and goes on somebody's word only."""
    form = Form(phone.page)
    form.enroll(phone.code())
    phone.context.set_offline(offline=True)
    phone.page.evaluate(SEED)
    entries = form.page.locator("li.entry")

    expect(entries).to_have_count(4)
    expect(entries.nth(0)).to_contain_text("Sealed, waits for a connection")
    expect(entries.nth(0)).to_contain_text("2 days left to send it")
    expect(entries.nth(0).get_by_role("button")).to_have_count(0)
    expect(entries.nth(1)).to_contain_text("Tell your contact person the number and day.")
    expect(entries.nth(2)).to_contain_text("The answer did not come from your project's service.")
    expect(entries.nth(3)).to_contain_text("nobody can open it any more")
    entries.nth(3).get_by_role("button").click()
    expect(entries).to_have_count(3)


def test_further_interview_names_a_case_that_the_phone_knows(form: Form, answers: dict[str, Any]) -> None:
    """It is chosen among those of its receipts: a code that is typed wrong would be refused after sealing."""
    form.page.evaluate(
        """async () => (await import("/collect/store.js")).write([["e", crypto.randomUUID(),
          { number: 7, day: "2026-01-31", case: "K7QF-2M9D", receipt: "0", sentDay: "2099-01-31" }]])"""
    )
    form.begin()
    form.page.get_by_label("Was this person interviewed before?").select_option("K7QF-2M9D")
    form.fill_section(answers)
    form.press("Lock")
    form.unlock()

    expect(form.page.get_by_label("Was this person interviewed before?")).to_have_value("K7QF-2M9D")


def test_interview_is_deleted_by_two_presses(form: Form, answers: dict[str, Any]) -> None:
    """For somebody who changed their mind; no draft is left."""
    before = drafts(form.page)
    form.begin()
    form.fill_section(answers)
    form.next()
    expect(form.page.locator(".saved")).to_have_text("Saved, encrypted")
    form.press_summary("Delete this interview")
    form.page.wait_for_timeout(500)

    form.press("Press again to delete it for good")

    expect(form.heading).to_have_text("Interviews")
    assert drafts(form.page) == before


def test_draft_keeps_the_questionnaire_it_was_begun_with(form: Form, answers: dict[str, Any]) -> None:
    """When the server serves another version, what was begun is finished as it was begun."""
    form.begin()
    form.fill_section(answers)
    form.next()
    expect(form.page.locator(".saved")).to_have_text("Saved, encrypted")
    form.page.evaluate(
        """async () => { const { get, put } = await import("/collect/vault.js");
          await put("known", { ...(await get("known")), instruments: [] }); }"""
    )
    form.page.context.set_offline(offline=True)
    form.press("Lock")
    form.unlock()

    expect(form.heading).to_have_text("Provenance")
    form.press_summary("List")
    expect(form.page.get_by_text("There is no questionnaire on this phone yet.")).to_be_visible()
    form.page.context.set_offline(offline=False)


def test_blocked_phone_says_so_and_takes_a_new_code(phone: Phone) -> None:
    """The PIN stays and so does what is on the phone."""
    form = Form(phone.page)
    with phone.served.signed_in("admin") as client:
        before = {device["id"] for device in client.accounts.devices()}
    form.enroll(phone.code())
    with phone.served.signed_in("admin") as client:
        (own,) = {device["id"] for device in client.accounts.devices()} - before
        client.accounts.revoke(own)
    form.press("Lock")
    form.unlock()
    expect(form.page.get_by_text("This phone was blocked by the project.")).to_be_visible()
    form.press("Set up this phone")
    form.page.get_by_label("Code").fill(phone.code())
    form.press("Set up")

    expect(form.heading).to_have_text("Interviews")
    expect(form.page.get_by_text("This phone was blocked by the project.")).to_have_count(0)


def test_pin_is_changed(phone: Phone) -> None:
    """One that is guessed at once is refused; after a good one only that one opens."""
    form = Form(phone.page)
    form.enroll(phone.code())
    form.press("Settings")
    for new in ("123456", "739146"):
        form.page.get_by_label("PIN until now").fill(PIN)
        form.page.get_by_label("New PIN").fill(new)
        form.page.get_by_label("The same PIN again").fill(new)
        form.press("Change the PIN")
        expect(
            form.page.get_by_text("This PIN is guessed at once." if new == "123456" else "was changed")
        ).to_be_visible()
    form.press("Lock")
    form.unlock(PIN)
    expect(form.page.get_by_role("alert").filter(has_text="This PIN is wrong.")).to_be_visible()

    form.unlock("739146")

    expect(form.heading).to_have_text("Interviews")


def test_code_leaves_the_address_at_once(phone: Phone) -> None:
    """Neither the address nor going back shows it; the field does, until the phone is enrolled."""
    code, page = phone.code(), phone.page
    form = Form(page)
    form.open(code)

    assert violations(page) == []
    expect(page).to_have_url(f"{phone.served.url}{COLLECT}")
    expect(page.get_by_label("Code")).to_have_value(code)
    assert page.evaluate("history.state") is None


def test_phone_wears_the_name_of_the_study(phone: Phone, portal: Served) -> None:
    """Name and icon come with the enrollment; nothing in the title says what the app is."""
    study = portal.study("A study with a name", prefix="named.")
    with portal.signed_in("lead", study) as client:
        client.http.put(f"/v1/studies/{study.id}/app", {"name": "Recipes", "icon": "list"})
    form = Form(phone.page)
    form.open()
    expect(form.page).to_have_title("Notes")
    person = study["interviewer"]
    form.enroll(str(portal.signed_in("admin").accounts.offer_device(person.id, study.id)["code"]))

    expect(form.page).to_have_title("Recipes")
    manifest = form.page.evaluate(
        "fetch(document.querySelector('link[rel=manifest]').href).then((answer) => answer.json())"
    )
    assert manifest["short_name"] == "Recipes"
    assert all("list" in icon["src"] for icon in manifest["icons"])


def test_browser_without_the_cryptography_is_told(phone: Phone) -> None:
    """In its own language; nothing else is offered but to erase."""
    page = phone.page
    page.add_init_script("SubtleCrypto.prototype.generateKey = () => Promise.reject(new Error())")
    page.add_init_script("Object.defineProperty(navigator, 'languages', {value: ['de-AT']})")
    form = Form(page)
    form.open()

    expect(form.heading).to_have_text("Dieser Browser ist nicht geeignet")
    expect(page.locator("main button, main input")).to_have_count(0)


def small(page: Page) -> list[str]:
    """What is too small for a thumb."""
    found: list[str] = page.evaluate(
        """target => [...document.querySelectorAll("button, select, textarea, summary, .option, input")]
          .filter(each => each.checkVisibility() && !each.closest(".option > *"))
          .filter(each => each.getBoundingClientRect().height < target || each.getBoundingClientRect().width < target)
          .map(each => each.outerHTML.slice(0, 120))""",
        TARGET,
    )
    return found
