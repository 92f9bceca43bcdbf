"""Receipts: what the server signs when a record is durable, and what anybody can verify offline.

A receipt proves that this deployment accepted exactly this content under this client id; it holds no answer.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.crypto import contexts
from app.crypto.codes import CASE_CODE
from app.crypto.signing import verify
from app.errors import BadEncoding

__all__ = ["Receipt"]

KEYS = (
    "deployment",
    "key_id",
    "study",
    "record",
    "case",
    "submitter",
    "client_uuid",
    "instrument_sha256",
    "content",
    "sealed_body_sha256",
    "day",
    "signature",
)
_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The signed parts of a receipt; ``sealed_body`` is empty when the body came in clear over TLS."""

    deployment: UUID
    key_id: str
    study: UUID
    record: UUID
    case: str
    submitter: UUID
    client_uuid: UUID
    instrument: bytes
    content: bytes
    day: str
    sealed_body: bytes = b""

    def message(self) -> bytes:
        """Give the bytes that the signature covers."""
        return contexts.receipt(
            self.deployment,
            key_id=self.key_id,
            study=self.study,
            record=self.record,
            case_code=self.case,
            submitter=self.submitter,
            client_uuid=self.client_uuid,
            instrument=self.instrument,
            content=self.content,
            sealed_body=self.sealed_body,
            day=self.day,
        )

    def to_json(self, signature: bytes) -> dict[str, str]:
        """Write the receipt as the client keeps it."""
        return {
            "deployment": str(self.deployment),
            "key_id": self.key_id,
            "study": str(self.study),
            "record": str(self.record),
            "case": self.case,
            "submitter": str(self.submitter),
            "client_uuid": str(self.client_uuid),
            "instrument_sha256": self.instrument.hex(),
            "content": self.content.hex(),
            "sealed_body_sha256": self.sealed_body.hex(),
            "day": self.day,
            "signature": base64.b64encode(signature).decode("ascii"),
        }

    @classmethod
    def check(cls, tree: dict[str, Any], public: bytes) -> Receipt:
        """Read a receipt and verify its signature with the deployment's receipt key (32 bytes).

        Raises:
            BadEncoding: it is not a receipt in its one spelling.
            BadSignature: the signature does not verify.
        """
        if set(tree) != set(KEYS) or not all(isinstance(value, str) for value in tree.values()):
            raise BadEncoding
        try:
            receipt = cls(
                deployment=UUID(tree["deployment"]),
                key_id=tree["key_id"],
                study=UUID(tree["study"]),
                record=UUID(tree["record"]),
                case=tree["case"],
                submitter=UUID(tree["submitter"]),
                client_uuid=UUID(tree["client_uuid"]),
                instrument=_digest(tree["instrument_sha256"]),
                content=_digest(tree["content"]),
                day=tree["day"],
                sealed_body=_digest(tree["sealed_body_sha256"]) if tree["sealed_body_sha256"] else b"",
            )
            signature = base64.b64decode(tree["signature"], validate=True)
        except (ValueError, binascii.Error):
            raise BadEncoding from None
        if receipt.to_json(signature) != tree or CASE_CODE.fullmatch(receipt.case) is None:
            raise BadEncoding
        verify(public, receipt.message(), signature)
        return receipt


def _digest(text: str) -> bytes:
    if _HEX.fullmatch(text) is None:
        raise BadEncoding
    return bytes.fromhex(text)
