"""The checkpoint: what both databases must still know after a restore, kept outside both, signed.

It names what was erased and how far each roster had come: ids and numbers, nothing else. An old copy of both databases
together has forgotten the erasures since; the checkpoint has not.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from app.bootstrap import Runtime
from app.cases.erasure import erased_records
from app.crypto.encoding import canonical_json, enc, sha256
from app.crypto.signing import verify
from app.errors import BadEncoding
from app.operations import queries
from app.studies import roster

__all__ = ["Checkpoint", "read_checkpoint", "write_checkpoint"]

KEY = "audit-1"
FILE_MODE = 0o600


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Erased records with their dead scopes (none: all), and each study's newest roster version, the system's too."""

    dead: dict[UUID, list[str]]
    floors: dict[UUID, int]


def write_checkpoint(runtime: Runtime, path: Path) -> Checkpoint:
    """Write a signed checkpoint of now, whole or not at all, mode 0600."""
    with runtime.glance() as session:
        dead = dict(erased_records(session))
        studies = (roster.SYSTEM_STUDY, *queries.studies(session))
        versions = {study: roster.current(session, runtime.collaborators, study) for study in studies}
    checkpoint = Checkpoint(dead, {study: signed.version for study, signed in versions.items()})
    body = canonical_json(
        {
            "dead": {str(record): sorted(scopes) for record, scopes in checkpoint.dead.items()},
            "floors": {str(study): version for study, version in checkpoint.floors.items()},
        }
    )
    signature = runtime.collaborators.custody.sign(KEY, _message(runtime, body))
    tree = {"key_id": KEY, "body": body.decode(), "signature": base64.b64encode(signature).decode()}
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE), "w") as file:
        json.dump(tree, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    return checkpoint


def read_checkpoint(runtime: Runtime, path: Path) -> Checkpoint:
    """Read a checkpoint and verify its signature.

    Raises:
        BadEncoding: it is no checkpoint.
        BadSignature: it is not this deployment's, or was changed.
    """
    try:
        tree = json.loads(path.read_bytes())
        body, signature = tree["body"].encode(), base64.b64decode(tree["signature"], validate=True)
        if tree["key_id"] != KEY:
            raise BadEncoding
    except (OSError, ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        raise BadEncoding from None
    verify(runtime.collaborators.custody.public(KEY), _message(runtime, body), signature)
    signed = json.loads(body)
    return Checkpoint(
        {UUID(record): list(scopes) for record, scopes in signed["dead"].items()},
        {UUID(study): int(version) for study, version in signed["floors"].items()},
    )


def _message(runtime: Runtime, body: bytes) -> bytes:
    return enc("testimony/1/checkpoint", runtime.settings.deployment, KEY, sha256(body))
