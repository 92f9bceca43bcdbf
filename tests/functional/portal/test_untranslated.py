"""No page of anybody's shows a text that is still English in another language."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import pytest
from babel.messages.pofile import read_po

from app.web.portal.locales import FOLDER, LOCALES, translations
from tests.functional.portal.crawl import crawl
from tests.functional.portal.visitor import Seen, Visitor
from tests.system import StudyPlace, System

OTHERS = tuple(locale for locale in LOCALES if locale != "en")
ROLES = ("interviewer", "redactor", "approver", "researcher", "lead", "guardian", "auditor", "admin")
# Fewer words are names, units and words that languages share.
FEWEST_WORDS = 3
PLACEHOLDER = re.compile(r"%\([a-z_]+\)[sd]")
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
def english(locale: str) -> re.Pattern[str]:
    """Finds any text of the catalog that a page in this language must not show, as a whole text."""
    with (FOLDER / f"{locale}.po").open("rb") as file:
        messages = [message.id for message in read_po(file, locale=locale) if message.id]
    texts = [text for each in messages for text in (each if isinstance(each, tuple) else (each,))]
    there = {text for text in texts if len(PLACEHOLDER.sub("", text).split()) >= FEWEST_WORDS}
    translated = {text for text in there if translations(locale).gettext(text) != text}
    wanted = translated | {text for text in there if not same_everywhere(text)}
    forms = ("(?:.+)".join(map(re.escape, PLACEHOLDER.split(" ".join(text.split())))) for text in wanted)
    return re.compile("|".join(f"(?:{form})" for form in sorted(forms)))


def same_everywhere(text: str) -> bool:
    """Whether every catalog keeps this text: then it is a name, not a text left behind."""
    return all(translations(locale).gettext(text) == text for locale in OTHERS)


def texts(seen: Seen) -> list[str]:
    """What a page says: each piece of its text, and what is read aloud of its attributes."""
    reader = seen.reader
    said = [held[name] for _, held in reader.attributes for name in READ if name in held]
    return [*reader.texts, *(" ".join(text.split()) for text in said)]


@pytest.mark.parametrize("locale", OTHERS)
def test_every_text_has_its_translation(locale: str) -> None:
    """The catalog of each language has every text of the templates and of the code, and none that is empty."""
    with (FOLDER / f"{locale}.po").open("rb") as file:
        catalog = read_po(file, locale=locale)
    empty = [message.id for message in catalog if message.id and not all_filled(message.string)]

    assert empty == []
    assert len(catalog) > 500


def all_filled(string: str | tuple[str, ...]) -> bool:
    """Whether a translation, or each of its forms of number, says something."""
    return all(string if isinstance(string, tuple) else (string,))


@pytest.mark.parametrize("locale", OTHERS)
@pytest.mark.parametrize("role", [*ROLES, None])
def test_no_page_shows_english(full: StudyPlace, visit: Callable[..., Visitor], role: str | None, locale: str) -> None:
    """On whatever page a role comes to by links, no text of the catalog stands in English."""
    visitor = visit(role, None if role in {"admin", None} else full, locale=locale)
    pages = crawl(visitor, "/nowhere", "/sign-in", "/forgotten", "/invitations", "/withdraw", "/withdraw/done")
    pattern = english(locale)
    left = {
        f"{path}: {text}"
        for path, seen in pages.items()
        if seen.answer.headers.get("content-type", "").startswith("text/html")
        for text in texts(seen)
        if pattern.fullmatch(text)
    }

    assert sorted(left) == []
    assert all(f'lang="{locale}"' in seen.text for path, seen in pages.items() if seen.text.startswith("<!doctype"))
