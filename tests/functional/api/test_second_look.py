"""What speaks against a release: the machine's own estimate, doubts about the clean text, a rare combination."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import select, update

from app.cases.models import Grant, Record
from tests.functional.caller import Caller, code_of
from tests.functional.steps import (
    Json,
    answers,
    base,
    case_of,
    drafted,
    events,
    finish,
    finished,
    ok,
    release,
    released,
    take,
)
from tests.system import StudyPlace, System

TEXT = "joining_account"
ODD = "That winter we had nothing to eat. Then Zubayrullah of Khafsahiyya came."


@pytest.fixture(scope="module")
def place(shared: System) -> StudyPlace:
    """One study for the module: each test makes a record of its own and leaves the queue empty."""
    return shared.first()


def doubtful(call: Caller, place: StudyPlace) -> str:
    """A finished record whose redactor let everything in one text stay."""
    record = drafted(call, place, answers=answers(call, place, **{TEXT: ODD}))
    path = f"{base(place)}/records/{record}"
    found = ok(call("redactor", "GET", f"{path}/source", place=place))
    kept = [span | {"accepted": False, "why": "known"} for span in found["draft"]["texts"][TEXT]["spans"]]
    ok(call("redactor", "PUT", f"{path}/draft", place=place, json={"version": found["version"], "texts": {TEXT: kept}}))
    finish(call, place, record)
    while (taken := take(call, place, "approver")) != record:
        release(call, place, taken)
    return record


def shown(call: Caller, place: StudyPlace, record: str, who: str = "approver") -> Json:
    """The preview."""
    return ok(call(who, "POST", f"{base(place)}/records/{record}/draft/preview", place=place, json={}))


def test_source_and_preview_tell_the_risk(call: Caller, place: StudyPlace) -> None:
    """A probability, and that the rules worked alone here."""
    record = finished(call, place)

    draft = ok(call("approver", "GET", f"{base(place)}/records/{record}/source", place=place))["draft"]
    preview = shown(call, place, record)

    assert 0 < draft["risk"] < 1
    assert draft["flags"] == ["rules-only"]
    assert (preview["risk"], preview["flags"], preview["doubts"]) == (draft["risk"], draft["flags"], draft["doubts"])


def test_doubts_name_what_was_left(call: Caller, place: StudyPlace) -> None:
    """By text, in code points of the clean text."""
    record = doubtful(call, place)

    preview = shown(call, place, record)
    left = [preview["texts"][TEXT][each["start"] : each["end"]] for each in preview["doubts"] if each["text"] == TEXT]

    assert left == ["Zubayrullah", "Khafsahiyya"]


@pytest.mark.parametrize("wrong", [-1, 1])
def test_a_release_needs_every_doubt_looked_at(call: Caller, place: StudyPlace, wrong: int) -> None:
    """One more or one less than there are is refused; the right number releases."""
    record = doubtful(call, place)
    preview = shown(call, place, record)
    path, count = f"{base(place)}/records/{record}/release", len(preview["doubts"])

    refused = call(
        "approver", "POST", path, place=place, json={"digest": preview["digest"], "doubts": max(0, count + wrong)}
    )
    made = call("approver", "POST", path, place=place, json={"digest": preview["digest"], "doubts": count})

    assert (refused.status_code, code_of(refused)) == (409, "doubts-open")
    assert made.status_code == 201


def test_rarity_counts_other_cases_that_the_approver_may_open(call: Caller, place: StudyPlace) -> None:
    """Equal answers are shared, another origin is not; a redactor is told nothing."""
    record = finished(call, place)
    before = shown(call, place, record)["rarity"]
    release(call, place, record)

    same = finished(call, place)
    after = shown(call, place, same)["rarity"]
    release(call, place, same)
    other = finished(call, place, answers=answers(call, place, nationality=["JP"]))
    strange = shown(call, place, other)["rarity"]

    assert "nationality" in before["fields"]
    assert (after["compared"], after["same"]) == (before["compared"] + 1, before["same"] + 1)
    assert (strange["same"], strange["alone"], strange["rare"]) == (0, ["nationality"], True)
    assert "release.compared" in events(call, place)


def test_what_texts_tell_counts_with_the_answers(call: Caller, place: StudyPlace) -> None:
    """Details that the clean text keeps are part of the combination; they stand alone until another case tells them."""
    text = "We crossed over from Mauritania in 1977."
    told = [{"kind": "country", "value": "MR"}, {"kind": "year", "value": "1977"}]
    first = finished(call, place, answers=answers(call, place, **{TEXT: text}))
    before = shown(call, place, first)["rarity"]
    release(call, place, first)
    after = shown(call, place, finished(call, place, answers=answers(call, place, **{TEXT: text})))["rarity"]

    assert [each for each in before["texts"] if each in told] == told
    assert [each for each in before["alone_texts"] if each in told] == told
    assert [each for each in after["texts"] if each in told] == told
    assert not [each for each in after["alone_texts"] if each in told]
    assert after["same"] == 1


def test_the_releases_of_a_case_are_one_case(call: Caller, place: StudyPlace) -> None:
    """Another interview of the same person makes nothing less rare, and what it told counts as told."""
    text = "We crossed over from Ethiopia."
    record = released(call, place, answers=answers(call, place, **{TEXT: text}))
    before = shown(call, place, finished(call, place))["rarity"]["compared"]
    again = shown(call, place, finished(call, place, case=case_of(call, place, record)))["rarity"]

    assert again["compared"] == before
    assert {"kind": "country", "value": "ET"} in again["texts"]


def test_a_release_whose_interview_was_edited_does_not_count(call: Caller, shared: System, place: StudyPlace) -> None:
    """No researcher reads it any more."""
    old = released(call, place)
    record = finished(call, place)
    before = shown(call, place, record)["rarity"]["compared"]
    with shared.runtime.transaction() as session:
        session.execute(update(Record).where(Record.id == UUID(old)).values(superseded_by=UUID(record)))

    assert shown(call, place, record)["rarity"]["compared"] == before - 1


def test_a_release_whose_share_is_gone_is_left_out(call: Caller, shared: System, place: StudyPlace) -> None:
    """The others are compared all the same."""
    text = "We crossed over from Madagascar in 1981."
    gone = released(call, place, answers=answers(call, place, **{TEXT: text}))
    record = finished(call, place, answers=answers(call, place, **{TEXT: text}))
    before = shown(call, place, record)["rarity"]
    grant = select(Grant.id).where(Grant.record_id == UUID(gone), Grant.scope == "research.1")
    with shared.runtime.glance() as session:
        share = session.scalars(grant).one()
    shared.collaborators.keystore.destroy([share])
    after = shown(call, place, record)["rarity"]

    assert after["compared"] == before["compared"] - 1
    assert (before["same"], after["same"]) == (1, 0)
    assert {"kind": "year", "value": "1981"} in after["alone_texts"]


def test_rarity_is_for_those_who_open_releases(call: Caller, place: StudyPlace) -> None:
    """A redactor's preview works, without it."""
    record = drafted(call, place)

    assert shown(call, place, record, "redactor")["rarity"] is None
