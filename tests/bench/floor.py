"""The floor: the very rows that intake stored, written again with fresh ids by the plain drivers and nothing else.

A process for each core, where it is fastest, and as many threads as serve requests; two commits a record (keystore,
then main database) with the same durability; no HTTP, no cryptography, no reading, no checks.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import cycle
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.types.json import Json
from sqlalchemy import make_url

from tests.bench.figures import Figures
from tests.bench.together import everywhere, ready

Row = dict[str, Any]
Tables = dict[str, list[Row]]

# Columns whose values are unique; what refers to one another gets the same fresh one.
IDS = frozenset({"id", "record", "record_id", "case_id", "attempt", "client_uuid"})
# Each names a table and the column by which the rows of a record are found.
MAIN = (("record", "id"), ("pack", "record_id"), ("grant", "record_id"), ("event", "record_id"))
KEYSTORE = (("record", "id"), ("share", "record"))
ORDER = ("claim", "case", "record", "pack", "grant", "event")
KEYSTORE_ORDER = ("record", "share")
PRAGMAS = ("busy_timeout=30000", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON", "temp_store=MEMORY")


@dataclass(frozen=True, slots=True)
class Sample:
    """The rows of one record, by table."""

    main: Tables
    keystore: Tables


@dataclass(frozen=True, slots=True)
class Load:
    """What one process writes."""

    urls: tuple[str, str]
    samples: Sequence[Sample]
    threads: int
    seconds: float


def measure(urls: tuple[str, str], *, processes: int, threads: int, seconds: float, samples: int = 32) -> Figures:
    """Write the newest records of these databases again, for so long, in all these threads."""
    load = Load(urls, capture(urls, samples), threads, seconds)
    told, used = everywhere(processes, _process, load)
    return Figures.of([taken for all_taken, _ in told for taken in all_taken], max(took for _, took in told), used)


def capture(urls: tuple[str, str], count: int) -> list[Sample]:
    """The rows of some records."""
    main, keystore = connect(urls[0]), connect(urls[1])
    records = [row["id"] for row in main.select("SELECT id FROM record WHERE status = 'received' LIMIT ?", count)]
    samples = [_sample(main, keystore, record) for record in records]
    main.close()
    keystore.close()
    return samples


def _sample(main: Plain, keystore: Plain, record: object) -> Sample:
    rows = {table: main.rows_of(table, column, record) for table, column in MAIN}
    kept = {table: keystore.rows_of(table, column, record) for table, column in KEYSTORE}
    rows["case"] = main.rows_of("case", "id", rows["record"][0]["case_id"])
    rows["claim"] = main.rows_of("claim", "attempt", kept["share"][0]["attempt"])
    return Sample(rows, kept)


def renewed(sample: Sample) -> Sample:
    """The same rows under fresh ids."""
    fresh: dict[object, object] = {}
    code = uuid4().hex[:9]

    def change(tables: Tables) -> Tables:
        return {table: [_renewed(row, table, fresh, code) for row in rows] for table, rows in tables.items()}

    return Sample(change(sample.main), change(sample.keystore))


def _renewed(row: Row, table: str, fresh: dict[object, object], code: str) -> Row:
    changed = {name: _fresh(value, fresh) if name in IDS else value for name, value in row.items()}
    return changed | {"code": code} if table == "case" else changed


def _fresh(old: object, known: dict[object, object]) -> object:
    if old not in known:
        known[old] = uuid4() if isinstance(old, UUID) else uuid4().hex
    return known[old]


def _process(load: Load) -> tuple[list[float], float]:
    taken: list[float] = []
    # Threads of one process take turns for SQLite's write lock instead of polling for it.
    turns = tuple(threading.Lock() if url.startswith("sqlite") else nullcontext() for url in load.urls)
    gate = threading.Barrier(load.threads + 1)
    threads = [threading.Thread(target=_thread, args=(load, gate, turns, taken)) for _ in range(load.threads)]
    for thread in threads:
        thread.start()
    ready()
    gate.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    return taken, time.perf_counter() - began


def _thread(load: Load, gate: threading.Barrier, turns: Sequence[Any], taken: list[float]) -> None:
    main, keystore = (connect(url) for url in load.urls)
    samples = cycle(load.samples)
    gate.wait()
    end = time.perf_counter() + load.seconds
    while (began := time.perf_counter()) < end:
        sample = renewed(next(samples))
        with turns[1], keystore.transaction():
            keystore.insert(sample.keystore, KEYSTORE_ORDER)
        with turns[0], main.transaction():
            main.insert(sample.main, ORDER)
        taken.append(time.perf_counter() - began)
    main.close()
    keystore.close()


class Plain:
    """A connection of the plain driver."""

    def __init__(self, connection: Any, mark: str, begin: str) -> None:
        self._connection = connection
        self._mark = mark
        self._begin = begin
        self._statements: dict[str, str] = {}
        self.close: Callable[[], None] = connection.close

    def select(self, statement: str, parameter: object) -> list[Row]:
        """Rows by column name."""
        cursor = self._connection.execute(statement.replace("?", self._mark), (parameter,))
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, map(_writable, row), strict=True)) for row in cursor.fetchall()]

    def rows_of(self, table: str, column: str, value: object) -> list[Row]:
        """Whole rows by the value of one column."""
        return self.select(f'SELECT * FROM "{table}" WHERE {column} = ?', value)  # noqa: S608  names of our own tables

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One transaction, committed at the end."""
        self._connection.execute(self._begin)
        yield
        self._connection.execute("COMMIT")

    def insert(self, tables: Mapping[str, Sequence[Row]], order: Sequence[str]) -> None:
        """Insert rows, table by table: one statement for a row, executemany for several."""
        for table in order:
            rows = [tuple(row.values()) for row in tables[table]]
            statement = self._statement(table, tables[table][0])
            if len(rows) == 1:
                self._connection.execute(statement, rows[0])
            else:
                self._connection.cursor().executemany(statement, rows)

    def _statement(self, table: str, row: Row) -> str:
        if table not in self._statements:
            names = ", ".join(f'"{name}"' for name in row)
            marks = ", ".join(self._mark for _ in row)
            self._statements[table] = f'INSERT INTO "{table}" ({names}) VALUES ({marks})'  # noqa: S608  as above
        return self._statements[table]


def connect(url: str) -> Plain:
    """Open a database as the service does, by its plain driver."""
    parts = make_url(url)
    if parts.get_backend_name() == "sqlite":
        connection = sqlite3.connect(str(parts.database), isolation_level=None, check_same_thread=False)
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        return Plain(connection, "?", "BEGIN IMMEDIATE")
    plain = parts.set(drivername="postgresql").render_as_string(hide_password=False)
    return Plain(psycopg.connect(plain, autocommit=True), "%s", "BEGIN")


def _writable(value: object) -> object:
    return Json(value) if isinstance(value, (dict, list)) else value
