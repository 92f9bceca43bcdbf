"""A browser without scripts: cookies, links and forms, over the application without a socket.

How to use it::

visitor = visit("redactor")                       # signed in; visit(None) is nobody
page = visitor.get(f"/studies/{study.id}/queue")  # a Seen: status, headers, text, forms, links, headings
done = visitor.submit("/account/password", {"old": "…", "new": "…"})   # the token of the last page goes along
assert done.to == "/sign-in?notice=saved"         # where it redirects; visitor.follow(done) goes there
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import httpx

HOST = "https://localhost"
PAGE = {"accept": "text/html,application/xhtml+xml"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
SESSION, LOCALE = "__Host-session", "__Host-locale"
# How Python's cookie jar calls localhost.
DOMAIN = "localhost.local"
VOID = frozenset({"input", "meta", "link", "br", "img", "hr", "path", "rect", "circle", "use"})


@dataclass
class FoundForm:
    """A form of a page, with what its fields hold."""

    method: str
    action: str
    fields: dict[str, str] = field(default_factory=dict)


class Reader(HTMLParser):
    """Reads a page: its forms, links, ids, headings, languages and texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[FoundForm] = []
        self.links: list[str] = []
        self.headings: list[tuple[int, str]] = []
        self.attributes: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what matters."""
        found = {name: value or "" for name, value in attrs}
        self.attributes.append((tag, found))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "form":
            self.forms.append(FoundForm(found.get("method", "get"), found.get("action", "")))
        elif tag == "a" and "href" in found:
            self.links.append(found["href"])
        elif tag in {"input", "button", "textarea", "select"} and "name" in found and self.forms:
            self.forms[-1].fields[found["name"]] = found.get("value", "")
        elif tag in {"h1", "h2", "h3", "h4"}:
            self.headings.append((int(tag[1]), ""))

    def handle_endtag(self, tag: str) -> None:
        """Leave an element."""
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        """Note a text."""
        words = " ".join(data.split())
        if not words:
            return
        self.texts.append(words)
        if self._open and self._open[-1] in {"h1", "h2", "h3", "h4"}:
            level, before = self.headings[-1]
            self.headings[-1] = level, f"{before} {words}".strip()


@dataclass(frozen=True)
class Seen:
    """An answer."""

    answer: httpx.Response

    @property
    def status(self) -> int:
        """The status."""
        return self.answer.status_code

    @property
    def text(self) -> str:
        """The page as it was sent."""
        return self.answer.text

    @property
    def to(self) -> str:
        """Where it redirects; empty if it does not."""
        return str(self.answer.headers.get("location", ""))

    @property
    def reader(self) -> Reader:
        """The page, read."""
        return Reader(self.answer.text)

    @property
    def words(self) -> str:
        """Every text that the page shows, in one line."""
        return " ".join(self.reader.texts)

    @property
    def forms(self) -> list[FoundForm]:
        """The page's forms."""
        return self.reader.forms

    @property
    def links(self) -> list[str]:
        """Where the page leads."""
        return self.reader.links

    def form(self, action: str) -> FoundForm:
        """The form that is sent to this address."""
        return next(form for form in self.forms if form.action == action)


class Visitor:
    """Somebody with a browser."""

    def __init__(self, transport: httpx.BaseTransport, session: str | None = None, locale: str = "en") -> None:
        self.http = httpx.Client(base_url=HOST, transport=transport, trust_env=False, headers=PAGE)
        self.form_token = ""
        self.hold(LOCALE, locale)
        if session is not None:
            self.hold(SESSION, session)

    def hold(self, name: str, value: str) -> None:
        """Put a cookie into this browser."""
        self.http.cookies.set(name, value, domain=DOMAIN, path="/")

    def get(self, path: str, **headers: str) -> Seen:
        """Ask for a page."""
        return self._seen(self.http.get(path, headers=headers))

    def submit(self, path: str, form: Mapping[str, Any] | Sequence[tuple[str, Any]] = (), **headers: str) -> Seen:
        """Send a form, with the token of the last page unless the form names one; an empty page is opened for it."""
        if not self.form_token:
            self.get("/nowhere")
        pairs = list(form.items() if isinstance(form, Mapping) else form)
        if not any(name == "form_token" for name, _ in pairs):
            pairs.append(("form_token", self.form_token))
        return self._seen(self.http.post(path, content=urlencode(pairs), headers=FORM | headers))

    def follow(self, seen: Seen) -> Seen:
        """Go where an answer redirects."""
        assert seen.to, seen.text
        return self.get(seen.to)

    def _seen(self, answer: httpx.Response) -> Seen:
        seen = Seen(answer)
        if answer.headers.get("content-type", "").startswith("text/html"):
            tokens = [form.fields["form_token"] for form in seen.forms if "form_token" in form.fields]
            self.form_token = tokens[0] if tokens else self.form_token
        return seen

    @property
    def session(self) -> str | None:
        """The session's token, if the browser holds one."""
        return self.http.cookies.get(SESSION)

    def close(self) -> None:
        """Close the browser."""
        self.http.close()
