from __future__ import annotations

import pytest

from app.crypto.codes import CASE_CODE, new_case_code


def test_makes_codes_of_its_own_form() -> None:
    """Every new code is one, and they spread over the whole alphabet."""
    codes = [new_case_code() for _ in range(300)]

    assert all(CASE_CODE.fullmatch(code) for code in codes)
    assert len(set(codes)) == 300
    assert len(set("".join(codes))) == 31 + 1


@pytest.mark.parametrize(
    "text", ["K7QF2M9D", "k7qf-2m9d", "K7QF-2M9", "K0QF-2M9D", "KOQF-2M9D", "K1QF-2M9D", "KIQF-2M9D", "KLQF-2M9D", ""]
)
def test_confused_letters_are_no_code(text: str) -> None:
    """Zero and O, one, I and L never stand in a code."""
    assert CASE_CODE.fullmatch(text) is None
