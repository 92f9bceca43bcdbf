"""A crawl by every role, searching every page that can be reached for words that the role may not know."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from app.studies.instrument import bundled
from tests.functional.portal.crawl import crawl
from tests.functional.portal.visitor import Seen, Visitor
from tests.security.canaries import Canary
from tests.system import StudyPlace, System

ROLES = ("interviewer", "redactor", "approver", "researcher", "lead", "guardian", "auditor", "admin")
# Whose answers each role may ever meet on a page, by compartment; the redacted text keeps what nobody masked.
MAY_MEET = {
    "redactor": {"research"},
    "approver": {"research"},
    "researcher": {"research"},
    "lead": {"research"},
    "auditor": {"research"},
    "guardian": {"protection"},
}


@dataclass
class Told:
    """What was told, and what each role's crawl found."""

    canary: Canary
    study: StudyPlace
    words: dict[str, set[str]]
    masked: set[str]
    unreleased: set[str]
    reason: str
    pages: dict[str, dict[str, Seen]]


@pytest.fixture(scope="module")
def told(shared: System, visit: Callable[..., Visitor]) -> Told:
    """Interviews full of canaries at every stage: drafted, finished, released, drawn as a sample, withdrawn."""
    canary, study = Canary(), shared.first()
    bodies = [shared.body(study, answers=canary.answers()) for _ in range(5)]
    words: dict[str, set[str]] = {}
    for body in bodies:
        for name, answer in body["answers"].items():
            words.setdefault(bundled().fields[name].compartment, set()).update(_words(canary, answer))
    released = shared.released(study, body=bodies[0])
    with shared.signed_in("approver") as client:
        client.research.draw_sample(study.id, released)
    with shared.signed_in("researcher") as client:
        shown = _words(canary, client.research.release(study.id, released))
    shared.finished(study, body=bodies[1])
    shared.drafted(study, body=bodies[2])
    with shared.signed_in("redactor") as client:
        client.review.take(study.id)
    shared.drafted(study, body=bodies[3])
    withdrawn, reason = shared.submit(study, bodies[4]), canary.word()
    with shared.signed_in("guardian") as client:
        client.cases.withdraw(study.id, withdrawn["case"])
        client.disclosures.ask(study.id, released, scope="identity", fields=["legal_name"], reason=reason)
    pages = {role: crawl(visit(role)) for role in ROLES} | {"nobody": crawl(visit(None), "/sign-in", "/nowhere")}
    masked, unreleased = _words(canary, bodies[0]) - shown, _words(canary, bodies[1:])
    return Told(canary, study, words, masked, unreleased, reason, pages)


def _words(canary: Canary, told: Any) -> set[str]:
    return {word.lower() for word in re.findall(rf"{canary.stem}\d{{5}}", json.dumps(told), re.IGNORECASE)}


def _whole(path: str, seen: Seen) -> str:
    headers: Any = seen.answer.headers
    return f"{path}\n{headers}\n{seen.text}"


def test_crawl_is_no_empty_search(told: Told) -> None:
    """The words are there to be found, and every role that reads a text has come to it."""
    for role, compartment in (("redactor", "research"), ("guardian", "protection")):
        text = "".join(seen.text for seen in told.pages[role].values())
        assert any(word in text for word in told.words[compartment]), role
    for role in ("researcher", "lead", "approver", "auditor"):
        assert any("in our street" in seen.text for seen in told.pages[role].values()), role
    assert len(told.masked) > 10


@pytest.mark.parametrize("role", [*ROLES, "nobody"])
def test_no_page_shows_what_its_reader_may_not_know(told: Told, role: str) -> None:
    """No page, title, address, count or header of a role holds a word of a compartment that is not the role's."""
    forbidden = {
        word for compartment, words in told.words.items() if compartment not in MAY_MEET.get(role, ()) for word in words
    }
    for path, seen in told.pages[role].items():
        text = _whole(path, seen).lower()
        assert not [word for word in forbidden if word in text], path


@pytest.mark.parametrize("role", ["researcher", "lead", "auditor"])
def test_masked_words_stay_masked(told: Told, role: str) -> None:
    """Whoever reads the released text never meets what was masked in it, nor a word of what is not released."""
    for path, seen in told.pages[role].items():
        text = _whole(path, seen).lower()
        assert not [word for word in told.masked | told.unreleased if word in text], path


@pytest.mark.parametrize("role", [*ROLES, "nobody"])
def test_no_address_and_no_title_holds_a_word(told: Told, role: str) -> None:
    """Not even for those who may read it: addresses and titles go to histories and lists of tabs."""
    for path, seen in told.pages[role].items():
        title = re.search(r"<title>(.*?)</title>", seen.text, re.DOTALL)
        assert told.canary.stem not in path.lower()
        assert title is None or told.canary.stem not in title[1].lower(), path


def test_reason_of_an_ask_is_for_two_roles(told: Told) -> None:
    """What a guardian wrote to the auditors stands on their pages, and on nobody else's."""
    readers = {role for role, pages in told.pages.items() if any(told.reason in seen.text for seen in pages.values())}

    assert readers == {"guardian", "auditor"}
