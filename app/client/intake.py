"""Handing testimony in: repeatable until the receipt is there, and the receipt verified against a pinned key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from app.client.http import TRIES, Http, Json, address, checked
from app.client.problem import ClientError, ProblemFlaw
from app.client.sealing import MEDIA_TYPE, IntakeKey
from app.client.uploads import Progress, Uploading, upload
from app.crypto.encoding import sha256
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


def _nobody(_done: int, _whole: int) -> None:
    """Nobody wants to know how far it is."""


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
        return self._submitted(answer, client_uuid, body, keys, b"")

    def intake_key(self, keys: Mapping[str, bytes]) -> IntakeKey:
        """The key that a device seals to now, verified; KeyRejected if it is not the pinned key's."""
        return IntakeKey.check(self._http.get("/v1/intake-key"), keys)

    def submit_sealed(
        self, client_uuid: UUID, body: Mapping[str, Any], sealed: bytes, keys: Mapping[str, bytes]
    ) -> Submitted:
        """Hand a record in as ``IntakeKey.seal`` sealed it, as ``submit`` does; the same bytes may be sent again.

        Raises:
            Problem: refused; 410 ``intake-key-gone`` when the key it was sealed to is destroyed.
            Unreachable, ReceiptRejected: as ``submit``.
        """
        path, headers = address("records", client_uuid), {"content-type": MEDIA_TYPE}
        answer = checked(self._http.send("PUT", path, tries=TRIES, headers=headers, content=sealed))
        return self._submitted(answer, client_uuid, body, keys, sha256(sealed))

    def _submitted(
        self, answer: Json, client_uuid: UUID, body: Mapping[str, Any], keys: Mapping[str, bytes], sealed: bytes
    ) -> Submitted:
        receipt = check_receipt(answer["receipt"], keys)
        sent = (client_uuid, str(body.get("study")), body.get("case") or receipt.case)
        if (receipt.client_uuid, str(receipt.study), receipt.case) != sent or receipt.sealed_body != sealed:
            raise ReceiptRejected
        warnings = [ProblemFlaw(flaw["pointer"], flaw["detail"]) for flaw in answer["warnings"]]
        return Submitted(receipt, answer["receipt"], warnings)

    def upload(self, client_uuid: UUID, path: Path, *, state: Path, progress: Progress = _nobody) -> UUID:
        """Send a file to the record that one submitted under this id; the id that the file went under.

        ``state`` is where what is needed to go on rests, for the owner alone: call again with the same one, in another
        process too, after whatever happened. ``progress`` is told bytes done and bytes in all.

        Raises:
            Problem: refused for good.
            Unreachable: nobody answered for the whole time.
            FileChanged: the file is not the one whose upload began.
        """
        return upload(self._http, Uploading.open(client_uuid, path, state), progress, self._http.pause)

    def receipt(self, client_uuid: UUID, keys: Mapping[str, bytes]) -> Receipt:
        """The receipt of what one handed in, verified."""
        return check_receipt(self._http.get(address("records", client_uuid, "receipt"))["receipt"], keys)

    def withdraw(self, token: str) -> None:
        """Withdraw by the interviewee's token; needs no sign-in, and an unknown token gets the same answer."""
        self._http.post("/v1/withdrawals", {"token": token})
