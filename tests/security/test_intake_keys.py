"""Forward secrecy: what a thief copied on its way from a phone opens with all that is stolen, until its key is over."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.crypto import contexts, envelope, intake
from app.crypto.intake import SealedBody
from app.crypto.sealed import Sealed
from app.crypto.secrets import Secret
from app.errors import TestimonyError
from app.operations import intake_keys
from app.operations.setup import OPERATOR
from tests.clock import Clock
from tests.databases import Kind
from tests.security.attacker import _custody_keys
from tests.security.loot import History, Rows, sqlite_files
from tests.system import System

KEY_BYTES = 32
# How a private half rests: an envelope with its shortest content.
RESTING = re.compile(rb"TM\x01\x01.{336}", re.DOTALL)


@pytest.fixture
def each(tmp_path: Path, database_kind: Kind) -> Iterator[System]:
    """A system on each database."""
    system = System(tmp_path / "data", database_kind, Clock())
    yield system
    system.close()


def on_its_way(system: System, key: dict[str, Any], number: UUID) -> bytes:
    """A sealed interview as whoever listens or holds the phone sees it."""
    place = {"deployment": system.settings.deployment, "study": uuid4(), "key_id": key["id"], "client_uuid": number}
    return intake.seal(key["public"], **place, plaintext=json.dumps({"answers": "the canary"}).encode())


def carved(system: System) -> list[bytes]:
    """Whatever looks like a private half at rest in the files of SQLite, live or deleted."""
    if not system.urls[0].startswith("sqlite"):
        return []
    return [hit[0] for path in sqlite_files(system.urls[0]) for hit in RESTING.finditer(path.read_bytes())]


def opened(system: System, rows: Rows, resting: Iterable[bytes], body: SealedBody, number: UUID) -> list[bytes]:
    """What opens with every key of custody, every row there ever was, and every carved piece, each tried with each."""
    deployment = system.settings.deployment
    known = _custody_keys(system.folder / "custody").values()
    pieces = {bytes(row["wrapped_private"]) for row in rows["intake_key"]} | set(resting)
    found = []
    for row in rows["intake_key"]:
        times = {name: int(row[name].timestamp()) for name in ("seal_until", "open_until")}
        context = contexts.intake_key(deployment, key_id=row["id"], public=row["public"], **times)
        halves = [_unsealed(key, context, piece) for key in known for piece in pieces if len(key) == KEY_BYTES]
        found += [_opened(Secret(half), body, deployment, number) for half in halves if half is not None]
    return [each for each in found if each is not None]


def _unsealed(key: Secret, context: bytes, piece: bytes) -> bytes | None:
    try:
        return envelope.unseal(key, context, Sealed(piece))
    except TestimonyError:
        return None


def _opened(half: Secret, body: SealedBody, deployment: UUID, number: UUID) -> bytes | None:
    try:
        return intake.unseal(half, body, deployment=deployment, client_uuid=number)
    except TestimonyError:
        return None


def test_a_copied_body_opens_until_its_key_is_over_and_never_after(each: System) -> None:
    """Before, custody and main database open it, said honestly. After, both with all that ever stood there do not."""
    history, number = History.of_main(each.runtime.engine), uuid4()
    history.look()
    (key,) = history.now()["intake_key"]
    body = SealedBody.parse(on_its_way(each, key, number))
    assert opened(each, history.all(), carved(each), body, number) == [b'{"answers": "the canary"}']
    assert bool(carved(each)) is each.urls[0].startswith("sqlite")

    each.clock.advance(days=90)
    intake_keys.turn(each.runtime, OPERATOR)
    history.look()

    assert len(history.all()["intake_key"]) == 2
    assert opened(each, history.all(), carved(each), body, number) == []
    fresh = SealedBody.parse(on_its_way(each, history.now()["intake_key"][0], number))
    assert opened(each, history.all(), carved(each), fresh, number)


def test_custody_keeps_no_byte_of_a_destroyed_key(each: System) -> None:
    """The file is replaced as a whole: neither it nor anything beside it holds the key that is over."""
    folder = each.folder / "custody"
    gone = _custody_keys(folder)["intake-1"]
    text = json.loads((folder / "intake.keys").read_text())["intake-1"]["key"].encode()

    each.clock.advance(days=90)
    intake_keys.turn(each.runtime, OPERATOR)

    left = b"".join(path.read_bytes() for path in each.folder.rglob("*") if path.is_file())
    assert text not in left
    assert gone.reveal() not in left
