"""The shipped questionnaire, and the questionnaires that are refused."""

from __future__ import annotations

import copy
import json
from importlib.resources import files
from typing import Any

import pytest

from app.crypto.encoding import canonical_json, sha256
from app.errors import InstrumentRefused
from app.studies.core import CORE
from app.studies.definition import MAX_FIELDS
from app.studies.fields import LANGUAGES, TYPES
from app.studies.instrument import Instrument, bundled, bundled_definition
from tests.unit.studies.forms import changed, definition, field_of, refusals

REDACTED = {"joining_account", "inside_account", "turning_point", "exit_account", "message_to_others"}


def test_the_shipped_form_has_its_fields() -> None:
    """54 of them, ten in the extension pack, of every type there is."""
    form = bundled()

    assert (form.id, form.version) == ("defector-testimony", "1.0.0")
    assert len(form.fields) == 54
    assert len(form.extensions) == 10
    assert {field.type for field in form.fields.values()} == set(TYPES)


def test_the_digest_is_that_of_the_canonical_json() -> None:
    """So anyone can tell which questions a record answers."""
    shuffled = dict(reversed(list(definition().items())))

    assert bundled().sha256 == sha256(canonical_json(definition())) == Instrument.load(shuffled).sha256
    assert Instrument.load(definition(version="1.0.1")).sha256 != bundled().sha256


def test_direct_fields_rest_in_identity_and_are_never_released() -> None:
    """Nothing else rests there."""
    direct = {field.name for field in bundled().fields.values() if field.class_ == "direct"}

    assert {field.name for field in bundled().in_compartment("identity")} == direct
    assert all(bundled().fields[name].rule == "never" for name in direct)


def test_only_the_five_narratives_go_to_the_redaction() -> None:
    """The interviewer's notes never leave protection."""
    assert {field.name for field in bundled().narratives} == REDACTED


def test_texts_differ_between_the_languages_of_a_form() -> None:
    """A copied text is a forgotten translation; a few words are the same in two languages, none in all."""
    for field in bundled().fields.values():
        assert len({field.label[language] for language in LANGUAGES}) >= 4, field.name
        assert len(set(field.hint.values())) == len(LANGUAGES), field.name
        for choice in field.choices:
            assert len(set(choice.label.values())) >= 3, choice.name


def test_arabic_texts_are_in_arabic() -> None:
    """Every label and hint."""
    for field in bundled().fields.values():
        texts = [field.label["ar"], field.hint["ar"], *(choice.label["ar"] for choice in field.choices)]
        assert all(any("\u0600" <= letter <= "\u06ff" for letter in text) for text in texts), field.name


def test_a_bundled_definition_is_the_callers_own() -> None:
    """Changing it changes nobody else's."""
    mine = bundled_definition()
    mine["id"] = "changed"

    assert bundled_definition()["id"] == "defector-testimony"


def test_an_instrument_does_not_change_with_its_json() -> None:
    """A released rule cannot be bent after it was judged."""
    raw = definition()
    form = Instrument.load(raw)

    field_of(raw, "gender")["release"]["map"]["undisclosed"] = "canary"

    assert "canary" not in str(form.fields["gender"].release)


def test_the_data_is_canonical_enough_to_diff() -> None:
    """One file, UTF-8, one newline at the end, no duplicate keys."""
    text = files("app.studies").joinpath("data", "defector-testimony.v1.json").read_text(encoding="utf-8")

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        assert len({key for key, _ in pairs}) == len(pairs)
        return dict(pairs)

    json.loads(text, object_pairs_hook=once)
    assert text.endswith("}\n")


WORDS = dict.fromkeys(LANGUAGES, "x")

UNSAFE: list[tuple[str, str, dict[str, Any], str]] = [
    ("direct outside identity", "legal_name", {"compartment": "research"}, ""),
    ("direct in protection", "legal_name", {"compartment": "protection"}, ""),
    ("identity without direct", "legal_name", {"class": "sensitive"}, ""),
    ("direct released", "legal_name", {"release": {"rule": "drop"}}, "/release"),
    ("narrative as it is", "turning_point", {"release": {"rule": "as_is"}}, "/release"),
    (
        "narrative redacted, then coarser",
        "turning_point",
        {"release": {"rule": "redact", "coarser": [{"rule": "year"}]}},
        "/release",
    ),
    ("narrative without a rule", "turning_point", {"release": None}, "/release"),
    ("narrative of choices", "gender", {"class": "narrative"}, ""),
    ("text without redaction", "turning_point", {"class": "sensitive", "release": {"rule": "redact"}}, ""),
    ("quasi without a rule", "gender", {"release": None}, "/release"),
    ("quasi with an empty rule", "gender", {"release": {}}, "/release/rule"),
    ("quasi with an unknown rule", "gender", {"release": {"rule": "trust_me"}}, "/release/rule"),
    ("quasi with a list for a rule", "gender", {"release": {"rule": ["drop"]}}, "/release/rule"),
    ("quasi as it is without a reason", "gender", {"release": {"rule": "as_is"}, "why": None}, "/release"),
    ("also quasi as it is", "roles_held", {"release": {"rule": "as_is"}, "why": None}, "/release"),
    ("an exact day", "interview_date", {"release": {"rule": "as_is"}, "why": "no"}, "/release"),
    ("a rule for another type", "gender", {"release": {"rule": "half_year"}}, "/release"),
    ("protection released", "risk_level", {"release": {"rule": "as_is"}}, "/release"),
    ("protection free text without a warning", "assessment_notes", {"may_identify": None}, ""),
    ("a known name outside identity", "ethics_reference", {"roster": "persons"}, ""),
    ("a known name that is no text", "safe_contact", {"roster": "persons"}, ""),
    ("a map from a choice there is not", "gender", {"release": {"rule": "coarsen", "map": {"x": "y"}}}, "/release"),
    ("an empty map", "gender", {"release": {"rule": "coarsen", "map": {}}}, "/release/map"),
    ("a map to a sentence", "gender", {"release": {"rule": "coarsen", "map": {"man": "A b"}}}, "/release/map"),
    ("no map", "gender", {"release": {"rule": "coarsen"}}, "/release/map"),
    ("a parameter too many", "gender", {"release": {"rule": "drop", "map": {}}}, "/release"),
    (
        "falling ages",
        "birth_year",
        {"release": {"rule": "age_at_joining", "joined": "joined_period", "bands": [25, 18]}},
        "/release/bands",
    ),
    (
        "no ages",
        "birth_year",
        {"release": {"rule": "age_at_joining", "joined": "joined_period", "bands": []}},
        "/release/bands",
    ),
    (
        "joined by no time",
        "birth_year",
        {"release": {"rule": "age_at_joining", "joined": "gender", "bands": [18]}},
        "/release",
    ),
    (
        "joined by nothing",
        "birth_year",
        {"release": {"rule": "age_at_joining", "joined": "nothing", "bands": [18]}},
        "/release",
    ),
    ("a band of one year", "left_period", {"release": {"rule": "year_band", "years": 1}}, "/release/years"),
    ("a band of true years", "left_period", {"release": {"rule": "year_band", "years": True}}, "/release/years"),
    (
        "coarser within coarser",
        "left_period",
        {"release": {"rule": "year", "coarser": [{"rule": "drop", "coarser": []}]}},
        "/release/coarser/0",
    ),
    (
        "coarser of lists",
        "left_period",
        {"release": {"rule": "year", "coarser": [{"rule": []}]}},
        "/release/coarser/0/rule",
    ),
    ("coarser is no list", "left_period", {"release": {"rule": "year", "coarser": 1}}, "/release/coarser"),
]
MALFORMED: list[tuple[str, str, dict[str, Any], str]] = [
    ("an unknown key", "gender", {"is_admin": True}, ""),
    ("an unknown type", "gender", {"type": "html"}, "/type"),
    ("an unknown class", "gender", {"class": "public"}, "/class"),
    ("an unknown compartment", "gender", {"compartment": "source"}, "/compartment"),
    ("an unknown status", "gender", {"status": "mandatory"}, "/status"),
    ("a name with a dot", "gender", {"name": "draft.gender"}, "/name"),
    ("a long name", "gender", {"name": "g" * 65}, "/name"),
    ("a label in four languages", "gender", {"label": dict.fromkeys(("en", "ar", "fr", "de"), "x")}, "/label/tr"),
    ("a label in six languages", "gender", {"label": dict.fromkeys((*LANGUAGES, "nl"), "x")}, "/label"),
    ("an empty label", "gender", {"label": dict.fromkeys(LANGUAGES, " ")}, "/label/en"),
    ("a label of lines", "gender", {"label": dict.fromkeys(LANGUAGES, "a\nb")}, "/label/en"),
    ("no hint", "gender", {"hint": None}, "/hint"),
    ("no choices", "gender", {"choices": None}, "/choices"),
    ("one choice", "gender", {"choices": [{"name": "man", "label": WORDS}]}, "/choices"),
    ("a choice without labels", "gender", {"choices": [{"name": "man"}, {"name": "woman"}]}, "/choices/0/label"),
    ("twice the same choice", "gender", {"choices": [{"name": "man", "label": WORDS}] * 2}, "/choices"),
    ("choices of a date", "interview_date", {"choices": []}, "/choices"),
    ("members of a date", "interview_date", {"members": []}, "/members"),
    ("no members", "relatives", {"members": None}, "/members"),
    (
        "twice the same member",
        "relatives",
        {"members": [{"name": "a", "type": "bool", "required": True, "label": WORDS}] * 2},
        "/members",
    ),
    (
        "a member of another type",
        "relatives",
        {"members": [{"name": "a", "type": "objects", "required": True, "label": {}}]},
        "/members/0/type",
    ),
    (
        "a known name that is a flag",
        "relatives",
        {"members": [{"name": "a", "type": "bool", "required": True, "label": WORDS, "roster": "persons"}]},
        "",
    ),
    ("conditional without a condition", "interpreter_ref", {"condition": None}, ""),
    ("a condition on a later field", "gender", {"condition": [{"field": "group", "in": ["other"]}]}, "/condition/0"),
    ("a condition on itself", "gender", {"condition": [{"field": "gender", "in": ["man"]}]}, "/condition/0"),
    ("a condition on no choice", "gender", {"condition": [{"field": "interpreter", "in": ["robot"]}]}, "/condition/0"),
    ("a condition on a date", "gender", {"condition": [{"field": "interview_date", "in": ["x"]}]}, "/condition/0"),
    (
        "a condition of both",
        "gender",
        {"condition": [{"field": "interpreter", "in": ["none"], "not_in": ["none"]}]},
        "/condition/0",
    ),
    ("a condition of nothing", "gender", {"condition": [{"field": "interpreter"}]}, "/condition/0"),
    ("a condition of an empty list", "gender", {"condition": [{"field": "interpreter", "in": []}]}, "/condition/0/in"),
    ("a condition in prose", "gender", {"condition": "if asked"}, "/condition"),
    ("a test in prose", "gender", {"condition": ["if asked"]}, "/condition/0"),
    (
        "twice the same name in a condition",
        "gender",
        {"condition": [{"field": "interpreter", "in": ["none", "none"]}]},
        "/condition/0/in",
    ),
    ("must_be on choices", "gender", {"must_be": True}, ""),
    ("min on one", "gender", {"min": 0}, ""),
    ("min of two", "roles_held", {"min": 2}, "/min"),
    ("a flag that is a word", "gender", {"sentinels": "yes"}, "/sentinels"),
    ("also direct", "gender", {"also": "direct"}, "/also"),
]


@pytest.mark.parametrize(("name", "changes", "below"), [case[1:] for case in UNSAFE], ids=[case[0] for case in UNSAFE])
def test_an_unsafe_form_is_refused(name: str, changes: dict[str, Any], below: str) -> None:
    """With a pointer to what is unsafe."""
    form = changed(name, **changes)

    assert _at(form, name) + below in [flaw.pointer for flaw in refusals(form)]


@pytest.mark.parametrize(
    ("name", "changes", "below"), [case[1:] for case in MALFORMED], ids=[case[0] for case in MALFORMED]
)
def test_a_malformed_form_is_refused(name: str, changes: dict[str, Any], below: str) -> None:
    """With a pointer to what is malformed."""
    form = changed(name, **changes)

    assert _at(bundled_definition(), name) + below in [flaw.pointer for flaw in refusals(form)]


def test_exclusive_choices_need_many() -> None:
    """One choice is alone anyway."""
    form = definition()
    field_of(form, "gender")["choices"][0]["exclusive"] = True

    assert [flaw.pointer for flaw in refusals(form)] == [_at(form, "gender")]


def test_every_flaw_is_found_at_once() -> None:
    """A form is mended in one go."""
    form = changed("legal_name", release={"rule": "as_is"})
    field_of(form, "turning_point")["release"] = {"rule": "as_is"}
    form["version"] = "one"

    told = {flaw.pointer for flaw in refusals(form)}

    assert told == {_at(form, "legal_name") + "/release", _at(form, "turning_point") + "/release", "/version"}


@pytest.mark.parametrize("name", sorted(CORE))
def test_a_field_the_service_acts_on_cannot_be_left_out(name: str) -> None:
    """Consent, source, threat and priority are in every form."""
    form = definition()
    for section in form["sections"]:
        section["fields"] = [field for field in section["fields"] if field["name"] != name]

    assert any(name in flaw.detail for flaw in refusals(form))


@pytest.mark.parametrize(
    ("name", "change", "key"),
    [
        ("consent_given", {"must_be": False}, "must_be"),
        ("consent_given", {"condition": []}, "condition"),
        ("consent_given", {"sentinels": True}, "sentinels"),
        ("consent_given", {"status": "optional"}, "status"),
        ("consent_given", {"needs": "collects_identities"}, "needs"),
        ("consent_scopes", {"min": 1}, "min"),
        ("age_status", {"compartment": "research"}, "compartment"),
        ("third_parties_named", {"class": "sensitive"}, "class"),
    ],
)
def test_a_field_the_service_acts_on_cannot_be_bent(name: str, change: dict[str, Any], key: str) -> None:
    """Its meaning is the service's."""
    form = changed(name, **change)

    assert f"{_at(form, name)}/{key}" in [flaw.pointer for flaw in refusals(form)]


def test_the_choices_of_consent_cannot_be_bent() -> None:
    """Neither their names nor what they stop."""
    form = definition()
    del field_of(form, "consent_comprehension")["choices"][2]["effect"]
    field_of(form, "age_status")["choices"][1].pop("needs")
    field_of(form, "consent_scopes")["choices"].pop()

    told = {flaw.pointer for flaw in refusals(form)}

    bent = {_at(form, name) + "/choices" for name in ("consent_comprehension", "age_status", "consent_scopes")}
    assert told >= bent


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"format": "testimony-instrument/2"}, "/format"),
        ({"id": "Defector"}, "/id"),
        ({"id": 7}, "/id"),
        ({"version": "1.0"}, "/version"),
        ({"version": "01.0.0"}, "/version"),
        ({"title": {}}, "/title/ar"),
        ({"prompt": None}, "/prompt"),
        ({"sections": []}, "/sections"),
        ({"sections": {}}, "/sections"),
        ({"sections": [None]}, "/sections/0"),
        ({"extra": 1}, ""),
    ],
)
def test_a_form_with_a_bad_frame_is_refused(changes: dict[str, Any], pointer: str) -> None:
    """Format, id, version, title, prompt and sections."""
    assert pointer in [flaw.pointer for flaw in refusals(definition(**changes))]


@pytest.mark.parametrize("form", [None, [], "form", 1, {}])
def test_something_else_is_refused(form: object) -> None:
    """It raises its own error whatever it is given."""
    with pytest.raises(InstrumentRefused):
        Instrument.load(form)


def test_names_and_sections_differ() -> None:
    """Twice the same field, or the same section, is refused."""
    form = definition()
    form["sections"].append(copy.deepcopy(form["sections"][3]))

    details = [flaw.detail for flaw in refusals(form)]

    assert "Field names must differ." in details
    assert "Section ids must differ." in details


def test_a_form_has_an_end() -> None:
    """A record seals every field, so their number is bounded."""
    form = definition()
    model = field_of(form, "gender")
    for section in form["sections"][3:5]:
        section["fields"] += [model | {"name": f"g{section['id'].lower()}{i}"} for i in range(MAX_FIELDS // 2)]

    assert any(str(MAX_FIELDS) in flaw.detail for flaw in refusals(form))


def test_no_refusal_repeats_the_form() -> None:
    """Names and words of a form stay out of messages."""
    form = changed("gender", type="canary-1", name="Canary 2", label={"canary-3": "canary-4"}, why="canary\n5")

    told = str(refusals(form))

    assert told != "[]"
    assert "anary" not in told


def _at(form: dict[str, Any], name: str) -> str:
    """Return the pointer of a field in a form."""
    for i, section in enumerate(form["sections"]):
        for j, field in enumerate(section["fields"]):
            if field.get("name") == name:
                return f"/sections/{i}/fields/{j}"
    raise KeyError(name)
