"""Handing testimony in: repeatable until the receipt is there, and the receipt verified against a pinned key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.client.http import Http, Json, address
from app.client.problem import ClientError, ProblemFlaw
from app.crypto.receipts import Receipt
from app.crypto.tokens import new_withdrawal_token, withdrawal_hash
from app.errors import BadEncoding, BadSignature

__all__ = ["Intake", "ReceiptRejected", "Submitted", "Withdrawal", "check_receipt", "new_withdrawal"]


class ReceiptRejected(ClientError):
    """The receipt does not verify under the pinned key, or is not for what was sent."""

    def __init__(self) -> None:
        super().__init__("The receipt does not verify: keep the interview and send it again.")


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What the interviewee keeps, shown once, and its SHA-256 (hex), which is all that the service gets."""

    token: str = field(repr=False)
    sha256: str


@dataclass(frozen=True, slots=True)
class Submitted:
    """A durable record: its verified receipt, and warnings about the answers."""

    receipt: Receipt
    raw: Json = field(repr=False)
    warnings: list[ProblemFlaw]


def new_withdrawal() -> Withdrawal:
    """Make the token with which the interviewee can withdraw, when consent is given."""
    token = new_withdrawal_token()
    return Withdrawal(token, withdrawal_hash(token).hex())


def check_receipt(raw: Mapping[str, Any], keys: Mapping[str, bytes]) -> Receipt:
    """The receipt, verified with the pinned key (32 bytes) that it names; ReceiptRejected otherwise."""
    public = keys.get(str(raw.get("key_id")))
    if public is None:
        raise ReceiptRejected
    try:
        return Receipt.check(dict(raw), public)
    except (BadEncoding, BadSignature):
        raise ReceiptRejected from None


class Intake:
    """Submitting, receipts, withdrawal."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def receipt_keys(self) -> dict[str, bytes]:
        """The deployment's receipt keys by name: to pin once, over a connection that is trusted."""
        return {name: bytes.fromhex(key) for name, key in self._http.get("/v1/receipt-keys")["keys"].items()}

    def submit(self, client_uuid: UUID, body: Mapping[str, Any], keys: Mapping[str, bytes]) -> Submitted:
        """Hand a record in, again and again until it is durable; the same id with the same body is the same record.

        Raises:
            Problem: refused; ``errors`` names every flaw.
            Unreachable: nobody answered for the whole time; call again with the same id.
            ReceiptRejected: the answer proves nothing.
        """
        answer = self._http.put_patiently(address("records", client_uuid), body)
        receipt = check_receipt(answer["receipt"], keys)
        sent = (client_uuid, str(body.get("study")), body.get("case") or receipt.case)
        if (receipt.client_uuid, str(receipt.study), receipt.case) != sent:
            raise ReceiptRejected
        warnings = [ProblemFlaw(flaw["pointer"], flaw["detail"]) for flaw in answer["warnings"]]
        return Submitted(receipt, answer["receipt"], warnings)

    def receipt(self, client_uuid: UUID, keys: Mapping[str, bytes]) -> Receipt:
        """The receipt of what one handed in, verified."""
        return check_receipt(self._http.get(address("records", client_uuid, "receipt"))["receipt"], keys)

    def withdraw(self, token: str) -> None:
        """Withdraw by the interviewee's token; needs no sign-in, and an unknown token gets the same answer."""
        self._http.post("/v1/withdrawals", {"token": token})
