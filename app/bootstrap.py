"""Puts the parts together, and runs the kinds of work: a transaction, a read of sealed content, making grants.

Services never commit. The blocks here do, and turn what a database says into our own errors: an answer is given only
after its commit, and no statement or parameter travels with an error.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import Engine, event, insert, text
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm import ORMExecuteState, Session

from app.access import Actor
from app.accounts import devices, phases
from app.accounts import models as _accounts
from app.accounts.ceremonies import Ceremonies, RelyingParty
from app.accounts.gate import Gate
from app.accounts.throttle import Throttling
from app.audit import models as _audit
from app.cases import housekeeping
from app.cases import models as _cases
from app.cases.grouping import Group
from app.cases.making import Attempt, Joining, Making, joins, reads_only, together
from app.cases.models import Claim, DiscardedFile, Outbox
from app.cases.reading import Reading
from app.collaborators import Collaborators, utc_now
from app.crypto.secrets import Secret
from app.custody.registry import open_custody
from app.db import insert_all, make_engine, standing_alone
from app.errors import Conflict, EpochEnded, Gone, Retry, TestimonyError, Unavailable
from app.files.base import FileStore
from app.files.registry import open_store
from app.files.s3 import Keys
from app.forms import models as _forms
from app.intake import models as _intake
from app.keystore.service import Keystore
from app.logs import get_logger
from app.review import models as _review
from app.settings import Settings
from app.studies import models as _studies

__all__ = ["Role", "Runtime", "build", "database_errors"]

R = TypeVar("R")
Role = Literal["web", "worker", "operator"]

# How often sealing starts again when epochs or rosters change meanwhile.
TRIES = 5
# How long a leader waits for more intakes, in seconds: no longer than a few commits wait for their disks.
PATIENCE = 0.01
# Argon2id takes 64 MiB each: this many at once in one process.
SIGN_INS_AT_ONCE = 2
OWING = "shares to destroy, or files to delete"
# SQLSTATE (PostgreSQL, appendix A) and SQLite's extended result codes.
FOREIGN_KEY = frozenset({"23503", "23001", "SQLITE_CONSTRAINT_FOREIGNKEY", "SQLITE_CONSTRAINT_TRIGGER"})
UNIQUE = frozenset({"23505", "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"})
TRY_AGAIN = frozenset({"40001", "40P01", "55P03", "SQLITE_BUSY", "SQLITE_BUSY_SNAPSHOT", "SQLITE_LOCKED"})
# Importing the features' models is what lets their tables refer to each other.
MODELS = (_accounts, _audit, _cases, _forms, _intake, _review, _studies)

CLAIM = insert(Claim.table())

log = get_logger()


@dataclass(frozen=True, slots=True)
class Runtime:
    """One process's parts and the ways to work with them."""

    settings: Settings
    role: Role
    engine: Engine
    keystore_engine: Engine
    collaborators: Collaborators
    gate: Gate
    throttling: Throttling
    ceremonies: Ceremonies
    group: Group[Joining[Any], Any] = field(default_factory=lambda: Group(patience=PATIENCE), init=False)
    calling: Group[str, Actor] = field(default_factory=Group, init=False)

    @property
    def clock(self) -> Callable[[], datetime]:
        """The clock that every part of this process uses."""
        return self.collaborators.clock

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Session]:
        """One transaction of the main database: committed at the end, rolled back on any exception.

        Raises:
            Conflict: a unique key is taken.
            EpochEnded: a row that this one refers to is gone, or one that is to go is still referred to.
            Retry: the database asks to try again.
            Unavailable: anything else that the database says.
        """
        with database_errors(), _Session(self.engine, expire_on_commit=False) as session:
            with session.begin():
                yield session
            owing = OWING in session.info
        if owing:
            self.drain()

    @contextlib.contextmanager
    def glance(self) -> Iterator[Session]:
        """A session for reading, or for one lone change: each statement stands for itself, which saves round trips."""
        with (
            database_errors(),
            self.engine.connect() as connection,
            Session(standing_alone(connection), expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    def device(self, token: str) -> Actor:
        """Which device holds this token, as the database says now: it is asked together with what other threads ask.

        Raises:
            Unauthenticated: none, or none any more.
        """
        return self.calling.do(token, self._device, self._devices)

    def _device(self, token: str) -> Actor:
        with self.glance() as session:
            return devices.authenticate_device(session, self.collaborators, token)

    def _devices(self, tokens: Sequence[str]) -> Sequence[Actor | None]:
        with self.glance() as session:
            return devices.authenticate_devices(session, self.collaborators, tokens)

    def read(self, reading: Reading[R]) -> R:
        """Authorise and write the event in a transaction; then, with none open, unwrap and decrypt."""
        with self.transaction() as session:
            reading.look(session)
        return reading.open()

    def make(self, making: Making[R]) -> R:
        """Seal, give the shares to the keystore, store the rows; again from the start if the ground moved meanwhile.

        What may join others is made together with what other threads make at this moment.

        Raises:
            Retry: it moved ``TRIES`` times.
        """
        if joins(making):
            result: R = self.group.do(making, self._make_alone, self._make_together)
            return result
        return self._make_alone(making)

    def _make_alone(self, making: Making[R]) -> R:
        for _ in range(TRIES - 1):
            with contextlib.suppress(Retry):
                return self._make_once(making)
        return self._make_once(making)

    def _make_together(self, makings: Sequence[Joining[R]]) -> Sequence[R | None]:
        """The results of those that could share their transactions; None for each that is to be made alone."""
        try:
            made = self._make_all(makings)
        except Exception as failed:  # noqa: BLE001  whatever it is, it is met again, or not, by each alone
            log.info("not made together", count=len(makings), code=getattr(failed, "code", "unforeseen"))
            made = {}
        return [made.get(id(making)) for making in makings]

    def _make_all(self, makings: Sequence[Joining[R]]) -> dict[int, R]:
        planned: list[Joining[R]] = []
        with self.glance() as session:
            for making in makings[0].fresh(session, makings):
                with contextlib.suppress(TestimonyError):
                    making.plan_fresh(session)
                    planned.append(making)
        if not planned:
            return {}
        attempts = [making.seal() for making in planned]
        self._put(attempts)
        try:
            with self.transaction() as session:
                claims = Claim.table(), [{"attempt": attempt.id, "void": False} for attempt in attempts]
                insert_all(session.connection(), [claims, *together([making.rows() for making in planned])])
        except BaseException:
            self._void(attempts)
            raise
        return {id(making): making.result() for making in planned}

    def run(self, phased: phases.Phased[R]) -> R:
        """Take one attempt at a password or a code through its phases."""
        return phases.run(self.transaction, phased)

    def _make_once(self, making: Making[R]) -> R:
        with self.glance() if reads_only(making) else self.transaction() as session:
            making.plan(session)
        attempt = making.seal()
        self._put([attempt])
        try:
            with self.transaction() as session:
                session.connection().execute(CLAIM, {"attempt": attempt.id, "void": False})
                result = making.store(session)
        except BaseException:
            self._void([attempt])
            raise
        return result

    def _put(self, attempts: Sequence[Attempt]) -> None:
        keystore = self.collaborators.keystore
        try:
            if len(attempts) == 1:
                keystore.put(**attempts[0].put())
            else:
                keystore.put_new([attempt.put() for attempt in attempts])
        except (Conflict, Gone, Retry):
            raise  # refused as a whole: nothing of the attempts is there
        except BaseException:
            self._void(attempts)
            raise

    def _void(self, attempts: Sequence[Attempt]) -> None:
        """Destroy the shares of failed attempts, but only once no transaction can claim them any more.

        They fail together, because one transaction claims them. If the claims stand after all (their commit went
        through although we were told otherwise) the shares stay; if they cannot be voided now, the sweeper will.
        """
        try:
            with self.transaction() as session:
                session.connection().execute(CLAIM, [{"attempt": attempt.id, "void": True} for attempt in attempts])
            for attempt in attempts:
                self.collaborators.keystore.destroy_attempt(attempt.id)
        except TestimonyError:
            log.warning("not voided", attempt=str(attempts[0].id), count=len(attempts), exc_info=True)

    def drain(self) -> None:
        """Destroy the shares that the outbox names, and delete discarded files; what fails is left to the worker."""
        try:
            with self.transaction() as session:
                housekeeping.drain_outbox(session, self.collaborators)
            self._drain_files()
        except TestimonyError:
            log.warning("outbox not drained", exc_info=True)

    def _drain_files(self) -> None:
        with self.glance() as session:
            files = housekeeping.discarded_files(session)
        stuck = [file for file in files if not self._deleted(file)]
        if files:
            with self.transaction() as session:
                housekeeping.forget_files(session, [file for file in files if file not in stuck])
                housekeeping.put_off(session, stuck, self.clock())
        if stuck:
            log.warning("files not deleted", part="files", count=len(stuck))

    def _deleted(self, file: UUID) -> bool:
        """Whether the store has deleted this one; StoreUnavailable if it cannot be used at all."""
        try:
            self.collaborators.files.discard(file)
        except TestimonyError:
            self.collaborators.files.check()
            return False
        return True

    def failing_parts(self) -> list[str]:
        """The parts that do not answer: ``database``, ``keystore``, ``custody``, ``files``."""
        return [name for name, answers in self._parts().items() if not _try(answers)]

    def _parts(self) -> dict[str, Callable[[], None]]:
        return {
            "database": lambda: _ping(self.engine),
            "keystore": lambda: _ping(self.keystore_engine),
            "custody": lambda: _public(self.collaborators),
            "files": self.collaborators.files.check,
        }

    def close(self) -> None:
        """Give back every database connection."""
        self.engine.dispose()
        self.keystore_engine.dispose()


def build(
    settings: Settings, role: Role, *, clock: Callable[[], datetime] = utc_now, gate: Gate | None = None
) -> Runtime:
    """Open the databases and custody for one process. Opens no connection yet.

    Raises:
        CustodyUnavailable: custody cannot be opened for this role.
        StoreUnavailable: there is no such store of files.
    """
    custody_url = settings.custody if "#" in settings.custody else f"{settings.custody}#{role}"
    custody = open_custody(custody_url)
    engine = make_engine(settings.database_url.get_secret_value(), journal="wal")
    keystore_engine = make_engine(settings.keystore_url.get_secret_value(), journal="delete")
    keystore = Keystore(keystore_engine, custody, settings.deployment, clock)
    collaborators = Collaborators(
        settings.deployment,
        custody,
        keystore,
        clock,
        _files(settings),
        settings.session_idle,
        settings.session_limit,
        settings.upload_gib,
    )
    party = RelyingParty(urlsplit(settings.origin).hostname or "localhost", settings.origin)
    # Those who wait for their sign-in must not take every thread from those who work.
    waiting = max(1, settings.web_threads // 2 - SIGN_INS_AT_ONCE)
    return Runtime(
        settings,
        role,
        engine,
        keystore_engine,
        collaborators,
        gate or Gate(at_once=SIGN_INS_AT_ONCE, waiting=waiting),
        Throttling(collaborators),
        Ceremonies(collaborators, party),
    )


def _files(settings: Settings) -> FileStore:
    access, secret = (
        Secret(each.get_secret_value().encode()) for each in (settings.files_access_key, settings.files_secret_key)
    )
    return open_store(settings.files, Keys(access, secret) if len(access) and len(secret) else None)


class _Session(Session):
    """A session that notices when something is written to an outbox."""


@event.listens_for(_Session, "do_orm_execute")
def _notice_outbox(state: ORMExecuteState) -> None:
    if state.is_insert and state.bind_mapper is not None and state.bind_mapper.class_ in {Outbox, DiscardedFile}:
        state.session.info[OWING] = True


@contextlib.contextmanager
def database_errors() -> Iterator[None]:
    """Turn what the database layer raises into our errors, without its text, which may show rows."""
    try:
        yield
    except IntegrityError as refused:
        raise _translated(refused) from None
    except SQLAlchemyError as failed:
        log.warning("database error", code=_state_of(failed), exc_info=True)
        raise _translated(failed) from None


def _translated(error: SQLAlchemyError) -> TestimonyError:
    state = _state_of(error)
    if state in FOREIGN_KEY:
        return EpochEnded()
    if state in UNIQUE:
        return Conflict()
    return Retry() if state in TRY_AGAIN else Unavailable()


def _state_of(error: SQLAlchemyError) -> str:
    original = error.orig if isinstance(error, DBAPIError) else None
    return getattr(original, "sqlstate", None) or getattr(original, "sqlite_errorname", None) or ""


def _try(answers: Callable[[], None]) -> bool:
    try:
        answers()
    except TestimonyError:
        return False
    return True


def _ping(engine: Engine) -> None:
    with database_errors(), engine.connect() as connection:
        connection.execute(text("SELECT 1"))


def _public(collaborators: Collaborators) -> None:
    collaborators.custody.public("roster-1")
