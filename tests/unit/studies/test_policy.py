"""A study's policy: off by default, strictly read."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import Invalid
from app.studies.instrument import bundled
from app.studies.policy import StudyPolicy, check_policy
from tests.unit.studies.forms import FULL


def test_everything_is_off_by_default() -> None:
    """An empty policy collects least."""
    assert StudyPolicy.from_dict({}) == StudyPolicy()
    assert not any(StudyPolicy().asks(field) for field in bundled().extensions)


def test_a_policy_survives_its_json() -> None:
    """Both ways."""
    assert StudyPolicy.from_dict(FULL.to_dict()) == FULL


@pytest.mark.parametrize(
    ("raw", "pointers"),
    [
        (None, ["/policy"]),
        ([], ["/policy"]),
        ({"is_admin": True}, ["/policy"]),
        ({"collects_identities": 1}, ["/policy/collects_identities"]),
        (
            {"accepts_minors": "no", "collects_identities": None},
            ["/policy/collects_identities", "/policy/accepts_minors"],
        ),
        ({"released_languages": "ar"}, ["/policy/released_languages"]),
        ({"released_languages": ["AR"]}, ["/policy/released_languages"]),
        ({"released_languages": ["ar", "ar"]}, ["/policy/released_languages"]),
        ({"released_languages": [["ar"]]}, ["/policy/released_languages"]),
        ({"released_languages": ["ar"] * 201}, ["/policy/released_languages"]),
        ({"extensions": ["*"]}, ["/policy/extensions"]),
    ],
)
def test_a_flawed_policy_is_refused(raw: Any, pointers: list[str]) -> None:
    """With every flaw at once."""
    with pytest.raises(Invalid) as refused:
        StudyPolicy.from_dict(raw)

    assert [flaw.pointer for flaw in refused.value.flaws] == pointers


def test_a_misspelled_extension_is_refused() -> None:
    """It would stay off in silence."""
    check_policy(FULL, bundled())
    with pytest.raises(Invalid):
        check_policy(StudyPolicy(extensions=frozenset({"religous_background"})), bundled())


@pytest.mark.parametrize("need", ["collects_identities", "accepts_minors"])
def test_a_switch_allows_what_needs_it(need: str) -> None:
    """And nothing else; an unknown need is never met."""
    on = StudyPolicy.from_dict({need: True})

    assert on.allows(need)
    assert not StudyPolicy().allows(need)
    assert not on.allows("anything_else")
