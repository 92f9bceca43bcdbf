"""Intake keys, what ODK's clients sent, and the parts of it that wait for others."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.crypto.sealed import Sealed
from app.db import Base, DayText, Digest, Moment, Name, SealedBytes


class IntakeKey(Base):
    """One key pair, signed with its times; the private half rests under a custody key of its own, ``intake-NUMBER``.

    The row goes when that custody key is destroyed.
    """

    __tablename__ = "intake_key"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(unique=True)
    public: Mapped[bytes] = mapped_column(Digest)
    wrapped_private: Mapped[Sealed] = mapped_column(SealedBytes)
    made_at: Mapped[datetime] = mapped_column(Moment)
    seal_until: Mapped[datetime] = mapped_column(Moment)
    open_until: Mapped[datetime] = mapped_column(Moment)
    signed_by: Mapped[str] = mapped_column(Name)
    signature: Mapped[bytes] = mapped_column(LargeBinary(64))


class Submission(Base):
    """One instance of a form that a client sent; ``client_uuid`` stands for the form and the instance.

    ``raw`` and ``canonical`` are digests of its XML under the record's secret. While parts of an encrypted form wait
    there is no record, and ``envelope`` is its XML. ``plaintext`` says that it came unencrypted although its form asks
    for that; ``inherited`` are files of the record that this one supersedes.
    """

    __tablename__ = "submission"
    __table_args__ = (
        UniqueConstraint("submitter_id", "client_uuid"),
        Index("ix_submission_expires", "expires_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    study_id: Mapped[UUID] = mapped_column(ForeignKey("study.id"))
    form_id: Mapped[UUID] = mapped_column(ForeignKey("form.id"))
    submitter_id: Mapped[UUID]
    device_id: Mapped[UUID | None]
    client_uuid: Mapped[UUID]
    state: Mapped[str] = mapped_column(Name)
    record_id: Mapped[UUID | None] = mapped_column(ForeignKey("record.id", ondelete="CASCADE"), index=True)
    raw: Mapped[bytes | None] = mapped_column(Digest)
    canonical: Mapped[bytes | None] = mapped_column(Digest)
    envelope: Mapped[Sealed | None] = mapped_column(SealedBytes)
    plaintext: Mapped[bool]
    inherited: Mapped[list[str]] = mapped_column(JSON)
    expires_at: Mapped[datetime | None] = mapped_column(Moment)


class WaitingPart(Base):
    """A part of an encrypted form, sealed once more, in the store of files under this id.

    ``number`` is its place in the envelope; what the envelope does not name counts down from -1 and has its name
    sealed. ``pieces`` is 0 while it arrives. ``arrived_day`` is when it began to.
    """

    __tablename__ = "waiting_part"
    __table_args__ = (UniqueConstraint("submission_id", "number"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    submission_id: Mapped[UUID] = mapped_column(ForeignKey("submission.id", ondelete="CASCADE"))
    number: Mapped[int]
    name: Mapped[Sealed | None] = mapped_column(SealedBytes)
    pieces: Mapped[int]
    size: Mapped[int] = mapped_column(BigInteger)
    arrived_day: Mapped[str | None] = mapped_column(DayText)
