"""A part fails while a record comes in: nobody is told that it is durable, nothing is half, later it works again."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Engine, event, make_url, select, text

from app.cases.models import Claim
from app.client import Client, Problem
from tests.durability import books
from tests.durability.processes import enrol
from tests.system import System

ACCEPTED, UNAVAILABLE = 200, 503
# More interviews than fit into what a database of the tests has left over in its pages.
MANY = 40
BRIEF_WAIT_MS = 50


CREATE_PROMISE = """
    CREATE TABLE promise (id {} REFERENCES "user" (id) DEFERRABLE INITIALLY DEFERRED)
"""
BREAK_IT = {
    "sqlite": [
        """
        CREATE TRIGGER breaks AFTER INSERT ON record
        BEGIN INSERT INTO promise VALUES ('00000000000000000000000000000007'); END
        """
    ],
    "postgresql": [
        """
        CREATE FUNCTION break_promise() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO promise VALUES ('00000000000000000000000000000007'); RETURN NEW; END $$
        """,
        "CREATE TRIGGER breaks AFTER INSERT ON record FOR EACH ROW EXECUTE FUNCTION break_promise()",
    ],
}


@pytest.fixture
def interviewer(system: System) -> Iterator[Client]:
    """A device of the interviewer of a study that is open."""
    with system.client(enrol(system, system.study())) as client:
        yield client


def submit(client: Client, client_uuid: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """One try."""
    return client.http.put(f"/v1/records/{client_uuid}", body)


def status(client: Client, client_uuid: UUID, body: dict[str, Any]) -> int:
    """How one try ends."""
    try:
        submit(client, client_uuid, body)
    except Problem as problem:
        return problem.status
    return ACCEPTED


def check_refused_for_now(client: Client, client_uuid: UUID, body: dict[str, Any]) -> None:
    """Raise AssertionError unless the interview is refused in a way that asks to come back."""
    assert status(client, client_uuid, body) == UNAVAILABLE


def check_books(system: System, *accepted: UUID) -> None:
    """Raise AssertionError unless exactly these interviews are there, whole, with their shares and no others."""
    found = books.read(system)
    assert {record.client_uuid for record in found.records} == set(accepted)
    books.check_whole(found)
    books.check_shares(system, found)


@contextmanager
def pragma(engine: Engine, statement: str) -> Iterator[None]:
    """Let every SQLite connection run a statement when it opens."""

    def on_connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA {statement}")

    event.listen(engine, "connect", on_connect)
    engine.dispose()
    yield
    event.remove(engine, "connect", on_connect)
    engine.dispose()


@contextmanager
def sqlite_locked(system: System) -> Iterator[None]:
    """Another program holds the keystore's file."""
    other = sqlite3.connect(str(make_url(system.urls[1]).database), isolation_level=None)
    with pragma(system.web.keystore_engine, f"busy_timeout={BRIEF_WAIT_MS}"):
        # A connection that is open already: opening one would wait for as long as production does.
        system.web.collaborators.keystore.floor(system.first().id)
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.close()


@contextmanager
def postgresql_away(system: System) -> Iterator[None]:
    """The keystore's server cuts every connection and takes none."""
    url = make_url(system.urls[1])
    assert url.database is not None
    there = url.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    allow = sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}")
    with psycopg.connect(there, autocommit=True) as admin:
        admin.execute(allow.format(sql.Identifier(url.database), sql.Literal(False)))
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [url.database])
        yield
        admin.execute(allow.format(sql.Identifier(url.database), sql.Literal(True)))
    # The operator's process noticed nothing yet, and its first call would.
    system.runtime.keystore_engine.dispose()


AWAY: dict[str, Callable[[System], AbstractContextManager[None]]] = {
    "sqlite": sqlite_locked,
    "postgresql": postgresql_away,
}


def test_without_the_keystore_nothing_is_stored(system: System, interviewer: Client) -> None:
    """A locked file, a server that is away: 503, no row, no share; the same interview is taken when it is back."""
    client_uuid, body = uuid4(), system.body()

    with AWAY[system.web.engine.name](system):
        check_refused_for_now(interviewer, client_uuid, body)

    check_books(system)
    submit(interviewer, client_uuid, body)
    check_books(system, client_uuid)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("part", ["engine", "keystore_engine"])
def test_a_full_disk_stops_intake_and_leaves_nothing_half(system: System, interviewer: Client, part: str) -> None:
    """The main database or the keystore cannot grow: 503 from then on, and all is well when there is room again."""
    accepted: list[UUID] = []
    body, refused = system.body(), uuid4()

    with pragma(getattr(system.web, part), "max_page_count=1"):
        while status(interviewer, refused, body) == ACCEPTED and len(accepted) < MANY:
            accepted.append(refused)
            refused = uuid4()
        check_refused_for_now(interviewer, refused, body)

    assert len(accepted) < MANY
    check_books(system, *accepted)
    submit(interviewer, refused, body)
    check_books(system, *accepted, refused)


@contextmanager
def failing_commit(system: System) -> Iterator[None]:
    """Each new record breaks a promise that the database looks at when the transaction commits."""
    engine, postgresql = system.runtime.engine, system.runtime.engine.name == "postgresql"
    create = [CREATE_PROMISE.format("uuid" if postgresql else "CHAR(32)"), *BREAK_IT[engine.name]]
    with engine.begin() as connection:
        for statement in create:
            connection.execute(text(statement))
    yield
    with engine.begin() as connection:
        connection.execute(text("DROP TRIGGER breaks" + (" ON record" if postgresql else "")))


def test_a_failed_commit_is_no_receipt_and_leaves_no_share(system: System, interviewer: Client) -> None:
    """The shares were in the keystore already; each try's are voided and destroyed, and the next one starts anew."""
    client_uuid, body = uuid4(), system.body()

    with failing_commit(system):
        check_refused_for_now(interviewer, client_uuid, body)

    assert system.collaborators.keystore.share_ids() == []
    with system.runtime.transaction() as session:
        assert set(session.scalars(select(Claim.void))) == {True}
    submit(interviewer, client_uuid, body)
    check_books(system, client_uuid)
