"""Scenes of theft: a system whose logs and temporary files lie where the test can look, and what is carried off."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, field
from pathlib import Path
from typing import LiteralString
from uuid import UUID

import psycopg
from sqlalchemy import make_url

from app import logs
from app.keystore.rotation import rotate
from app.studies.instrument import Instrument, bundled
from tests.clock import Clock
from tests.databases import RUN_VARIABLE, SERVER_VARIABLE, Kind
from tests.security.attacker import Attacker
from tests.security.loot import History, Rows, carve, joined, sqlite_files
from tests.security.story import Story
from tests.system import System


@dataclass
class Scene:
    """A system, its people's story, and everything that ever stood in its databases."""

    folder: Path
    kind: Kind
    system: System
    story: Story = field(init=False)
    main: History = field(init=False)
    keystore: History = field(init=False)
    _wal_from: str = field(init=False)

    def __post_init__(self) -> None:
        """Found the study; look from the first row on."""
        self.main = History.of_main(self.system.runtime.engine)
        self.keystore = History.of_keystore(self.system.runtime.keystore_engine)
        self._wal_from = _wal_segment(self.system.urls[0]) if self.kind == "postgresql" else ""
        self.story = Story(self.system, looking=self.look)

    @staticmethod
    def form() -> Instrument:
        """The questionnaire of the story."""
        return bundled()

    def look(self) -> None:
        """Remember every row."""
        self.main.look()
        self.keystore.look()

    def rotate(self) -> int:
        """Rotate the keystore, as the operator's timer does."""
        version = rotate(self.system.collaborators.keystore, self.folder / "backups")
        self.look()
        return version

    def tidy(self) -> None:
        """What the worker does between records."""
        self.system.worker.drain()
        self.system.collaborators.keystore.destroy_expired()
        self.look()

    def attacker(
        self,
        keystore: Rows,
        *,
        passwords: Mapping[UUID, str] | None = None,
        named: Sequence[Sequence[str]] = (("legal_name",),),
    ) -> Attacker:
        """A thief of these keystore rows, of custody as it is now, and of every row that the main database ever had."""
        custody = self.folder / "stolen" / "custody"
        shutil.rmtree(custody.parent, ignore_errors=True)
        shutil.copytree(self.system.folder / "custody", custody)
        main = joined(self.main.all(), {name: rows for name, rows in self.carved().items() if name != "share"})
        deployment = self.system.settings.deployment
        return Attacker(deployment, custody, main, keystore, passwords or {}, named)

    def carved(self) -> Rows:
        """Rows carved from the files of SQLite; PostgreSQL's old tuples are stood for by the rows that were seen."""
        if self.kind == "postgresql":
            return {"grant": [], "member": [], "share": []}
        sizes = {len(row["box"]) for row in self.main.all()["grant"]}
        return carve(self.database_files(), sizes)

    def stolen_keystore(self) -> Rows:
        """The keystore's rows, and what can be carved from its files."""
        return joined(self.keystore.now(), {"share": self.carved()["share"]})

    def database_files(self) -> list[Path]:
        """Every file in which a database keeps rows."""
        if self.kind == "sqlite":
            return [path for url in self.system.urls for path in sqlite_files(url)]
        return [path for url in self.system.urls for path in _postgresql_files(url, self._wal_from)]

    def own_files(self) -> list[Path]:
        """Every other file of the system: custody, backups, logs, temporary files."""
        return [path for path in self.folder.rglob("*") if path.is_file()]

    def canaries(self) -> dict[str, list[str]]:
        """Every file in which a canary is."""
        search = dict.fromkeys(self.own_files(), self.story.canary.found)
        # A database packs nothing the usual ways, and a log of many megabytes has many false beginnings of such.
        search |= dict.fromkeys(self.database_files(), self.story.canary.found_unpacked)
        found = {str(path): finds(path.read_bytes()) for path, finds in search.items()}
        return {path: hits for path, hits in found.items() if hits}


@contextmanager
def staged(folder: Path, kind: Kind) -> Iterator[Scene]:
    """A system whose temporary files and whose log, at its most talkative, lie below ``folder``."""
    temporary, log = folder / "tmp", folder / "log"
    temporary.mkdir(parents=True)
    before = tempfile.tempdir, os.environ.get("TMPDIR")
    tempfile.tempdir = os.environ["TMPDIR"] = str(temporary)
    try:
        with log.open("w", buffering=1) as file, redirect_stderr(file):
            logs.configure("debug", strict=True)
            system = System(folder / "data", kind, Clock())
            try:
                yield Scene(folder, kind, system)
            finally:
                system.close()
    finally:
        tempfile.tempdir = before[0]
        os.environ.pop("TMPDIR")
        if before[1] is not None:
            os.environ["TMPDIR"] = before[1]
        logs.configure("info")


def _postgresql_files(url: str, wal_from: str) -> list[Path]:
    """The files of one database, and the write-ahead log since the scene began, of the run's own server."""
    data = Path(os.environ[RUN_VARIABLE]) / "pg"
    if SERVER_VARIABLE in os.environ or not os.access(data, os.R_OK | os.X_OK):
        return []
    _ask(url, "CHECKPOINT")
    folder = _ask(url, "SELECT oid::text FROM pg_database WHERE datname = current_database()")
    wal_to = _wal_segment(url)
    log = [path for path in (data / "pg_wal").iterdir() if wal_from <= path.name <= wal_to]
    return [path for path in (data / "base" / folder).iterdir() if path.is_file()] + log


def _wal_segment(url: str) -> str:
    return _ask(url, "SELECT pg_walfile_name(pg_current_wal_insert_lsn())")


def _ask(url: str, statement: LiteralString) -> str:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        answer = connection.execute(statement)
        row = answer.fetchone() if answer.description else None
    return str(row[0]) if row else ""
