"""Engines and column types for both databases.

Encrypted columns take ``Sealed`` and nothing else, moments are aware UTC, and statements never show their parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal, NamedTuple, TypeVar

from sqlalchemy import (
    CHAR,
    BigInteger,
    Connection,
    Dialect,
    Engine,
    Insert,
    LargeBinary,
    MetaData,
    String,
    Table,
    bindparam,
    create_engine,
    event,
    insert,
    select,
    union_all,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator, TypeEngine

from app.crypto.sealed import Sealed

__all__ = [
    "Base",
    "DayText",
    "Digest",
    "Moment",
    "Name",
    "SealedBytes",
    "insert_all",
    "make_engine",
    "once",
    "standing_alone",
]

# SQLite waits this long for another writer before it gives up, in milliseconds.
BUSY_TIMEOUT_MS = 30_000
DIGEST_BYTES = 32
# The execution option of connections on which no transaction is begun.
ALONE = "testimony_alone"
# Different sets of rows that callers insert at once, and how many rows at most: more get a statement for each table.
SHAPES, ROWS_AT_ONCE = 64, 16
# What a session has read by ``once``.
READ = "testimony_read"

T = TypeVar("T")

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Tables of the main database."""

    metadata = MetaData(naming_convention=NAMING)

    @classmethod
    def table(cls) -> Table:
        """The table itself: where every microsecond counts, statements go past the mapper."""
        return cls.metadata.tables[cls.__tablename__]


class SealedBytes(TypeDecorator[Sealed]):
    """A column that only sealed bytes can enter; text or plain bytes raise TypeError before any SQL runs."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Sealed | None, dialect: Dialect) -> bytes | None:
        """Refuse whatever is not Sealed."""
        if value is None:
            return None
        if type(value) is not Sealed:
            msg = "an encrypted column accepts only Sealed"
            raise TypeError(msg)
        return bytes(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Sealed | None:
        """Give back what was stored, as Sealed."""
        return None if value is None else Sealed(value)


class Digest(TypeDecorator[bytes]):
    """Exactly 32 bytes: a SHA-256, an HMAC or a fingerprint."""

    impl = LargeBinary(32)
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        """Refuse any other length."""
        if value is not None and len(value) != DIGEST_BYTES:
            msg = "a digest has 32 bytes"
            raise ValueError(msg)
        return value


class Moment(TypeDecorator[datetime]):
    """An aware moment, kept as microseconds since 1970 UTC, so both databases compare it alike."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Refuse naive moments."""
        if value is None:
            return None
        if value.tzinfo is None:
            msg = "a moment needs its time zone"
            raise ValueError(msg)
        whole = int(value.replace(microsecond=0).timestamp())
        return whole * 1_000_000 + value.microsecond

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Give back an aware UTC moment."""
        if value is None:
            return None
        whole, micro = divmod(value, 1_000_000)
        return datetime.fromtimestamp(whole, UTC).replace(microsecond=micro)


Name: TypeEngine[str] = String(64)
DayText: TypeEngine[str] = CHAR(10)


def make_engine(url: str, *, journal: Literal["wal", "delete"], pool_size: int = 20) -> Engine:
    """Open a database; parameters never reach logs or errors.

    SQLite gets the named journal, full sync, foreign keys and zeroed free pages, and takes its write lock when a
    transaction begins, so that two writers queue instead of failing half-way.
    """
    if url.startswith("sqlite"):
        engine = create_engine(
            url, hide_parameters=True, connect_args={"check_same_thread": False}, pool_size=pool_size
        )
        _tune_sqlite(engine, journal)
        return engine
    return create_engine(url, hide_parameters=True, pool_size=pool_size, max_overflow=10, pool_pre_ping=False)


def _tune_sqlite(engine: Engine, journal: str) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            f"journal_mode={journal}",
            "synchronous=FULL",
            "foreign_keys=ON",
            "secure_delete=ON",
            "temp_store=MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        if ALONE not in connection.get_execution_options():
            connection.exec_driver_sql("BEGIN IMMEDIATE")


def standing_alone(connection: Connection) -> Connection:
    """The same connection, on which each statement is a transaction of its own: readers then wait for no writer."""
    if connection.dialect.name == "sqlite":
        return connection.execution_options(**{ALONE: True})
    return connection.execution_options(isolation_level="AUTOCOMMIT")


def once(session: Session, key: Hashable, read: Callable[[], T]) -> T:
    """What a reading gives, read once in this session however many ask for the same; an error is not kept."""
    known: dict[Hashable, T] = session.info.setdefault(READ, {})
    if key not in known:
        known[key] = read()
    return known[key]


def insert_all(connection: Connection, rows: Sequence[tuple[Table, Sequence[Mapping[str, Any]]]]) -> None:
    """Insert rows into several tables, in this order; all rows of one table name the same columns.

    PostgreSQL gets one statement for a few of them, as a statement for each table would cost a round trip each; and
    many by COPY, which takes both sides half as long as statements do and knows no default but the database's own.
    """
    if connection.dialect.name != "postgresql":
        for table, each in rows:
            connection.execute(insert(table), list(each))
        return
    if sum(len(each) for _, each in rows) > ROWS_AT_ONCE:
        _copy(connection, rows)
        return
    shape = tuple((table, tuple(each[0]), len(each)) for table, each in rows)
    values = {
        f"{number}_{row}_{name}": value
        for number, (_, each) in enumerate(rows)
        for row, columns in enumerate(each)
        for name, value in columns.items()
    }
    connection.execute(_insertion(shape), values)


def _copy(connection: Connection, rows: Sequence[tuple[Table, Sequence[Mapping[str, Any]]]]) -> None:
    """Insert rows by COPY; every value passes its column's type as in any statement."""
    driver: Any = connection.connection.driver_connection
    with _driver_errors(connection), driver.cursor() as cursor:
        for table, each in rows:
            copying = _copying(table, tuple(each[0]), connection.dialect)
            with cursor.copy(copying.statement) as copy:
                copy.set_types(copying.types)
                for row in each:
                    copy.write_row([row[name] if bind is None else bind(row[name]) for name, bind in copying.columns])


@contextmanager
def _driver_errors(connection: Connection) -> Iterator[None]:
    """Let the driver's errors look as they do when a statement raises them."""
    base = connection.dialect.loaded_dbapi.Error
    try:
        yield
    except base as raised:
        raise DBAPIError.instance(None, None, raised, base, hide_parameters=True, dialect=connection.dialect) from None


class _Copying(NamedTuple):
    """How rows of one table are copied: the columns' types, and what turns a value into the driver's, if anything."""

    statement: str
    types: list[str]
    columns: list[tuple[str, Callable[[Any], Any] | None]]


@lru_cache(maxsize=SHAPES)
def _copying(table: Table, names: tuple[str, ...], dialect: Dialect) -> _Copying:
    quote = dialect.identifier_preparer.quote
    types = {name: table.c[name].type.dialect_impl(dialect) for name in names}
    statement = f"COPY {quote(table.name)} ({', '.join(map(quote, names))}) FROM STDIN (FORMAT BINARY)"
    # Lengths stay with the columns: the driver knows types by their bare names.
    plain = [type_.compile(dialect).partition("(")[0].lower() for type_ in types.values()]
    return _Copying(statement, plain, [(name, type_.bind_processor(dialect)) for name, type_ in types.items()])


@lru_cache(maxsize=SHAPES)
def _insertion(shape: tuple[tuple[Table, tuple[str, ...], int], ...]) -> Insert:
    """One statement for tables, their columns, and how many rows each gets."""
    *first, last = (_one_insertion(number, *each) for number, each in enumerate(shape))
    return last.add_cte(*(each.cte(f"rows_{number}") for number, each in enumerate(first)))


def _one_insertion(number: int, table: Table, names: tuple[str, ...], count: int) -> Insert:
    # A list of VALUES would be compiled again for each use; arrays take their driver twice as long.
    rows = [
        select(*(bindparam(f"{number}_{row}_{name}", type_=table.c[name].type) for name in names))
        for row in range(count)
    ]
    return insert(table).from_select(names, union_all(*rows))
