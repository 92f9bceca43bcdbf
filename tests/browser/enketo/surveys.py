"""Enketo as people meet it: a form of our server in Chromium, shown by enketo-core, and sent on by Enketo's own server.

A browser lets no page read another site's answers, so the server that a page of Enketo comes from loads the form for it
and hands on what it sends. ``Relay`` does that and no more: the bytes that the browser made are the bytes that we get.

with relayed(script, xsltproc, collect) as relay:
    survey = Survey(page, relay)
    survey.open(form)                               # or: open(form, record), to edit what was sent
    survey.speak("ar")
    survey.fill(form, answers)                      # question by question, in order; each must be there to be answered
    survey.attach("section/photo", file)            # by the path of its element, as a form's mapping has it
    survey.send()                                   # what our server said, with its status before
"""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final

from defusedxml.ElementTree import fromstring
from playwright.sync_api import Locator, Page, expect

from app.forms.mapping import Place
from app.forms.queries import FormView
from tests.browser.browsing import PATIENCE
from tests.collect import OPENROSA, Collect

FOLDER: Final = Path(__file__).parent
LIST: Final = "{http://openrosa.org/xforms/xformsList}"
ADDRESS: Final = ("127.0.0.1", 0)
TICKED: Final = frozenset({"radio", "checkbox"})
# What each element is answered with.
KINDS: Final = """() => Object.fromEntries(
    [...document.querySelectorAll(".question :is(input:not(.ignore), select, textarea)")].map(
        (control) => [(control.dataset.name ?? control.name).slice("/data/".length), control.type]))"""


@dataclass
class Relay:
    """What Enketo's server does for one page; ``sent`` are the bodies that the page sent, with their content types."""

    script: bytes
    xsltproc: str
    collect: Collect
    origin: str = ""
    form: bytes = b""
    record: str = ""
    sent: list[tuple[str, bytes]] = field(default_factory=list)

    def load(self, form: FormView) -> None:
        """Get a form as any client of OpenRosa does: from the list to its address."""
        listed = fromstring(self.get(f"{self.collect.server}/formList?formID={form.form_id}"))
        address = listed.findtext(f"{LIST}xform/{LIST}downloadUrl")
        assert address is not None
        self.form = self.get(address)

    def get(self, address: str) -> bytes:
        """What our server has at an address."""
        answer = self.collect.http.get(address, headers=OPENROSA)
        assert answer.status_code == 200, answer.text
        return answer.content

    def pages(self) -> dict[str, tuple[str, bytes]]:
        """What the browser may get here."""
        return {
            "/": ("text/html", (FOLDER / "page.html").read_bytes()),
            "/client.js": ("text/javascript", self.script),
            "/form": ("text/xml", self.form),
            "/record": ("text/plain", self.record.encode()),
        }

    def hand_on(self, kind: str, version: str, body: bytes) -> tuple[int, bytes]:
        """Give our server exactly what the browser sent."""
        self.sent.append((kind, body))
        headers = {"Content-Type": kind, "X-OpenRosa-Version": version}
        answer = self.collect.http.post(f"{self.collect.server}/submission", content=body, headers=headers)
        return answer.status_code, answer.content

    def transformed(self, body: bytes) -> bytes:
        """What a style sheet makes of a form, by libxslt as on Enketo's own server."""
        sheet, source = json.loads(body)
        with NamedTemporaryFile("w", suffix=".xsl", encoding="utf-8") as file:
            file.write(sheet)
            file.flush()
            command = [self.xsltproc, "--nonet", file.name, "-"]
            done = subprocess.run(command, input=source.encode(), capture_output=True, check=True, timeout=10)
        return bytes(done.stdout)

    def last(self) -> tuple[str, dict[str, bytes]]:
        """The form that was sent last, and the files beside it by the names of their parts."""
        kind, body = self.sent[-1]
        whole = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body, policy=HTTP)
        parts = {str(part.get_param("name", header="content-disposition")): part for part in whole.iter_parts()}
        contents = {name: bytes(part.get_payload(decode=True)) for name, part in parts.items()}
        return contents.pop("xml_submission_file").decode(), contents


@contextmanager
def relayed(script: bytes, xsltproc: str, collect: Collect) -> Iterator[Relay]:
    """A relay that serves on this machine alone."""
    relay = Relay(script, xsltproc, collect)

    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            self.answer(200, *relay.pages()[self.path])

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/transformed":
                self.answer(200, "text/plain", relay.transformed(body))
                return
            status, said = relay.hand_on(self.headers["Content-Type"], self.headers["X-OpenRosa-Version"], body)
            self.answer(status, "text/xml", said)

        def answer(self, status: int, kind: str, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_told: Any) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(ADDRESS, Handler) as server:
        relay.origin = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield relay
        finally:
            server.shutdown()
            thread.join()


@dataclass
class Survey:
    """See the module."""

    page: Page
    relay: Relay
    kinds: Mapping[str, str] = field(default_factory=dict)

    def open(self, form: FormView, record: str = "") -> None:
        """Open a form, or with a record that was sent its edit."""
        self.relay.load(form)
        self.relay.record = record
        self.page.goto(self.relay.origin)
        expect(self.button).to_be_enabled(timeout=PATIENCE)
        self.kinds = {}

    def speak(self, language: str) -> None:
        """Choose a language."""
        self.page.locator("#form-languages").select_option(language)

    def fill(self, form: FormView, answers: Mapping[str, Any]) -> None:
        """Answer the questions in the form's own order; what there is no answer to is passed over."""
        for name, place in form.mapping.fields.items():
            if name in answers:
                self.answer(place, answers[name])

    def answer(self, place: Place, answer: Mapping[str, Any]) -> None:
        """Answer one field: its value, or why there is none."""
        if "status" in answer:
            self.say(place.why, answer["status"])
        elif place.group:
            self._objects(place, answer["value"])
        elif place.half:
            year, _, half = answer["value"].partition("-")
            self.say(place.at, year)
            self.say(place.half, half)
        else:
            self.say(place.at, answer["value"])

    def say(self, path: str, value: Any, *, number: int = 0) -> None:
        """Answer the question of an element; ``number`` counts repeats."""
        controls = self.controls(path)
        if path not in self.kinds:
            self.kinds = self.page.evaluate(KINDS)
        kind = self.kinds[path]
        values = [_written(each) for each in value] if isinstance(value, list) else [_written(value)]
        if kind in TICKED:
            for each in values:
                controls.and_(self.page.locator(f"[value='{each}']")).nth(number).check()
        elif kind.startswith("select"):
            controls.nth(number).select_option(values)
        else:
            controls.nth(number).fill("\n".join(values))
            controls.nth(number).press("Tab")

    def attach(self, path: str, file: Path, *, number: int = 0) -> None:
        """Choose a file, and wait until it is shown."""
        chosen = self.controls(path).nth(number)
        chosen.set_input_files(file)
        expect(chosen.locator("xpath=..").locator(".file-preview > *")).to_have_count(1, timeout=PATIENCE)

    def repeat(self, path: str) -> None:
        """Add one more of what repeats."""
        self.page.locator(f".or-repeat-info[data-name='/data/{path}'] .add-repeat-btn").click()

    def send(self) -> str:
        """Press the button, and wait for what comes back."""
        self.button.click()
        said = self.page.locator("output")
        expect(said).not_to_be_empty(timeout=PATIENCE)
        return said.inner_text()

    @property
    def button(self) -> Locator:
        """What sends; it can be pressed once the form is there."""
        return self.page.get_by_role("button", name="Send")

    def controls(self, path: str) -> Locator:
        """What an element is answered with, in every repeat; each choice of it."""
        return self.page.locator(f"[data-name='/data/{path}'], [name='/data/{path}']:not([data-name], section)")

    def shown(self) -> list[str]:
        """What every question that is shown asks."""
        return self.page.locator(".question:visible .question-label.active").all_inner_texts()

    @property
    def languages(self) -> list[str]:
        """What may be chosen from."""
        options = self.page.locator("#form-languages option").all()
        return [option.get_attribute("value") or "" for option in options]

    @property
    def direction(self) -> str | None:
        """Which way the form is read."""
        return self.page.locator("form.or").get_attribute("dir")

    def _objects(self, place: Place, value: Any) -> None:
        items = value if isinstance(value, list) else [value]
        if place.at:
            self.say(place.at, len(items) if isinstance(value, list) else True)
        for number, item in enumerate(items):
            for name, member in item.items():
                self.say(f"{place.group}/{place.members[name]}", member, number=number)


def instance_of(xml: str) -> str:
    """The id by which a submission is known."""
    found = re.search(r"<instanceID>([^<]+)</instanceID>", xml)
    assert found is not None
    return found[1]


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
