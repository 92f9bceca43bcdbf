"""How rare what a case tells is among other cases."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.deidentify.tells import Tell, TellKind
from app.review.combinations import (
    COMMON,
    MOST_OF_A_KIND,
    Answer,
    Combination,
    Detail,
    answered,
    compare,
    told,
)
from app.studies.instrument import bundled

MAN, ASIA, EARLY = Answer("gender", b'"man"'), Answer("nationality", b'["asia"]'), Answer("joined_period", b"2014")
DRIVER, RAQQA = Tell(TellKind.ROLE, "driver"), Tell(TellKind.REGION, "northern Syria")
DETAILS: tuple[Detail, ...] = (MAN, ASIA, EARLY, RAQQA, DRIVER)
OURS = Combination((MAN, ASIA, EARLY), frozenset({DRIVER, RAQQA}))
OTHERS = st.lists(st.frozensets(st.sampled_from(DETAILS)), max_size=16)


def year(number: int) -> Tell:
    """A year in a text."""
    return Tell(TellKind.YEAR, str(number))


def values(**changed: Any) -> dict[str, Any]:
    """Released answers to every question."""
    given = {name: {"value": "x"} for name in bundled().fields}
    return given | changed


@given(OTHERS)
def test_counts_are_those_of_a_plain_loop(others: list[frozenset[Detail]]) -> None:
    """Who shares everything, and which details stand alone."""
    found = compare(OURS, others)
    same = sum(each.issuperset(DETAILS) for each in others)

    assert set(found.details) == set(DETAILS)
    assert (found.compared, found.same, found.rare) == (len(others), same, same < COMMON)
    assert set(found.alone) == {each for each in DETAILS if not any(each in other for other in others)}


@given(OTHERS)
def test_the_fewest_that_are_rare_are_named(others: list[frozenset[Detail]]) -> None:
    """No smaller set is rare, and no other of its size is rarer; nothing is looked for among very few cases."""

    def shared(chosen: tuple[Detail, ...]) -> int:
        return sum(each.issuperset(chosen) for each in others)

    rare = {size: [n for chosen in combinations(DETAILS, size) if (n := shared(chosen)) < COMMON] for size in (1, 2, 3)}
    smallest = next((size for size, counts in rare.items() if counts), 0) if len(others) >= COMMON else 0
    found = compare(OURS, others)

    assert len(found.few) == smallest
    assert found.few_same == (min(rare[smallest]) if smallest else 0) == (shared(found.few) if smallest else 0)


def test_of_many_details_the_rarest_of_each_kind_count() -> None:
    """A long text tells a lot, and would be unlike all others: a bounded number counts, the most telling ones."""
    ours = Combination((), frozenset(map(year, range(2000, 2020))))
    others = [frozenset(map(year, range(2003, 2020)))]

    found = compare(ours, others)

    assert len(found.details) == MOST_OF_A_KIND
    assert found.details == found.alone == (year(2000), year(2001), year(2002))


def test_without_anything_told_there_is_no_combination() -> None:
    """And no warning."""
    nothing = {name: {"status": "absent"} for name in bundled().fields}

    assert answered(bundled(), nothing) == ()
    assert not compare(Combination((), frozenset()), []).rare


def test_an_answer_that_is_withheld_tells_nothing() -> None:
    """Nothing matches it."""
    names = [each.name for each in answered(bundled(), values(gender={"status": "withheld"}))]

    assert "gender" not in names


def test_the_combination_is_of_the_person_not_of_the_talk() -> None:
    """Answers that may identify together and are released: origin, age, years, sex, role; not where the talk was."""
    names = {each.name for each in answered(bundled(), values())}

    assert {"nationality", "birth_year", "joined_period", "gender", "roles_held"} <= names
    assert not [name for name in names if name.startswith("interview_")]
    assert "legal_name" not in names


def test_all_texts_of_a_record_tell_together() -> None:
    """Each detail counts once."""
    found = told(["I was a driver in 2015.", "In [DATE-01: 2015] we came to [PLACE-01: town in northern Syria]."])

    assert found == {DRIVER, RAQQA, year(2015)}
