"""Forms for ODK Collect, KoboCollect, Enketo and Tella: each version's exact bytes, and the key it is sealed to."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.crypto.sealed import Sealed
from app.db import Base, Digest, Moment, Name, SealedBytes

DRAFT, PUBLISHED, CLOSED = "draft", "published", "closed"
# What happens to testimony that comes unsealed although the form asks clients to seal it.
REJECT, ACCEPT_AND_FLAG = "reject", "accept_and_flag"
# What happens to testimony that comes unsealed although the form asks clients to seal it.
REJECT, ACCEPT_AND_FLAG = "reject", "accept_and_flag"


class Form(Base):
    """One version of one form of a study. What phones load never changes: other content is another version.

    ``mapping`` says which element of a submission answers which field of the instrument.
    """

    __tablename__ = "form"
    __table_args__ = (UniqueConstraint("study_id", "form_id", "version"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    study_id: Mapped[UUID] = mapped_column(ForeignKey("study.id"))
    form_id: Mapped[str] = mapped_column(Name)
    version: Mapped[str] = mapped_column(Name)
    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instrument.id"))
    title: Mapped[str]
    xml: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    md5: Mapped[str] = mapped_column(String(32))
    mapping: Mapped[dict[str, Any]] = mapped_column(JSON)
    mapping_sha256: Mapped[bytes] = mapped_column(Digest)
    plaintext_policy: Mapped[str] = mapped_column(Name)
    status: Mapped[str] = mapped_column(Name)
    drafted_by: Mapped[UUID]
    published_by: Mapped[UUID | None]
    published_at: Mapped[datetime | None] = mapped_column(Moment)


class FormKey(Base):
    """The RSA pair of an encrypted form's version; without ``wrapped_private`` it was destroyed.

    ``number`` names the custody key ``form-N`` that the private half is wrapped under; it is below zero once that half
    is gone from older copies of the database too.
    """

    __tablename__ = "form_key"

    form_id: Mapped[UUID] = mapped_column(ForeignKey("form.id"), primary_key=True)
    public: Mapped[bytes] = mapped_column(LargeBinary)
    number: Mapped[int]
    wrapped_private: Mapped[Sealed | None] = mapped_column(SealedBytes)
