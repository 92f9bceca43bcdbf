"""Cases, records, packs, files, grants, claims, outboxes, and tombstones: ids and sealed bytes, never a value."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.crypto.sealed import Sealed
from app.db import Base, DayText, Digest, Moment, Name, SealedBytes


class Case(Base):
    """One interviewee, known by a random code."""

    __tablename__ = "case"
    __table_args__ = (UniqueConstraint("study_id", "code"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    study_id: Mapped[UUID] = mapped_column(ForeignKey("study.id"))
    code: Mapped[str] = mapped_column(Name)
    priority: Mapped[bool]
    hidden: Mapped[bool]
    frozen: Mapped[bool]
    held: Mapped[bool]
    turn: Mapped[int] = mapped_column(server_default="0")


class Record(Base):
    """One submitted interview. What stands here in clear is the whole list of what may."""

    __tablename__ = "record"
    __table_args__ = (
        UniqueConstraint("submitter_id", "client_uuid"),
        Index("ix_record_queue", "status", "next_try_at"),
        Index("ix_record_study_status", "study_id", "status"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    study_id: Mapped[UUID] = mapped_column(ForeignKey("study.id"))
    case_id: Mapped[UUID] = mapped_column(ForeignKey("case.id"), index=True)
    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instrument.id"))
    submitter_id: Mapped[UUID]
    device_id: Mapped[UUID | None]
    client_uuid: Mapped[UUID]
    received_day: Mapped[str] = mapped_column(DayText)
    content: Mapped[bytes] = mapped_column(Digest)
    receipt: Mapped[dict[str, Any]] = mapped_column(JSON)
    status: Mapped[str] = mapped_column(Name)
    consent_scopes: Mapped[list[str]] = mapped_column(JSON)
    withdrawal_preference: Mapped[str] = mapped_column(Name)
    withdrawal_hash: Mapped[bytes | None] = mapped_column(Digest, index=True)
    redactor_id: Mapped[UUID | None]
    approver_id: Mapped[UUID | None]
    finished_by: Mapped[UUID | None]
    draft_version: Mapped[int]
    draft_digest: Mapped[bytes | None] = mapped_column(Digest)
    release_version: Mapped[int]
    lease_id: Mapped[UUID | None]
    next_try_at: Mapped[datetime] = mapped_column(Moment)
    tries: Mapped[int]
    turn: Mapped[int] = mapped_column(server_default="0")
    superseded_by: Mapped[UUID | None]


class Pack(Base):
    """The sealed fields of one compartment of one record, at one version, stored together."""

    __tablename__ = "pack"

    record_id: Mapped[UUID] = mapped_column(ForeignKey("record.id"), primary_key=True)
    compartment: Mapped[str] = mapped_column(Name, primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    sealed: Mapped[Sealed] = mapped_column(SealedBytes)
    digest: Mapped[bytes] = mapped_column(Digest)


class File(Base):
    """An attachment, or a clean copy of one; its segments rest in the store of files, under this id.

    ``size`` is in bytes of padded plaintext and stands, as ``segments`` does, once all is there. ``sealed`` describes
    it, under its own key. ``upload`` rests under a secret that its client sends: while it arrives the key, later the
    exact size. ``content`` is the digest, under the record's secret, of what came. ``turn`` counts the pieces.
    ``arrived_day`` is when the newest of them came; a clean copy has none.
    """

    __tablename__ = "file"
    __table_args__ = (UniqueConstraint("record_id", "client_uuid"), Index("ix_file_expires", "status", "expires_at"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    record_id: Mapped[UUID] = mapped_column(ForeignKey("record.id"))
    client_uuid: Mapped[UUID]
    status: Mapped[str] = mapped_column(Name)
    size: Mapped[int] = mapped_column(BigInteger)
    segments: Mapped[int]
    sealed: Mapped[Sealed] = mapped_column(SealedBytes)
    upload: Mapped[Sealed | None] = mapped_column(SealedBytes)
    content: Mapped[bytes | None] = mapped_column(Digest)
    expires_at: Mapped[datetime | None] = mapped_column(Moment)
    turn: Mapped[int]
    arrived_day: Mapped[str | None] = mapped_column(DayText)


class DiscardedFile(Base):
    """A file whose row is gone and whose segments the store must still delete."""

    __tablename__ = "discarded_file"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    written_at: Mapped[datetime] = mapped_column(Moment)


class Grant(Base):
    """A compartment's key, or half of it, wrapped to a team's epoch under its own keystore share (same id)."""

    __tablename__ = "grant"
    __table_args__ = (UniqueConstraint("record_id", "scope", "epoch_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    record_id: Mapped[UUID] = mapped_column(ForeignKey("record.id"))
    scope: Mapped[str] = mapped_column(Name)
    epoch_id: Mapped[UUID] = mapped_column(ForeignKey("epoch.id"), index=True)
    box: Mapped[Sealed] = mapped_column(SealedBytes)
    expires_at: Mapped[datetime | None] = mapped_column(Moment)


class Claim(Base):
    """An attempt to make grants: claimed by the record's transaction, or voided by the sweeper, never both."""

    __tablename__ = "claim"

    attempt: Mapped[UUID] = mapped_column(primary_key=True)
    void: Mapped[bool]


class Outbox(Base):
    """Shares whose grants are gone and which the keystore must still destroy."""

    __tablename__ = "outbox"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    share_ids: Mapped[list[str]] = mapped_column(JSON)
    written_at: Mapped[datetime] = mapped_column(Moment)


class Tombstone(Base):
    """What stays of an erased record: that it was erased, so that its id answers 410 and a restore kills it again.

    ``scopes`` is empty when everything was erased, else the scopes that were.
    """

    __tablename__ = "tombstone"

    record_id: Mapped[UUID] = mapped_column(primary_key=True)
    study_id: Mapped[UUID]
    case_id: Mapped[UUID]
    submitter_id: Mapped[UUID]
    client_uuid: Mapped[UUID]
    scopes: Mapped[list[str]] = mapped_column(JSON)
    erased_day: Mapped[str] = mapped_column(DayText)


class Decision(Base):
    """A verb that takes a guardian and a lead: erasing or thawing a case. The second of them carries it out."""

    __tablename__ = "decision"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    study_id: Mapped[UUID]
    case_id: Mapped[UUID] = mapped_column(index=True)
    kind: Mapped[str] = mapped_column(Name)
    preference: Mapped[str] = mapped_column(Name)
    first_by: Mapped[UUID]
    first_role: Mapped[str] = mapped_column(Name)
    second_by: Mapped[UUID | None]
    done: Mapped[bool]


class Passage(Base):
    """A passage reported as identifying: its range and reason sealed under the key it was read with."""

    __tablename__ = "passage"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    record_id: Mapped[UUID] = mapped_column(ForeignKey("record.id"))
    release_version: Mapped[int]
    sealed: Mapped[Sealed] = mapped_column(SealedBytes)
    reported_by: Mapped[UUID]
    settled: Mapped[bool]
