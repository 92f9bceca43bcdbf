"""Pages in a real browser: Debian's Chromium on a system that serves over real TLS.

    page = browse("redactor")                     # a tab signed in as a person of the first study, on the first page
    page = browse(study["guardian2"], path=f"/studies/{study.id}/protection")
    page = browse("admin", locale="ar", width=390, dark=True)
    page = browse("redactor", javascript=False)
    page = browse(None, path="/sign-in")          # nobody
    check_page(page)                              # axe, console, content security policy, no scrolling sideways

A tab has cookies of its own, and no two tests share one. People keep their sessions between tests, though, so a test
that ends sessions or changes a password does it to a person of its own (``portal.person("somebody")``).
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path

import axe_core_python  # type: ignore[import-untyped]
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright

from tests.people import Person
from tests.serving import Served
from tests.system import StudyPlace

# WCAG 2.2, 1.4.10: content reflows down to 320 pixels.
DESKTOP, PHONE, NARROWEST = 1280, 390, 320
HEIGHTS = {DESKTOP: 900, PHONE: 844}
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# What passed is neither looked for in every element nor handed over: it is most of the work.
AXE = "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']}).then(found => found.violations)"
# Milliseconds; the machine may be busy.
PATIENCE = 20_000
SESSION, LOCALE = "__Host-session", "__Host-locale"


def launch(playwright: Playwright, program: str, served: Served) -> Browser:
    """Chromium, trusting the key of this server's own certificate."""
    return playwright.chromium.launch(executable_path=program, args=arguments(served))


def arguments(served: Served) -> list[str]:
    """What Chromium is started with: ignoring errors of certificates would switch passkeys off, so it trusts one."""
    certificate = x509.load_pem_x509_certificate(served.certificate.read_bytes())
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pin = base64.b64encode(sha256(key).digest()).decode()
    return ["--no-sandbox", f"--ignore-certificate-errors-spki-list={pin}"]


@dataclass
class Tabs:
    """Opens tabs and remembers what their consoles said."""

    served: Served
    browser: Browser
    _contexts: list[BrowserContext] = field(default_factory=list)
    _complaints: dict[Page, list[str]] = field(default_factory=dict)

    def open(
        self,
        who: str | Person | None,
        study: StudyPlace | None = None,
        *,
        path: str = "/",
        javascript: bool = True,
        locale: str = "en",
        width: int = DESKTOP,
        dark: bool = False,
    ) -> Page:
        """A tab signed in as somebody, at an address; see the module."""
        context = self.browser.new_context(
            base_url=self.served.url,
            java_script_enabled=javascript,
            viewport={"width": width, "height": HEIGHTS.get(width, 900)},
            color_scheme="dark" if dark else "light",
            locale="en",
        )
        context.set_default_timeout(PATIENCE)
        self._contexts.append(context)
        page = context.new_page()
        self._cookie(page, LOCALE, locale)
        if who is not None:
            self.hold(page, str(self.served.signed_in(who, study).http.token))
        complaints = self._complaints[page] = []
        page.on("console", lambda message: _note(complaints, message))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        return page

    def hold(self, page: Page, token: str) -> None:
        """Give a tab the session of this token."""
        self._cookie(page, SESSION, token)

    def _cookie(self, page: Page, name: str, value: str) -> None:
        # A cookie whose name begins with __Host- is set by address, never for a domain.
        page.context.add_cookies(
            [{"name": name, "value": value, "url": self.served.url, "secure": True, "httpOnly": True}]
        )

    def complaints(self, page: Page) -> list[str]:
        """What the console of this tab said since it was last asked: errors, refused scripts, styles and requests."""
        said = list(self._complaints[page])
        self._complaints[page].clear()
        return said

    def check(self, page: Page) -> None:
        """Assert that the page is accessible (axe), complains of nothing, and fits a phone and a desktop."""
        found = [*self.complaints(page), *violations(page)]
        before = page.viewport_size
        for width in (PHONE, NARROWEST):
            page.set_viewport_size({"width": width, "height": HEIGHTS[PHONE]})
            found += [f"does not fit {width} pixels: {element}" for element in sideways(page)]
        if before is not None:
            page.set_viewport_size(before)
        found += self.complaints(page)
        assert not found, "\n".join([page.url, *found])

    def close(self) -> None:
        """Close every tab."""
        for context in self._contexts:
            context.close()


def violations(page: Page) -> list[str]:
    """What axe finds, one line for each element."""
    page.evaluate(_axe())
    found = page.evaluate(AXE, WCAG)
    return [f"{rule['id']}: {rule['help']}: {node['html']}" for rule in found for node in rule["nodes"]]


def sideways(page: Page) -> list[str]:
    """The elements that make the page scroll sideways; those inside a part that scrolls by itself do not."""
    found: list[str] = page.evaluate(
        """() => {
          const root = document.documentElement;
          if (root.scrollWidth <= root.clientWidth) return [];
          const wide = [...document.body.querySelectorAll("*")].filter(element => {
            const box = element.getBoundingClientRect();
            return box.right > root.clientWidth + 1 || box.left < -1;
          });
          return [`${root.scrollWidth} > ${root.clientWidth}`, ...wide.map(e => e.outerHTML.slice(0, 120))];
        }"""
    )
    return found


@cache
def _axe() -> str:
    return (Path(axe_core_python.__file__).parent / "axe.min.js").read_text()


def _note(complaints: list[str], message: ConsoleMessage) -> None:
    # A refusal page is an answer like others; the browser calls every 4xx an error.
    if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
        complaints.append(message.text)


def submit(page: Page, button: str) -> None:
    """Press the button of this name and wait for the page that follows."""
    with page.expect_navigation():
        page.get_by_role("button", name=button, exact=True).click()
