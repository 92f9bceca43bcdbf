from __future__ import annotations

import pytest

from app.accounts.names import check_account_name, fold_name
from app.errors import Invalid


@pytest.mark.parametrize("name", ["abc", "a.b", "amal", "0-9", "a_b-c.d", "a" * 64])
def test_plain_names_are_accepted(name: str) -> None:
    """Lower-case ASCII, digits, dot, dash, underscore."""
    assert check_account_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "ab", "a" * 65, "Amal", ".ab", "-ab", "a b", "ab\n", "\u0430mal", "am\u0301al", "a\x00b"]
)
def test_other_names_are_refused(name: str) -> None:
    """Twins, blanks, control characters and wrong lengths name the field and never the value."""
    with pytest.raises(Invalid) as caught:
        check_account_name(name, pointer="/who")

    assert [flaw.pointer for flaw in caught.value.flaws] == ["/who"]
    assert not name or name not in caught.value.flaws[0].detail


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("AMAL", "amal"),
        ("\uff21\uff4d\uff41\uff4c", "amal"),
        ("Amal.K", "amal.k"),
        ("\ufb01sh", "fish"),
        ("\u212aim", "kim"),
    ],
)
def test_variants_mean_one_name(typed: str, meant: str) -> None:
    """Upper case, full width, ligatures and the Kelvin sign are the same person."""
    assert fold_name(typed) == meant


@pytest.mark.parametrize("typed", ["", "\u0430mal", "a b", "\ud800abc", "x" * 5_000, "\ufdfa" * 256])
def test_what_no_account_carries_folds_to_nothing(typed: str) -> None:
    """It is not an error: it is simply nobody."""
    assert fold_name(typed) is None
