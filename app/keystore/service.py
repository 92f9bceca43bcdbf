"""The keystore: put, read and destroy shares; freeze, thaw and erase records; hold roster floors.

Every verb is one transaction and commits by itself. ``put`` is on the way of each intake: it seals first, then locks
the key version and the record, so that a rotation or an erasure running meanwhile refuses it instead of losing it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Required, TypedDict
from uuid import UUID

from sqlalchemy import Connection, Engine, Row
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from app.crypto.sealed import Sealed
from app.crypto.secrets import Secret
from app.crypto.shares import open_share, seal_share
from app.custody.base import Custody
from app.errors import Conflict, KeystoreUnavailable, NotFound, RecordDead, ShareGone, StaleKeyVersion, StaleRoster
from app.keystore import policies, queries
from app.keystore.keys import KeyVersion, KeyVersions
from app.keystore.models import KeyState, RecordState
from app.keystore.models import share as share_table

__all__ = ["Floor", "Keystore", "Share"]

# A put that meets a rotation seals again; rotations are hours apart, so a second miss is already unlikely.
PUT_TRIES = 4


@dataclass(frozen=True, slots=True)
class Share:
    """A share to store: 32 bytes for one grant, of one scope."""

    id: UUID
    scope: str
    value: Secret
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Floor:
    """The version of the verified roster that the caller works by."""

    study: UUID
    version: int


class Put(TypedDict, total=False):
    """What ``Keystore.put`` takes."""

    attempt: Required[UUID]
    record: Required[UUID]
    shares: Required[Sequence[Share]]
    floor: Required[Floor]
    idem: Secret | None
    moving: bool
    also: Floor | None


class Keystore:
    """Shares and record states.

    ``engine`` is opened by ``make_engine(url, journal="delete")``; ``clock`` gives aware moments. Every verb raises
    ``KeystoreUnavailable`` when the database does not answer and ``CustodyUnavailable`` when a key version cannot be
    unwrapped.
    """

    def __init__(self, engine: Engine, custody: Custody, deployment: UUID, clock: Callable[[], datetime]) -> None:
        self.engine = engine
        self.custody = custody
        self.deployment = deployment
        self.clock = clock
        self.keys = KeyVersions(custody, deployment)
        # SQLite's writers poll for its lock; threads of one process stand in line instead.
        self._turn: AbstractContextManager[Any] = threading.Lock() if engine.name == "sqlite" else nullcontext()

    def initialise(self) -> None:
        """Make the first key version; harmless when there is one."""
        with self.transaction() as connection:
            if queries.current_version(connection) is None:
                queries.add_version(connection, 1, self.keys.make(1), self.clock())

    def put(
        self,
        *,
        attempt: UUID,
        record: UUID,
        shares: Sequence[Share],
        floor: Floor,
        idem: Secret | None = None,
        moving: bool = False,
        also: Floor | None = None,
    ) -> None:
        """Store the shares of one attempt, all or none; ``idem`` makes the record.

        Share ids are fresh per attempt, and a record id never goes with two different ``idem``. ``also`` is the version
        of a second roster that was sealed by: the system's, which names the worker's key.

        Raises:
            RecordFrozen: the record is frozen and this is no move.
            RecordDead: the record or one of the scopes was erased.
            StaleRoster: the roster is older than one seen before.
            StaleKeyVersion: key versions changed again and again meanwhile.
            NotFound: the record is unknown and no ``idem`` was given.
            Conflict: a share id is taken, or the record has another ``idem``.
        """
        other = also or floor
        for _ in range(PUT_TRIES):
            version = self.keys.remembered() or self._current()
            rows = [self._share_row(version, attempt, record, item) for item in shares]
            made = None if idem is None else self._record_row(version, record, idem)
            with self.transaction() as connection:
                if made is not None and queries.put_new(
                    connection, made, rows, (floor.study, floor.version), (other.study, other.version)
                ):
                    return
                state, stored, stored_other = queries.lock_for_put(connection, version.n, floor.study, other.study)
                if state == KeyState.CURRENT:
                    self._meet_floor(connection, stored, floor)
                    self._meet_floor(connection, stored_other, other)
                    if made is None or not queries.add_record(connection, made):
                        self._check_known(connection, record, {item.scope for item in shares}, idem, moving=moving)
                    if rows:
                        queries.add_shares(connection, rows)
                    return
            self.keys.forget()
        raise StaleKeyVersion

    def put_new(self, puts: Sequence[Put]) -> None:
        """Store several new records with their shares in one transaction, all or none; the common case and no other.

        Raises:
            StaleRoster: a roster is not the newest one seen. It may be newer, which ``put`` takes.
            StaleKeyVersion: the key version is no longer current.
            Conflict: a share or a record is there already, or one comes without ``idem``.
        """
        version = self.keys.remembered() or self._current()
        idems = ((put["record"], put.get("idem")) for put in puts)
        records = [self._record_row(version, record, idem) for record, idem in idems if idem is not None]
        rows = [self._share_row(version, put["attempt"], put["record"], item) for put in puts for item in put["shares"]]
        floors = {floor.study: floor.version for put in puts for floor in (put["floor"], put.get("also")) if floor}
        with self.transaction() as connection:
            stored = queries.lock_current(connection, version.n, floors)
            if stored is None:
                self.keys.forget()
                raise StaleKeyVersion
            if stored != floors:
                raise StaleRoster
            queries.add_new(connection, records, rows)

    def get(self, ids: Sequence[UUID], *, floor: Floor, moving: bool = False) -> dict[UUID, Secret]:
        """Read shares, all or none.

        Raises:
            ShareGone: one was destroyed, never existed or has expired.
            RecordFrozen: one belongs to a frozen record and this is no move.
            RecordDead: one belongs to an erased record or scope.
            StaleRoster: the roster is older than one seen before.
            TamperedShare: a stored value was changed.
        """
        wanted = set(ids)
        with self.transaction() as connection:
            stored, n = queries.standing(connection, floor.study)
            self._meet_floor(connection, stored, floor)
            rows = queries.shares(connection, wanted)
            keys = self._keys_of(connection, n, {row.kk for row in rows})
        now = self.clock()
        for row in rows:
            policies.check_serving(row.state, row.dead_scopes, [row.scope], moving=moving)
        if len(rows) < len(wanted) or any(row.expires_at is not None and row.expires_at <= now for row in rows):
            raise ShareGone
        return {row.id: self.open(keys[row.kk], row.kk, row.id, row.record, row.value) for row in rows}

    def idem(self, record: UUID) -> Secret:
        """The secret under which a record's content was digested; a frozen record still gives it.

        Raises:
            RecordDead: the record was erased.
            ShareGone: the keystore does not know the record, or made it without one.
        """
        with self.transaction() as connection:
            row = queries.locked_record(connection, record, shared=True)
            if row is not None and row.state == RecordState.DEAD:
                raise RecordDead
            if row is None or row.idem is None:
                raise ShareGone
            return self._open_idem(connection, row)

    def destroy(self, ids: Sequence[UUID]) -> None:
        """Destroy shares; those already gone are no error."""
        with self.transaction() as connection:
            queries.delete_shares(connection, share_table.c.id.in_(ids))

    def destroy_expired(self) -> int:
        """Destroy every share whose time is over; how many there were."""
        with self.transaction() as connection:
            return queries.delete_shares(connection, share_table.c.expires_at <= self.clock())

    def freeze(self, records: Sequence[UUID]) -> None:
        """Refuse to serve these records from now on, also such as are not known yet; erased ones stay erased."""
        with self.transaction() as connection:
            for record in sorted(set(records)):
                queries.add_record(connection, {"id": record})
                if self._locked(connection, record).state == RecordState.LIVE:
                    queries.set_record(connection, record, state=RecordState.FROZEN)

    def thaw(self, records: Sequence[UUID]) -> None:
        """Serve frozen records again; live ones stay live.

        Raises:
            RecordDead: one was erased, and none is thawed.
            NotFound: one is unknown, and none is thawed.
        """
        with self.transaction() as connection:
            for record in sorted(set(records)):
                if self._locked(connection, record).state == RecordState.DEAD:
                    raise RecordDead
                queries.set_record(connection, record, state=RecordState.LIVE)

    def kill(self, record: UUID, scopes: Sequence[str] | None = None) -> None:
        """Erase a record, or some scopes of it, for good: its shares are destroyed and none can be added.

        Without ``scopes`` the record's ``idem`` goes too. With them its state stays as it is, frozen or live. A record
        not known yet is noted, so that the erasure also holds for what a restored copy lacks.
        """
        with self.transaction() as connection:
            queries.add_record(connection, {"id": record})
            row = self._locked(connection, record)
            if scopes is None:
                queries.set_record(connection, record, state=RecordState.DEAD, idem=None, kk=None)
            else:
                queries.set_record(connection, record, dead_scopes=sorted({*row.dead_scopes, *scopes}))
            queries.delete_record_shares(connection, record, scopes)

    def revive(self, record: UUID) -> None:
        """Serve what is left of a record after some of its scopes were erased.

        Raises:
            RecordDead: all of it was erased.
            NotFound: it is unknown.
        """
        self.thaw([record])

    def state(self, record: UUID) -> RecordState | None:
        """The state of a record; None if it is unknown."""
        with self.transaction() as connection:
            row = queries.locked_record(connection, record, shared=True)
        return None if row is None else RecordState(row.state)

    def floor(self, study: UUID) -> int:
        """The lowest roster version that is still accepted; 0 for an unknown study."""
        with self.transaction() as connection:
            return queries.standing(connection, study)[0]

    def raise_floor(self, study: UUID, version: int) -> None:
        """Refuse rosters below ``version`` from now on; a floor never sinks."""
        with self.transaction() as connection:
            queries.raise_floor(connection, study, version)

    def stale_attempts(self, older_than: datetime, *, since: datetime | None = None) -> list[UUID]:
        """Attempts with shares made before a moment, and not before ``since`` when that is given."""
        with self.transaction() as connection:
            return queries.attempts_between(connection, since, older_than)

    def destroy_attempt(self, attempt: UUID) -> int:
        """Destroy every share of an attempt; how many there were."""
        with self.transaction() as connection:
            return queries.delete_shares(connection, share_table.c.attempt == attempt)

    def share_ids(self, record: UUID | None = None) -> list[UUID]:
        """The ids of a record's shares, or of all shares, for the checks after a restore."""
        with self.transaction() as connection:
            return queries.share_ids(connection, record)

    def states(self) -> dict[UUID, tuple[RecordState, list[str]]]:
        """The state and the erased scopes of every record, for the checks after a restore."""
        with self.transaction() as connection:
            return {record: (RecordState(state), dead) for record, state, dead in queries.states(connection)}

    def standing(self) -> tuple[int | None, bool, int]:
        """The current key version, whether a rotation is under way, and how many shares there are."""
        with self.transaction() as connection:
            rotating = bool(queries.retired_versions(connection))
            return queries.current_version(connection), rotating, queries.count_shares(connection)

    @contextmanager
    def transaction(self, *, snapshot: bool = False) -> Iterator[Connection]:
        """One transaction of the keystore; ``snapshot`` lets all its reads see one moment."""
        engine = self.engine
        if snapshot and engine.name == "postgresql":
            engine = engine.execution_options(isolation_level="REPEATABLE READ")
        try:
            with self._turn, engine.begin() as connection:
                yield connection
        except IntegrityError:
            raise Conflict from None
        except SQLAlchemyError as exc:
            raise KeystoreUnavailable from exc

    def open(self, key: Secret, n: int, share_id: UUID, record: UUID, blob: bytes) -> Secret:
        """Open what rests under version ``n``."""
        return open_share(key, deployment=self.deployment, share=share_id, record=record, version=n, blob=blob)

    def seal(self, version: KeyVersion, share_id: UUID, record: UUID, value: Secret) -> Sealed:
        """Seal under a version."""
        return seal_share(
            version.key, deployment=self.deployment, share=share_id, record=record, version=version.n, value=value
        )

    def _current(self) -> KeyVersion:
        with self.transaction() as connection:
            return self.keys.current(connection)

    def _share_row(self, version: KeyVersion, attempt: UUID, record: UUID, item: Share) -> dict[str, Any]:
        return {
            "id": item.id,
            "record": record,
            "scope": item.scope,
            "attempt": attempt,
            "created": self.clock(),
            "expires_at": item.expires_at,
            "kk": version.n,
            "value": self.seal(version, item.id, record, item.value),
        }

    def _record_row(self, version: KeyVersion, record: UUID, idem: Secret) -> dict[str, Any]:
        return {"id": record, "idem": self.seal(version, record, record, idem), "kk": version.n}

    def _meet_floor(self, connection: Connection, stored: int, floor: Floor) -> None:
        policies.check_floor(stored, floor.version)
        if floor.version > stored:
            queries.raise_floor(connection, floor.study, floor.version)

    def _check_known(
        self, connection: Connection, record: UUID, scopes: set[str], idem: Secret | None, *, moving: bool
    ) -> None:
        row = queries.locked_record(connection, record, shared=True)
        if row is None:
            raise NotFound
        policies.check_serving(row.state, row.dead_scopes, scopes, moving=moving)
        if idem is not None and (row.idem is None or self._open_idem(connection, row) != idem):
            raise Conflict

    def _open_idem(self, connection: Connection, row: Row[Any]) -> Secret:
        return self.open(self.keys.open(connection, row.kk), row.kk, row.id, row.id, row.idem)

    def _keys_of(self, connection: Connection, n: int | None, used: set[int]) -> dict[int, Secret]:
        known = self.keys.remembered()
        if known is not None and known.n != n:
            self.keys.forget()
        return {version: self.keys.open(connection, version) for version in used}

    def _locked(self, connection: Connection, record: UUID) -> Row[Any]:
        row = queries.locked_record(connection, record, shared=False)
        if row is None:
            raise NotFound
        return row
