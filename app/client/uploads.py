"""Sending attachments, however often the network breaks: what is needed to go on rests in one file of the caller's.

The service keeps a file's key only under the secret in there until the upload is complete, so nobody else can go on
with it. See draft-ietf-httpbis-resumable-upload.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx

from app.client.http import COME_BACK, READ_TRIES, TRIES, Http, address, checked
from app.client.problem import ClientError, UnexpectedAnswer, Unreachable

__all__ = ["FileChanged", "Progress", "Uploading", "upload"]

PIECE_BYTES = 8 << 20
FILE_MODE = 0o600
SECRET_BYTES = 32

Progress = Callable[[int, int], None]


class FileChanged(ClientError):
    """The file is not the one whose upload began."""

    def __init__(self) -> None:
        super().__init__("The file is not the one whose upload began; name another state file to send it too.")


@dataclass(frozen=True, slots=True)
class Uploading:
    """An upload that has begun, or is about to: the ids it goes under, and what proves that it is ours."""

    path: Path
    record: UUID
    file: UUID
    secret: str = field(repr=False)
    size: int
    sha256: bytes

    @classmethod
    def open(cls, record: UUID, path: Path, state: Path) -> Self:
        """Go on as the state file says; make it, readable for its owner alone, if there is none.

        Raises:
            FileChanged: it is about another record, or the file was changed meanwhile.
        """
        size, digest = path.stat().st_size, _sha256(path)
        if not state.exists():
            secret = base64.urlsafe_b64encode(secrets.token_bytes(SECRET_BYTES)).decode("ascii").rstrip("=")
            kept = {"record": str(record), "file": str(uuid4()), "secret": secret, "size": size, "sha256": digest.hex()}
            _write(state, kept)
        kept = json.loads(state.read_bytes())
        if (kept["record"], kept["size"], kept["sha256"]) != (str(record), size, digest.hex()):
            raise FileChanged
        return cls(path, record, UUID(kept["file"]), kept["secret"], size, digest)

    @property
    def address(self) -> str:
        """Where it goes."""
        return address("records", self.record, "files", self.file)

    def headers(self, **more: str) -> dict[str, str]:
        """What every request says."""
        digest = base64.b64encode(self.sha256).decode("ascii")
        named = {name.replace("_", "-"): value for name, value in more.items()}
        return {"testimony-upload-secret": self.secret, "repr-digest": f"sha-256=:{digest}:", **named}


def upload(http: Http, uploading: Uploading, progress: Progress, pause: Callable[[int], None]) -> UUID:
    """Send what the service lacks; the id the file has gone under. ``progress`` is told bytes done and bytes in all.

    Raises:
        Problem: refused for good.
        Unreachable: nobody answered for the whole time; what came is kept, go on later.
    """
    name = quote(uploading.path.name, safe="")
    length, begin = str(uploading.size), "?0"
    headers = uploading.headers(upload_length=length, upload_complete=begin, testimony_file_name=name)
    standing = _standing(http.send("POST", uploading.address, tries=TRIES, headers=headers))
    failed = 0
    while not standing.complete:
        progress(standing.offset, uploading.size)
        try:
            answer = _append(http, uploading, standing.offset)
        except Unreachable:
            answer = None
        if answer is None or answer.status_code in COME_BACK | {HTTPStatus.CONFLICT}:
            failed += 1
            if failed == TRIES:
                raise Unreachable
            pause(failed)
            standing = _ask(http, uploading)
        else:
            standing, failed = _standing(answer), 0
    progress(uploading.size, uploading.size)
    return uploading.file


@dataclass(frozen=True, slots=True)
class _Standing:
    """How far an upload is."""

    offset: int
    complete: bool


def _append(http: Http, uploading: Uploading, offset: int) -> httpx.Response:
    with uploading.path.open("rb") as file:
        file.seek(offset)
        piece = file.read(PIECE_BYTES)
    last = "?1" if offset + len(piece) == uploading.size else "?0"
    headers = uploading.headers(upload_offset=str(offset), upload_complete=last)
    headers["content-type"] = "application/partial-upload"
    return http.send("PATCH", uploading.address, headers=headers, content=piece)


def _ask(http: Http, uploading: Uploading) -> _Standing:
    return _standing(http.send("HEAD", uploading.address, tries=READ_TRIES, headers=uploading.headers()))


def _standing(answer: httpx.Response) -> _Standing:
    checked(answer)
    try:
        return _Standing(int(answer.headers["upload-offset"]), answer.headers["upload-complete"] == "?1")
    except (KeyError, ValueError):
        raise UnexpectedAnswer from None


def _sha256(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _write(path: Path, tree: dict[str, Any]) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE), "w") as file:
        json.dump(tree, file)
        file.flush()
        os.fsync(file.fileno())
