"""Studies, their signed rosters, team epochs with member boxes, and instruments."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.crypto.sealed import Sealed
from app.db import Base, DayText, Digest, Moment, Name, SealedBytes


class Study(Base):
    """One research project: the unit of access."""

    __tablename__ = "study"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    policy: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_day: Mapped[str] = mapped_column(DayText)


class StudyApp(Base):
    """What the form on phones is called in a study, and which icon it has; without a row it is called Notes."""

    __tablename__ = "study_app"

    study_id: Mapped[UUID] = mapped_column(ForeignKey("study.id"), primary_key=True)
    name: Mapped[str] = mapped_column(Name)
    icon: Mapped[str] = mapped_column(Name)


class Roster(Base):
    """One signed version of who belongs to a study; ``body`` is the canonical JSON that is signed."""

    __tablename__ = "roster"

    study_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    key_id: Mapped[str] = mapped_column(Name)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    signature: Mapped[bytes] = mapped_column(LargeBinary(64))
    written_at: Mapped[datetime] = mapped_column(Moment)


class Recovery(Base):
    """A lead's signed proposal to let a roster that lies below its floor stand again, with these members alone."""

    __tablename__ = "recovery"

    study_id: Mapped[UUID] = mapped_column(ForeignKey("study.id"), primary_key=True)
    version: Mapped[int]
    floor: Mapped[int]
    keep: Mapped[list[str]] = mapped_column(JSON)
    proposed_by: Mapped[UUID]
    expires_at: Mapped[datetime] = mapped_column(Moment)
    key_id: Mapped[str] = mapped_column(Name)
    signature: Mapped[bytes] = mapped_column(LargeBinary(64))


class Epoch(Base):
    """One key pair of one team. The database refuses to delete it while a grant refers to it.

    ``wrapped_private`` is set for the system's worker team alone: under a custody key that only worker nodes hold.
    """

    __tablename__ = "epoch"
    __table_args__ = (UniqueConstraint("study_id", "team", "number"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    study_id: Mapped[UUID]
    team: Mapped[str] = mapped_column(Name)
    number: Mapped[int]
    public: Mapped[bytes] = mapped_column(LargeBinary)
    fingerprint: Mapped[bytes] = mapped_column(Digest)
    wrapped_private: Mapped[Sealed | None] = mapped_column(SealedBytes)


class Member(Base):
    """One HPKE box: a team epoch's private key for one confirmed member."""

    __tablename__ = "member"

    epoch_id: Mapped[UUID] = mapped_column(ForeignKey("epoch.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(Digest)
    box: Mapped[Sealed] = mapped_column(SealedBytes)


class InstrumentVersion(Base):
    """One version of one questionnaire of one study; another person than its drafter publishes it."""

    __tablename__ = "instrument"
    __table_args__ = (UniqueConstraint("study_id", "name", "version"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    study_id: Mapped[UUID] = mapped_column(ForeignKey("study.id"))
    name: Mapped[str] = mapped_column(Name)
    version: Mapped[str] = mapped_column(Name)
    sha256: Mapped[bytes] = mapped_column(Digest)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    drafted_by: Mapped[UUID | None]
    published_by: Mapped[UUID | None]
    published_at: Mapped[datetime | None] = mapped_column(Moment)
