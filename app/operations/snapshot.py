"""Reading many rows as they stood at one moment, while the service goes on writing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from app.bootstrap import Runtime, database_errors
from app.db import standing_alone

__all__ = ["snapshot"]


@contextmanager
def snapshot(runtime: Runtime) -> Iterator[Session]:
    """A session of the main database whose every read sees the same moment; it waits for no writer and holds none."""
    with database_errors(), runtime.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            # Begun without the write lock that our transactions take; closing the connection ends it.
            standing_alone(connection).exec_driver_sql("BEGIN")
        else:
            connection.execution_options(isolation_level="REPEATABLE READ")
        with Session(connection) as session:
            yield session
