"""A crawler with a session: follows every link and every form that only asks, and tries every address with every id."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from urllib.parse import urlencode, urljoin, urlsplit

from app.web.portal import PAGES
from tests.functional.portal.visitor import HOST, Reader, Seen, Visitor

# Far above what there is: a crawl that does not end is a fault of the pages.
MOST_PAGES = 600
# Of a longer list these many choices are tried, the first and the last among them.
MOST_CHOICES = 4
PARAMETER = re.compile(r"{([a-z_]+)}")
ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9A-Z]{4}-[0-9A-Z]{4}\b")
# What is made anew for every request: the token of its forms, and its number on a refusal.
SHOWN_ANEW = re.compile(r'name="form_token" value="[^"]+"|<code>[0-9a-f-]{36}</code>|data-passkey-get="[^"]*"')
# Where the choice of a language comes back to: the address that was asked for, whatever is there.
ASKED_FOR = re.compile(r'name="back" value="[^"]*"')
# Attributes that make a browser fetch, send or go somewhere.
LEADING = frozenset({"href", "src", "action", "formaction", "srcset", "poster", "data", "ping", "cite", "background"})


@dataclass
class Question:
    """A form that is sent by GET: its address, what it holds, and what each of its lists offers."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    choices: list[tuple[str, str]] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)

    def addresses(self, typed: list[str]) -> Iterator[str]:
        """As it stands; with choices of its list; where there is no list, with each of these texts in an empty line."""
        tried = {round(at * (len(self.choices) - 1) / (MOST_CHOICES - 1)) for at in range(MOST_CHOICES)}
        changes = [{}, *({name: value} for at, (name, value) in enumerate(self.choices) if at in tried)]
        changes += [] if self.choices else [{name: text} for name, text in product(self.empty, typed)]
        for change in changes:
            yield f"{self.action}?{urlencode({**self.fields, **change})}"


def questions(reader: Reader, at: str) -> list[Question]:
    """The forms of a page that only ask."""
    found: list[Question] = []
    asking, listed = False, ""
    for tag, held in reader.attributes:
        if tag == "form":
            asking = held.get("method", "get").lower() == "get"
            found += [Question(held.get("action") or at)] if asking else []
        elif asking and tag == "select":
            listed = held.get("name", "")
        elif asking and tag == "option" and listed:
            found[-1].choices.append((listed, held.get("value", "")))
        elif asking and tag == "input" and "name" in held:
            found[-1].fields[held["name"]] = held.get("value", "")
            found[-1].empty += [held["name"]] if held.get("type", "text") in {"text", "search"} else []
    return found


@dataclass
class Crawler:
    """Somebody's browser, and every answer that it got.

    ``typed`` is entered where a form asks for a text; what ``passed_over`` finds is no address to go to.
    """

    visitor: Visitor
    typed: list[str]
    passed_over: re.Pattern[str] = re.compile("(?!)")
    pages: dict[str, Seen] = field(default_factory=dict)

    def walk(self, *starts: str) -> dict[str, Seen]:
        """Whatever is reached from these addresses by links, redirects, lists and forms that ask."""
        waiting = list(starts)
        while waiting:
            address = waiting.pop()
            if address in self.pages or self.passed_over.search(address):
                continue
            assert len(self.pages) < MOST_PAGES, "no end"
            seen = self.pages[address] = self.visitor.get(address)
            waiting += [found for found in self._leads(address, seen) if found not in self.pages]
        return self.pages

    def _leads(self, address: str, seen: Seen) -> Iterator[str]:
        found = [seen.to] if seen.to else []
        if seen.answer.headers.get("content-type", "").startswith("text/html"):
            reader = seen.reader
            found += [held[name] for _, held in reader.attributes for name in ("href", "src") if name in held]
            found += [each for form in questions(reader, address) for each in form.addresses(self.typed)]
        for link in found:
            whole = urlsplit(urljoin(HOST + address, link))
            if whole.netloc == urlsplit(HOST).netloc:
                yield whole.path + (f"?{whole.query}" if whole.query else "")

    def try_all(self, ids: Mapping[str, list[str]]) -> dict[tuple[str, str], Seen]:
        """Every page with every id, by the page and the address; ``ids`` says what each parameter may be."""
        return {(route, address): self.visitor.get(address) for route, address in addresses("GET", ids)}

    def send_all(self, ids: Mapping[str, list[str]]) -> dict[tuple[str, str], Seen]:
        """The same with every form, sent with nothing in it but its token."""
        return {(route, address): self.visitor.submit(address) for route, address in addresses("POST", ids)}


def addresses(method: str, ids: Mapping[str, list[str]]) -> Iterator[tuple[str, str]]:
    """Every page, or form, of a study, filled in with every combination."""
    for route in sorted({path for pages in PAGES for way, path, _, _ in pages.declared if way == method}):
        names = PARAMETER.findall(route)
        if "study" not in names:
            continue
        for values in product(*(ids[name] for name in names)):
            yield route, route.format(**dict(zip(names, values, strict=True)))


def plain(seen: Seen) -> str:
    """An answer without what differs from request to request."""
    return SHOWN_ANEW.sub("", f"{seen.status}\n{seen.to}\n{seen.text}")


def nameless(seen: Seen) -> str:
    """An answer without ids, codes and its own address either, as two answers about different things are compared."""
    return ID.sub("…", ASKED_FOR.sub("", plain(seen)))
