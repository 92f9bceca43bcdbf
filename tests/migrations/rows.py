"""A row for every table of a schema, made from its reflected columns: what code of that version could have written."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Uuid,
)

Row = dict[str, Any]
# As long as the shortest column of fixed length, a day, so that nothing is padded.
TEXT = "2030-01-02"
BINARY_BYTES = 32


def reflected(connection: Connection) -> MetaData:
    """The tables of the schema that is there, as code of that version knows them."""
    metadata = MetaData()
    metadata.reflect(connection)
    metadata.remove(metadata.tables["alembic_version"])
    return metadata


def insert_everywhere(connection: Connection, metadata: MetaData) -> dict[str, Row]:
    """Insert one row into each table, parents first; every column has a value."""
    rows: dict[str, Row] = {}
    for table in metadata.sorted_tables:
        rows[table.name] = {column.name: _value(column, rows) for column in table.columns}
        connection.execute(table.insert(), rows[table.name])
    return rows


def stored(connection: Connection, metadata: MetaData) -> dict[str, Row]:
    """The one row of each table."""
    return {table.name: _only(connection, table) for table in metadata.sorted_tables}


def _only(connection: Connection, table: Table) -> Row:
    return dict(connection.execute(table.select()).mappings().one())


def _value(column: Column[Any], rows: dict[str, Row]) -> Any:
    for key in column.foreign_keys:
        parent = key.column
        return rows[parent.table.name][parent.name]
    return _invented(column)


def _invented(column: Column[Any]) -> Any:
    kind = column.type
    if isinstance(kind, Uuid):
        return uuid4()
    if isinstance(kind, Boolean):
        return True
    if isinstance(kind, JSON):
        return {"a": [1, "ü"]}
    if isinstance(kind, BigInteger | Integer):
        return int(datetime(2030, 1, 2, tzinfo=UTC).timestamp()) if isinstance(kind, BigInteger) else 7
    if isinstance(kind, LargeBinary):
        return bytes(range(BINARY_BYTES))
    assert isinstance(kind, String), f"no value for {column} yet"
    return _text(column)


def _text(column: Column[Any]) -> str:
    # The keystore's states are checked by the database; UUIDs rest as text of 32 digits in SQLite.
    if column.name == "state":
        return "live" if column.table.name == "record" else "current"
    length = getattr(column.type, "length", None)
    return UUID(int=7).hex if length == len(UUID(int=7).hex) else TEXT
