"""What a thief carries off: rows as they stand, rows as they once stood, and rows carved out of a file's bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, MetaData, select

from app.crypto.sealed import Sealed
from app.db import Base
from app.keystore.models import metadata as keystore_metadata

Rows = dict[str, list[dict[str, Any]]]
HEX = rb"[0-9a-f]{32}"
GRANT = re.compile(rb"(%b)(%b)([a-z][a-z0-9.]{1,40}?)(%b)(TM\x01\x01)" % (HEX, HEX, HEX))
SHARE = re.compile(rb"(?<![0-9a-f])(%b)(%b)([a-z][a-z0-9.]{1,40}?)(%b)" % (HEX, HEX, HEX))
MEMBER = re.compile(rb"(?<![0-9a-f])(%b)(%b)(?![0-9a-f-])" % (HEX, HEX))
FINGERPRINT_BYTES = 32
MEMBER_BOX_BYTES = 1232
SHARE_BYTES = 48


class History:
    """Every row that stood in a database at one of the looks, its old versions too."""

    def __init__(self, engine: Engine, metadata: MetaData) -> None:
        self._engine = engine
        self._metadata = metadata
        self._rows: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in metadata.tables}

    @classmethod
    def of_main(cls, engine: Engine) -> History:
        """Of the main database."""
        return cls(engine, Base.metadata)

    @classmethod
    def of_keystore(cls, engine: Engine) -> History:
        """Of the keystore."""
        return cls(engine, keystore_metadata)

    def look(self) -> None:
        """Remember what stands there now."""
        for name, rows in self.now().items():
            for row in rows:
                self._rows[name].setdefault(str([bytes(v) if isinstance(v, Sealed) else v for v in row.values()]), row)

    def now(self) -> Rows:
        """The rows that stand there now."""
        with self._engine.connect() as connection:
            return {
                name: [dict(row) for row in connection.execute(select(table)).mappings()]
                for name, table in self._metadata.tables.items()
            }

    def all(self) -> Rows:
        """Every row ever seen."""
        return {name: list(rows.values()) for name, rows in self._rows.items()}


def joined(*many: Mapping[str, Iterable[dict[str, Any]]]) -> Rows:
    """Several sets of rows as one."""
    result: Rows = {}
    for rows in many:
        for name, each in rows.items():
            result.setdefault(name, []).extend(each)
    return result


def sqlite_files(url: str) -> list[Path]:
    """A SQLite database's files: itself, its WAL, its index, a journal."""
    path = Path(url.removeprefix("sqlite:///"))
    return [each for each in path.parent.glob(f"{path.name}*") if each.is_file()]


def carve(paths: Iterable[Path], box_sizes: Iterable[int]) -> Rows:
    """Grants, member boxes and shares found in bytes, live or deleted, wherever a row's content still stands."""
    sizes = sorted(set(box_sizes))
    found: Rows = {"grant": [], "member": [], "share": []}
    for path in paths:
        data = path.read_bytes()
        found["grant"] += _grants(data, sizes)
        found["member"] += _members(data)
        found["share"] += _shares(data)
    return found


def _grants(data: bytes, sizes: list[int]) -> Iterator[dict[str, Any]]:
    for hit in GRANT.finditer(data):
        for size in sizes:
            yield {
                "id": _uuid(hit[1]),
                "record_id": _uuid(hit[2]),
                "scope": hit[3].decode(),
                "epoch_id": _uuid(hit[4]),
                "box": Sealed(data[hit.start(5) : hit.start(5) + size]),
                "expires_at": None,
            }


def _members(data: bytes) -> Iterator[dict[str, Any]]:
    for hit in MEMBER.finditer(data):
        at = hit.end(2)
        print_, box = data[at : at + FINGERPRINT_BYTES], data[at + FINGERPRINT_BYTES :][:MEMBER_BOX_BYTES]
        yield {"epoch_id": _uuid(hit[1]), "user_id": _uuid(hit[2]), "fingerprint": print_, "box": Sealed(box)}


def _shares(data: bytes) -> Iterator[dict[str, Any]]:
    for hit in SHARE.finditer(data):
        # The key version stands before the value: in no byte if it is 1, else in one or two.
        for skipped in range(3):
            at = hit.end(4) + skipped
            yield {
                "id": _uuid(hit[1]),
                "record": _uuid(hit[2]),
                "scope": hit[3].decode(),
                "attempt": _uuid(hit[4]),
                "value": Sealed(data[at : at + SHARE_BYTES]),
            }


def _uuid(text: bytes) -> UUID:
    return UUID(hex=text.decode())
