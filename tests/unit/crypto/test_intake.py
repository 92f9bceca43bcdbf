from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.crypto.intake import SealedBody, new_private, public_of, seal, unseal
from app.crypto.secrets import Secret
from app.errors import BadEncoding, BadPublicKey
from tests.unit.crypto.factories import flip, uid

PRIVATE = Secret(bytes(range(32)))
PLACE: dict[str, Any] = {"deployment": uid(1), "study": uid(2), "key_id": uid(3), "client_uuid": uid(4)}
HERE: dict[str, Any] = {"deployment": uid(1), "client_uuid": uid(4)}
# Header, study and key id, then the HPKE box of the shortest body.
SHORTEST = 4 + 16 + 16 + 32 + 256 + 16
# Low-order points of X25519 (RFC 7748, section 6.1): with them the shared secret is all zeros.
LOW_ORDER = [bytes(32), b"\x01" + bytes(31)]


def sealed(plaintext: bytes = b"{}", **elsewhere: Any) -> bytes:
    """A body sealed to the test's key."""
    return seal(public_of(PRIVATE), **PLACE | elsewhere, plaintext=plaintext)


@given(st.binary(max_size=3000))
@settings(max_examples=25)
def test_opens_what_was_sealed(plaintext: bytes) -> None:
    """The private half gives the submission back, and the body says which study and key it is for."""
    raw = sealed(plaintext)
    body = SealedBody.parse(raw)

    assert (body.study, body.key_id) == (PLACE["study"], PLACE["key_id"])
    assert unseal(PRIVATE, body, **HERE) == plaintext


def test_sealing_is_random_and_the_digest_is_of_the_whole() -> None:
    """The same submission sealed twice is two bodies with two digests."""
    one, two = SealedBody.parse(sealed()), SealedBody.parse(sealed())

    assert one.digest != two.digest
    assert one == SealedBody(one.study, one.key_id, one.box, one.digest)


def test_short_interviews_look_alike() -> None:
    """Every short submission has the shortest length."""
    assert {len(sealed(b"x" * size)) for size in (0, 1, 100, 255)} == {SHORTEST}


@given(st.integers(0))
@settings(max_examples=100)
def test_any_flipped_bit_fails(bit: int) -> None:
    """Header, study, key id, encapsulated key and ciphertext are all bound."""
    with pytest.raises(BadEncoding):
        unseal(PRIVATE, SealedBody.parse(flip(sealed(), bit)), **HERE)


@pytest.mark.parametrize("part", ["deployment", "study", "key_id", "client_uuid"])
def test_a_body_sealed_for_elsewhere_fails(part: str) -> None:
    """Whatever the body says outside: what it was sealed for inside decides."""
    elsewhere: dict[str, Any] = {part: uid(9)}
    there = sealed(**elsewhere)
    here = there[:4] + PLACE["study"].bytes + PLACE["key_id"].bytes + there[36:]

    with pytest.raises(BadEncoding):
        unseal(PRIVATE, SealedBody.parse(here), **HERE)


def test_another_key_fails() -> None:
    """Only the private half of the key that it was sealed to opens it."""
    with pytest.raises(BadEncoding):
        unseal(new_private(), SealedBody.parse(sealed()), **HERE)


@pytest.mark.parametrize("size", [0, 3, 4, 36, 68, SHORTEST - 1])
def test_a_cut_body_is_none(size: int) -> None:
    """What is too short to be a body is refused before anything is opened."""
    with pytest.raises(BadEncoding):
        SealedBody.parse(sealed()[:size])


@pytest.mark.parametrize("header", [b"TS\x01\x02", b"TS\x02\x01", b"TM\x01\x01", b"ts\x01\x01"])
def test_another_header_is_none(header: bytes) -> None:
    """One version, one spelling."""
    with pytest.raises(BadEncoding):
        SealedBody.parse(header + sealed()[4:])


def test_trailing_bytes_fail() -> None:
    """Nothing may follow."""
    with pytest.raises(BadEncoding):
        unseal(PRIVATE, SealedBody.parse(sealed() + b"\0"), **HERE)


@pytest.mark.parametrize("public", [*LOW_ORDER, b"", bytes(31), bytes(33)], ids=["0", "1", "empty", "31", "33"])
def test_no_public_key(public: bytes) -> None:
    """Another length, or a point that gives no secret, is refused."""
    with pytest.raises(BadPublicKey):
        seal(public, **PLACE, plaintext=b"{}")


@pytest.mark.parametrize("point", LOW_ORDER, ids=["0", "1"])
def test_a_body_with_a_point_of_low_order_fails(point: bytes) -> None:
    """An encapsulated key that gives no shared secret opens nothing."""
    raw = sealed()

    with pytest.raises(BadEncoding):
        unseal(PRIVATE, SealedBody.parse(raw[:36] + point + raw[68:]), **HERE)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_no_private_key(size: int) -> None:
    """A private key has 32 bytes."""
    with pytest.raises(BadEncoding):
        public_of(Secret(bytes(size)))


def test_a_body_shows_nothing() -> None:
    """Its repr holds ids and digest, never the box."""
    body = SealedBody.parse(sealed())

    assert body.box.hex() not in repr(body)
    assert repr(body.box) not in repr(body)
