"""A phone for tests: enrolled by a one-time code, it pins the receipt key, checks intake keys and seals to them."""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx

from app.crypto import contexts, intake
from app.crypto.signing import verify
from tests.functional.caller import Caller
from tests.system import StudyPlace
from tests.vectors import reference

SEALED = "application/vnd.testimony.sealed"
CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Key:
    """An intake key that verified."""

    deployment: UUID
    id: UUID
    public: bytes
    seal_until: int
    open_until: int

    def seal(self, body: dict[str, Any], client_uuid: UUID, study: UUID | None = None) -> bytes:
        """Seal a submission for the study that it names, or for another."""
        return intake.seal(
            self.public,
            deployment=self.deployment,
            study=study or UUID(body["study"]),
            key_id=self.id,
            client_uuid=client_uuid,
            plaintext=json.dumps(body).encode(),
        )

    def seal_file(self, content: bytes, study: UUID, record: UUID, file: UUID, **changed: Any) -> SealedFile:
        """Seal a file for a record; ``changed`` is what its head says otherwise."""
        key, salt = os.urandom(32), os.urandom(32)
        said = {"key": encoded(key), "salt": encoded(salt), "name": "zqbirdname.wav", "size": len(content), **changed}
        info = contexts.intake_file(self.deployment, study=study, key_id=self.id, client_uuid=record, file=file)
        box = reference.hpke_x25519(os.urandom(32), self.public, info, reference.pad(json.dumps(said).encode()))
        padded, context = reference.pad(content), contexts.intake_chunk(self.deployment, study=study, file=file)
        plain = [padded[at : at + CHUNK] for at in range(0, len(padded), CHUNK)]
        # Without the header of the segment.
        sealed = reference.segment(key, file, salt, context, plain, 0, last=True)[36:]
        chunks = [sealed[at : at + CHUNK + 16] for at in range(0, len(sealed), CHUNK + 16)]
        return SealedFile(b"TH\x01\x01" + study.bytes + self.id.bytes + box, chunks)


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A file under seal: its head, and the content chunk by chunk."""

    head: bytes
    chunks: list[bytes]

    @property
    def content(self) -> bytes:
        """All chunks."""
        return b"".join(self.chunks)


class Phone:
    """One enrolled phone."""

    def __init__(self, call: Caller, place: StudyPlace, who: str = "interviewer") -> None:
        body = {"user": str(place[who].id), "study": str(place.id)}
        code = call("admin", "POST", "/v1/devices/offers", place=place, json=body).json()["code"]
        answer = call(None, "POST", "/v1/devices/redemption", json={"code": code})
        assert answer.status_code == 201, answer.text
        self.told: dict[str, Any] = answer.json()
        self.token = str(self.told["token"])
        self.pinned = decoded(self.told["receipt_key"]["public"])
        self.place = place
        self._call = call

    def key(self) -> Key:
        """The intake key of now; its signature must verify under the pinned key."""
        answer = self.get("/v1/intake-key")
        assert answer.status_code == 200, answer.text
        told = answer.json()
        key = Key(
            UUID(told["deployment"]),
            UUID(told["key_id"]),
            decoded(told["public"]),
            told["seal_until"],
            told["open_until"],
        )
        times = {"seal_until": key.seal_until, "open_until": key.open_until}
        signed = contexts.intake_key(key.deployment, key_id=key.id, public=key.public, **times)
        verify(self.pinned, signed, decoded(told["signature"]))
        return key

    def sealed(self, **changed: Any) -> tuple[UUID, bytes]:
        """An interview under a fresh id, sealed to the key of now."""
        number = uuid4()
        return number, self.key().seal(self._call.system.body(self.place, **changed), number)

    def put(self, number: UUID, raw: bytes, **headers: str) -> httpx.Response:
        """Send a sealed body."""
        headers = {"content-type": SEALED, **headers}
        return self._call.send(self.token, "PUT", f"/v1/records/{number}", content=raw, headers=headers)

    def get(self, path: str) -> httpx.Response:
        """Ask as this phone."""
        return self._call.send(self.token, "GET", path)


def decoded(text: str) -> bytes:
    """Bytes of base64url without padding."""
    assert "=" not in text
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encoded(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
