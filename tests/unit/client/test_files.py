from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from app.client.files import FileRefused, SubmissionFile
from app.crypto.tokens import withdrawal_hash

STUDY = uuid4()


def body_file(tmp_path: Path, tree: Any) -> Path:
    """A file with this JSON."""
    path = tmp_path / "interview.json"
    path.write_text(json.dumps(tree))
    return path


def test_the_id_of_a_file_is_made_once(tmp_path: Path) -> None:
    """Trying again after a failure is the same submission, with the same withdrawal hash."""
    path = body_file(tmp_path, {"study": str(STUDY)})

    first, again = SubmissionFile.open(path), SubmissionFile.open(path)

    assert first.client_uuid == again.client_uuid
    assert first.body == again.body


def test_a_withdrawal_token_is_made_and_shown_once(tmp_path: Path) -> None:
    """The token itself rests in no file."""
    path = body_file(tmp_path, {"study": str(STUDY)})

    first, again = SubmissionFile.open(path), SubmissionFile.open(path)

    assert first.withdrawal is not None
    assert again.withdrawal is None
    assert first.body["withdrawal_sha256"] == withdrawal_hash(first.withdrawal).hex()
    assert all(first.withdrawal not in file.read_text() for file in tmp_path.iterdir())


def test_a_withdrawal_hash_of_the_file_stays(tmp_path: Path) -> None:
    """Who made a token at consent does not get another one."""
    path = body_file(tmp_path, {"study": str(STUDY), "withdrawal_sha256": "ab" * 32})

    opened = SubmissionFile.open(path)

    assert opened.withdrawal is None
    assert opened.body["withdrawal_sha256"] == "ab" * 32


def test_the_id_file_is_the_owners_alone(tmp_path: Path) -> None:
    """Mode 0600, whatever the umask."""
    path = body_file(tmp_path, {"study": str(STUDY)})

    SubmissionFile.open(path)

    assert stat.S_IMODE((tmp_path / "interview.json.id").stat().st_mode) == 0o600


def test_a_study_can_be_given_for_a_file_that_names_none(tmp_path: Path) -> None:
    """A file that names one keeps it."""
    path = body_file(tmp_path, {})

    assert SubmissionFile.open(path, study=STUDY).body["study"] == str(STUDY)


@pytest.mark.parametrize("content", ["", "[]", "no json", "{}"])
def test_a_file_that_is_no_submission_is_refused(tmp_path: Path, content: str) -> None:
    """No JSON, no object, no study."""
    path = tmp_path / "interview.json"
    path.write_text(content)

    with pytest.raises(FileRefused):
        SubmissionFile.open(path)
