"""What the administrator of the main database can do with rows: anything, with no foreign key in the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Table, delete, insert, select, text, update

from app.audit.models import Checkpoint, Event, Link
from app.crypto.sealed import Sealed
from app.operations.audit import Verification
from tests.system import System

Row = Mapping[str, Any]


@contextmanager
def ruling(system: System) -> Iterator[Connection]:
    """A connection that breaks every rule and commits at the end."""
    with system.runtime.engine.connect() as connection:
        raw: Any = connection.connection.driver_connection
        sqlite = connection.dialect.name == "sqlite"
        if sqlite:
            raw.execute("PRAGMA foreign_keys=OFF")
        else:
            connection.execute(text("SET session_replication_role = replica"))
        try:
            yield connection
            connection.commit()
        finally:
            connection.rollback()
            if sqlite:
                raw.execute("PRAGMA foreign_keys=ON")
            else:
                connection.execute(text("SET session_replication_role = DEFAULT"))
                connection.commit()


def rows(system: System, table: Table) -> list[dict[str, Any]]:
    """Every row, in the order of the primary key."""
    with system.runtime.engine.connect() as connection:
        found = connection.execute(select(table).order_by(*table.primary_key.columns)).mappings()
        return [dict(row) for row in found]


def one(table: Table, row: Row) -> Any:
    """The condition that holds for this row alone."""
    condition = None
    for column in table.primary_key.columns:
        same = column == row[column.name]
        condition = same if condition is None else condition & same
    return condition


@contextmanager
def altered(system: System, table: Table, row: Row, **changed: Any) -> Iterator[None]:
    """A row with other values, for a while."""
    after = {**row, **changed}
    with ruling(system) as connection:
        connection.execute(update(table).where(one(table, row)).values(changed))
    try:
        yield
    finally:
        with ruling(system) as connection:
            connection.execute(delete(table).where(one(table, after)))
            connection.execute(insert(table), [dict(row)])


@contextmanager
def deleted(system: System, table: Table, row: Row) -> Iterator[None]:
    """A row gone, for a while."""
    with ruling(system) as connection:
        connection.execute(delete(table).where(one(table, row)))
    try:
        yield
    finally:
        with ruling(system) as connection:
            connection.execute(insert(table), [dict(row)])


@contextmanager
def inserted(system: System, table: Table, row: Row) -> Iterator[None]:
    """A row more, for a while; one of the same key is replaced meanwhile."""
    with ruling(system) as connection:
        before = connection.execute(select(table).where(one(table, row))).mappings().one_or_none()
        connection.execute(delete(table).where(one(table, row)))
        connection.execute(insert(table), [dict(row)])
    try:
        yield
    finally:
        with ruling(system) as connection:
            connection.execute(delete(table).where(one(table, row)))
            if before is not None:
                connection.execute(insert(table), [dict(before)])


def other(value: Any, column: Any) -> Any:  # noqa: PLR0911  one for each type
    """Another value that the column takes."""
    if value is None:
        return _some(column)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, UUID):
        return uuid4()
    if isinstance(value, datetime):
        return value + timedelta(seconds=1)
    if isinstance(value, Sealed):
        return Sealed(flipped(value))
    if isinstance(value, bytes):
        return flipped(value)
    if isinstance(value, str):
        return value[:-1] + ("1" if value.endswith("0") else "0")
    return [*value, "more"] if isinstance(value, list) else {**value, "more": 1}


@contextmanager
def trail_kept(system: System) -> Iterator[None]:
    """The trail as it is now, put back at the end: a verification seals whatever it finds."""
    tables = (Event.table(), Link.table(), Checkpoint.table())
    kept = [rows(system, table) for table in tables]
    try:
        yield
    finally:
        with ruling(system) as connection:
            for table, before in zip(tables, kept, strict=True):
                connection.execute(delete(table))
                connection.execute(insert(table), before)


def flipped(value: bytes) -> bytes:
    """The same bytes but for one bit of the last."""
    return value[:-1] + bytes([value[-1] ^ 1])


def _some(column: Any) -> Any:
    kind = column.type.python_type if hasattr(column.type, "python_type") else bytes
    if kind is UUID:
        return uuid4()
    if column.type.__class__.__name__ == "Moment":
        return datetime.fromisoformat("2031-01-01T00:00:00+00:00")
    if column.type.__class__.__name__ == "SealedBytes":
        return Sealed(bytes(64))
    return "0" if kind is str else bytes(32)


def found(system: System, **options: Any) -> list[str]:
    """What a verification finds, as it is printed."""
    return [str(finding) for finding in Verification(system.runtime, **options).findings()]
