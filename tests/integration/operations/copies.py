"""Old copies of a database, taken and put back row by row, so that it works on every kind of database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, MetaData

from app.db import Base
from app.keystore.models import metadata as keystore_metadata
from tests.system import System

Copy = dict[str, list[dict[str, Any]]]


def _take(engine: Engine, metadata: MetaData) -> Copy:
    with engine.begin() as connection:
        return {
            table.name: [dict(row) for row in connection.execute(table.select()).mappings()]
            for table in metadata.sorted_tables
        }


def _put(engine: Engine, metadata: MetaData, copy: Copy) -> None:
    with engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
        for table in metadata.sorted_tables:
            if copy[table.name]:
                connection.execute(table.insert(), copy[table.name])


def copy_main(system: System) -> Copy:
    """A backup of the main database."""
    return _take(system.runtime.engine, Base.metadata)


def restore_main(system: System, copy: Copy) -> None:
    """Put it back."""
    _put(system.runtime.engine, Base.metadata, copy)


def copy_keystore(system: System) -> Copy:
    """A backup of the keystore."""
    return _take(system.runtime.keystore_engine, keystore_metadata)


def restore_keystore(system: System, copy: Copy) -> None:
    """Put it back."""
    _put(system.runtime.keystore_engine, keystore_metadata, copy)
