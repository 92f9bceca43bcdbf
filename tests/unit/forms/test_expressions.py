"""Conditions of a sheet, as far as they are understood."""

from __future__ import annotations

import pytest

from app.forms.columns import allowed_expression
from app.forms.expressions import parse_condition
from app.studies.fields import Test


def _in(field: str, *names: str) -> Test:
    return Test(field, frozenset(names), wanted=True)


def _not(field: str, *names: str) -> Test:
    return Test(field, frozenset(names), wanted=False)


@pytest.mark.parametrize(
    ("text", "tests"),
    [
        ("${a} = 'x'", (_in("a", "x"),)),
        ('${ a }="x"', (_in("a", "x"),)),
        ("${a} != 'x'", (_not("a", "x"),)),
        ("selected(${a}, 'x') and ${b} = 'y'", (_in("a", "x"), _in("b", "y"))),
        ("(selected(${a}, 'x') or selected(${a}, 'y')) and not(${b} = 'z')", (_in("a", "x", "y"), _not("b", "z"))),
        ("not(selected(${a}, 'x') or selected(${a}, 'y'))", (_not("a", "x", "y"),)),
        ("((${a} = 'x'))", (_in("a", "x"),)),
    ],
)
def test_understood(text: str, tests: tuple[Test, ...]) -> None:
    """Choices of single questions, joined by and, become the instrument's own conditions."""
    assert parse_condition(text) == tests


@pytest.mark.parametrize(
    "text",
    [
        "${a} = 'x' or ${b} = 'y'",
        "${a} > 5",
        "${a} = ${b}",
        "string-length(${a}) > 2",
        "${a} != 'x' or ${a} != 'y'",
        "true()",
        "${a} = 'x' and",
        "(${a} = 'x'",
        "not(${a} = 'x') or not(${a} = 'y')",
    ],
)
def test_not_understood(text: str) -> None:
    """What no instrument can say is not guessed at."""
    assert parse_condition(text) is None


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        (". > 3 and regex(., '^[a-z]+$')", True),
        ("string-length(.) < 20", True),
        ("pulldata('people', 'name', 'id', ${a})", False),
        ("instance('people')/root/item", False),
        ("property('deviceid')", False),
        ("jr:itext('x')", False),
        ("concat('https://evil.example/', ${a})", False),
        ("'pulldata(' = 'x'", True),
    ],
)
def test_functions_of_a_form(text: str, allowed: bool) -> None:
    """Plain functions only: nothing that reads other files or asks the phone who it is."""
    assert allowed_expression(text) is allowed
