"""Every statement of the keystore.

Locks: a put holds its key version and its record FOR SHARE; retiring a version and erasing a record take them FOR
UPDATE. SQLite has no row locks and needs none, its transactions begin by taking the one write lock.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Connection,
    Row,
    Table,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from app.crypto.sealed import Sealed
from app.db import insert_all
from app.keystore.models import KeyState, RecordState, floor, kk, record, share

__all__ = [
    "add_record",
    "add_shares",
    "add_version",
    "attempts_between",
    "count_below",
    "current_version",
    "delete_record_shares",
    "delete_shares",
    "forget_version",
    "lock_for_put",
    "lock_version",
    "locked_record",
    "put_new",
    "raise_floor",
    "records_below",
    "reseal",
    "retire_version",
    "retired_versions",
    "set_record",
    "share_ids",
    "shares",
    "shares_below",
    "standing",
    "wrapped_version",
]

# Built once: SQLAlchemy then only binds the parameters.
_stored_floor = select(floor.c.version).where(floor.c.study == bindparam("study")).scalar_subquery()
_other_floor = select(floor.c.version).where(floor.c.study == bindparam("other")).scalar_subquery()
LOCK_FOR_PUT = (
    select(kk.c.state, _stored_floor, _other_floor).where(kk.c.n == bindparam("n")).with_for_update(read=True, of=kk)
)
LOCK_CURRENT = (
    select(floor.c.study, floor.c.version)
    .select_from(kk.outerjoin(floor, floor.c.study.in_(bindparam("studies", expanding=True))))
    .where(kk.c.n == bindparam("n"), kk.c.state == KeyState.CURRENT)
    .with_for_update(read=True, of=kk)
)
STANDING = select(
    _stored_floor,
    select(kk.c.n).where(kk.c.state == KeyState.CURRENT).scalar_subquery(),
)
RECORD = select(record).where(record.c.id == bindparam("id"))
RECORD_FOR_SHARE = RECORD.with_for_update(read=True)
RECORD_FOR_UPDATE = RECORD.with_for_update()
SHARES = (
    select(share, record.c.state, record.c.dead_scopes)
    .join(record, record.c.id == share.c.record)
    .where(share.c.id.in_(bindparam("ids", expanding=True)))
)
# What is inserted is given back: a count of rows is not there on every driver.
ADD_RECORD = {
    "postgresql": postgresql.insert(record).on_conflict_do_nothing().returning(record.c.id),
    "sqlite": sqlite.insert(record).on_conflict_do_nothing().returning(record.c.id),
}
ADD_SHARES = insert(share)
# One statement of constant text for any number of rows: on PostgreSQL a row each would cost a message each.
VARYING = ("id", "scope", "value", "expires_at")
COMMON = ("record", "attempt", "kk", "created")
_arrays = (bindparam(f"{name}s", type_=ARRAY(share.c[name].type)) for name in VARYING)
_unnested = func.unnest(*_arrays).table_valued(*VARYING).render_derived()
ADD_SHARES_AT_ONCE = insert(share).from_select(
    [*VARYING, *COMMON],
    select(*_unnested.c, *(bindparam(name, type_=share.c[name].type) for name in COMMON)),
)
# The same together with the record, for the common case: the version is current, the roster is the newest, the record
# is new. Anything else stores nothing and goes the longer way.
_held = (
    select(kk.c.n)
    .where(
        kk.c.n == bindparam("n"),
        kk.c.state == KeyState.CURRENT,
        _stored_floor == bindparam("floor"),
        _other_floor == bindparam("other_floor"),
    )
    .with_for_update(read=True, of=kk)
    .cte("held")
)
_made = (
    postgresql.insert(record)
    .from_select(
        ["id", "state", "dead_scopes", "idem", "kk"],
        select(
            bindparam("record", type_=record.c.id.type),
            literal(RecordState.LIVE.value, record.c.state.type),
            literal([], record.c.dead_scopes.type),
            bindparam("idem", type_=record.c.idem.type),
            _held.c.n,
        ),
    )
    .on_conflict_do_nothing()
    .returning(record.c.id, record.c.kk)
    .cte("made")
)
_varying = func.unnest(*(bindparam(f"{name}s", type_=ARRAY(share.c[name].type)) for name in VARYING))
_new_shares = _varying.table_valued(*VARYING).render_derived()
_common = (
    _made.c.id,
    bindparam("attempt", type_=share.c.attempt.type),
    _made.c.kk,
    bindparam("created", type_=share.c.created.type),
)
PUT_NEW = (
    insert(share)
    .from_select([*VARYING, *COMMON], select(*_new_shares.c, *_common).select_from(_new_shares.join(_made, true())))
    .returning(share.c.id)
)


def put_new(
    connection: Connection,
    made: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    study: tuple[UUID, int],
    other: tuple[UUID, int],
) -> bool:
    """Store a new record with its shares in one statement; False, and nothing is stored, if that cannot be done.

    It cannot if key version or one of the two floors are others than these, if the record is known, or on SQLite, which
    gains nothing.
    """
    if connection.dialect.name != "postgresql" or not rows:
        return False
    values: dict[str, Any] = {f"{name}s": [row[name] for row in rows] for name in VARYING}
    values |= {"record": made["id"], "idem": made["idem"], "n": made["kk"]}
    values |= {"study": study[0], "floor": study[1], "other": other[0], "other_floor": other[1]}
    values |= {name: rows[0][name] for name in ("attempt", "created")}
    return connection.execute(PUT_NEW, values).first() is not None


def lock_current(connection: Connection, n: int, studies: Collection[UUID]) -> dict[UUID, int] | None:
    """Hold version ``n`` FOR SHARE; the floors of these studies, as far as they have one. None if it is not current."""
    rows = connection.execute(LOCK_CURRENT, {"n": n, "studies": list(studies)}).all()
    return {row.study: row.version for row in rows if row.study is not None} if rows else None


def add_new(connection: Connection, records: Sequence[Mapping[str, Any]], shares: Sequence[Mapping[str, Any]]) -> None:
    """Insert new records, live, with their shares."""
    made = [{"state": RecordState.LIVE, "dead_scopes": [], **each} for each in records]
    insert_all(connection, [(record, made), (share, shares)])


def current_version(connection: Connection) -> int | None:
    """The number of the current key version; None before the keystore is initialised."""
    return connection.scalar(select(kk.c.n).where(kk.c.state == KeyState.CURRENT))


def retired_versions(connection: Connection) -> list[int]:
    """Versions whose rotation is not finished, oldest first."""
    return list(connection.scalars(select(kk.c.n).where(kk.c.state == KeyState.RETIRED).order_by(kk.c.n)))


def wrapped_version(connection: Connection, n: int) -> Sealed:
    """Version ``n`` as it rests."""
    wrapped: Sealed = connection.execute(select(kk.c.wrapped).where(kk.c.n == n)).scalar_one()
    return wrapped


def add_version(connection: Connection, n: int, wrapped: Sealed, created: datetime) -> None:
    """Make version ``n`` the current one; nothing happens if it exists."""
    values = {"n": n, "wrapped": wrapped, "state": KeyState.CURRENT, "created": created}
    connection.execute(_insert_or_ignore(connection, kk), values)


def lock_version(connection: Connection, n: int) -> str | None:
    """The state of version ``n``, with every put that seals under it finished and no new one begun."""
    if connection.dialect.name == "postgresql":
        # Row locks alone let a stream of FOR SHARE holders pass a waiting FOR UPDATE; table locks queue in order.
        connection.execute(text("LOCK TABLE kk IN EXCLUSIVE MODE"))
    return connection.scalar(select(kk.c.state).where(kk.c.n == n).with_for_update())


def retire_version(connection: Connection, n: int) -> None:
    """Let version ``n`` seal nothing more."""
    connection.execute(update(kk).where(kk.c.n == n).values(state=KeyState.RETIRED))


def forget_version(connection: Connection, n: int) -> None:
    """Delete a retired version whose custody key is destroyed."""
    connection.execute(delete(kk).where(kk.c.n == n, kk.c.state == KeyState.RETIRED))


def lock_for_put(connection: Connection, n: int, study: UUID, other: UUID) -> tuple[str | None, int, int]:
    """Hold version ``n`` FOR SHARE; its state, and the floors of the two studies."""
    row = connection.execute(LOCK_FOR_PUT, {"n": n, "study": study, "other": other}).one_or_none()
    return (None, 0, 0) if row is None else (row[0], row[1] or 0, row[2] or 0)


def standing(connection: Connection, study: UUID) -> tuple[int, int | None]:
    """The floor of the study and the current key version."""
    version, n = connection.execute(STANDING, {"study": study}).one()
    return version or 0, n


def raise_floor(connection: Connection, study: UUID, version: int) -> None:
    """Raise the floor of a study; it never sinks."""
    statement = _insert_for(connection, floor).values(study=study, version=version)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[floor.c.study],
            set_={"version": statement.excluded.version},
            where=floor.c.version < statement.excluded.version,
        )
    )


def add_record(connection: Connection, values: dict[str, Any]) -> bool:
    """Insert a record; False if it is there already."""
    defaults: dict[str, Any] = {"state": RecordState.LIVE, "dead_scopes": [], "idem": None, "kk": None}
    return connection.execute(ADD_RECORD[connection.dialect.name], defaults | values).first() is not None


def locked_record(connection: Connection, record_id: UUID, *, shared: bool) -> Row[Any] | None:
    """A record, held FOR SHARE or FOR UPDATE."""
    return connection.execute(RECORD_FOR_SHARE if shared else RECORD_FOR_UPDATE, {"id": record_id}).one_or_none()


def set_record(connection: Connection, record_id: UUID, **values: Any) -> None:
    """Change columns of a record."""
    connection.execute(update(record).where(record.c.id == record_id).values(**values))


def add_shares(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Insert shares of one attempt, record and key version, all or none."""
    if connection.dialect.name == "postgresql":
        varying = {f"{name}s": [row[name] for row in rows] for name in VARYING}
        connection.execute(ADD_SHARES_AT_ONCE, varying | {name: rows[0][name] for name in COMMON})
    else:
        connection.execute(ADD_SHARES, rows)


def shares(connection: Connection, ids: Collection[UUID]) -> Sequence[Row[Any]]:
    """Shares with the state of their records."""
    return connection.execute(SHARES, {"ids": list(ids)}).all()


def share_ids(connection: Connection, record_id: UUID | None = None) -> list[UUID]:
    """The ids of a record's shares, or of all."""
    condition = literal(value=True) if record_id is None else share.c.record == record_id
    return list(connection.scalars(select(share.c.id).where(condition).order_by(share.c.id)))


def count_shares(connection: Connection) -> int:
    """How many shares there are."""
    return connection.scalar(select(func.count()).select_from(share)) or 0


def states(connection: Connection) -> Sequence[tuple[UUID, str, list[str]]]:
    """Every record's id, state and dead scopes."""
    return connection.execute(select(record.c.id, record.c.state, record.c.dead_scopes)).all()


def delete_shares(connection: Connection, condition: ColumnElement[bool]) -> int:
    """Delete shares, locked in one order so that two deletions never wait for each other; how many there were."""
    ids = select(share.c.id).where(condition).order_by(share.c.id).with_for_update()
    return connection.execute(delete(share).where(share.c.id.in_(ids))).rowcount


def delete_record_shares(connection: Connection, record_id: UUID, scopes: Collection[str] | None) -> int:
    """Delete a record's shares, of some scopes or of all."""
    condition = share.c.record == record_id
    return delete_shares(connection, condition if scopes is None else condition & share.c.scope.in_(scopes))


def attempts_between(connection: Connection, after: datetime | None, before: datetime) -> list[UUID]:
    """Attempts with shares made in that time, the first moment included, the last not."""
    statement = select(share.c.attempt).distinct().where(share.c.created < before)
    if after is not None:
        statement = statement.where(share.c.created >= after)
    return list(connection.scalars(statement.order_by(share.c.attempt)))


def shares_below(connection: Connection, n: int, limit: int) -> Sequence[Row[Any]]:
    """Shares under a version older than ``n``, held FOR UPDATE; those that somebody else holds are left for later."""
    statement = select(share).where(share.c.kk < n)
    return connection.execute(statement.limit(limit).with_for_update(skip_locked=True)).all()


def records_below(connection: Connection, n: int, limit: int) -> Sequence[Row[Any]]:
    """Records whose idem is under a version older than ``n``, held as ``shares_below`` does."""
    statement = select(record).where(record.c.kk < n)
    return connection.execute(statement.limit(limit).with_for_update(skip_locked=True)).all()


def reseal(connection: Connection, column: Column[Any], n: int, sealed: Mapping[UUID, Sealed]) -> None:
    """Give rows, by id, their new value in a sealed column (``share.value`` or ``record.idem``) and its version."""
    table = column.table
    if connection.dialect.name == "postgresql":
        arrays = (bindparam("ids", type_=ARRAY(table.c.id.type)), bindparam("blobs", type_=ARRAY(column.type)))
        fresh = func.unnest(*arrays).table_valued("id", "blob").render_derived()
        statement = update(table).where(table.c.id == fresh.c.id).values({"kk": n, column.name: fresh.c.blob})
        connection.execute(statement, {"ids": list(sealed), "blobs": list(sealed.values())})
    elif sealed:
        statement = update(table).where(table.c.id == bindparam("key"))
        connection.execute(statement, [{"key": key, "kk": n, column.name: blob} for key, blob in sealed.items()])


def count_below(connection: Connection, n: int) -> int:
    """How many rows rest under a version older than ``n``."""
    tables = (share, record)
    counts = (select(func.count()).select_from(table).where(table.c.kk < n).scalar_subquery() for table in tables)
    return sum(connection.execute(select(*counts)).one())


def _insert_for(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def _insert_or_ignore(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    return _insert_for(connection, table).on_conflict_do_nothing()
