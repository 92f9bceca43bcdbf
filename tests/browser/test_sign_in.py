"""Signing in with a real browser: by code, by passkey, without scripts, in Arabic."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from itertools import count

import pytest
from playwright.sync_api import CDPSession, Page, expect
from sqlalchemy import update

from app.accounts.models import Session
from tests.browser.browsing import submit
from tests.people import PASSWORD, Person
from tests.serving import Served

Browse = Callable[..., Page]
Check = Callable[[Page], None]
NUMBERS = count(1)
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def person(portal: Served) -> Person:
    """Somebody of the test's own."""
    return portal.person(f"signs.in{next(NUMBERS)}")


def fill(page: Page, person: Person, code: str = "") -> None:
    """Enter name, password and code."""
    page.get_by_label("Account name").fill(person.name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    if code:
        page.get_by_label("One-time code").fill(code)


def authenticator(page: Page) -> tuple[CDPSession, str]:
    """A device with passkeys, as far as this tab can tell."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    made = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    return devtools, str(made["authenticatorId"])


def test_sign_in_with_a_code(browse: Browse, check_page: Check, portal: Served, person: Person) -> None:
    """To the page that was asked for first; signing out leads back, and Back shows nothing any more."""
    page = browse(None, path="/account")
    expect(page).to_have_url(re.compile(r"/sign-in\?then=/account$"))
    check_page(page)

    fill(page, person, portal.code(person))
    submit(page, "Sign in")

    expect(page.get_by_role("heading", level=1)).to_have_text(f"Account of {person.name}")
    check_page(page)
    submit(page, "Sign out")
    expect(page.get_by_role("status")).to_have_text("You are signed out.")
    page.go_back()
    expect(page).to_have_url(re.compile("/sign-in"))


def test_wrong_code_is_said(browse: Browse, check_page: Check, person: Person) -> None:
    """In a text that a screen reader announces; the name stays, the password does not."""
    page = browse(None, path="/sign-in")
    fill(page, person, "000000")

    submit(page, "Sign in")

    expect(page.get_by_role("alert").first).to_contain_text("That is not right.")
    expect(page.get_by_label("Account name")).to_have_value(person.name)
    expect(page.get_by_label("Password", exact=True)).to_have_value("")
    check_page(page)


def test_sign_in_without_scripts(browse: Browse, portal: Served, person: Person) -> None:
    """The code works with scripts switched off, and no passkey is offered."""
    page = browse(None, path="/sign-in", javascript=False)
    expect(page.get_by_role("button", name="Use a passkey instead of the code")).to_have_count(0)
    fill(page, person, portal.code(person))

    submit(page, "Sign in")

    expect(page.get_by_role("heading", level=1)).to_have_text("What waits for you")


def test_passkey_is_made_used_and_removed(browse: Browse, check_page: Check, portal: Served, person: Person) -> None:
    """On the account page; at the sign-in in the place of the code; and again before what needs a fresh factor."""
    page = browse(person, path="/account")
    devtools, device = authenticator(page)
    submit(page, "Add a passkey")
    check_page(page)
    page.get_by_label("Name of the passkey").fill("Laptop <b>")
    submit(page, "Make the passkey")
    expect(page.get_by_role("status")).to_have_text("The passkey is added.")
    expect(page.get_by_text("Laptop <b>", exact=True).first).to_be_visible()
    check_page(page)
    assert len(devtools.send("WebAuthn.getCredentials", {"authenticatorId": device})["credentials"]) == 1

    submit(page, "Sign out")
    fill(page, person)
    submit(page, "Use a passkey instead of the code")
    expect(page.get_by_role("heading", level=1)).to_have_text("What waits for you")
    page.goto("/account")
    expect(page.get_by_text("Not used yet.")).to_have_count(0)

    with portal.runtime.transaction() as session:
        before = portal.now() - timedelta(minutes=6)
        session.execute(update(Session).where(Session.user_id == person.id).values(factor_at=before))
    submit(page, "Remove Laptop <b>")
    expect(page.get_by_role("heading", level=1)).to_have_text("Confirm that it is you")
    check_page(page)
    submit(page, "Use a passkey instead of the code")
    expect(page.get_by_role("status")).to_have_text("The passkey is removed.")
    submit(page, "Sign out")
    fill(page, person)
    submit(page, "Use a passkey instead of the code")
    expect(page.get_by_role("alert").first).to_contain_text("That is not right.")
    assert portal.sign_in(person)


def test_passkey_that_does_not_answer(browse: Browse, person: Person) -> None:
    """The page says so, and the code can still be used."""
    page = browse(None, path="/sign-in")
    devtools, device = authenticator(page)
    devtools.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False})
    fill(page, person)

    page.get_by_role("button", name="Use a passkey instead of the code").click()

    expect(page.get_by_role("alert")).to_have_text("The passkey did not answer. Try again, or use a code.")
    expect(page.get_by_label("One-time code")).to_have_attribute("required", "")


def test_language_is_chosen_on_the_page(browse: Browse, check_page: Check) -> None:
    """From English to Arabic, from right to left, and it stays chosen."""
    page = browse(None, path="/sign-in")
    page.get_by_label("Language").select_option("ar")

    submit(page, "Change")

    assert page.evaluate("[document.documentElement.lang, document.dir]") == ["ar", "rtl"]
    page.goto("/forgotten")
    assert page.evaluate("document.dir") == "rtl"
    check_page(page)


def test_keyboard_alone_is_enough(browse: Browse, portal: Served, person: Person) -> None:
    """From the top: the first stop skips to the content, and every field follows in the order of the page."""
    page = browse(None, path="/sign-in")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    for text in (person.name, PASSWORD, portal.code(person)):
        page.keyboard.press("Tab")
        page.keyboard.type(text)

    with page.expect_navigation():
        page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text("What waits for you")
