"""How rare a combination of generalized answers is among other releases."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.review.rarity import COMMON, combined, compare
from app.studies.instrument import bundled

FIELDS = ("gender", "nationality", "joined_period")


def released(gender: str, region: list[str], joined: int) -> dict[str, Any]:
    """A release's values."""
    return {"gender": {"value": gender}, "nationality": {"value": region}, "joined_period": {"value": joined}}


OURS = released("man", ["africa"], 2014)
OTHERS = st.lists(
    st.builds(
        released, st.sampled_from(["man", "woman"]), st.sampled_from([["africa"], ["asia"]]), st.integers(2013, 2015)
    ),
    max_size=12,
)


@given(OTHERS)
def test_counts_are_those_of_a_plain_loop(others: list[dict[str, Any]]) -> None:
    """Who shares everything, and which answers stand alone."""
    found = compare(FIELDS, OURS, others)

    assert found.compared == len(others)
    assert found.same == others.count(OURS)
    assert set(found.alone) == {name for name in FIELDS if OURS[name] not in [other[name] for other in others]}
    assert found.rare == (others.count(OURS) < COMMON)


def test_an_answer_that_others_withhold_is_not_shared() -> None:
    """Nothing matches a withheld value."""
    other = OURS | {"gender": {"status": "withheld"}}

    assert compare(FIELDS, OURS, [other] * COMMON).alone == ("gender",)


def test_without_an_answer_there_is_no_combination() -> None:
    """And no warning."""
    form = bundled()
    values = {name: {"status": "absent"} for name in form.fields}

    assert combined(form, values) == ()
    assert not compare((), values, []).rare


def test_the_combination_is_of_the_person_not_of_the_talk() -> None:
    """Quasi-identifying answers that are released: origin, age, years, sex, role; not where and when the talk was."""
    form = bundled()
    values = {name: {"value": "x"} for name in form.fields}

    assert {"nationality", "birth_year", "joined_period", "gender"} <= set(combined(form, values))
    assert not [name for name in combined(form, values) if name.startswith("interview_")]
    assert "legal_name" not in combined(form, values)
