from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.accounts.factors import SECRET_BYTES, base32, matching_step, new_factor
from app.crypto.secrets import Secret

# RFC 6238, appendix B: the SHA-1 seed, and the last six of the eight digits given there.
RFC_SEED = Secret(b"12345678901234567890")
RFC_CODES = [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(("seconds", "code"), RFC_CODES)
def test_codes_of_the_standard(seconds: int, code: str) -> None:
    """The codes of RFC 6238 match, each at its own step."""
    assert matching_step(RFC_SEED, code, EPOCH + timedelta(seconds=seconds)) == seconds // 30


@pytest.mark.parametrize(("late", "matches"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_window_is_one_step_each_way(late: int, matches: bool) -> None:
    """A phone's clock may be half a minute off, not more."""
    step = matching_step(RFC_SEED, "081804", EPOCH + timedelta(seconds=1_111_111_109 + late))

    assert step == (1_111_111_109 // 30 if matches else None)


@pytest.mark.parametrize(
    "code",
    [
        "",
        "81804",
        "0818040",
        "081 804",
        " 081804",
        "081804 ",
        "081804\n",
        "+81804",
        "\u0660\u0668\u0661\u0668\u0660\u0664",
        "\uff10\uff18\uff11\uff18\uff10\uff14",
    ],
)
def test_only_six_ascii_digits_are_a_code(code: str) -> None:
    """Nothing is trimmed, padded or converted."""
    assert matching_step(RFC_SEED, code, EPOCH + timedelta(seconds=1_111_111_109)) is None


def test_factors_are_fresh_and_long_enough() -> None:
    """160 bits each, in 32 characters without padding."""
    one, other = new_factor(), new_factor()

    assert (len(one), len(base32(one)), one == other) == (SECRET_BYTES, 32, False)
