"""The whole way into an account with a real browser, from the link to the first page; once in Arabic."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from app.client import OneTimeCodes
from app.web.portal.locales import translations
from tests.browser.browsing import submit
from tests.people import PASSWORD
from tests.serving import Served

Browse = Callable[..., Page]
Check = Callable[[Page], None]


def invite(portal: Served, name: str) -> str:
    """An invitation's code."""
    return portal.signed_in("admin").accounts.invite(name)


def accept(page: Page, locale: str = "en") -> OneTimeCodes:
    """Fill the page of an invitation in a language; what the app on the phone shows from then on."""
    say = translations(locale).gettext
    codes = OneTimeCodes(page.locator("input[name=secret]").input_value())
    page.get_by_label(say("New password"), exact=True).fill(PASSWORD)
    page.get_by_label(say("The new password again")).fill(PASSWORD)
    page.get_by_label(say("Code that the app shows now")).fill(codes.next())
    submit(page, say("Make the account"))
    expect(page.get_by_role("heading", level=1)).to_have_text(say("Your account is ready"))
    return codes


def sign_in(page: Page, name: str, codes: OneTimeCodes, locale: str = "en") -> None:
    """From the page that follows."""
    say = translations(locale).gettext
    with page.expect_navigation():
        page.get_by_role("link", name=say("To the sign-in")).click()
    page.get_by_label(say("Account name")).fill(name)
    page.get_by_label(say("Password"), exact=True).fill(PASSWORD)
    page.get_by_label(say("One-time code")).fill(codes.next())
    submit(page, say("Sign in"))
    expect(page.get_by_role("heading", level=1)).to_have_text(say("What waits for you"))


def test_invitation_from_link_to_first_page(browse: Browse, check_page: Check) -> None:
    """The admin makes the link; whoever gets it has an account, and no address ever held the code."""
    admin = browse("admin", path="/admin/people")
    check_page(admin)
    admin.get_by_label("Account name").fill("walks.in")
    submit(admin, "Invite")
    check_page(admin)
    link = admin.locator("p.secret").inner_text()
    code = link.partition("#")[2]

    page = browse(None)
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    page.goto(f"/invitations#{code}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Welcome, walks.in")
    check_page(page)
    codes = accept(page)
    expect(page.locator("ol.read-aloud > li")).to_have_count(32)
    check_page(page)

    sign_in(page, "walks.in", codes)
    expect(page.get_by_text("You belong to no study yet.")).to_be_visible()
    check_page(page)
    assert not any(code in address for address in addresses)
    history = page.context.new_cdp_session(page).send("Page.getNavigationHistory")
    assert not any(code in entry["url"] for entry in history["entries"])


def test_invitation_without_scripts(browse: Browse, portal: Served) -> None:
    """The code is typed instead of taken from the link; everything else is the same."""
    code = invite(portal, "no.scripts")
    page = browse(None, path="/invitations", javascript=False)
    page.get_by_label("Code of the invitation").fill(code)
    submit(page, "Go on")

    sign_in(page, "no.scripts", accept(page))


def test_invitation_in_arabic(browse: Browse, check_page: Check, portal: Served) -> None:
    """From right to left; the words of the fingerprint stay English and from left to right."""
    code = invite(portal, "from.afar")
    page = browse(None, path=f"/invitations#{code}", locale="ar")
    page.wait_for_url("**/invitations/acceptance")
    assert page.evaluate("[document.documentElement.lang, document.dir]") == ["ar", "rtl"]
    check_page(page)

    codes = accept(page, "ar")

    expect(page.locator("ol.read-aloud")).to_have_attribute("dir", "ltr")
    expect(page.locator("ol.read-aloud")).to_have_attribute("lang", "en")
    check_page(page)
    sign_in(page, "from.afar", codes, "ar")
    check_page(page)


def test_language_is_chosen_in_the_middle(browse: Browse, portal: Served) -> None:
    """Whoever reads no English finds their language on the page of the invitation, and goes on there."""
    page = browse(None, path=f"/invitations#{invite(portal, 'reads.arabic')}")
    page.wait_for_url("**/invitations/acceptance")
    page.get_by_label("Language").select_option("ar")

    submit(page, "Change")

    expect(page).to_have_url(f"{portal.url}/invitations/acceptance")
    assert page.evaluate("document.dir") == "rtl"
    accept(page, "ar")
