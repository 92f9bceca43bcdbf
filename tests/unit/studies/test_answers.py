"""Answers against the default instrument: consent, conditions, sentinels, policy, and what is handed on."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import ConsentMissing, Invalid
from app.studies.answers import identity_names
from app.studies.instrument import bundled
from app.studies.policy import StudyPolicy
from tests.unit.studies.forms import (
    DEMOS,
    FULL,
    answers,
    checked,
    demo,
    demo_policy,
    flaws_of,
    pointers,
    public_answers,
    value,
)

NO_SENTINELS = [field.name for field in bundled().fields.values() if not field.sentinels]
CONTACT = {"channel": "phone", "address": "+44 7700 900123", "safe_hours": "evenings", "code_phrase": "blue kettle"}


def test_the_least_complete_answers_pass() -> None:
    """Required fields alone are enough."""
    assert flaws_of(answers()) == []


def test_every_field_has_a_value_or_a_status() -> None:
    """What is sealed has all fields of the instrument, so that presence tells nothing."""
    values = checked(answers(gender={"status": "declined"})).values

    assert list(values) == list(bundled().fields)
    assert values["legal_name"] == {"status": "absent"}
    assert values["gender"] == {"status": "declined"}
    assert values["risk_level"] == {"value": "low"}


def test_every_flaw_is_found_at_once() -> None:
    """One answer tells all that is wrong, in the order of the form."""
    given = answers(interview_date=value("15.3.2016"), gender=value("x"), roles_held=None, distress=value(1))

    assert pointers(given) == [
        "/answers/interview_date/value",
        "/answers/gender/value",
        "/answers/roles_held",
        "/answers/distress/value",
    ]


@pytest.mark.parametrize("given", [None, [], "answers", 7])
def test_answers_are_an_object(given: object) -> None:
    """Anything else is one flaw at the root."""
    assert pointers(given) == ["/answers"]


@pytest.mark.parametrize(
    "answer",
    [None, "man", [], {}, {"value": "man", "status": "declined"}, {"value": "man", "note": 1}, {"Value": "man"}],
)
def test_an_answer_has_a_value_or_a_status(answer: object) -> None:
    """Neither both, nor none, nor more."""
    given = answers()
    given["gender"] = answer

    assert pointers(given) == ["/answers/gender"]


def test_an_unknown_field_is_refused_without_its_name() -> None:
    """Somebody may have typed testimony into the key."""
    flaws = flaws_of(answers() | {"canary-7f3": value("x")})

    assert [flaw.pointer for flaw in flaws] == ["/answers"]
    assert "canary" not in str(flaws)


# Rule 1: sentinels


@pytest.mark.parametrize("sentinel", ["declined", "not_asked", "unknown"])
def test_a_required_field_takes_a_sentinel(sentinel: str) -> None:
    """Required means a value or a sentinel."""
    assert flaws_of(answers(joining_account={"status": sentinel})) == []


@pytest.mark.parametrize("name", NO_SENTINELS)
def test_some_fields_take_no_sentinel(name: str) -> None:
    """Consent, source, threat and third parties must be answered."""
    given = public_answers() if name in {"ethics_reference", "citation"} else answers()

    assert f"/answers/{name}/status" in pointers(given | {name: {"status": "declined"}})


def test_the_fields_without_sentinels_are_those_of_the_rule() -> None:
    """Section B, and three fields the server acts on."""
    consent = [field.name for field in bundled().fields.values() if field.section == "B"]

    assert sorted(NO_SENTINELS) == sorted([*consent, "source_type", "threat_disclosed", "third_parties_named"])


@pytest.mark.parametrize("status", ["absent", "Declined", "", None, 1, ["declined"], {}])
def test_only_three_sentinels_exist(status: object) -> None:
    """``absent`` is the server's word, not the client's."""
    assert pointers(answers(gender={"status": status})) == ["/answers/gender/status"]


# Rule 2: consent


@pytest.mark.parametrize(
    "change",
    [
        {"consent_given": None},
        {"consent_given": value(False)},
        {"consent_given": value("true")},
        {"consent_given": value(1)},
        {"consent_given": {"status": "unknown"}},
        {"confidentiality_limits_explained": None},
        {"confidentiality_limits_explained": value(False)},
        {"consent_comprehension": None},
        {"consent_comprehension": value("not_done")},
        {"consent_comprehension": value(["teach_back_passed"])},
    ],
)
def test_without_consent_nothing_may_be_stored(change: dict[str, Any]) -> None:
    """Consent, its explained limits and a comprehension: each alone stops the record."""
    with pytest.raises(ConsentMissing) as refused:
        checked(answers(**change))

    assert [flaw.pointer.split("/")[2] for flaw in refused.value.flaws] == list(change)


def test_missing_consent_carries_all_other_flaws_too() -> None:
    """Consent is not told alone."""
    with pytest.raises(ConsentMissing) as refused:
        checked(answers(consent_given=None, gender=value("x")))

    assert [flaw.pointer for flaw in refused.value.flaws] == ["/answers/consent_given", "/answers/gender/value"]


def test_no_answers_at_all_are_missing_consent() -> None:
    """An empty object consents to nothing."""
    with pytest.raises(ConsentMissing):
        checked({})


def test_another_flaw_is_not_missing_consent() -> None:
    """The two are told apart."""
    with pytest.raises(Invalid) as refused:
        checked(answers(gender=None))

    assert not isinstance(refused.value, ConsentMissing)


def test_a_partial_teach_back_caps_the_scopes() -> None:
    """Nothing beyond the team's own work is in force, and the client is told."""
    result = checked(answers(consent_comprehension=value("teach_back_partial")))

    assert result.scopes == {"team_analysis"}
    assert [warning.pointer for warning in result.warnings] == ["/answers/consent_scopes/value"]


def test_a_partial_teach_back_adds_no_scope() -> None:
    """A cap is not a gift."""
    given = answers(consent_comprehension=value("teach_back_partial"), consent_scopes=value([]))

    assert checked(given).scopes == frozenset()
    assert checked(given).warnings == []


# Rule 3: scopes


def test_the_scopes_are_those_ticked() -> None:
    """After a full teach-back."""
    assert checked(answers()).scopes == {"team_analysis", "vetted_researchers", "recontact"}


def test_no_scope_need_be_ticked() -> None:
    """None is ticked by default, and none is an answer."""
    assert checked(answers(consent_scopes=value([]))).scopes == frozenset()


def test_safe_contact_needs_the_scope_recontact() -> None:
    """Without it there is no reason to hold an address."""
    given = answers(safe_contact=value(CONTACT))

    assert flaws_of(given, FULL) == []
    assert pointers(given | {"consent_scopes": value(["team_analysis"])}, FULL) == ["/answers/safe_contact"]


def test_safe_contact_needs_a_scope_in_force() -> None:
    """A partial teach-back takes recontact away."""
    given = answers(safe_contact=value(CONTACT), consent_comprehension=value("teach_back_partial"))

    assert pointers(given, FULL) == ["/answers/safe_contact"]


# Rule 4: public accounts


def test_a_public_account_passes_without_consent() -> None:
    """The server sets its scopes; the preference is a guardian's to record."""
    result = checked(public_answers())

    assert result.scopes == {"team_analysis", "aggregate_statistics"}
    assert result.withdrawal_preference == "decide_later"
    assert result.values["consent_given"] == {"status": "absent"}


@pytest.mark.parametrize("name", ["ethics_reference", "citation"])
def test_a_public_account_needs_its_own_fields(name: str) -> None:
    """Ethics reference and citation."""
    assert pointers(public_answers(**{name: None})) == [f"/answers/{name}"]


@pytest.mark.parametrize("name", ["consent_given", "consent_scopes", "withdrawal_preference", "age_status"])
def test_a_public_account_has_no_other_consent_field(name: str) -> None:
    """Nobody consented, so nothing may say so."""
    assert pointers(public_answers(**{name: answers()[name]})) == [f"/answers/{name}"]


@pytest.mark.parametrize("name", ["ethics_reference", "citation"])
def test_an_interview_has_no_field_of_public_accounts(name: str) -> None:
    """They are for public accounts only."""
    assert pointers(answers(**{name: value("x")})) == [f"/answers/{name}"]


def test_an_unknown_source_says_nothing_about_what_depends_on_it() -> None:
    """One flaw, not eight that follow from it; and without a known source consent is needed."""
    assert pointers(answers(source_type=value("rumor"))) == ["/answers/source_type/value"]
    with pytest.raises(ConsentMissing):
        checked(public_answers(source_type=value("rumor")))


# Rule 5: identities, warnings, policy


@pytest.mark.parametrize("name", ["legal_name", "other_names", "safe_contact", "relatives"])
def test_the_identity_section_is_off_by_default(name: str) -> None:
    """Even a sentinel is refused where the study does not ask."""
    for_all = StudyPolicy(extensions=frozenset("CDEFGH"))

    assert pointers(answers(**{name: {"status": "declined"}}), for_all) == [f"/answers/{name}"]


def test_a_switched_on_identity_section_takes_a_name() -> None:
    """Under a policy that collects identities."""
    assert flaws_of(answers(legal_name=value("Nobody Real")), FULL) == []


@pytest.mark.parametrize(
    ("name", "choice"), [("consent_mode", "written_signed"), ("interpreter", "relative_or_acquaintance")]
)
def test_risky_choices_warn(name: str, choice: str) -> None:
    """They pass, and the client hears of it."""
    given = answers(**{name: value(choice), "interpreter_ref": value("tr-1") if name == "interpreter" else None})

    assert [warning.pointer for warning in checked(given).warnings] == [f"/answers/{name}/value"]


def test_minors_need_the_policy() -> None:
    """Blocked unless the study has safeguards."""
    given = answers(age_status=value("minor_with_safeguards"))

    assert pointers(given) == ["/answers/age_status/value"]
    assert flaws_of(given, FULL) == []


@pytest.mark.parametrize("switch", ["religious_background", "D"])
def test_an_extension_is_switched_on_by_field_or_section(switch: str) -> None:
    """And is off by default."""
    given = answers(religious_background=value("convert"))

    assert pointers(given) == ["/answers/religious_background"]
    assert flaws_of(given, StudyPolicy(extensions=frozenset({switch}))) == []


def test_a_switched_on_extension_is_optional() -> None:
    """Switching the pack on does not make old clients fail."""
    assert flaws_of(answers(), FULL) == []


# Conditions


def test_an_interpreter_needs_a_reference() -> None:
    """Required if there is one, refused if there is none."""
    assert pointers(answers(interpreter=value("professional"))) == ["/answers/interpreter_ref"]
    assert pointers(answers(interpreter_ref=value("tr-1"))) == ["/answers/interpreter_ref"]
    assert flaws_of(answers(interpreter=value("professional"), interpreter_ref=value("tr-1"))) == []


def test_a_sentinel_meets_no_condition() -> None:
    """Who did not say whether there was an interpreter names none."""
    given = answers(interpreter={"status": "unknown"})

    assert flaws_of(given) == []
    assert pointers(given | {"interpreter_ref": value("tr-1")}) == ["/answers/interpreter_ref"]


# Rules 7 and 9


@pytest.mark.parametrize("threat", ["risk_to_self", "risk_to_other", "child_at_risk", "planned_attack"])
def test_a_threat_is_handed_on(threat: str) -> None:
    """Anything but none."""
    assert checked(answers(threat_disclosed=value(threat))).threat
    assert not checked(answers()).threat


def test_named_third_parties_give_priority() -> None:
    """In the redaction queue."""
    assert checked(answers(third_parties_named=value(True))).priority
    assert not checked(answers()).priority


def test_the_withdrawal_preference_is_handed_on() -> None:
    """As it was given."""
    assert checked(answers()).withdrawal_preference == "erase_all"


# What is shown, and to whom


def test_neither_repr_shows_an_answer() -> None:
    """Results end in logs and tracebacks."""
    given = answers(joining_account=value("canary-a"), legal_name=value("canary-b"))
    result = checked(given, FULL)

    assert "canary" not in repr(result)
    assert "canary" not in repr(identity_names(bundled(), result.values))


def test_the_identity_names_come_by_kind_and_once() -> None:
    """The redaction looks for them in every text."""
    relative = {"relation": "sibling", "name": "Tariq", "place": "Nowhere", "in_danger_area": True}
    given = answers(
        legal_name=value("Nobody Real"),
        other_names=value(["Abu Nobody", "Nobody Real"]),
        safe_contact=value(CONTACT),
        relatives=value([relative, {"relation": "parent", "in_danger_area": False}]),
    )

    names = identity_names(bundled(), checked(given, FULL).values)

    assert names.persons == ("Nobody Real", "Abu Nobody", "Tariq")
    assert names.places == ("Nowhere",)
    assert names.codes == ("int-01", "+44 7700 900123", "blue kettle")


def test_no_identity_gives_no_names() -> None:
    """Absent fields and sentinels name nobody."""
    names = identity_names(bundled(), checked(answers(interviewer_ref={"status": "unknown"})).values)

    assert (names.persons, names.places, names.codes) == ((), (), ())


@pytest.mark.parametrize("name", DEMOS)
def test_the_shipped_testimonies_pass_under_the_demo_policy(name: str) -> None:
    """Without a warning, and releasable."""
    result = checked(demo(name), demo_policy())

    assert result.warnings == []
    assert result.scopes >= {"team_analysis", "vetted_researchers"}
