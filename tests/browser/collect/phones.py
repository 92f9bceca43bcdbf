"""A phone's browser without the form: the library below it, called as the form calls it.

phone = phones.new()                                   # a browser of its own, nothing stored
phone.run("return vault.state();")                     # JavaScript with every module of the library at hand
phone.run("await vault.create(given.pin);", pin=PIN)
phone.enroll()                                         # with a code of the study's admin
phone.finish()                                         # a whole interview, from draft to sealed
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import uuid4

from playwright.sync_api import Browser, BrowserContext, Error, Page

from tests.browser.browsing import PATIENCE
from tests.serving import Served
from tests.system import StudyPlace

PIN = "482913"
# A file of the library: a page of the same origin and policy on which nothing runs by itself.
NOWHERE = "/collect/errors.js"
MODULES = (
    "attachments",
    "database",
    "device",
    "errors",
    "install",
    "parts",
    "pin",
    "queue",
    "sealing",
    "sender",
    "server",
    "store",
    "vault",
    "wipe",
)
CRYPTO = ("chunks", "encoding", "hpke", "signature")
IMPORTS = "\n".join(
    [f'const {name} = await import("/collect/{name}.js");' for name in MODULES]
    + [f'const {name} = await import("/collect/crypto/{name}.js");' for name in CRYPTO]
)
# What an error of the library says goes to the test as it is.
CAUGHT = "catch (error) { if (error instanceof errors.Trouble) return {...error, name: error.name}; throw error; }"


@dataclass
class Phone:
    """See the module."""

    served: Served
    place: StudyPlace
    context: BrowserContext
    page: Page = field(init=False)

    def __post_init__(self) -> None:
        self.context.set_default_timeout(PATIENCE)
        self.page = self.tab()

    def tab(self) -> Page:
        """One more tab of this browser."""
        page = self.context.new_page()
        page.goto(NOWHERE)
        return page

    def run(self, script: str, *, tab: Page | None = None, **given: Any) -> Any:
        """What the script returns, or the members of an error of the library that it throws."""
        work = f"{IMPORTS} try {{ return await (async () => {{ {script} }})(); }} {CAUGHT}"
        late = f"new Promise((_, fail) => setTimeout(() => fail(new Error('too late')), {PATIENCE}))"
        return (tab or self.page).evaluate(f"given => Promise.race([(async () => {{ {work} }})(), {late}])", given)

    def reload(self) -> None:
        """Open the page anew: whatever was in memory is gone."""
        self.page.goto("about:blank")
        self.page.goto(NOWHERE)

    def enroll(self, pin: str = PIN) -> Self:
        """Enroll with a one-time code and choose a PIN."""
        script = "await server.enrol(given.code, given.pin);"
        assert self.run(script, code=self.code(), pin=pin) is None
        return self

    def code(self) -> str:
        """A one-time code for the study's interviewer."""
        person = self.place["interviewer"]
        return str(self.served.signed_in("admin").accounts.offer_device(person.id, self.place.id)["code"])

    def draft(self, **changed: Any) -> tuple[str, dict[str, Any]]:
        """Keep a draft: its id, and the body that it makes."""
        body = {**self.served.body(self.place, **changed)}
        del body["study"]
        draft = str(uuid4())
        said = self.run("await vault.put(`draft/${given.id}`, given.body);", id=draft, body=body)
        assert said is None, said
        return draft, body

    def finish(self, **changed: Any) -> dict[str, Any]:
        """Finish a whole interview: its entry."""
        draft, body = self.draft(**changed)
        entry: dict[str, Any] = self.seal(draft, body)
        return entry

    def seal(self, draft: str, body: Mapping[str, Any]) -> Any:
        """Finish a draft."""
        shown = {"number": 1, "day": "2026-01-31"}
        return self.run("return queue.finish(given.id, given.body, given.shown);", id=draft, body=body, shown=shown)

    def entries(self) -> list[dict[str, Any]]:
        """What the list shows."""
        entries: list[dict[str, Any]] = self.run("return queue.entries();")
        return entries

    def states(self) -> list[str]:
        """The states of the finished ones."""
        return [entry["state"] for entry in self.entries()]

    def send(self) -> None:
        """Send by hand, and wait until it has been tried."""
        self.run("await queue.send();")

    def raw(self) -> str:
        """Everything that lies in IndexedDB, as a copy of the profile would show it: byte for character."""
        text: str = self.page.evaluate(DUMP)
        return text

    def close(self) -> None:
        """Close the browser."""
        with suppress(Error):
            self.context.close()


@dataclass
class Phones:
    """Makes phones of one study and closes them."""

    served: Served
    place: StudyPlace
    browser: Browser
    _made: list[Phone] = field(default_factory=list)

    def new(self, place: StudyPlace | None = None) -> Phone:
        """A browser with nothing stored."""
        # Answers that a test changes on their way are fetched by Playwright, which knows no pinned certificate.
        context = self.browser.new_context(
            base_url=self.served.url, viewport={"width": 390, "height": 844}, ignore_https_errors=True
        )
        # A slow phone: its PINs cost what they cost at least.
        context.add_init_script("let ticks = 0; performance.now = () => (ticks += 1e6);")
        self._made.append(Phone(self.served, place or self.place, context))
        return self._made[-1]

    def close(self) -> None:
        """Close them all."""
        for phone in self._made:
            phone.close()


DUMP = """async () => {
  const told = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const written = (value) => value instanceof Uint8Array
    ? Array.from(value, (byte) => String.fromCharCode(byte)).join("")
    : value instanceof CryptoKey ? `extractable: ${value.extractable}` : JSON.stringify(value);
  let text = "";
  for (const { name } of await indexedDB.databases()) {
    const database = await told(indexedDB.open(name));
    text += `database ${name}\\n`;
    for (const store of database.objectStoreNames) {
      const rows = database.transaction(store).objectStore(store);
      const [keys, values] = [await told(rows.getAllKeys()), await told(rows.getAll())];
      keys.forEach((key, at) => (text += `${store} ${key} ${written(values[at])}\\n`));
    }
    database.close();
  }
  return text;
}"""
