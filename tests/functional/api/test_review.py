"""From the queue to the release: who works on what, which draft counts, and what is refused on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.access import Role
from tests.functional import steps
from tests.functional.caller import Caller, code_of
from tests.functional.steps import Json, answers, base, drafted, finished, ok, source, submit, take
from tests.people import Person
from tests.system import StudyPlace, System

# A text in which nothing is suggested, so that a test alone says what is masked.
TEXT = "turning_point"
PLAIN = "They said one thing and did another, and in the end nobody there believed a word of it any more."


def at(place: StudyPlace, record: object, *parts: str) -> str:
    """An address of a record."""
    return "/".join((f"{base(place)}/records/{record}", *parts))


def edit(call: Caller, place: StudyPlace, record: str, version: int, texts: Json) -> httpx.Response:
    """Save decisions."""
    body = {"version": version, "texts": texts}
    return call("redactor", "PUT", at(place, record, "draft"), place=place, json=body)


def finish(call: Caller, place: StudyPlace, record: str, version: int) -> httpx.Response:
    """Finish a draft."""
    return call("redactor", "POST", at(place, record, "draft", "finish"), place=place, json={"version": version})


def preview(call: Caller, place: StudyPlace, record: str, renaming: Json | None = None) -> httpx.Response:
    """What would be released."""
    body = {"renaming": renaming or {}}
    return call("approver", "POST", at(place, record, "draft", "preview"), place=place, json=body)


def join(system: System, place: StudyPlace, *roles: Role, confirm: tuple[str, ...] = ()) -> Person:
    """Another member with these roles, handed the keys by these people."""
    person = system.person(f"more{uuid4().hex[:8]}")
    key = system.actor(person).unlocked().fingerprint
    system.admit(place.id, system.actor(place["lead"]), person, frozenset(roles), key)
    for member in confirm:
        system.confirm(place.id, system.actor(place[member]), person, key)
    return person


def direct_span(shown: Json) -> tuple[str, int]:
    """The text and the index of a span that names somebody directly."""
    return next(
        (name, index)
        for name, text in shown["draft"]["texts"].items()
        for index, span in enumerate(text["spans"])
        if span["level"] == "direct"
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """A study where nothing moves: one record that the redactor has taken, and one that the approver has."""

    place: StudyPlace
    drafted: str
    finished: str


@pytest.fixture(scope="module")
def standing(call: Caller, shared: System) -> Standing:
    """For requests that are refused: they leave it as it is."""
    place = shared.study("Where nothing moves", prefix="still.")
    done = finished(call, place)
    return Standing(place, drafted(call, place, answers=answers(call, place, turning_point=PLAIN)), done)


def test_queue_has_what_waits(call: Caller, shared: System, study: StudyPlace) -> None:
    """A draft waits for redactors, a finished one for approvers; nothing of the content stands there."""
    record = submit(call, study)["record"]
    shared.redact_all()

    rows = {
        who: ok(call(who, "GET", f"{base(study)}/queue", place=study))["records"] for who in ("redactor", "approver")
    }

    assert [(row["record"], row["status"], row["mine"]) for row in rows["redactor"]] == [(record, "drafted", False)]
    assert rows["approver"] == []
    assert set(rows["redactor"][0]) == {"record", "case", "status", "priority", "received_day", "mine"}


def test_priority_goes_first(call: Caller, shared: System, study: StudyPlace) -> None:
    """A record that names third parties is taken before an older one that names none."""
    submit(call, study, answers=answers(call, study, third_parties_named=False))
    shared.clock.advance(days=1)
    urgent = submit(call, study, answers=answers(call, study, third_parties_named=True))["record"]
    shared.redact_all()

    assert take(call, study, "redactor") == urgent


def test_taking_twice_gives_the_same(call: Caller, shared: System, study: StudyPlace) -> None:
    """What one works on comes first again, and nobody else gets it."""
    other = join(shared, study, Role.REDACTOR, confirm=("redactor",))
    record = drafted(call, study)

    assert take(call, study, "redactor") == record
    assert call(other, "POST", f"{base(study)}/queue/next").status_code == 404
    assert call(other, "GET", at(study, record, "source")).status_code == 404


def test_source_needs_the_assignment(call: Caller, shared: System, study: StudyPlace) -> None:
    """Before it is taken, a record's source reads like an absent one, for redactors and approvers alike."""
    record = submit(call, study)["record"]
    shared.redact_all()

    for who in ("redactor", "approver"):
        assert call(who, "GET", at(study, record, "source"), place=study).status_code == 404


def test_nobody_takes_their_own_interview(call: Caller, shared: System, study: StudyPlace) -> None:
    """A redactor who also interviews is offered every record but the cases they submitted to."""
    both_roles = join(shared, study, Role.REDACTOR, Role.INTERVIEWER, confirm=("redactor",))
    ok(call(both_roles, "PUT", f"/v1/records/{uuid4()}", json=shared.body(study)), 201)
    shared.redact_all()

    assert call(both_roles, "POST", f"{base(study)}/queue/next").status_code == 404


def test_nobody_approves_their_own_draft(call: Caller, shared: System, study: StudyPlace) -> None:
    """Whoever finished a draft is not offered its approval, though the role would allow it."""
    two_roles = join(shared, study, Role.REDACTOR, Role.APPROVER, confirm=("redactor", "researcher"))
    submit(call, study)
    shared.redact_all()
    record = ok(call(two_roles, "POST", f"{base(study)}/queue/next"))["record"]
    version = ok(call(two_roles, "GET", at(study, record, "source")))["version"]
    digest = ok(call(two_roles, "POST", at(study, record, "draft", "finish"), json={"version": version}))["digest"]

    assert call(two_roles, "POST", f"{base(study)}/queue/next").status_code == 404
    answer = call(two_roles, "POST", at(study, record, "release"), json={"digest": digest})
    assert (answer.status_code, code_of(answer)) == (403, "own-work")


def test_nobody_approves_their_own_interview(call: Caller, shared: System, study: StudyPlace) -> None:
    """Whoever took one interview of the case neither gets the record nor releases it."""
    two_roles = join(shared, study, Role.INTERVIEWER, Role.APPROVER, confirm=("redactor", "researcher"))
    ok(call(two_roles, "PUT", f"/v1/records/{uuid4()}", json=shared.body(study)), 201)
    shared.redact_all()
    record = take(call, study, "redactor")
    ok(finish(call, study, record, 1))

    assert call(two_roles, "POST", f"{base(study)}/queue/next").status_code == 404
    assert call(two_roles, "POST", at(study, record, "release"), json={"digest": "a" * 64}).status_code == 404


def test_finishing_an_old_version(call: Caller, study: StudyPlace) -> None:
    """Only the newest draft can be finished, and only once."""
    record = drafted(call, study)
    ok(edit(call, study, record, 1, {}))

    stale = finish(call, study, record, 1)

    assert (stale.status_code, code_of(stale)) == (409, "conflict")
    ok(finish(call, study, record, 2))
    assert finish(call, study, record, 2).status_code == 409


def test_editing_an_old_version(call: Caller, study: StudyPlace) -> None:
    """Two windows at once: the second to save is told, and the first one's work stays."""
    record = drafted(call, study, answers=answers(call, study, turning_point=PLAIN))
    span = {"start": 0, "end": 4, "kind": "MISC", "level": "quasi"}
    ok(edit(call, study, record, 1, {TEXT: [span]}))

    late = edit(call, study, record, 1, {TEXT: []})

    assert (late.status_code, code_of(late)) == (409, "conflict")
    assert [each["end"] for each in source(call, study, record)["draft"]["texts"][TEXT]["spans"]] == [4]


def test_direct_identifier_left_without_a_reason(call: Caller, study: StudyPlace) -> None:
    """422 with a pointer; with a reason it is saved, and the reason is kept."""
    record = drafted(call, study)
    shown = source(call, study, record)
    name, index = direct_span(shown)
    spans: list[Json] = shown["draft"]["texts"][name]["spans"]
    spans[index]["accepted"] = False

    refused = edit(call, study, record, 1, {name: spans})
    assert (refused.status_code, code_of(refused)) == (422, "invalid")
    assert all(error["pointer"].startswith(f"/texts/{name}") for error in refused.json()["errors"])

    spans[index]["why"] = "the name of a river"
    ok(edit(call, study, record, 1, {name: spans}))
    kept = source(call, study, record)["draft"]["texts"][name]["spans"]
    assert [span["why"] for span in kept if not span["accepted"]] == ["the name of a river"]


def test_direct_identifier_simply_left_out(call: Caller, study: StudyPlace) -> None:
    """Dropping a suggested direct span from the list is no way around the reason."""
    record = drafted(call, study)
    name, index = direct_span(shown := source(call, study, record))
    spans = shown["draft"]["texts"][name]["spans"]
    del spans[index]

    answer = edit(call, study, record, 1, {name: spans})

    assert (answer.status_code, code_of(answer)) == (422, "invalid")


@pytest.mark.parametrize(
    "texts",
    [
        {"no_such_text": []},
        {TEXT: [{"start": 5, "end": 5, "kind": "MISC", "level": "quasi"}]},
        {TEXT: [{"start": 9, "end": 5, "kind": "MISC", "level": "quasi"}]},
        {TEXT: [{"start": 0, "end": 9_999_999, "kind": "MISC", "level": "quasi"}]},
        {
            TEXT: [
                {"start": 0, "end": 9, "kind": "MISC", "level": "quasi"},
                {"start": 5, "end": 12, "kind": "MISC", "level": "quasi"},
            ]
        },
    ],
)
def test_spans_that_fit_no_text(call: Caller, standing: Standing, texts: Any) -> None:
    """Outside the text, empty, turned round, across each other, or of a text that is not there."""
    answer = edit(call, standing.place, standing.drafted, 1, texts)

    assert (answer.status_code, code_of(answer)) == (422, "invalid")
    assert "reason" not in answer.text


def test_offsets_are_code_points(call: Caller, study: StudyPlace) -> None:
    """A span behind characters of several bytes masks what a reader would count to."""
    text = "\U0001f600\U0001f600 ё قف Kestrel rest"
    record = drafted(call, study, answers=answers(call, study, turning_point=text))
    start = text.index("Kestrel")
    span = {"start": start, "end": start + 7, "kind": "PERSON", "level": "direct"}

    clean = ok(edit(call, study, record, 1, {"turning_point": [span]}))["texts"]["turning_point"]

    assert "Kestrel" not in clean
    assert clean.startswith(text[:start])
    assert clean.endswith(" rest")


def test_sent_back_with_a_comment(call: Caller, study: StudyPlace) -> None:
    """The redactor who finished reads the comment, and the approver no longer has it."""
    record = finished(call, study)

    ok(
        call("approver", "POST", at(study, record, "draft", "return"), place=study, json={"comment": "mind the bus"}),
        204,
    )

    assert call("approver", "GET", at(study, record, "source"), place=study).status_code == 404
    assert take(call, study, "redactor") == record
    assert source(call, study, record)["draft"]["comment"] == "mind the bus"
    ok(finish(call, study, record, 2))


def test_drafted_again_by_the_worker(call: Caller, shared: System, study: StudyPlace) -> None:
    """The record goes back to the worker and returns to the same redactor with a newer draft."""
    record = drafted(call, study)

    ok(call("redactor", "POST", at(study, record, "draft", "again"), place=study), 204)
    assert edit(call, study, record, 1, {}).status_code == 409
    shared.redact_all()

    assert take(call, study, "redactor") == record
    assert source(call, study, record)["version"] == 2


def test_release_of_another_digest(call: Caller, study: StudyPlace) -> None:
    """A digest that is not that of what was shown releases nothing."""
    record = finished(call, study)

    answer = call("approver", "POST", at(study, record, "release"), place=study, json={"digest": "0" * 64})

    assert (answer.status_code, code_of(answer)) == (409, "digest-differs")
    assert ok(call("researcher", "GET", f"{base(study)}/releases", place=study))["releases"] == []


def test_release_of_what_was_shown_before_a_return(call: Caller, study: StudyPlace) -> None:
    """The digest of an earlier draft no longer releases, whatever it was that changed."""
    record = finished(call, study)
    before = ok(preview(call, study, record))["digest"]
    ok(call("approver", "POST", at(study, record, "draft", "return"), place=study, json={"comment": "again"}), 204)
    version = source(call, study, record)["version"]
    ok(edit(call, study, record, version, {}))
    ok(finish(call, study, record, version + 1))
    assert take(call, study, "approver") == record

    answer = call("approver", "POST", at(study, record, "release"), place=study, json={"digest": before})

    assert (answer.status_code, code_of(answer)) == (409, "digest-differs")


def test_renaming_joins_labels(call: Caller, study: StudyPlace) -> None:
    """A person keeps the label of an earlier interview; preview and release agree on one digest."""
    record = finished(call, study)
    renaming = {"PERSON-01": "PERSON-77"}
    shown = ok(preview(call, study, record, renaming))
    assert "[PERSON-77]" in "".join(shown["texts"].values())

    body = {"digest": shown["digest"], "renaming": renaming, "doubts": len(shown["doubts"])}
    ok(call("approver", "POST", at(study, record, "release"), place=study, json=body), 201)

    values = steps.read(call, study, record)["values"]
    released = "".join(value["value"] for name, value in values.items() if name in shown["texts"])
    assert "[PERSON-77]" in released
    assert "[PERSON-01]" not in released


def test_renaming_changes_the_digest(call: Caller, study: StudyPlace) -> None:
    """What was shown under one renaming cannot be released under another."""
    record = finished(call, study)
    shown = ok(preview(call, study, record))

    body = {"digest": shown["digest"], "renaming": {"PERSON-01": "PERSON-77"}}
    answer = call("approver", "POST", at(study, record, "release"), place=study, json=body)

    assert (answer.status_code, code_of(answer)) == (409, "digest-differs")


@pytest.mark.parametrize(
    "renaming",
    [
        {"PERSON-01": "PLACE-01"},
        {"PERSON-01": "PERSON-02"},
        {"PERSON-99": "PERSON-98"},
        {"PERSON-01": "Sameer"},
        {"Sameer": "PERSON-01"},
        {"PERSON-01": "PERSON-01] was Sameer ["},
    ],
)
def test_renaming_that_says_something(call: Caller, standing: Standing, renaming: Json) -> None:
    """Labels only, of the same kind, each for one person: a renaming carries no word into a release."""
    answer = preview(call, standing.place, standing.finished, renaming)

    assert (answer.status_code, code_of(answer)) == (422, "invalid")


def test_after_the_release_the_source_is_closed(call: Caller, study: StudyPlace) -> None:
    """Redactor and approver lose the source, the draft and every verb on them."""
    record = steps.released(call, study)

    for who, path in (("redactor", "source"), ("approver", "source")):
        assert call(who, "GET", at(study, record, path), place=study).status_code == 404
    assert preview(call, study, record).status_code == 404
    assert finish(call, study, record, 1).status_code == 409
    assert edit(call, study, record, 1, {}).status_code == 404
