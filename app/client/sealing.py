"""Sealing a body on the client's side, so that from then on only the service opens it, and only for a time."""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from app.client.problem import ClientError
from app.crypto import contexts, intake
from app.crypto.signing import verify
from app.errors import BadEncoding, BadSignature

__all__ = ["MEDIA_TYPE", "IntakeKey", "KeyRejected"]

MEDIA_TYPE = "application/vnd.testimony.sealed"


class KeyRejected(ClientError):
    """The intake key does not verify under the pinned receipt key, or its time is over; nothing was sent."""

    def __init__(self) -> None:
        super().__init__("The intake key does not verify, or is too old to seal to; nothing was sent.")


@dataclass(frozen=True, slots=True)
class IntakeKey:
    """A verified intake key; until when the service opens what is sealed to it, in unix seconds."""

    deployment: UUID
    id: UUID
    public: bytes
    open_until: int

    @classmethod
    def check(cls, raw: Mapping[str, Any], keys: Mapping[str, bytes]) -> Self:
        """Read and verify one with the pinned key that signed it; KeyRejected otherwise."""
        try:
            public, signature = _bytes(raw["public"]), _bytes(raw["signature"])
            pinned = keys[raw["receipt_key"]["id"]]
            deployment, key_id = UUID(raw["deployment"]), UUID(raw["key_id"])
            seal_until, open_until = int(raw["seal_until"]), int(raw["open_until"])
            message = contexts.intake_key(
                deployment, key_id=key_id, public=public, seal_until=seal_until, open_until=open_until
            )
            verify(pinned, message, signature)
        except (KeyError, TypeError, ValueError, BadEncoding, BadSignature):
            raise KeyRejected from None
        if seal_until <= time.time():
            raise KeyRejected
        return cls(deployment, key_id, public, open_until)

    def seal(self, client_uuid: UUID, body: Mapping[str, Any]) -> bytes:
        """The sealed form of a submission."""
        return intake.seal(
            self.public,
            deployment=self.deployment,
            study=UUID(str(body["study"])),
            key_id=self.id,
            client_uuid=client_uuid,
            plaintext=json.dumps(body, ensure_ascii=False, allow_nan=False).encode(),
        )


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise BadEncoding from None
