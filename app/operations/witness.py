"""Witnesses: where signed checkpoints are kept outside, so that an older or another trail is found.

file:/absolute/path    one JSON object per line, appended and synced; a mount of another machine, or one that only
                       takes appends, is better than a disk beside the database
https://…              one POST of the same object for each checkpoint; any answer of 2xx, or 409 for one that is
                       there already, counts as kept
"""

from __future__ import annotations

import fcntl
import json
import os
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import httpx

from app.audit import checkpoints
from app.audit.checkpoints import Signed
from app.bootstrap import Runtime
from app.crypto.encoding import sha256
from app.errors import BadEncoding, Unavailable
from app.settings import Settings

__all__ = ["FileWitness", "HttpsWitness", "Witness", "WitnessAway", "deliver", "open_witness", "read_file", "standing"]

FILE_MODE = 0o600
# A checkpoint is half a kilobyte; a line beyond this is none.
LINE_BYTES = 4_096
TIMEOUT_SECONDS = 5.0
# Connections that fail before anything was sent are tried again at once.
CONNECTS = 2
ALREADY_THERE = 409
BATCH = 200


class WitnessAway(Unavailable):
    """The witness does not take a checkpoint now."""

    detail = "The witness does not answer; checkpoints are kept and sent later."


class Witness(Protocol):
    """Keeps checkpoints. ``name`` tells one target from another, 64 characters."""

    name: str

    def keep(self, signed: Signed) -> None:
        """Keep one, durably. Raises WitnessAway; keeping one twice is no error."""


@dataclass(slots=True)
class FileWitness:
    """A file of JSON lines."""

    path: Path
    name: str

    def keep(self, signed: Signed) -> None:
        """Append a line and sync it; a line that a crash cut off is ended first."""
        line = json.dumps(signed.to_json(), separators=(",", ":")).encode() + b"\n"
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
            with os.fdopen(descriptor, "r+b", buffering=0) as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                size = os.fstat(file.fileno()).st_size
                if size and os.pread(file.fileno(), 1, size - 1) != b"\n":
                    line = b"\n" + line
                if file.write(line) != len(line):
                    raise WitnessAway
                os.fsync(file.fileno())
        except OSError:
            raise WitnessAway from None


@dataclass(slots=True)
class HttpsWitness:
    """A service that takes checkpoints by POST, over verified TLS."""

    client: httpx.Client
    url: str
    name: str

    def keep(self, signed: Signed) -> None:
        """Send one."""
        try:
            answer = self.client.post(self.url, json=signed.to_json())
        except httpx.HTTPError:
            raise WitnessAway from None
        if not (answer.is_success or answer.status_code == ALREADY_THERE):
            raise WitnessAway


def open_witness(settings: Settings) -> Witness | None:
    """The witness that the settings name, if they name one; their check has seen that it is one of the two kinds."""
    if not settings.witness:
        return None
    parts, name = urlsplit(settings.witness), sha256(settings.witness.encode()).hex()
    if parts.scheme == "file":
        return FileWitness(Path(unquote(parts.path)), name)
    token = settings.witness_token.get_secret_value()
    context = ssl.create_default_context(cafile=settings.witness_certificate)
    client = httpx.Client(
        headers={"authorization": f"Bearer {token}"} if token else {},
        timeout=TIMEOUT_SECONDS,
        follow_redirects=False,
        transport=httpx.HTTPTransport(verify=context, retries=CONNECTS),
    )
    return HttpsWitness(client, settings.witness, name)


def deliver(runtime: Runtime, witness: Witness) -> int:
    """Give the witness every checkpoint it does not have yet, oldest first; how many. Goes on where it stopped.

    Raises:
        WitnessAway: it took some of them, or none.
    """
    count = 0
    while True:
        with runtime.glance() as session:
            at = checkpoints.delivered(session, witness.name)
            waiting = checkpoints.after(session, runtime.settings.deployment, at, BATCH)
        if not waiting:
            return count
        kept = at
        try:
            for signed in waiting:
                witness.keep(signed)
                kept, count = signed.position, count + 1
        finally:
            if kept > at:
                with runtime.transaction() as session:
                    checkpoints.note_delivered(session, witness.name, kept, runtime.clock())


def standing(runtime: Runtime, witness: Witness) -> tuple[int, int]:
    """The newest position that the witness has, and the newest checkpoint's."""
    with runtime.glance() as session:
        newest = checkpoints.newest(session, runtime.settings.deployment)
        return checkpoints.delivered(session, witness.name), 0 if newest is None else newest.position


def read_file(path: Path) -> Iterator[Signed]:
    """The checkpoints of a witness's file, in its order. A last line without its end is one that a crash cut off.

    Raises:
        BadEncoding: a line is no checkpoint.
    """
    with path.open("rb") as file:
        while line := file.readline(LINE_BYTES):
            if not line.endswith(b"\n") and len(line) < LINE_BYTES:
                return
            if line.strip():
                yield _read(line)


def _read(line: bytes) -> Signed:
    try:
        return Signed.from_json(json.loads(line))
    except ValueError:
        raise BadEncoding from None
