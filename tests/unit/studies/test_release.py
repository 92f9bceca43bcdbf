"""What a release shows of an answer, and what it withholds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.studies.countries import COUNTRIES, REGION_OF
from app.studies.instrument import bundled
from app.studies.release import RULES, Context, generalise, release_answers
from tests.unit.studies.forms import DEMOS, FULL, PLAIN, answers, checked, demo, demo_policy, value

BANDS: dict[str, Any] = {"rule": "age_at_joining", "joined": "joined_period", "bands": [18, 25, 35]}
PAIR: dict[str, Any] = {"rule": "year_band", "years": 2}
MAP: dict[str, Any] = {"rule": "coarsen", "map": {"fighter": "combat", "guard": "combat", "media": "non_combat"}}
JOINED = Context({"joined_period": {"value": "2014-H1"}}, frozenset({"ar", "fr", "zh-Hant"}))

GENERALISED: list[tuple[dict[str, Any], Any, Any]] = [
    ({"rule": "as_is"}, True, True),
    ({"rule": "as_is"}, False, False),
    ({"rule": "as_is"}, "man", "man"),
    ({"rule": "as_is"}, 2014, 2014),
    ({"rule": "as_is"}, ["b", "a"], ["b", "a"]),
    ({"rule": "half_year"}, "2016-06-30", "2016-H1"),
    ({"rule": "half_year"}, "2016-07-01", "2016-H2"),
    ({"rule": "half_year"}, "2016-H2", "2016-H2"),
    ({"rule": "year"}, "2016-06-30", 2016),
    ({"rule": "year"}, "2016-H2", 2016),
    ({"rule": "year"}, 2016, 2016),
    (PAIR, "2014-H2", "2014-2015"),
    (PAIR, 2015, "2014-2015"),
    (PAIR, "2016-01-01", "2016-2017"),
    (BANDS, 1997, "<18"),
    (BANDS, 1996, "18-24"),
    (BANDS, 1990, "18-24"),
    (BANDS, 1989, "25-34"),
    (BANDS, 1979, "35+"),
    (BANDS, 2014, "<18"),
    (BANDS | {"bands": [25]}, 1996, "<25"),
    ({"rule": "world_region"}, ["SY"], ["asia"]),
    ({"rule": "world_region"}, ["FR", "TN", "DE"], ["africa", "europe"]),
    ({"rule": "language_list"}, "ar", "ar"),
    ({"rule": "language_list"}, "ar-SY", "ar"),
    ({"rule": "language_list"}, "zh-Hant", "zh-Hant"),
    (MAP, "guard", "combat"),
    (MAP, ["fighter", "guard"], ["combat"]),
    (MAP, ["media", "fighter"], ["combat", "non_combat"]),
]
WITHHELD: list[tuple[dict[str, Any], Any]] = [
    ({}, "x"),
    ({"rule": "unheard_of"}, "x"),
    ({"rule": "redact"}, "a narrative"),
    ({"rule": "never"}, "a name"),
    ({"rule": "drop"}, "x"),
    ({"rule": "as_is"}, {"name": "x"}),
    ({"rule": "as_is"}, [{"name": "x"}]),
    ({"rule": "as_is"}, 1.5),
    ({"rule": "half_year"}, 2016),
    ({"rule": "half_year"}, "June 2016"),
    ({"rule": "half_year"}, "\u0662\u0660\u0661\u0664-H1"),
    ({"rule": "half_year"}, "2016-H2\n"),
    ({"rule": "year"}, True),
    ({"rule": "year"}, "2016"),
    ({"rule": "year"}, ["2016-H1"]),
    (PAIR, "soon"),
    ({"rule": "year_band"}, 2014),
    (BANDS, "1990"),
    (BANDS, 2015),
    (BANDS, 1913),
    (BANDS | {"joined": "left_period"}, 1990),
    (BANDS | {"bands": None}, 1990),
    ({"rule": "world_region"}, ["AQ"]),
    ({"rule": "world_region"}, ["FR", "AQ"]),
    ({"rule": "world_region"}, ["FR", ["SY"]]),
    ({"rule": "world_region"}, []),
    ({"rule": "world_region"}, "FR"),
    ({"rule": "language_list"}, "tr"),
    ({"rule": "language_list"}, "zh-Hans"),
    ({"rule": "language_list"}, ["ar"]),
    (MAP, "household"),
    (MAP, ["fighter", "household"]),
    (MAP, ["fighter", 7]),
    (MAP, 7),
    ({"rule": "coarsen"}, "guard"),
]


@pytest.mark.parametrize(("rule", "raw", "released"), GENERALISED)
def test_a_rule_makes_a_value_coarser(rule: dict[str, Any], raw: object, released: object) -> None:
    """Exactly so."""
    assert generalise(rule, raw, JOINED) == released


@pytest.mark.parametrize(("rule", "raw"), WITHHELD)
def test_what_a_rule_cannot_generalise_is_withheld(rule: dict[str, Any], raw: object) -> None:
    """Never passed."""
    assert generalise(rule, raw, JOINED) is None


@pytest.mark.parametrize("joined", [{}, {"status": "declined"}, {"value": "sometime"}])
def test_an_age_needs_the_year_of_joining(joined: dict[str, object]) -> None:
    """Without it there is no band."""
    assert generalise(BANDS, 1990, Context({"joined_period": joined})) is None


@given(
    st.sampled_from([*RULES, "other"]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=5,
    ),
)
def test_no_value_breaks_a_rule(rule: str, raw: object) -> None:
    """A rule gives a coarser value or withholds; it never raises."""
    parameters = BANDS | PAIR | MAP | {"rule": rule}

    released = generalise(parameters, raw, JOINED)

    assert released is None or rule in {"as_is", "year"} or raw == [] or released != raw


def test_countries_of_both_standards_have_a_region() -> None:
    """249 of ISO 3166-1 and Kosovo; Antarctica alone has none."""
    assert len(COUNTRIES) == 250
    assert COUNTRIES - REGION_OF.keys() == {"AQ"}
    assert set(REGION_OF.values()) == {"africa", "americas", "asia", "europe", "oceania"}


def test_a_release_has_research_fields_only() -> None:
    """No identity, no protection, no narrative, nothing dropped."""
    shown = release_answers(bundled(), checked(answers(), FULL).values, FULL)

    assert all(bundled().fields[name].compartment == "research" for name in shown)
    assert all(bundled().fields[name].class_ not in {"direct", "narrative"} for name in shown)
    assert "consent_scopes" not in shown


def test_a_release_tells_value_sentinel_absence_and_withholding_apart() -> None:
    """Researchers can count what is missing, and why."""
    given_answers = answers(interview_language=value("ku"), gender={"status": "declined"})

    shown = release_answers(bundled(), checked(given_answers).values, PLAIN)

    assert shown["interview_date"] == {"value": "2016-H1"}
    assert shown["gender"] == {"status": "declined"}
    assert shown["nationality"] == {"status": "absent"}
    assert shown["interview_language"] == {"status": "withheld"}


def test_a_release_of_nothing_is_all_absent() -> None:
    """A record without its answers releases none."""
    shown = release_answers(bundled(), {}, PLAIN)

    assert set(map(str, shown.values())) == {"{'status': 'absent'}"}


@pytest.mark.parametrize("name", DEMOS)
def test_no_raw_identifying_value_is_released(name: str) -> None:
    """Of the shipped testimonies: every quasi value differs from what was given, save where the form says why not."""
    raw = checked(demo(name), demo_policy()).values

    shown = release_answers(bundled(), raw, demo_policy())

    for field in bundled().fields.values():
        if field.quasi and field.rule not in {"as_is", "language_list"} and field.name != "gender":
            assert shown[field.name] != raw[field.name], field.name
    assert shown["birth_year"]["value"] in {"<18", "18-24", "25-34", "35+"}
