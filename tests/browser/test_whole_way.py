"""The whole way in a real browser, from an invitation to an erasure: with scripts, without, and in Arabic.

Each step alone, with everything that can go wrong in it, is shown by the other tests of this folder.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from app.access import Role
from app.accounts.models import Session
from app.client import OneTimeCodes, Problem
from app.studies.instrument import bundled
from app.web.portal.locales import translations
from tests.browser.browsing import submit
from tests.browser.interviews import interview
from tests.browser.test_desk import press, tab_to
from tests.browser.test_invitation import accept, invite, sign_in
from tests.browser.test_sign_in import authenticator
from tests.people import PASSWORD
from tests.serving import Served
from tests.system import StudyPlace

Browse = Callable[..., Page]
TEXT, NAME, REASON = "joining_account", "Sameer Idris Rahmanov", "His brother has to be warned today."
WORDS = 10_000


@dataclass
class Way:
    """One walk: whose browsers, in which language, with or without scripts."""

    portal: Served
    study: StudyPlace
    browse: Browse
    locale: str
    javascript: bool
    name: str
    page: Page = field(init=False)
    codes: OneTimeCodes = field(init=False)

    def say(self, text: str) -> str:
        """A text of the pages in the language of this walk."""
        return translations(self.locale).gettext(text)

    def press(self, page: Page, button: str) -> None:
        """Press the button that is called so in English."""
        submit(page, self.say(button))

    def open(self, who: str | None, path: str) -> Page:
        """A tab of somebody's, at an address below the study's."""
        at = path if who in {None, "admin"} else f"/studies/{self.study.id}{path}"
        return self.browse(who, self.study, path=at, locale=self.locale, javascript=self.javascript)

    def told(self, page: Page, notice: str) -> None:
        """The page says so."""
        expect(page.get_by_role("status").first).to_have_text(self.say(notice))

    def get_account(self) -> None:
        """An invitation is accepted with a password and an authenticator app, and used to sign in."""
        code = invite(self.portal, self.name)
        self.page = self.open(None, "/invitations")
        self.page.get_by_label(self.say("Code of the invitation")).fill(code)
        self.press(self.page, "Go on")
        self.codes = accept(self.page, self.locale)
        sign_in(self.page, self.name, self.codes, self.locale)

    def get_admitted(self) -> None:
        """The lead and a member of the team compare the words that the person's own page shows."""
        self.page.goto("/account")
        words = self.page.locator("ol.read-aloud > li").all_inner_texts()
        lead = self.open("lead", f"/candidates?name={self.name}")
        self.compare(lead, words)
        lead.locator(f"input[name=roles][value={Role.REDACTOR}]").check()
        self.press(lead, "Admit")
        member = self.open("approver", "/members")
        with member.expect_navigation():
            member.locator("main a[href$='/confirmation']").click()
        self.compare(member, words)
        self.press(member, "Hand the keys over")

    def compare(self, page: Page, words: list[str]) -> None:
        """Hear 32 words and find the same."""
        assert page.locator("ol.read-aloud > li").all_inner_texts() == words
        assert len(words) == 32
        page.locator("input[name=compared]").check()

    def use_passkey(self) -> None:
        """A passkey is made and takes the code's place at the next sign-in."""
        authenticator(self.page)
        self.press(self.page, "Add a passkey")
        self.page.get_by_label(self.say("Name of the passkey")).fill("Laptop")
        self.press(self.page, "Make the passkey")
        self.told(self.page, "The passkey is added.")
        self.press(self.page, "Sign out")
        self.page.get_by_label(self.say("Account name")).fill(self.name)
        self.page.get_by_label(self.say("Password"), exact=True).fill(PASSWORD)
        self.press(self.page, "Use a passkey instead of the code")
        expect(self.page.get_by_role("heading", level=1)).to_have_text(self.say("What waits for you"))

    def redact(self) -> None:
        """By keyboard alone, or, without scripts, by the forms."""
        self.page.goto(f"/studies/{self.study.id}/queue")
        self.press(self.page, "Take the next one")
        if self.javascript:
            tab_to(self.page, "[data-do=start]")
            press(self.page, "Enter", "ArrowRight", "ArrowRight", "End", "o", "e")
            tab_to(self.page, "[data-rating]")
            press(self.page, "Space")
            tab_to(self.page, "#finish button")
            with self.page.expect_navigation():
                press(self.page, "Enter")
        else:
            self.page.locator("fieldset.plain-span").first.locator("select").select_option("ORG")
            self.press(self.page, "Save these decisions")
            self.press(self.page, "Finish: to the approvers")
        assert self.page.url.endswith("/queue?notice=finished")

    def approve(self) -> None:
        """Somebody else releases it, with a fresh second factor."""
        page = self.open("approver", "/queue")
        self.press(page, "Take the next one")
        if page.locator("[name=doubts]").count():
            page.locator("[name=doubts]").check()
        self.forget_factor("approver")
        self.press(page, "Approve and release")
        expect(page.get_by_role("heading", level=1)).to_have_text(self.say("Confirm that it is you"))
        page.locator("input[name=step_up_code]").fill(self.portal.code(self.study["approver"]))
        with page.expect_navigation():
            page.locator("form:has([name=step_up_code]) button:not([type=button])").first.click()
        assert page.url.endswith("/queue?notice=released")

    def forget_factor(self, who: str) -> None:
        """The second factor of somebody was given too long ago."""
        with self.portal.runtime.transaction() as session:
            before = self.portal.now() - timedelta(minutes=6)
            session.execute(update(Session).where(Session.user_id == self.study[who].id).values(factor_at=before))

    def read(self, record: UUID) -> None:
        """A researcher reads the release, and finds no name in it."""
        page = self.open("researcher", "/releases")
        with page.expect_navigation():
            page.locator(f"main a[href$='{record}']").click()
        expect(page.locator(".reading").first).to_contain_text("[PERSON-01")
        assert "Rahmanov" not in page.content()

    def disclose(self, record: UUID) -> None:
        """A guardian asks, an auditor approves, the guardian reads."""
        guardian = self.open("guardian", f"/disclosures/records/{record}/identity")
        guardian.get_by_label(bundled().fields["legal_name"].label[self.locale], exact=True).check()
        guardian.get_by_label(self.say("Why is this needed?")).fill(REASON)
        self.press(guardian, "Ask the auditors")
        auditor = self.open("auditor", "/disclosures")
        with auditor.expect_navigation():
            auditor.get_by_role("link", name=self.say("Read and answer")).click()
        expect(auditor.get_by_text(REASON)).to_be_visible()
        self.press(auditor, "Approve this ask")
        guardian.reload()
        with guardian.expect_navigation():
            guardian.get_by_role("link", name=self.say("Go on")).click()
        self.press(guardian, "Show the fields now")
        expect(guardian.get_by_text(NAME)).to_be_visible()

    def withdraw_and_erase(self, case: str) -> None:
        """The interviewer records it; a guardian and a lead erase; nothing but a tombstone is left."""
        interviewer = self.open("interviewer", f"/withdrawals?code={case}")
        self.press(interviewer, "Freeze this case now")
        guardian = self.open("guardian", f"/cases/{case}")
        guardian.locator("input[name=preference][value=erase_all]").check()
        self.press(guardian, "Ask for the erasure")
        lead = self.open("lead", f"/cases/{case}")
        self.press(lead, "Agree and erase now")
        assert "/erasures/" in lead.url
        assert case not in lead.content()
        gone = self.open("researcher", "/releases")
        assert case not in gone.content()

    def revoke_device(self) -> None:
        """The interviewer's lost phone is shut out at once."""
        enrolled = self.portal.signed_in("admin").accounts.enrol(self.study["interviewer"].id, self.study.id)
        client = self.portal.client(enrolled["token"])
        assert client.studies.instruments(self.study.id)
        page = self.browse(self.study["interviewer"], path="/account", locale=self.locale, javascript=self.javascript)
        self.press(page, "Revoke")
        with pytest.raises(Problem):
            client.studies.instruments(self.study.id)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("locale", "javascript"),
    [
        pytest.param("en", True, id="scripts"),
        pytest.param("en", False, id="no scripts"),
        pytest.param("ar", True, id="arabic"),
    ],
)
def test_the_whole_way(portal: Served, study: StudyPlace, browse: Browse, locale: str, *, javascript: bool) -> None:
    """Every verb of the portal that a testimony meets, by the people whose verbs they are, in one go."""
    way = Way(portal, study, browse, locale, javascript, f"walks.{study['lead'].name.partition('.')[0]}")
    body = portal.body(study)
    body["answers"][TEXT]["value"] += "\n\n" + interview(WORDS)
    receipt = portal.submit(study, body)
    record = UUID(receipt["record"])
    portal.redact_all()

    way.get_account()
    way.get_admitted()
    if javascript:
        way.use_passkey()
    way.redact()
    way.approve()
    way.read(record)
    way.disclose(record)
    way.withdraw_and_erase(receipt["case"])
    way.revoke_device()

    assert way.page.locator("html").get_attribute("dir") == ("rtl" if locale == "ar" else "ltr")
