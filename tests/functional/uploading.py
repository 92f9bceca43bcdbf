"""Steps of uploads: a client's own ids and secret, and requests as the protocol has them."""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx

from tests.functional.caller import Caller
from tests.system import StudyPlace

PARTIAL = "application/partial-upload"


def secret() -> str:
    """32 random bytes, as the header has them."""
    return base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")


def digest(content: bytes) -> str:
    """A Repr-Digest (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


@dataclass
class Uploading:
    """One attachment of one record, as its submitter's client sends it. ``token`` sends as a device."""

    call: Caller
    record: UUID
    place: StudyPlace | None = None
    who: str = "interviewer"
    token: str | None = None
    file: UUID = field(default_factory=uuid4)
    secret: str = field(default_factory=secret)

    def send(self, method: str, content: bytes | None = None, **headers: str) -> httpx.Response:
        """One request; names of headers with underscores."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        given = {"testimony-upload-secret": self.secret, **given}
        path = f"/v1/records/{self.record}/files/{self.file}"
        token = self.token or self.call.token(self.who, self.place)
        return self.call.send(token, method, path, headers=given, content=content)

    def begin(self, content: bytes = b"", *, complete: bool = False, **headers: str) -> httpx.Response:
        """POST."""
        return self.send("POST", content, **{"upload_complete": f"?{int(complete)}", **headers})

    def go_on(self, offset: int, content: bytes, *, complete: bool = False, **headers: str) -> httpx.Response:
        """PATCH."""
        given = {"upload_offset": str(offset), "upload_complete": f"?{int(complete)}", "content_type": PARTIAL}
        return self.send("PATCH", content, **{**given, **headers})

    def stands(self) -> tuple[int, bool]:
        """HEAD: the offset, and whether it is complete."""
        answer = self.send("HEAD")
        assert answer.status_code == 204, answer.text
        return int(answer.headers["upload-offset"]), answer.headers["upload-complete"] == "?1"

    def whole(self, content: bytes, **headers: str) -> None:
        """Send all of it at once."""
        answer = self.begin(content, complete=True, **headers)
        assert (answer.status_code, answer.headers["upload-complete"]) == (201, "?1"), answer.text


def code(answer: httpx.Response) -> tuple[int, str]:
    """The status and the problem's name."""
    body: dict[str, Any] = answer.json() if answer.content else {}
    return answer.status_code, body.get("type", "").rpartition(":")[2]


def submitted(call: Caller, place: StudyPlace | None = None) -> tuple[UUID, UUID]:
    """A new record: the client's id of it, and ours."""
    client = uuid4()
    receipt = call.system.submit(place, client_uuid=client)
    return client, UUID(receipt["record"])
