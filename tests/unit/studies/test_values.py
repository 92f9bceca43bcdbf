"""Each type of value: what it takes, what it refuses, and where it says so."""

from __future__ import annotations

from typing import Any

import pytest

from app.studies.values import MAX_OBJECTS, MAX_STRING, MAX_STRINGS, MAX_TEXT
from tests.unit.studies.forms import FULL, answers, checked, flaws_of, pointers, public_answers, value

CONTACT = {"channel": "phone", "address": "+44 7700 900123", "safe_hours": "evenings", "code_phrase": "blue kettle"}
RELATIVE = {"relation": "sibling", "in_danger_area": True}
ARABIC_2014 = "\u0662\u0660\u0661\u0664"

ACCEPTED: list[tuple[str, Any]] = [
    ("third_parties_named", True),
    ("gender", "woman"),
    ("roles_held", ["fighter", "media"]),
    ("risk_family", ["none_known"]),
    ("interview_date", "2016-02-29"),
    ("joined_period", "2014-H2"),
    ("birth_year", 1990),
    ("legal_name", "Zoë O'Nobody"),
    ("legal_name", "أبو لا أحد"),
    ("legal_name", "x" * MAX_STRING),
    ("other_names", ["Abu Nobody"] + [f"alias {i}" for i in range(MAX_STRINGS - 1)]),
    ("joining_account", "Line one.\n\tLine two. \U0001f600"),
    ("joining_account", "x" * MAX_TEXT),
    ("safe_contact", CONTACT),
    ("relatives", [RELATIVE, RELATIVE | {"name": "Tariq", "place": "Nowhere"}]),
    ("nationality", ["SY", "FR"]),
    ("nationality", ["XK"]),
    ("interview_language", "ar"),
    ("interview_language", "zh-Hant-TW"),
    ("interview_language", "es-419"),
    ("interviewer_ref", "Int_7.b-2"),
]

REFUSED: list[tuple[str, Any, str]] = [
    ("third_parties_named", 1, ""),
    ("third_parties_named", "true", ""),
    ("third_parties_named", None, ""),
    ("gender", "Woman", ""),
    ("gender", ["woman"], ""),
    ("gender", None, ""),
    ("roles_held", "fighter", ""),
    ("roles_held", [], ""),
    ("roles_held", ["fighter", "fighter"], ""),
    ("roles_held", ["fighter", "cook"], "/1"),
    ("roles_held", [["fighter"], {"a": 1}, None], "/0"),
    ("risk_self", ["none", "prosecution"], ""),
    ("interview_date", "2016-02-30", ""),
    ("interview_date", "20160229", ""),
    ("interview_date", "2016-2-9", ""),
    ("interview_date", "1437-06-06", ""),
    ("interview_date", "2016-02-29T00:00:00Z", ""),
    ("interview_date", "2016-02-29\n", ""),
    ("interview_date", f"{ARABIC_2014}-02-01", ""),
    ("interview_date", 20160229, ""),
    ("joined_period", "2014-H3", ""),
    ("joined_period", "2014-h1", ""),
    ("joined_period", "2014-H1\n", ""),
    ("joined_period", f"{ARABIC_2014}-H1", ""),
    ("joined_period", 2014, ""),
    ("birth_year", "1990", ""),
    ("birth_year", 1990.0, ""),
    ("birth_year", True, ""),
    ("birth_year", 1899, ""),
    ("birth_year", 2100, ""),
    ("birth_year", 10**400, ""),
    ("legal_name", "", ""),
    ("legal_name", " \u00a0\u3000", ""),
    ("legal_name", "x" * (MAX_STRING + 1), ""),
    ("legal_name", "two\nlines", ""),
    ("legal_name", "nul\x00", ""),
    ("legal_name", "lone\ud83d", ""),
    ("legal_name", "line\u2028separator", ""),
    ("legal_name", ["x"], ""),
    ("other_names", "Abu Nobody", ""),
    ("other_names", ["Abu Nobody", "Abu Nobody"], ""),
    ("other_names", ["Abu Nobody", 7], "/1"),
    ("other_names", [f"alias {i}" for i in range(MAX_STRINGS + 1)], ""),
    ("joining_account", "", ""),
    ("joining_account", "\n\n", ""),
    ("joining_account", "x" * (MAX_TEXT + 1), ""),
    ("joining_account", "nul\x00", ""),
    ("joining_account", "bell\x07", ""),
    ("joining_account", "lone\udc00", ""),
    ("joining_account", "not for XML\uffff", ""),
    ("joining_account", {"text": "x"}, ""),
    ("safe_contact", [CONTACT], ""),
    ("safe_contact", CONTACT | {"channel": "pigeon"}, "/channel"),
    ("safe_contact", CONTACT | {"address": ""}, "/address"),
    ("safe_contact", CONTACT | {"is_admin": True}, ""),
    ("safe_contact", {name: CONTACT[name] for name in ("channel", "address", "safe_hours")}, "/code_phrase"),
    ("relatives", [], ""),
    ("relatives", [RELATIVE] * (MAX_OBJECTS + 1), ""),
    ("relatives", [RELATIVE, RELATIVE | {"in_danger_area": "yes"}], "/1/in_danger_area"),
    ("relatives", ["Tariq"], "/0"),
    ("nationality", "SY", ""),
    ("nationality", ["sy"], "/0"),
    ("nationality", ["SY", "ZZ"], "/1"),
    ("nationality", ["SY", "SY"], ""),
    ("nationality", ["SY", ["FR"]], "/1"),
    ("interview_language", "AR", ""),
    ("interview_language", "arabic", ""),
    ("interview_language", "ar_SY", ""),
    ("interview_language", "", ""),
    ("interviewer_ref", "Jane Doe", ""),
    ("interviewer_ref", "../etc", ""),
    ("interviewer_ref", "x" * 65, ""),
]


@pytest.mark.parametrize(("name", "given"), ACCEPTED)
def test_a_value_of_its_type_passes(name: str, given: object) -> None:
    """And is kept as it came."""
    assert checked(answers(**{name: value(given)}), FULL).values[name] == {"value": given}


@pytest.mark.parametrize(("name", "given", "below"), REFUSED)
def test_another_value_is_refused_where_it_stands(name: str, given: object, below: str) -> None:
    """The pointer leads to the innermost flaw."""
    assert pointers(answers(**{name: value(given)}), FULL)[0] == f"/answers/{name}/value{below}"


def test_every_item_of_a_list_is_told() -> None:
    """Not only the first."""
    given = answers(roles_held=value([["fighter"], {"a": 1}, None, "guard"]))

    assert pointers(given) == [f"/answers/roles_held/value/{i}" for i in range(3)]


def test_a_string_of_a_public_account_is_checked() -> None:
    """The conditional strings are of the same type."""
    assert pointers(public_answers(citation=value("two\nlines"))) == ["/answers/citation/value"]


@pytest.mark.parametrize("given", ["a\r\nb", "a\rb", "a\nb"])
def test_line_ends_become_one(given: str) -> None:
    """Offsets are counted over them."""
    assert checked(answers(joining_account=value(given))).values["joining_account"] == {"value": "a\nb"}


def test_no_flaw_repeats_a_refused_value() -> None:
    """Whatever was refused above."""
    for name, given, _ in REFUSED:
        hidden = f"canary-{given!s:.40}"
        told = str(flaws_of(answers(**{name: value([hidden, {"canary-key": hidden}])}), FULL))
        assert told != "[]"
        assert "canary" not in told
