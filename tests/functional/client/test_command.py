"""``testimony submit`` with files, over real TLS."""

from __future__ import annotations

import json
from pathlib import Path

from tests.functional.commands import command
from tests.serving import Served


def interview(served: Served, folder: Path) -> Path:
    """A file to submit, and a photograph to go with it."""
    path = folder / "interview.json"
    path.write_text(json.dumps(served.body()))
    (folder / "photo.jpg").write_bytes(b"\xff\xd8\xff" + bytes(100_000))
    return path


def connection(served: Served, token: str) -> dict[str, str]:
    """Where the service is, whom to trust, and who calls."""
    certificate = str(served.certificate)
    return {"TESTIMONY_URL": served.url, "TESTIMONY_CERTIFICATE": certificate, "TESTIMONY_TOKEN": token}


def test_a_sealed_interview_goes_out_with_its_files(served: Served, device: str, tmp_path: Path) -> None:
    """The interviewer hands in all of it with one command, and again: the same record, the same file."""
    path, env = interview(served, tmp_path), connection(served, device)
    arguments = ("submit", path, "--receipt-key", served.receipt_keys()["receipt-1"].hex(), "--seal")

    first = command(*arguments, "--attach", "photo.jpg", cwd=tmp_path, **env)
    again = command(*arguments, "--attach", "photo.jpg", cwd=tmp_path, **env)

    assert (first.returncode, again.returncode) == (0, 0), first.stderr + again.stderr
    receipt = json.loads(Path(f"{path}.receipt.json").read_text())
    assert receipt["sealed_body_sha256"] != ""
    assert receipt["record"] in first.stdout
    assert receipt["record"] in again.stdout
    assert "photo.jpg" in first.stdout
