"""A study's own questionnaires: drafted by a lead, published by an approver, refused where they would not be safe."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import jsonschema
import pytest

from app.access import Role
from tests.functional.caller import Caller, code_of
from tests.functional.steps import Json, base, ok
from tests.system import StudyPlace, System
from tests.unit.studies.forms import definition, field_of


@pytest.fixture(scope="module")
def place(shared: System) -> StudyPlace:
    """One study for the module."""
    return shared.first()


def own(**changes: Any) -> Json:
    """The default questionnaire under a name of the test's own."""
    return definition(id=f"own-{uuid4().hex[:8]}", **changes)


def draft(call: Caller, place: StudyPlace, form: Json) -> httpx.Response:
    """Load a questionnaire."""
    return call("lead", "POST", f"{base(place)}/instruments", json=form)


def publish(call: Caller, place: StudyPlace, key: str, who: Any = "approver") -> httpx.Response:
    """Publish a draft."""
    return call(who, "POST", f"{base(place)}/instruments/{key}/publication")


def send(call: Caller, place: StudyPlace, form: Json) -> httpx.Response:
    """Submit with a questionnaire."""
    body = call.system.body(place, instrument={"id": form["id"], "version": form["version"]})
    return call("interviewer", "PUT", f"/v1/records/{uuid4()}", json=body)


def test_draft_is_listed_and_not_yet_used(call: Caller, place: StudyPlace) -> None:
    """Records are taken with it only once somebody else has published it."""
    form = own()
    key = ok(draft(call, place, form), 201)["id"]
    assert send(call, place, form).status_code == 422

    ok(publish(call, place, key), 204)

    assert send(call, place, form).status_code == 201
    rows = ok(call("researcher", "GET", f"{base(place)}/instruments"))["instruments"]
    assert {row["id"]: row["published"] for row in rows}[key] is True


def test_definition_comes_back_as_it_was(call: Caller, place: StudyPlace) -> None:
    """Labels, rules and order."""
    form = own()
    key = ok(draft(call, place, form), 201)["id"]

    assert ok(call("interviewer", "GET", f"{base(place)}/instruments/{key}")) == form


def test_same_version_twice(call: Caller, place: StudyPlace) -> None:
    """A version is drafted once."""
    form = own()
    ok(draft(call, place, form), 201)

    assert draft(call, place, form).status_code == 409


def test_published_once(call: Caller, place: StudyPlace) -> None:
    """Publishing again changes nothing and says so."""
    key = ok(draft(call, place, own()), 201)["id"]
    ok(publish(call, place, key), 204)

    answer = publish(call, place, key)

    assert (answer.status_code, code_of(answer)) == (409, "conflict")


def test_published_by_another_person(call: Caller, shared: System, place: StudyPlace) -> None:
    """A lead who is also approver does not publish the own draft."""
    both = shared.person("lead.and.approver")
    key = shared.actor(both).unlocked().fingerprint
    roles = frozenset({Role.LEAD, Role.APPROVER})
    shared.admit(place.id, shared.actor(place["lead"]), both, roles, key)
    drafted = ok(call(both, "POST", f"{base(place)}/instruments", json=own()), 201)["id"]

    answer = publish(call, place, drafted, both)

    assert (answer.status_code, code_of(answer)) == (403, "own-work")
    ok(publish(call, place, drafted), 204)


def _releases_a_direct_field(form: Json) -> None:
    field_of(form, "legal_name")["release"] = {"rule": "keep"}


def _direct_outside_identity(form: Json) -> None:
    field_of(form, "legal_name")["compartment"] = "research"


def _narrative_without_redaction(form: Json) -> None:
    field_of(form, "joining_account")["release"] = {"rule": "keep"}


def _narrative_without_any_rule(form: Json) -> None:
    del field_of(form, "joining_account")["release"]


def _consent_optional(form: Json) -> None:
    field_of(form, "consent_given")["status"] = "optional"


def _unknown_key(form: Json) -> None:
    form["script"] = "alert(1)"


@pytest.mark.parametrize(
    "spoil",
    [
        _releases_a_direct_field,
        _direct_outside_identity,
        _narrative_without_redaction,
        _narrative_without_any_rule,
        _consent_optional,
        _unknown_key,
    ],
)
def test_unsafe_questionnaires_are_refused(call: Caller, place: StudyPlace, spoil: Callable[[Json], None]) -> None:
    """422 with pointers; nothing is stored."""
    form = own()
    spoil(form)
    before = ok(call("lead", "GET", f"{base(place)}/instruments"))

    answer = draft(call, place, form)

    assert (answer.status_code, code_of(answer)) == (422, "instrument-refused")
    assert answer.json()["errors"]
    assert ok(call("lead", "GET", f"{base(place)}/instruments")) == before


def test_every_flaw_at_once(call: Caller, place: StudyPlace) -> None:
    """A form with two flaws is told of both."""
    form = own()
    _releases_a_direct_field(form)
    _narrative_without_redaction(form)

    pointers = [error["pointer"] for error in draft(call, place, form).json()["errors"]]

    assert len(set(pointers)) >= 2


@pytest.mark.parametrize("form", [{}, {"id": 5}, {"sections": "all"}, {"sections": [[[]]]}, {"id": "x" * 10_000}])
def test_questionnaires_of_no_shape(call: Caller, place: StudyPlace, form: Json) -> None:
    """Anything that is no questionnaire is refused, never an error of ours."""
    answer = draft(call, place, form)

    assert (answer.status_code, code_of(answer)) == (422, "instrument-refused")


def test_schema_for_form_builders(call: Caller, shared: System, place: StudyPlace) -> None:
    """What the served JSON Schema takes is what intake takes, by somebody else's validator."""
    key = ok(call("interviewer", "GET", f"{base(place)}/instruments"))["instruments"][0]["id"]
    schema = ok(call("interviewer", "GET", f"{base(place)}/instruments/{key}/schema"))
    judge = jsonschema.Draft202012Validator(schema)
    good = shared.body(place)["answers"]

    assert judge.is_valid(good)
    assert not judge.is_valid(good | {"gender": {"value": "no such choice"}})
    assert not judge.is_valid(good | {"no_such_field": {"value": 1}})


def test_list_says_who_drafted_and_who_published(call: Caller, place: StudyPlace) -> None:
    """So that whoever drafted it is not offered to publish it."""
    key = ok(draft(call, place, own()), 201)["id"]
    ok(publish(call, place, key), 204)

    rows = ok(call("lead", "GET", f"{base(place)}/instruments"))["instruments"]

    row = next(row for row in rows if row["id"] == key)
    assert (row["drafted_by"], row["published_by"]) == (str(place["lead"].id), str(place["approver"].id))
    assert row["published_day"] == call.system.collaborators.today()


def test_form_in_a_language(call: Caller, place: StudyPlace) -> None:
    """Every text in Arabic, right to left; what the study does not ask is marked."""
    key = ok(draft(call, place, own()), 201)["id"]

    form = ok(call("interviewer", "GET", f"{base(place)}/instruments/{key}/form?language=ar"))

    fields = {field["name"]: field for section in form["sections"] for field in section["fields"]}
    assert (form["language"], form["direction"]) == ("ar", "rtl")
    assert fields["source_type"]["label"] == field_of(own(), "source_type")["label"]["ar"]
    assert [choice["name"] for choice in fields["source_type"]["choices"]][-1] == "public_account"
    assert fields["consent_given"]["condition"][0]["choices"] == [fields["source_type"]["choices"][-1]["label"]]
    assert fields["recruitment_channel"]["status"] == "extension"


def test_form_in_no_language_of_ours(call: Caller, place: StudyPlace) -> None:
    """Five languages, and no other."""
    key = ok(draft(call, place, own()), 201)["id"]

    answer = call("lead", "GET", f"{base(place)}/instruments/{key}/form?language=xx")

    assert (answer.status_code, code_of(answer)) == (422, "invalid")


def test_changes_against_the_published_version(call: Caller, place: StudyPlace) -> None:
    """Whoever publishes sees what differs from what is asked today, and not from drafts."""
    first = own()
    key = ok(draft(call, place, first), 201)["id"]
    every = ok(call("approver", "GET", f"{base(place)}/instruments/{key}/changes"))
    ok(publish(call, place, key), 204)
    second = definition(id=first["id"], version="1.0.1")
    field_of(second, "source_type")["hint"]["en"] = "Said otherwise."
    key = ok(draft(call, place, second), 201)["id"]

    told = ok(call("approver", "GET", f"{base(place)}/instruments/{key}/changes"))

    assert (every["before"], {change["kind"] for change in every["changes"]}) == (None, {"added"})
    assert told == {
        "before": first["version"],
        "texts": [],
        "changes": [{"kind": "changed", "field": "source_type", "section": "A", "aspects": ["hint"]}],
    }
