"""A receipt verifies in its one spelling, under its one key, and in no other way."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from app.crypto.receipts import KEYS, Receipt
from app.errors import BadEncoding, BadSignature
from tests.unit.crypto.factories import uid

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
RAW = serialization.Encoding.Raw, serialization.PublicFormat.Raw
PUBLIC = PRIVATE.public_key().public_bytes(*RAW)
DIGESTS = st.binary(min_size=32, max_size=32)


def receipt(**changed: Any) -> Receipt:
    """A receipt."""
    parts: dict[str, Any] = {
        "deployment": uid(1),
        "key_id": "receipt-1",
        "study": uid(2),
        "record": uid(3),
        "case": "K7QF-2M9D",
        "submitter": uid(4),
        "client_uuid": uid(5),
        "instrument": bytes(32),
        "content": bytes(range(32)),
        "day": "2030-01-02",
    }
    return Receipt(**parts | changed)


def signed(made: Receipt) -> dict[str, str]:
    """The receipt as the client keeps it."""
    return made.to_json(PRIVATE.sign(made.message()))


@given(st.uuids(), st.uuids(), DIGESTS, DIGESTS, DIGESTS | st.just(b""), st.dates().map(str))
def test_a_receipt_verifies_and_reads_back(
    record: Any, client_uuid: Any, instrument: bytes, content: bytes, sealed_body: bytes, day: str
) -> None:
    """Every part of it, from JSON text."""
    made = receipt(
        record=record,
        client_uuid=client_uuid,
        instrument=instrument,
        content=content,
        sealed_body=sealed_body,
        day=day,
    )

    assert Receipt.check(signed(made), PUBLIC) == made


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("deployment", str(uid(9))),
        ("study", str(uid(9))),
        ("record", str(uid(9))),
        ("case", "K7QF-2M9E"),
        ("submitter", str(uid(9))),
        ("client_uuid", str(uid(9))),
        ("instrument_sha256", "11" * 32),
        ("content", "11" * 32),
        ("sealed_body_sha256", "11" * 32),
        ("day", "2030-01-03"),
        ("key_id", "receipt-2"),
    ],
)
def test_a_changed_part_does_not_verify(name: str, value: str) -> None:
    """Each one is signed."""
    with pytest.raises(BadSignature):
        Receipt.check(signed(receipt()) | {name: value}, PUBLIC)


def test_another_key_does_not_verify() -> None:
    """The pinned key is the only one that counts."""
    other = Ed25519PrivateKey.generate().public_key().public_bytes(*RAW)

    with pytest.raises(BadSignature):
        Receipt.check(signed(receipt()), other)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("record", "urn:uuid:" + str(uid(3))),
        ("record", str(uid(3)).upper().replace("0", "{0", 1)),
        ("record", uid(3).hex),
        ("case", "k7qf-2m9d"),
        ("case", ""),
        ("content", "AB" * 32),
        ("content", "ab" * 31),
        ("instrument_sha256", ""),
        ("sealed_body_sha256", "00"),
        ("signature", "no base64"),
        ("signature", "QQ"),
        ("day", 20300102),
        ("key_id", None),
    ],
)
def test_another_spelling_is_no_receipt(name: str, value: Any) -> None:
    """One value has one spelling, so two receipts are equal or differ."""
    with pytest.raises(BadEncoding):
        Receipt.check(signed(receipt()) | {name: value}, PUBLIC)


def test_parts_are_neither_missing_nor_more() -> None:
    """A receipt has its twelve parts."""
    tree: dict[str, Any] = signed(receipt())

    assert set(tree) == set(KEYS)
    for name in KEYS:
        with pytest.raises(BadEncoding):
            Receipt.check({key: value for key, value in tree.items() if key != name}, PUBLIC)
    with pytest.raises(BadEncoding):
        Receipt.check(tree | {"more": "x"}, PUBLIC)


def test_the_case_code_is_signed_in_lower_case() -> None:
    """As the specification of keys says: people write codes in either case."""
    assert receipt(case="K7QF-2M9D").message() == receipt(case="k7qf-2m9d").message()
