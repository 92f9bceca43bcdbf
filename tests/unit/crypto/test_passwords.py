from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.crypto.encoding import enc
from app.crypto.passwords import Argon2Params, Bundle, stretch, unlock_key
from app.crypto.secrets import Secret
from app.errors import BadEncoding
from tests.unit.crypto.factories import CHEAP

SALT = bytes(range(16))
ARGON, MAC = Secret(b"a" * 32), b"m" * 32


def test_default_cost() -> None:
    """64 MiB, three passes, one lane."""
    assert Argon2Params(65_536, 3, 1) == Argon2Params.DEFAULT


@pytest.mark.parametrize(
    "cost",
    [(7_167, 3, 1), (1_048_577, 3, 1), (65_536, 0, 1), (65_536, 17, 1), (65_536, 3, 0), (65_536, 3, 9), (-1, -1, -1)],
)
def test_refuses_costs_outside_the_limits(cost: tuple[int, int, int]) -> None:
    """A changed row can neither cheapen guessing nor exhaust the server."""
    with pytest.raises(BadEncoding):
        Argon2Params(*cost)


@pytest.mark.parametrize("cost", [Argon2Params.MIN, Argon2Params.MAX])
def test_accepts_the_limits_themselves(cost: tuple[int, int, int]) -> None:
    """The limits belong to what is allowed."""
    assert Argon2Params(*cost).m_kib == cost[0]


def test_one_password_in_two_unicode_spellings_is_one() -> None:
    """Keyboards that compose letters differently give the same key."""
    assert stretch("Zu\u0308rich", SALT, CHEAP) == stretch("Z\u00fcrich", SALT, CHEAP)


@pytest.mark.parametrize(
    ("password", "salt", "params"),
    [
        ("Password", SALT, CHEAP),
        ("password", SALT[::-1], CHEAP),
        ("password", SALT, Argon2Params(CHEAP.m_kib, CHEAP.t + 1, CHEAP.p)),
    ],
)
def test_everything_changes_the_stretched_key(password: str, salt: bytes, params: Argon2Params) -> None:
    """Another password, salt or cost gives another key."""
    assert stretch(password, salt, params) != stretch("password", SALT, CHEAP)


def test_refuses_a_lone_surrogate() -> None:
    """What is no Unicode text has no UTF-8 and no key."""
    with pytest.raises(BadEncoding):
        stretch("pass\ud800word", SALT, CHEAP)


@pytest.mark.parametrize("size", [0, 8, 15, 17])
def test_refuses_salts_of_another_length(size: int) -> None:
    """A salt has 16 bytes at both steps."""
    with pytest.raises(BadEncoding):
        stretch("password", bytes(size), CHEAP)
    with pytest.raises(BadEncoding):
        unlock_key(ARGON, MAC, bytes(size))


@pytest.mark.parametrize(
    ("argon", "mac", "salt"), [(Secret(b"b" * 32), MAC, SALT), (ARGON, b"n" * 32, SALT), (ARGON, MAC, SALT[::-1])]
)
def test_everything_changes_the_unlock_key(argon: Secret, mac: bytes, salt: bytes) -> None:
    """Without the custodian's MAC the password's own stretch is worth nothing."""
    assert unlock_key(argon, mac, salt) != unlock_key(ARGON, MAC, SALT)


@pytest.mark.parametrize(("argon", "mac"), [(31, 33), (33, 31), (32, 31), (31, 32)])
def test_refuses_unlock_parts_of_another_length(argon: int, mac: int) -> None:
    """No byte can move from the one part to the other."""
    with pytest.raises(BadEncoding):
        unlock_key(Secret(bytes(argon)), bytes(mac), SALT)


@given(st.binary(min_size=96, max_size=96), st.binary(max_size=40))
def test_decodes_the_bundle_it_encoded(private: bytes, totp: bytes) -> None:
    """Private key and TOTP secret come back; there may be no TOTP secret yet."""
    bundle = Bundle(Secret(private), Secret(totp))

    assert Bundle.decode(bundle.encode()) == bundle


@pytest.mark.parametrize(
    "plaintext",
    [
        b"",
        enc("testimony/1/bundle", bytes(95), b""),
        enc("testimony/1/bundle", bytes(96)),
        enc("testimony/2/bundle", bytes(96), b""),
        enc("testimony/1/bundle", bytes(96), b"") + b"\0",
    ],
    ids=["empty", "short key", "no totp", "other label", "trailing"],
)
def test_refuses_what_is_no_bundle(plaintext: bytes) -> None:
    """A bundle has one spelling."""
    with pytest.raises(BadEncoding):
        Bundle.decode(plaintext)
