"""Tables of the keystore: key versions, record states, shares and roster floors.

A database of its own. It knows no case, no person and no testimony, and it never joins with the main one.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, ForeignKey, Index, MetaData, String, Table, Uuid

from app.db import NAMING, Moment, Name, SealedBytes

__all__ = ["KeyState", "RecordState", "floor", "kk", "metadata", "record", "share"]


class KeyState(StrEnum):
    """A key version seals new shares while it is current; a retired one waits to be destroyed."""

    CURRENT = "current"
    RETIRED = "retired"


class RecordState(StrEnum):
    """Frozen refuses to read or add shares, dead is for good."""

    LIVE = "live"
    FROZEN = "frozen"
    DEAD = "dead"


metadata = MetaData(naming_convention=NAMING)

kk = Table(
    "kk",
    metadata,
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("wrapped", SealedBytes, nullable=False),
    Column("state", String(8), CheckConstraint("state IN ('current', 'retired')", name="state"), nullable=False),
    Column("created", Moment, nullable=False),
)

record = Table(
    "record",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("state", String(8), CheckConstraint("state IN ('live', 'frozen', 'dead')", name="state"), nullable=False),
    Column("dead_scopes", JSON, nullable=False),
    Column("idem", SealedBytes),
    Column("kk", BigInteger, ForeignKey("kk.n"), index=True),
    CheckConstraint("(idem IS NULL) = (kk IS NULL)", name="idem"),
)

share = Table(
    "share",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("record", Uuid, ForeignKey("record.id"), nullable=False, index=True),
    Column("scope", Name, nullable=False),
    Column("attempt", Uuid, nullable=False, index=True),
    Column("kk", BigInteger, ForeignKey("kk.n"), nullable=False, index=True),
    Column("value", SealedBytes, nullable=False),
    Column("created", Moment, nullable=False, index=True),
    Column("expires_at", Moment),
    Index("ix_share_expires_at", "expires_at"),
)

floor = Table(
    "floor",
    metadata,
    Column("study", Uuid, primary_key=True),
    Column("version", BigInteger, nullable=False),
)
