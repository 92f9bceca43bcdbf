"""What both databases are asked the same way: rows of several tables at once, and reading beside a writer."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import IntegrityError, StatementError

from app.cases.models import Claim, Outbox, Tombstone
from app.crypto.sealed import Sealed
from app.db import ROWS_AT_ONCE, insert_all, standing_alone
from app.studies.models import Epoch
from tests.clock import START


def claim(attempt: UUID | None = None) -> dict[str, Any]:
    """The row of a claim."""
    return {"attempt": attempt or uuid4(), "void": False}


def outbox() -> dict[str, Any]:
    """A row of the outbox: JSON and a moment."""
    return {"id": uuid4(), "share_ids": ["one", "two"], "written_at": START}


def epoch(wrapped: bytes | None) -> dict[str, Any]:
    """The row of an epoch: sealed bytes or none, and a digest."""
    texts = {"id": uuid4(), "study_id": uuid4(), "team": "worker", "number": 1, "public": b"public"}
    return texts | {"fingerprint": bytes(32), "wrapped_private": wrapped}


def count(engine: Engine, table: Any) -> int:
    """How many rows a table has."""
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


# One statement on PostgreSQL, and what is copied there.
SEVERAL, MANY = 1, ROWS_AT_ONCE


@pytest.mark.parametrize("times", [SEVERAL, MANY])
def test_rows_of_several_tables_arrive_as_they_were_given(main_engine: Engine, times: int) -> None:
    """Every kind of column, one row, several and many, None among them."""
    epochs = [epoch(wrapped) for _ in range(times) for wrapped in (Sealed(b"sealed"), None)]
    one = outbox()

    with main_engine.begin() as connection:
        insert_all(connection, [(Epoch.table(), epochs), (Outbox.table(), [one])])

    with main_engine.connect() as connection:
        found = {row.id: row._asdict() for row in connection.execute(select(Epoch.table()))}
        assert found == {row["id"]: row for row in epochs}
        assert [row._asdict() for row in connection.execute(select(Outbox.table()))] == [one]


@pytest.mark.parametrize("times", [SEVERAL, MANY])
def test_all_rows_arrive_or_none(main_engine: Engine, times: int) -> None:
    """A key that is taken in the last table leaves nothing in the first."""
    taken, others = claim(), [claim() for _ in range(times)]
    with main_engine.begin() as connection:
        insert_all(connection, [(Claim.table(), [taken])])

    with pytest.raises(IntegrityError), main_engine.begin() as connection:
        insert_all(connection, [(Outbox.table(), [outbox()]), (Claim.table(), [*others, taken])])

    assert count(main_engine, Outbox.table()) == 0
    assert count(main_engine, Claim.table()) == 1


@pytest.mark.parametrize("times", [SEVERAL, MANY])
def test_an_encrypted_column_takes_nothing_unsealed_among_several_rows(main_engine: Engine, times: int) -> None:
    """The column's own check holds for every row."""
    sealed = [epoch(Sealed(b"sealed")) for _ in range(times)]
    with pytest.raises((StatementError, TypeError), match="accepts only Sealed"), main_engine.begin() as connection:
        insert_all(connection, [(Epoch.table(), [*sealed, epoch(b"plain")])])

    assert count(main_engine, Epoch.table()) == 0


def test_a_reader_that_stands_alone_waits_for_no_writer(main_engine: Engine) -> None:
    """It sees what is committed while another transaction holds SQLite's write lock."""
    with main_engine.begin() as writer, main_engine.connect() as reader:
        insert_all(writer, [(Claim.table(), [claim()])])

        assert standing_alone(reader).scalar(select(func.count()).select_from(Claim.table())) == 0


def test_a_statement_that_stands_alone_is_durable_at_once(main_engine: Engine) -> None:
    """Nobody commits, and it stays."""
    with main_engine.connect() as connection:
        insert_all(standing_alone(connection), [(Claim.table(), [claim()])])

    assert count(main_engine, Claim.table()) == 1


def test_a_connection_that_stood_alone_serves_transactions_again(main_engine: Engine) -> None:
    """The pool hands the same connection out; a transaction on it rolls back as a whole."""
    with main_engine.connect() as connection:
        standing_alone(connection).scalar(select(func.count()).select_from(Tombstone.table()))

    with main_engine.connect() as connection:
        insert_all(connection, [(Claim.table(), [claim()])])
        connection.rollback()

    assert count(main_engine, Claim.table()) == 0
