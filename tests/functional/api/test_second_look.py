"""What speaks against a release: the machine's own estimate, doubts about the clean text, a rare combination."""

from __future__ import annotations

import pytest

from tests.functional.caller import Caller, code_of
from tests.functional.steps import Json, answers, base, drafted, events, finish, finished, ok, release, take
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


def test_rarity_is_for_those_who_open_releases(call: Caller, place: StudyPlace) -> None:
    """A redactor's preview works, without it."""
    record = drafted(call, place)

    assert shown(call, place, record, "redactor")["rarity"] is None
