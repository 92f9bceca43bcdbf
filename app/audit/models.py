"""The event table: what happened, to which id, by whom; never what was said."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import JSON, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Moment, Name


class Event(Base):
    """One act, read or denial; ``details`` holds allow-listed keys only."""

    __tablename__ = "event"
    __table_args__ = (Index("ix_event_study_at", "study_id", "at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    at: Mapped[datetime] = mapped_column(Moment)
    action: Mapped[str] = mapped_column(Name)
    actor_kind: Mapped[str] = mapped_column(Name)
    actor_id: Mapped[UUID | None]
    study_id: Mapped[UUID | None]
    case_id: Mapped[UUID | None]
    record_id: Mapped[UUID | None]
    details: Mapped[dict[str, Any]] = mapped_column(JSON)
