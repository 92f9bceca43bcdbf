"""No page of anybody's shows a text that is still English in another language."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import pytest
from babel.messages.pofile import read_po

from app.web.portal.locales import FOLDER, LOCALES, translations
from tests.functional.portal.visitor import Seen, Visitor
from tests.system import StudyPlace, System

OTHERS = tuple(locale for locale in LOCALES if locale != "en")
ROLES = ("interviewer", "redactor", "approver", "researcher", "lead", "guardian", "auditor", "admin")
# Fewer words are names, units and words that languages share.
FEWEST_WORDS = 3
PLACEHOLDER = re.compile(r"%\([a-z_]+\)[sd]")
THING = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[A-Z0-9]{4}-[A-Z0-9]{4}")
# Texts that are read, though no element shows them.
READ = ("aria-label", "title", "alt", "placeholder", "data-masked", "data-kept")


@pytest.fixture(scope="module")
def full(shared: System) -> StudyPlace:
    """A study with something of everything, so that few pages are empty."""
    study = shared.first()
    released = shared.released(study)
    with shared.signed_in("approver", study) as client:
        client.research.draw_sample(study.id, released)
    shared.finished(study)
    with shared.signed_in("approver", study) as client:
        client.review.take(study.id)
    shared.drafted(study)
    with shared.signed_in("redactor", study) as client:
        client.review.take(study.id)
    shared.drafted(study)
    answers = shared.body(study)["answers"] | {"threat_disclosed": {"value": "child_at_risk"}}
    shared.submit(study, shared.body(study, answers=answers))
    case, erased = shared.submit(study)["case"], shared.submit(study)["case"]
    for who in ("guardian", "lead"):
        with shared.signed_in(who, study) as client:
            client.cases.erase(study.id, erased, preference="erase_all")
    with shared.signed_in("guardian", study) as client:
        client.cases.withdraw(study.id, case)
        client.disclosures.ask(study.id, released, scope="identity", fields=["legal_name"], reason="x")
    with shared.signed_in("admin") as client:
        client.accounts.enrol(study["interviewer"].id, study.id)
    return study


@cache
def catalog(locale: str) -> dict[str, bool]:
    """The texts of a catalog, both forms of number among them, and whether each is translated."""
    with (FOLDER / f"{locale}.po").open("rb") as file:
        messages = [message for message in read_po(file, locale=locale) if message.id]
    return {
        text: all([message.string] if isinstance(message.string, str) else message.string or [""])
        for message in messages
        for text in ([message.id] if isinstance(message.id, str) else message.id)
    }


@cache
def english(locale: str) -> re.Pattern[str]:
    """Finds a whole text of the catalog that a page in this language must not show."""
    long = [text for text in catalog(locale) if len(PLACEHOLDER.sub("", text).split()) >= FEWEST_WORDS]
    wanted = [" ".join(text.split()) for text in long if not same_everywhere(text)]
    forms = ("(?:.+)".join(map(re.escape, PLACEHOLDER.split(text))) for text in wanted)
    return re.compile("|".join(f"(?:{form})" for form in sorted(forms)))


def same_everywhere(text: str) -> bool:
    """Whether every catalog keeps this text: then it is a name, not a text left behind."""
    return all(translations(locale).gettext(text) == text for locale in OTHERS)


def texts(seen: Seen) -> list[str]:
    """What a page says: each piece of its text, and what is read aloud of its attributes."""
    reader = seen.reader
    said = [held[name] for _, held in reader.attributes for name in READ if name in held]
    return [*reader.texts, *(" ".join(text.split()) for text in said)]


def walk(visitor: Visitor, *starts: str) -> dict[str, Seen]:
    """One page of each kind that is reached by links."""
    found: dict[str, Seen] = {}
    waiting = ["/", *starts]
    while waiting:
        address = waiting.pop(0)
        kind = THING.sub("", address.partition("?")[0])
        if kind in found:
            continue
        seen = visitor.get(address)
        if seen.answer.headers.get("content-type", "").startswith("text/html"):
            found[kind] = seen
            waiting += [link.partition("#")[0] for link in seen.links if link.startswith("/")]
    return found


@pytest.mark.parametrize("locale", OTHERS)
def test_every_text_has_its_translation(locale: str) -> None:
    """The catalog of each language has a translation, in each form of number, for every text."""
    assert [text for text, translated in catalog(locale).items() if not translated] == []


def test_the_search_finds_english(full: StudyPlace, visit: Callable[..., Visitor]) -> None:
    """A page that was left in English is found by any language's search."""
    said = texts(visit("lead", full).get(f"/studies/{full.id}/dashboard"))
    for locale in OTHERS:
        assert len([text for text in said if english(locale).fullmatch(text)]) > 3, locale


@pytest.mark.parametrize("locale", OTHERS)
@pytest.mark.parametrize("role", [*ROLES, None])
def test_no_page_shows_english(full: StudyPlace, visit: Callable[..., Visitor], role: str | None, locale: str) -> None:
    """On whatever page a role comes to by links, no text of the catalog stands in English."""
    visitor = visit(role, None if role in {"admin", None} else full, locale=locale)
    pages = walk(visitor, "/nowhere", "/sign-in", "/forgotten", "/invitations", "/withdraw", "/withdraw/done")
    pattern = english(locale)
    left = {f"{path}: {text}" for path, seen in pages.items() for text in texts(seen) if pattern.fullmatch(text)}

    assert sorted(left) == []
    assert all(f'<html lang="{locale}"' in seen.text for seen in pages.values())
