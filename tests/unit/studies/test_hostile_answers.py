"""Whatever is sent as answers: only our own errors, and never the value in them."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import Flaw, Invalid
from app.studies.answers import Checked
from app.studies.instrument import bundled
from tests.unit.studies.forms import FULL, answers, checked

CANARY = "canary-5b1e"
NAMES = list(bundled().fields)
CHOICES = sorted({choice.name for field in bundled().fields.values() for choice in field.choices})

leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from([*CHOICES, "declined", "2014-H1", "2016-02-01", "SY", "ar", "x"])
    | st.text(st.characters(codec=None), max_size=8).map(lambda text: CANARY + text)
)
keys = st.sampled_from(["value", "status", "channel", "name", "relation", "in_danger_area", CANARY])
junk = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=5
)
changes = st.dictionaries(
    st.sampled_from(NAMES) | st.just(CANARY), st.fixed_dictionaries({"value": junk}) | junk, max_size=8
)


def outcome(sent: object) -> Checked | list[Flaw]:
    """What came of it, with the error's own words as one flaw more; any other error than ours fails the test."""
    try:
        return checked(sent, FULL)
    except Invalid as refused:
        return [*refused.flaws, Flaw("/answers", f"{refused} {refused!r}")]


@settings(max_examples=100, deadline=None)
@given(changes)
def test_changed_answers_pass_or_are_refused_without_echo(sent: dict[str, Any]) -> None:
    """One flaw at least where it does not pass, and no canary in any."""
    result = outcome(answers() | sent)

    assert CANARY not in repr(result)
    assert isinstance(result, Checked) or len(result) > 1
    assert isinstance(result, Checked) or all(flaw.pointer.startswith("/answers") for flaw in result)


@settings(max_examples=100, deadline=None)
@given(junk)
def test_anything_at_all_is_refused_without_echo(sent: object) -> None:
    """Not only objects of fields."""
    result = outcome(sent)

    assert isinstance(result, list)
    assert len(result) > 1
    assert CANARY not in repr(result)
