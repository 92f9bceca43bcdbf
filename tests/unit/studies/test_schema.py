"""The JSON Schema of an instrument says what the validator says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from app.studies.instrument import bundled
from app.studies.policy import StudyPolicy
from app.studies.schema import DIALECT, json_schema
from tests.unit.studies.forms import DEMOS, FULL, PLAIN, answers, demo, demo_policy, flaws_of, public_answers, value
from tests.unit.studies.test_values import ACCEPTED, REFUSED

# What a schema cannot say, or says only where formats are asserted and strings are already strict.
BEYOND = {"2016-02-30", "2016-02-29\n", "2014-H1\n"} | {f"lone{half}" for half in ("\ud83d", "\udc00")}


def validator(policy: StudyPolicy | None = None) -> Draft202012Validator:
    """Somebody else's validator over our schema."""
    return Draft202012Validator(json_schema(bundled(), policy))


def samples() -> Iterator[tuple[dict[str, Any], StudyPolicy]]:
    """Answers right and wrong, each under a policy."""
    for name in DEMOS:
        yield demo(name), demo_policy()
        yield demo(name), PLAIN
    for name, raw, *_ in (*ACCEPTED, *REFUSED):
        if not (isinstance(raw, str) and raw in BEYOND) and not isinstance(raw, float):
            yield answers(**{name: value(raw)}), FULL
    for policy in (PLAIN, FULL):
        for change in CHANGES:
            yield answers(**change), policy
            yield public_answers(**change), policy


CHANGES: list[dict[str, Any]] = [
    {},
    {"gender": None},
    {"gender": {"status": "declined"}},
    {"gender": {"status": "absent"}},
    {"gender": {"value": "man", "status": "declined"}},
    {"unheard_of": value(1)},
    {"consent_given": value(False)},
    {"consent_given": None},
    {"consent_given": {"status": "unknown"}},
    {"consent_comprehension": value("not_done")},
    {"consent_comprehension": value("teach_back_partial")},
    {"age_status": value("minor_with_safeguards")},
    {"interpreter": value("professional")},
    {"interpreter": value("professional"), "interpreter_ref": value("tr-1")},
    {"interpreter": {"status": "unknown"}, "interpreter_ref": value("tr-1")},
    {"interpreter_ref": value("tr-1")},
    {"citation": value("x")},
    {"citation": None},
    {"legal_name": value("Nobody Real")},
    {"religious_background": value("convert")},
    {"safe_contact": value(dict.fromkeys(("address", "safe_hours", "code_phrase"), "x") | {"channel": "email"})},
    {
        "safe_contact": value(dict.fromkeys(("address", "safe_hours", "code_phrase"), "x") | {"channel": "email"}),
        "consent_scopes": value([]),
    },
]


def test_the_schema_is_one() -> None:
    """Of the dialect it names."""
    schema = json_schema(bundled())

    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == DIALECT


def test_schema_and_validator_agree() -> None:
    """On every sample, right or wrong."""
    schemas = {policy: validator(policy) for policy in (PLAIN, FULL, demo_policy())}

    verdicts = [(schemas[policy].is_valid(given), not flaws_of(given, policy)) for given, policy in samples()]

    assert [pair for pair in verdicts if pair[0] != pair[1]] == []
    assert {True, False} == {verdict for verdict, _ in verdicts}


def test_without_a_policy_all_fields_are_shown() -> None:
    """So a form builder sees the whole form."""
    assert set(json_schema(bundled())["properties"]) == set(bundled().fields)
    assert validator().is_valid(demo(DEMOS[0]))


def test_a_policy_leaves_out_what_is_not_asked() -> None:
    """Identity, extensions, and choices that need a switch."""
    properties = json_schema(bundled(), PLAIN)["properties"]

    assert "legal_name" not in properties
    assert "religious_background" not in properties
    assert properties["age_status"]["oneOf"][0]["properties"]["value"]["enum"] == ["adult"]


@pytest.mark.parametrize("language", ["en", "ar", "fr", "de", "tr"])
def test_the_words_of_the_form_are_in_the_schema(language: str) -> None:
    """Labels, hints, choices and members in each language."""
    properties = json_schema(bundled())["properties"]

    assert properties["gender"]["x-testimony"]["label"][language] == bundled().fields["gender"].label[language]
    assert language in properties["gender"]["x-testimony"]["choices"]["man"]
    assert language in properties["relatives"]["x-testimony"]["members"]["place"]
