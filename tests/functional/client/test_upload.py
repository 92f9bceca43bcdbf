"""Sending a file over real TLS, and going on after whatever cut it off."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from app.client import Client, FileChanged, Problem
from app.client.uploads import PIECE_BYTES
from tests.serving import Served

SIZE = 2 * PIECE_BYTES + 12_345


class Interrupted(Exception):
    """The power went off."""


@pytest.fixture
def record(served: Served, device: str) -> UUID:
    """The client's id of a record that the device handed in."""
    client_uuid = uuid4()
    with served.client(device) as client:
        client.intake.submit(client_uuid, served.body(), served.receipt_keys())
    return client_uuid


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A file of three pieces."""
    path = tmp_path / "voice of Hassan.m4a"
    path.write_bytes(os.urandom(SIZE))
    return path


def cut(client: Client, record: UUID, path: Path, state: Path) -> None:
    """Begin an upload and lose the process after the first piece."""

    def lose_power(done: int, _whole: int) -> None:
        if done:
            raise Interrupted

    with pytest.raises(Interrupted):
        client.intake.upload(record, path, state=state, progress=lose_power)


def test_a_file_arrives_whole_and_progress_is_told(
    served: Served, device: str, record: UUID, recording: Path, tmp_path: Path
) -> None:
    """Piece by piece up to the whole size; the service has every byte of it."""
    told = list[tuple[int, int]]()
    with served.client(device) as client:
        client.intake.upload(record, recording, state=tmp_path / "state", progress=lambda *done: told.append(done))

    assert [done for done, _ in told] == [0, PIECE_BYTES, 2 * PIECE_BYTES, SIZE]
    assert {whole for _, whole in told} == {SIZE}


def test_an_upload_goes_on_where_it_was_cut_off(
    served: Served, device: str, record: UUID, recording: Path, tmp_path: Path
) -> None:
    """Another process with the same state file sends only what is missing."""
    told = list[int]()
    with served.client(device) as client:
        cut(client, record, recording, tmp_path / "state")
    with served.client(device) as again:
        again.intake.upload(record, recording, state=tmp_path / "state", progress=lambda done, _: told.append(done))

    assert told == [PIECE_BYTES, 2 * PIECE_BYTES, SIZE]


def test_a_complete_upload_is_not_sent_again(
    served: Served, device: str, record: UUID, recording: Path, tmp_path: Path
) -> None:
    """Asking for it twice is one file."""
    told = list[int]()
    with served.client(device) as client:
        first = client.intake.upload(record, recording, state=tmp_path / "state")
        again = client.intake.upload(
            record, recording, state=tmp_path / "state", progress=lambda done, _: told.append(done)
        )

    assert first == again
    assert told == [SIZE]


def test_what_lets_one_go_on_is_the_owners_alone(
    served: Served, device: str, record: UUID, recording: Path, tmp_path: Path
) -> None:
    """The state file has mode 0600, holds no name, and nobody goes on without its secret."""
    state = tmp_path / "state"
    with served.client(device) as client:
        cut(client, record, recording, state)
        assert stat.S_IMODE(state.stat().st_mode) == 0o600
        assert "Hassan" not in state.read_text()
        kept = json.loads(state.read_text())
        state.write_text(json.dumps(kept | {"secret": "A" * 43}))

        with pytest.raises(Problem) as refused:
            client.intake.upload(record, recording, state=state)

    assert refused.value.status == 404


def test_another_file_does_not_take_the_place_of_the_first(
    served: Served, device: str, record: UUID, recording: Path, tmp_path: Path
) -> None:
    """A file that was changed between two tries is not glued to the first half of the old one."""
    with served.client(device) as client:
        cut(client, record, recording, tmp_path / "state")
        recording.write_bytes(os.urandom(SIZE))

        with pytest.raises(FileChanged):
            client.intake.upload(record, recording, state=tmp_path / "state")
