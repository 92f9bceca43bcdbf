from __future__ import annotations

import pytest

from app.accounts.password_rules import COMMON, SHORTEST, can_be_password, check_password
from app.errors import Invalid


def flaws(password: str, name: str = "amal") -> list[str]:
    """The pointers of what is wrong with a password."""
    try:
        check_password(password, name)
    except Invalid as refused:
        return [flaw.pointer for flaw in refused.flaws]
    return []


@pytest.mark.parametrize(
    "password",
    [
        "four lanterns",
        "\u0634\u0645\u0633 \u0641\u064a \u0627\u0644\u0648\u0627\u062f\u064a",
        "x7!kq0vd2#mz",
        "ab cd ef gh " * 21,
        "amal likes the harbor",
    ],
)
def test_long_uncommon_passwords_are_accepted(password: str) -> None:
    """Length counts, in every script; no rule asks for signs or digits."""
    assert flaws(password) == []


@pytest.mark.parametrize(
    "password",
    [
        "",
        "elevenchars",
        "x7!kq0vd" * 33,
        "aaaaaaaaaaaa",
        "abababababab",
        "Password1234",
        "PASSWORDPASSWORD",
        "amalamalamal",
        "Amal-amal-amal",
        "amal1234amal",
        "\ud800four lanterns",
    ],
)
def test_weak_passwords_are_refused(password: str) -> None:
    """Too short, too long, repetitive, often tried, the name again, or no text."""
    assert flaws(password) == ["/password"]


def test_refusal_does_not_show_the_password() -> None:
    """The flaw says what to do, and not what was typed."""
    with pytest.raises(Invalid) as caught:
        check_password("Password1234", "amal")

    assert "password1234" not in repr(caught.value.flaws).casefold()


def test_length_counts_composed_characters() -> None:
    """A letter with its accent is one character, however the keyboard sent it."""
    decomposed = "e\u0301a\u0300u\u0300o\u0300i\u0300n\u0303"

    assert len(decomposed) == SHORTEST
    assert flaws(decomposed) == ["/password"]


def test_common_ones_are_such_that_the_length_does_not_catch() -> None:
    """Every entry of the list is written as it is compared, and needed."""
    assert all(len(word) >= SHORTEST and word == word.casefold() for word in COMMON)


@pytest.mark.parametrize(
    ("password", "possible"), [("", True), ("x" * 256, True), ("x" * 257, False), ("\udfff", False)]
)
def test_impossible_passwords(password: str, possible: bool) -> None:
    """What nobody can have is told apart without working on it."""
    assert can_be_password(password) is possible
