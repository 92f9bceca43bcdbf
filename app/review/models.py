"""Asks for an identity or a sealed source, and the disclosures they became."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.crypto.sealed import Sealed
from app.db import Base, Digest, Moment, Name, SealedBytes


class Ask(Base):
    """A guardian's ask; fields and reason are sealed under K_ask, for the auditors and the asker."""

    __tablename__ = "ask"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    record_id: Mapped[UUID] = mapped_column(ForeignKey("record.id", ondelete="CASCADE"), index=True)
    asker_id: Mapped[UUID]
    asker_key_id: Mapped[UUID]
    asker_fingerprint: Mapped[bytes] = mapped_column(Digest)
    asker_share_id: Mapped[UUID]
    asker_box: Mapped[Sealed] = mapped_column(SealedBytes)
    scope: Mapped[str] = mapped_column(Name)
    purpose: Mapped[str] = mapped_column(Name)
    sealed: Mapped[Sealed] = mapped_column(SealedBytes)
    digest: Mapped[bytes] = mapped_column(Digest)
    refusal: Mapped[Sealed | None] = mapped_column(SealedBytes)
    state: Mapped[str] = mapped_column(Name)
    answered_by: Mapped[UUID | None]
    asked_at: Mapped[datetime] = mapped_column(Moment)


class Disclosure(Base):
    """The auditors' half of one record's key, for one guardian, until it expires; its share has the same id."""

    __tablename__ = "disclosure"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ask_id: Mapped[UUID] = mapped_column(ForeignKey("ask.id", ondelete="CASCADE"), unique=True)
    record_id: Mapped[UUID] = mapped_column(ForeignKey("record.id", ondelete="CASCADE"))
    scope: Mapped[str] = mapped_column(Name)
    asker_id: Mapped[UUID]
    approver_id: Mapped[UUID]
    box: Mapped[Sealed] = mapped_column(SealedBytes)
    expires_at: Mapped[datetime] = mapped_column(Moment)
