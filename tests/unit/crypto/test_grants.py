from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.crypto import hpke
from app.crypto.envelope import seal, unseal
from app.crypto.grants import open_box, seal_box
from app.crypto.secrets import Secret, join, split
from app.errors import BadPublicKey, TamperedBox, TamperedField
from tests.unit.crypto.factories import flip, grant_context, pair, uid

KEY, SHARE = Secret(b"K" * 32), Secret(b"s" * 32)
ELSEWHERE: dict[str, Any] = {
    "deployment": uid(90),
    "study": uid(91),
    "record": uid(92),
    "grant": uid(93),
    "scope": "identity.a",
    "epoch": uid(94),
    "fingerprint": b"\x01" * 32,
}
# Low-order points of X25519 (RFC 7748, section 6.1): with them the shared secret is all zeros.
LOW_ORDER = [bytes(32), b"\x01" + bytes(31)]


@given(st.binary(max_size=200), st.binary(max_size=50))
@settings(max_examples=25)
def test_unwraps_what_it_wrapped(value: bytes, info: bytes) -> None:
    """The private half gives the secret back."""
    assert hpke.unwrap(pair(), hpke.wrap(pair().public, Secret(value), info), info) == Secret(value)


@given(st.integers(0))
@settings(max_examples=50)
def test_any_flipped_bit_of_a_wrap_fails(bit: int) -> None:
    """Encapsulation and ciphertext are both bound."""
    box = hpke.wrap(pair().public, KEY, b"info")

    with pytest.raises(TamperedBox):
        hpke.unwrap(pair(), flip(box, bit), b"info")


@pytest.mark.parametrize("size", [0, 1, 16, 1119, 1120, 1135, 1167])
def test_a_cut_wrap_fails(size: int) -> None:
    """A cut box is a tampered box, however short."""
    box = hpke.wrap(pair().public, KEY, b"info")

    with pytest.raises(TamperedBox):
        hpke.unwrap(pair(), box[:size], b"info")


def test_a_wrap_fails_under_another_context_or_pair() -> None:
    """Only the right pair in the right place opens it."""
    box = hpke.wrap(pair().public, KEY, b"info")

    with pytest.raises(TamperedBox):
        hpke.unwrap(pair(), box, b"other")
    with pytest.raises(TamperedBox):
        hpke.unwrap(pair(1), box, b"info")


@pytest.mark.parametrize("size", [0, 32, 1215, 1217])
def test_refuses_public_keys_of_another_length(size: int) -> None:
    """Bytes that are no key are refused, not padded."""
    with pytest.raises(BadPublicKey):
        hpke.wrap(bytes(size), KEY, b"info")


def test_refuses_a_public_key_out_of_range() -> None:
    """ML-KEM's check of the modulus (FIPS 203, section 7.2) is ours too."""
    with pytest.raises(BadPublicKey):
        hpke.wrap(b"\xff" * 1152 + pair().public[1152:], KEY, b"info")


@pytest.mark.parametrize("point", LOW_ORDER)
def test_refuses_a_public_key_that_gives_no_secret(point: bytes) -> None:
    """A key whose X25519 half forces a known shared secret is refused."""
    with pytest.raises(BadPublicKey):
        hpke.wrap(pair().public[:1184] + point, KEY, b"info")


def test_a_box_opens_with_its_share_context_and_pair() -> None:
    """All three together give the key."""
    box = seal_box(SHARE, grant_context(), pair().public, KEY)

    assert open_box(SHARE, grant_context(), pair(), box) == KEY


@pytest.mark.parametrize("part", ELSEWHERE)
def test_a_box_fails_in_any_other_place(part: str) -> None:
    """A box moved to another grant, epoch, record, scope or study does not open."""
    box = seal_box(SHARE, grant_context(), pair().public, KEY)

    with pytest.raises(TamperedBox):
        open_box(SHARE, grant_context(**{part: ELSEWHERE[part]}), pair(), box)


def test_a_box_fails_without_its_share() -> None:
    """A destroyed share leaves nothing to open, for the principal too: that is what revoking means."""
    box = seal_box(SHARE, grant_context(), pair().public, KEY)

    with pytest.raises(TamperedBox):
        open_box(Secret.random(), grant_context(), pair(), box)


def test_a_box_fails_for_another_pair() -> None:
    """Whoever has the share but not the private key opens nothing."""
    box = seal_box(SHARE, grant_context(), pair().public, KEY)

    with pytest.raises(TamperedBox):
        open_box(SHARE, grant_context(), pair(1), box)


def test_context_is_bound_inside_and_outside() -> None:
    """A wrap moved into another grant's envelope, by one who has both shares, still does not open."""
    inner = hpke.wrap(pair().public, KEY, grant_context())
    elsewhere = grant_context(record=uid(92))
    box = seal(SHARE, elsewhere, inner)

    assert unseal(SHARE, elsewhere, box) == inner
    with pytest.raises(TamperedBox):
        open_box(SHARE, elsewhere, pair(), box)


def test_a_box_is_no_field() -> None:
    """Opening a box as a field fails by its context."""
    box = seal_box(SHARE, grant_context(), pair().public, KEY)

    with pytest.raises(TamperedField):
        unseal(SHARE, b"", box)


@given(st.integers(0), st.binary(min_size=1, max_size=9), st.integers(1, 1300))
@settings(max_examples=50)
def test_a_changed_box_fails(bit: int, more: bytes, cut: int) -> None:
    """Flipped, extended or cut: each is a tampered box."""
    box = seal_box(SHARE, grant_context(), pair().public, KEY)

    for changed in (flip(box, bit), box + more, box[:-cut]):
        with pytest.raises(TamperedBox):
            open_box(SHARE, grant_context(), pair(), changed)


def test_two_people_together_give_the_key() -> None:
    """Each team's half opens by itself, and only both give the key."""
    first, second = split(KEY)
    theirs = seal_box(SHARE, grant_context(), pair().public, first)
    ours = seal_box(SHARE, grant_context(scope="identity.a"), pair(1).public, second)

    opened = (
        open_box(SHARE, grant_context(), pair(), theirs),
        open_box(SHARE, grant_context(scope="identity.a"), pair(1), ours),
    )

    assert join(*opened) == KEY
    assert KEY not in opened
