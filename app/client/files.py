"""A submission that lies in a file: its id is made once and kept beside it, so that trying again is the same record."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from uuid import UUID, uuid4

from app.client.http import Json
from app.client.intake import Intake, Submitted, new_withdrawal
from app.client.problem import ClientError
from app.client.uploads import Progress

__all__ = ["FileRefused", "SubmissionFile"]

FILE_MODE = 0o600


class FileRefused(ClientError):
    """The file is no submission."""


@dataclass(frozen=True, slots=True)
class SubmissionFile:
    """A body, the id under which it goes out, and where its receipt will lie.

    ``withdrawal`` is the interviewee's token when it has just been made: to be handed over now, it rests nowhere.
    """

    path: Path
    client_uuid: UUID
    body: Json = field(repr=False)
    withdrawal: str | None = field(default=None, repr=False)

    @classmethod
    def open(cls, path: Path, *, study: UUID | None = None) -> Self:
        """Read a body; ``study`` stands in for one that the file does not name. Makes the id file if there is none.

        Raises:
            FileRefused: it is not a JSON object, or names no study.
        """
        body = _object(path)
        if study is not None:
            body.setdefault("study", str(study))
        if "study" not in body:
            raise FileRefused("The file names no study, and none was given.")
        beside, token = _beside(path, "id"), None
        if not beside.exists():
            withdrawal = new_withdrawal() if body.get("withdrawal_sha256") is None else None
            token = withdrawal.token if withdrawal is not None else None
            own = {"client_uuid": str(uuid4()), "withdrawal_sha256": withdrawal and withdrawal.sha256}
            _write(beside, json.dumps(own, indent=1).encode())
        kept = _object(beside)
        if kept.get("withdrawal_sha256") is not None:
            body["withdrawal_sha256"] = kept["withdrawal_sha256"]
        return cls(path, UUID(kept["client_uuid"]), body, token)

    @property
    def receipt_path(self) -> Path:
        """Where the receipt lies once there is one."""
        return _beside(self.path, "receipt.json")

    def submit(self, intake: Intake, keys: Mapping[str, bytes], *, seal: bool = False) -> Submitted:
        """Hand it in until it is durable, and keep the receipt; errors are those of ``Intake.submit``.

        With ``seal`` it goes out sealed to the service's intake key; the sealed bytes are kept too, so that trying
        again sends the same ones.
        """
        if seal:
            sealed = self._sealed(intake, keys)
            submitted = intake.submit_sealed(self.client_uuid, self.body, sealed, keys)
        else:
            submitted = intake.submit(self.client_uuid, self.body, keys)
        self.receipt_path.unlink(missing_ok=True)
        _write(self.receipt_path, json.dumps(submitted.raw, indent=1).encode())
        return submitted

    def _sealed(self, intake: Intake, keys: Mapping[str, bytes]) -> bytes:
        kept = _beside(self.path, "sealed")
        if not kept.exists():
            _write(kept, intake.intake_key(keys).seal(self.client_uuid, self.body))
        return kept.read_bytes()

    def attach(self, intake: Intake, path: Path, progress: Progress) -> None:
        """Send a file to the record once it is handed in; calling again goes on. Errors are ``Intake.upload``'s."""
        state = _beside(self.path, f"{path.name}.upload")
        intake.upload(self.client_uuid, path, state=state, progress=progress)


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(f"{path.name}.{ending}")


def _object(path: Path) -> dict[str, Any]:
    try:
        tree = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        raise FileRefused("The file cannot be read as JSON.") from None
    if not isinstance(tree, dict):
        raise FileRefused("The file holds no JSON object.")
    return tree


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
