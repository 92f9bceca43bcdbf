"""The form as an interviewer uses it: enroll, unlock, answer section by section, finish.

form = Form(page)                       # a tab of a phone's browser
form.enroll(code)                       # by link, with a new PIN
form.begin()                            # a new interview, at the consent
form.fill(answers)                      # from the section that is shown to the last one, with answers by name
form.finish()                           # seal it
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Locator, Page, expect

from app.studies.instrument import bundled
from tests.browser.collect.phones import PIN

INSTRUMENT = bundled()
COLLECT = "/collect"


@dataclass
class Form:
    """See the module."""

    page: Page

    def open(self, code: str = "") -> None:
        """Open the page, by the link of an offer if there is a code."""
        self.page.goto(f"{COLLECT}#code={code}" if code else COLLECT)
        expect(self.heading).to_be_visible()

    def enroll(self, code: str, pin: str = PIN) -> None:
        """Follow the link, choose a PIN, and wait for the list."""
        self.open(code)
        self.page.get_by_label("New PIN").fill(pin)
        self.page.get_by_label("The same PIN again").fill(pin)
        self.press("Set up")
        expect(self.heading).to_have_text("Interviews")

    def unlock(self, pin: str = PIN) -> None:
        """Give the PIN."""
        self.page.get_by_label("PIN").fill(pin)
        self.press("Unlock")

    def leave(self) -> None:
        """Go to the list from wherever one came back to."""
        expect(self.heading).not_to_have_text("Locked")
        if self.heading.inner_text() != "Interviews":
            self.press_summary("List")
            expect(self.heading).to_have_text("Interviews")

    def begin(self) -> None:
        """Start a new interview."""
        self.press("New interview")
        expect(self.heading).to_have_text("Consent")

    @property
    def heading(self) -> Locator:
        """The heading of what is shown."""
        return self.page.get_by_role("heading", level=1)

    def press(self, name: str) -> None:
        """Press the button of this name."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def question(self, name: str) -> Locator:
        """A question by its field."""
        return self.page.locator(f'[data-field="{name}"]')

    def fill(self, answers: Mapping[str, Any], *, until: str = "") -> None:
        """Answer every question of every section from this one on, or until one, as far as there are answers."""
        while self.heading.inner_text() != until:
            self.fill_section(answers)
            ahead = self.page.locator(".bar .primary")
            last = ahead.inner_text() == "Check and finish"
            ahead.click()
            if last:
                expect(self.heading).to_have_text("Check and finish")
                return

    def fill_section(self, answers: Mapping[str, Any]) -> None:
        """Answer the questions that this section shows; an answer may show more of them."""
        for name in self.page.locator("[data-field]").evaluate_all("all => all.map(each => each.dataset.field)"):
            if name in answers and self.question(name).is_visible():
                self.answer(name, answers[name])

    def answer(self, name: str, answer: Mapping[str, Any]) -> None:
        """Give one answer, or the reason why there is none."""
        place = self.question(name)
        if "status" in answer:
            place.locator(f'[data-status="{answer["status"]}"]').click()
        else:
            _put(place.locator(".widget"), INSTRUMENT.fields[name], answer["value"])

    def next(self) -> None:
        """Press the button that leads on."""
        self.page.locator(".bar .primary").click()

    def go_to(self, section: str) -> None:
        """Go to a section by the list of all sections."""
        self.page.locator("summary").click()
        self.page.locator(".sections button").filter(has_text=section).click()
        expect(self.heading).to_have_text(section)

    def press_summary(self, name: str) -> None:
        """Press a button of the list of all sections."""
        self.page.locator("summary").click()
        self.page.locator(".overview > button").filter(has_text=name).click()

    def flaw(self, name: str) -> Locator:
        """What is said to be wrong with the answer to a question."""
        return self.question(name).locator(".flaw")

    def hand_over_token(self) -> str:
        """Make the withdrawal token, read it, hide it."""
        self.press("Make the code")
        token = self.page.locator(".secret").inner_text()
        self.press("It was handed over: hide it")
        expect(self.page.locator(".secret")).to_have_count(0)
        return token

    def finish(self) -> None:
        """Seal what is whole."""
        self.press("Finish and seal")
        expect(self.heading).to_have_text("Sealed")


def _put(place: Locator, field: Any, value: Any) -> None:
    items = value if isinstance(value, list) else [value]
    if field.type in {"one", "many", "bool"}:
        names = [True, False] if field.type == "bool" else [choice.name for choice in field.choices]
        for item in items:
            place.locator(".option").nth(names.index(item)).click()
    elif field.type == "half_year":
        year, half = value.split("-H")
        place.locator("input").first.fill(year)
        place.locator(".option").nth(int(half) - 1).click()
    elif field.type in {"countries", "bcp47"}:
        for item in items:
            place.locator("select").select_option(item)
    elif field.type in {"strings", "object", "objects"}:
        _put_items(place, field, items)
    else:
        place.locator("input, textarea").fill(str(value))


def _put_items(place: Locator, field: Any, items: list[Any]) -> None:
    for at, item in enumerate(items):
        if at:
            place.locator(".stack > button").click()
        _put_item(place if field.type == "object" else place.locator(".item").nth(at), field, item)


def _put_item(place: Locator, field: Any, item: Any) -> None:
    if isinstance(item, str):
        place.locator("input").fill(item)
        return
    for at, member in enumerate(field.members):
        if member.name in item:
            _put(place.locator(".member").nth(at), member, item[member.name])
