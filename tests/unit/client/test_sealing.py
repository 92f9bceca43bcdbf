from __future__ import annotations

import base64
import json
import time
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.client import Json, KeyRejected, ReceiptRejected
from app.crypto import contexts, intake
from app.crypto.encoding import sha256
from app.crypto.intake import SealedBody
from app.crypto.receipts import Receipt
from tests.unit.client.scripted import answer, client

SIGNER = Ed25519PrivateKey.generate()
KEYS = {"receipt-1": SIGNER.public_key().public_bytes_raw()}
PRIVATE = intake.new_private()
DEPLOYMENT, KEY, STUDY = uuid4(), uuid4(), uuid4()
DAY = 86_400


def text(content: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def intake_key(*, seal_for: int = DAY, **changed: Any) -> Json:
    """An intake key as the service signs it."""
    seal_until = int(time.time()) + seal_for
    times = {"seal_until": seal_until, "open_until": seal_until + DAY}
    public = intake.public_of(PRIVATE)
    message = contexts.intake_key(DEPLOYMENT, key_id=KEY, public=public, **times)
    raw = {"deployment": str(DEPLOYMENT), "key_id": str(KEY), "public": text(public), **times}
    return raw | {"signature": text(SIGNER.sign(message)), "receipt_key": {"id": "receipt-1"}} | changed


def receipt(sent: UUID, sealed: bytes) -> Json:
    """A receipt as the service signs it."""
    signed = Receipt(
        deployment=DEPLOYMENT,
        key_id="receipt-1",
        study=STUDY,
        record=uuid4(),
        case="K7QF-2M9D",
        submitter=uuid4(),
        client_uuid=sent,
        instrument=bytes(32),
        content=bytes(32),
        day="2030-01-02",
        sealed_body=sealed,
    )
    return dict(signed.to_json(SIGNER.sign(signed.message())))


def test_what_is_sealed_opens_for_the_service_alone() -> None:
    """The body says nothing in clear, and opens with the private half under the record's id."""
    client_uuid, body = uuid4(), {"study": str(STUDY), "answers": {"story": {"value": "the well"}}}
    one, _, _ = client(answer(**intake_key()))

    sealed = one.intake.intake_key(KEYS).seal(client_uuid, body)

    assert b"the well" not in sealed
    opened = intake.unseal(PRIVATE, SealedBody.parse(sealed), deployment=DEPLOYMENT, client_uuid=client_uuid)
    assert json.loads(opened) == body


@pytest.mark.parametrize(
    "changed",
    [
        {"public": text(bytes(32))},
        {"open_until": 1},
        {"receipt_key": {"id": "receipt-2"}},
        {"signature": "-"},
        {"public": 3},
    ],
    ids=["another key", "another time", "another signer", "no signature", "no key"],
)
def test_an_intake_key_that_does_not_verify_is_rejected(changed: Json) -> None:
    """Whoever stands between cannot make the client seal to a key of theirs."""
    one, _, _ = client(answer(**intake_key(**changed)))

    with pytest.raises(KeyRejected):
        one.intake.intake_key(KEYS)


def test_an_intake_key_past_its_time_is_rejected() -> None:
    """What is sealed to an old key may find its private half destroyed."""
    one, _, _ = client(answer(**intake_key(seal_for=-1)))

    with pytest.raises(KeyRejected):
        one.intake.intake_key(KEYS)


@pytest.mark.parametrize("told", [b"", sha256(b"another body")], ids=["in clear", "another body"])
def test_a_receipt_for_other_bytes_is_rejected(told: bytes) -> None:
    """The receipt names the SHA-256 of exactly what was sent."""
    client_uuid = uuid4()
    one, _, _ = client(answer(201, receipt=receipt(client_uuid, told), warnings=[]))

    with pytest.raises(ReceiptRejected):
        one.intake.submit_sealed(client_uuid, {"study": str(STUDY)}, b"sealed", KEYS)


def test_a_sealed_submission_gives_its_receipt() -> None:
    """The bytes go out as they are, under their media type."""
    client_uuid = uuid4()
    one, service, _ = client(answer(201, receipt=receipt(client_uuid, sha256(b"sealed")), warnings=[]))

    submitted = one.intake.submit_sealed(client_uuid, {"study": str(STUDY)}, b"sealed", KEYS)

    assert submitted.receipt.sealed_body == sha256(b"sealed")
    assert service.requests[0].read() == b"sealed"
    assert service.requests[0].headers["content-type"] == "application/vnd.testimony.sealed"
