"""The trail: events, the chain that orders them, the signed checkpoints of the chain, and what a witness has of them.

An event says what happened, to which id, by whom; never what was said.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.audit.ids import event_id
from app.db import Base, Digest, Moment, Name


class Event(Base):
    """One act, read or denial; ``details`` holds allow-listed keys only, ``mac`` is its check under ``key_id``."""

    __tablename__ = "event"
    __table_args__ = (
        Index("ix_event_study_at", "study_id", "at"),
        Index("ix_event_record", "record_id"),
        Index("ix_event_case", "case_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=event_id)
    at: Mapped[datetime] = mapped_column(Moment)
    action: Mapped[str] = mapped_column(Name)
    actor_kind: Mapped[str] = mapped_column(Name)
    actor_id: Mapped[UUID | None]
    study_id: Mapped[UUID | None]
    case_id: Mapped[UUID | None]
    record_id: Mapped[UUID | None]
    details: Mapped[dict[str, Any]] = mapped_column(JSON)
    key_id: Mapped[str | None] = mapped_column(Name)
    mac: Mapped[bytes | None] = mapped_column(Digest)


class Link(Base):
    """The place of one event in the chain; positions count from 1 without a gap."""

    __tablename__ = "chain"

    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    event_id: Mapped[UUID] = mapped_column(unique=True)
    hash: Mapped[bytes] = mapped_column(Digest)


class Checkpoint(Base):
    """A signature over the chain up to a position; ``count`` is how many entries came since the checkpoint before."""

    __tablename__ = "checkpoint"

    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hash: Mapped[bytes] = mapped_column(Digest)
    count: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(Moment)
    key_id: Mapped[str] = mapped_column(Name)
    signature: Mapped[bytes] = mapped_column(LargeBinary(64))


class Delivery(Base):
    """The newest checkpoint that a witness has; ``witness`` is its kind."""

    __tablename__ = "delivery"

    witness: Mapped[str] = mapped_column(Name, primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(Moment)
