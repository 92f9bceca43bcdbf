from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.crypto.secrets import Secret
from app.crypto.shares import open_share, seal_share
from app.errors import BadEncoding, TamperedShare
from tests.unit.crypto.factories import flip, uid

KK, VALUE = Secret(b"k" * 32), Secret(b"v" * 32)
PLACE: dict[str, Any] = {"deployment": uid(1), "share": uid(2), "record": uid(3), "version": 4}
ELSEWHERE = {"deployment": uid(91), "share": uid(92), "record": uid(93), "version": 5}


def test_opens_what_it_sealed() -> None:
    """The key version gives the share back."""
    assert open_share(KK, **PLACE, blob=seal_share(KK, **PLACE, value=VALUE)) == VALUE


@pytest.mark.parametrize("part", ELSEWHERE)
def test_fails_in_any_other_place(part: str) -> None:
    """A share put back under another id, record, version or deployment opens nothing."""
    blob = seal_share(KK, **PLACE, value=VALUE)

    with pytest.raises(TamperedShare):
        open_share(KK, **PLACE | {part: ELSEWHERE[part]}, blob=blob)


def test_fails_under_another_key_version() -> None:
    """Once the key version is destroyed, old copies of the share are noise."""
    with pytest.raises(TamperedShare):
        open_share(Secret.random(), **PLACE, blob=seal_share(KK, **PLACE, value=VALUE))


@given(st.integers(0))
def test_any_flipped_bit_fails(bit: int) -> None:
    """Ciphertext and tag are bound."""
    with pytest.raises(TamperedShare):
        open_share(KK, **PLACE, blob=flip(seal_share(KK, **PLACE, value=VALUE), bit))


@given(st.binary(max_size=80).filter(lambda blob: len(blob) != 48))
def test_any_other_length_fails(blob: bytes) -> None:
    """A sealed share has 48 bytes, no more and no fewer."""
    with pytest.raises(TamperedShare):
        open_share(KK, **PLACE, blob=blob)


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_seals_only_32_bytes(size: int) -> None:
    """A weak share is refused when it is made."""
    with pytest.raises(BadEncoding):
        seal_share(KK, **PLACE, value=Secret(bytes(size)))


def test_every_share_has_a_key_of_its_own() -> None:
    """The same value under two ids looks unrelated, so the fixed nonce never meets one key twice."""
    one = seal_share(KK, **PLACE, value=VALUE)
    two = seal_share(KK, **PLACE | {"share": uid(9)}, value=VALUE)

    assert one[:32] != two[:32]
