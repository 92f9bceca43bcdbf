from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.client import Client, Json, ReceiptRejected, check_receipt, new_withdrawal
from app.crypto.receipts import Receipt
from app.crypto.tokens import withdrawal_hash
from tests.unit.client.scripted import answer, client

SIGNER = Ed25519PrivateKey.generate()
KEYS = {"receipt-1": SIGNER.public_key().public_bytes_raw()}
STUDY, RECORD = uuid4(), uuid4()
CODE = "K7QF-2M9D"


def receipt(sent: UUID, **changed: Any) -> Json:
    """A receipt as the service signs it."""
    parts: dict[str, Any] = {
        "deployment": uuid4(),
        "key_id": "receipt-1",
        "study": STUDY,
        "record": RECORD,
        "case": CODE,
        "submitter": uuid4(),
        "client_uuid": sent,
        "instrument": bytes(32),
        "content": bytes(32),
        "day": "2030-01-02",
    }
    signed = Receipt(**{**parts, **changed})
    return dict(signed.to_json(SIGNER.sign(signed.message())))


def submitting(raw: Json) -> Client:
    """A client whose service answers a submission with this receipt."""
    return client(answer(201, receipt=raw, warnings=[]))[0]


def test_a_submission_gives_the_verified_receipt() -> None:
    """The caller gets the record's id from what was signed."""
    id_ = uuid4()

    submitted = submitting(receipt(id_)).intake.submit(id_, {"study": str(STUDY), "case": None}, KEYS)

    assert (submitted.receipt.record, submitted.receipt.case) == (RECORD, CODE)


@pytest.mark.parametrize("changed", [{"client_uuid": uuid4()}, {"study": uuid4()}])
def test_a_receipt_for_something_else_is_rejected(changed: dict[str, UUID]) -> None:
    """A valid signature over another submission proves nothing."""
    id_ = uuid4()

    with pytest.raises(ReceiptRejected):
        submitting(receipt(id_, **changed)).intake.submit(id_, {"study": str(STUDY)}, KEYS)


def test_a_receipt_for_another_case_is_rejected() -> None:
    """The case that was named is the case that was signed."""
    id_ = uuid4()

    with pytest.raises(ReceiptRejected):
        submitting(receipt(id_)).intake.submit(id_, {"study": str(STUDY), "case": "AAAA-BBBB"}, KEYS)


def test_a_changed_receipt_is_rejected() -> None:
    """Another record's id under the same signature does not verify."""
    raw = receipt(uuid4()) | {"record": str(uuid4())}

    with pytest.raises(ReceiptRejected):
        check_receipt(raw, KEYS)


def test_a_receipt_under_a_key_that_is_not_pinned_is_rejected() -> None:
    """The key named must be one that was pinned."""
    with pytest.raises(ReceiptRejected):
        check_receipt(receipt(uuid4(), key_id="receipt-2"), KEYS)


def test_only_the_hash_of_a_withdrawal_token_goes_out() -> None:
    """The interviewee keeps 128 bits; the service gets their SHA-256."""
    made = new_withdrawal()

    assert made.sha256 == withdrawal_hash(made.token.lower().replace("-", " ")).hex()
    assert made.token not in repr(made)
    assert new_withdrawal().token != made.token
