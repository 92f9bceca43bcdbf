"""What people decided about spans leaves only by an ask and an approval made for it."""

from __future__ import annotations

import pytest

from app.deidentify.marked import read_marked
from tests.functional.caller import Caller, code_of
from tests.functional.steps import answers, approve, ask, base, events, ok, released
from tests.system import StudyPlace, System

TEXT = "joining_account"


@pytest.fixture(scope="module")
def place(shared: System) -> StudyPlace:
    """One study for the module."""
    return shared.first()


@pytest.fixture(scope="module")
def record(call: Caller, place: StudyPlace) -> str:
    """A released record."""
    return released(call, place)


def marked_path(place: StudyPlace, asked: str, what: str = "marked") -> str:
    """Where an ask's texts are read."""
    return f"{base(place)}/asks/{asked}/{what}"


def test_approved_texts_come_with_the_marks_that_people_decided(call: Caller, place: StudyPlace, record: str) -> None:
    """The named texts and no other, with a header that names nothing, and an event of the export."""
    asked = ask(call, place, record, scope="source", fields=[TEXT], purpose="train")
    approve(call, place, asked)

    texts = ok(call("guardian", "GET", marked_path(place, asked)))["texts"]
    marked = read_marked(texts[TEXT])

    assert list(texts) == [TEXT]
    assert marked.text == answers(call, place)[TEXT]["value"]
    assert any(mark.direct for mark in marked.marks)
    assert record not in texts[TEXT]
    assert "corrections.exported" in events(call, place)


def test_nothing_leaves_before_the_approval(call: Caller, place: StudyPlace, record: str) -> None:
    """The ask alone hands out nothing."""
    asked = ask(call, place, record, scope="source", fields=[TEXT], purpose="train")

    answer = call("guardian", "GET", marked_path(place, asked))

    assert (answer.status_code, code_of(answer)) == (409, "conflict")


@pytest.mark.parametrize(("purpose", "what"), [("read", "marked"), ("train", "disclosure")])
def test_an_approval_is_for_its_purpose_alone(
    purpose: str, what: str, call: Caller, place: StudyPlace, record: str
) -> None:
    """An ask to read exports no marks, and one to train reads no answers."""
    asked = ask(call, place, record, scope="source", fields=[TEXT], purpose=purpose)
    approve(call, place, asked)

    answer = call("guardian", "GET", marked_path(place, asked, what))

    assert (answer.status_code, code_of(answer)) == (409, "conflict")


@pytest.mark.parametrize(
    "body",
    [
        {"scope": "source", "fields": []},
        {"scope": "source", "fields": ["gender"]},
        {"scope": "identity", "fields": ["legal_name"]},
    ],
)
def test_only_texts_of_the_source_can_be_asked_for(
    body: dict[str, object], call: Caller, place: StudyPlace, record: str
) -> None:
    """No list, no other answer, no other compartment."""
    asked = {"record": record, "reason": "to train", "purpose": "train", **body}

    assert call("guardian", "POST", f"{base(place)}/asks", place=place, json=asked).status_code == 422
