"""Pages of questionnaires: previewed as a form, uploaded by one person, published by another."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from app.studies.instrument import bundled_definition
from tests.functional.portal.visitor import Seen, Visitor
from tests.system import StudyPlace, System

Visit = Callable[..., Visitor]


@pytest.fixture
def place(shared: System) -> StudyPlace:
    """A study of the test's own, with everybody in it."""
    prefix = uuid4().hex[:6]
    return shared.study(f"Study {prefix}", prefix=f"{prefix}.")


def successor() -> dict[str, Any]:
    """The shipped questionnaire in its next version, with one question said otherwise."""
    definition = bundled_definition() | {"version": "1.1.0"}
    definition["sections"][2]["fields"][0]["hint"]["en"] = "Say it otherwise"  # type: ignore[index]
    return definition


def upload(visitor: Visitor, place: StudyPlace, definition: str) -> Seen:
    """Send a definition."""
    visitor.get(f"/studies/{place.id}/instruments/upload")
    return visitor.submit(f"/studies/{place.id}/instruments", {"definition": definition})


@pytest.mark.parametrize(("language", "direction"), [("en", "ltr"), ("ar", "rtl"), ("tr", "ltr")])
def test_preview_is_the_form_in_its_language(visit: Visit, shared: System, language: str, direction: str) -> None:
    """The form is shown in each of its languages, whatever the page's own."""
    visitor, place = visit("lead"), shared.first()
    listed = visitor.get(f"/studies/{place.id}/instruments")
    address = next(link for link in listed.links if "/instruments/" in link and not link.endswith("upload"))
    page = visitor.get(f"{address}?language={language}")
    title = bundled_definition()["title"][language]  # type: ignore[index]
    assert title in page.words
    assert any(found.get("lang") == language and found.get("dir") == direction for _, found in page.reader.attributes)


def test_one_uploads_and_another_publishes(visit: Visit, place: StudyPlace) -> None:
    """The lead's draft is published by an approver, who sees what changed."""
    done = upload(visit("lead", place), place, json.dumps(successor()))
    address = done.to.partition("?")[0]
    approver = visit("approver", place)
    page = approver.get(address)
    assert "What changed since 1.0.0" in page.words
    assert "help text" in page.words
    published = approver.submit(f"{address}/publication")
    assert published.to == f"{address}?notice=published"
    assert "waits to be published" not in approver.follow(published).words


def test_lead_cannot_publish_and_the_page_says_who_does(visit: Visit, place: StudyPlace) -> None:
    """The action is disabled with its reason; the server refuses anyway."""
    lead = visit("lead", place)
    address = upload(lead, place, json.dumps(successor())).to.partition("?")[0]
    assert "somebody else publishes it" in lead.get(address).words
    assert lead.submit(f"{address}/publication").status == 403


def test_refused_questionnaire_says_every_flaw_and_keeps_what_was_sent(visit: Visit, place: StudyPlace) -> None:
    """The page names places in the questionnaire, and the text is still there to be mended."""
    definition = successor()
    definition["sections"][2]["fields"][0]["type"] = "riddle"
    definition["title"].pop("ar")
    page = upload(visit("lead", place), place, json.dumps(definition))
    assert page.status == 422
    assert "/sections/2/fields/0/type" in page.words
    assert "/title/ar" in page.words
    assert "riddle" in page.text


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": NaN}', '{"a": 1, "a": 2}'])
def test_text_that_is_no_questionnaire(visit: Visit, shared: System, text: str) -> None:
    """It is refused in place."""
    assert upload(visit("lead"), shared.first(), text).status == 422


def test_overview_suppresses_small_numbers(visit: Visit, shared: System, place: StudyPlace) -> None:
    """Four cases are fewer than five; five are five."""
    lead = visit("lead", place)
    for _ in range(4):
        shared.submit(place)
    before = lead.get(f"/studies/{place.id}/dashboard").words
    shared.submit(place)
    after = lead.get(f"/studies/{place.id}/dashboard").words
    assert "waits for the machine fewer than 5" in before
    assert "waits for the machine 5" in after
