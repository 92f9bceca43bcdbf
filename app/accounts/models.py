"""People, their sessions, invitations, devices, and the throttle of sign-ins."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, BigInteger, ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.crypto.sealed import Sealed
from app.db import Base, DayText, Digest, Moment, Name, SealedBytes


class User(Base):
    """A person. No password hash is kept: opening the bundle is the check."""

    __tablename__ = "user"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Name, unique=True)
    admin: Mapped[bool]
    active: Mapped[bool]
    key_id: Mapped[UUID]
    public: Mapped[bytes] = mapped_column(LargeBinary)
    fingerprint: Mapped[bytes] = mapped_column(Digest)
    bundle: Mapped[Sealed] = mapped_column(SealedBytes)
    salt: Mapped[bytes] = mapped_column(LargeBinary(16))
    pepper_id: Mapped[str] = mapped_column(Name)
    argon_m: Mapped[int]
    argon_t: Mapped[int]
    argon_p: Mapped[int]
    totp_step: Mapped[int]
    created_day: Mapped[str] = mapped_column(DayText)


class Invitation(Base):
    """A one-time right to make an account, or to replace the keys of one (``user_id``)."""

    __tablename__ = "invitation"

    token_hash: Mapped[bytes] = mapped_column(Digest, primary_key=True)
    user_name: Mapped[str] = mapped_column(Name)
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    admin: Mapped[bool]
    invited_by: Mapped[UUID | None]
    expires_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment)


class Session(Base):
    """A sign-in, keyed by SHA-256(token), holding the person's bundle sealed under the token."""

    __tablename__ = "session"

    token_hash: Mapped[bytes] = mapped_column(Digest, primary_key=True)
    id: Mapped[UUID] = mapped_column(unique=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    key_id: Mapped[UUID]
    sealed: Mapped[Sealed] = mapped_column(SealedBytes)
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    seen_at: Mapped[datetime] = mapped_column(Moment)
    factor_at: Mapped[datetime] = mapped_column(Moment)


class Passkey(Base):
    """A WebAuthn credential: its public key sealed under a key that only the person's password opens."""

    __tablename__ = "passkey"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    credential_id: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    sealed: Mapped[Sealed] = mapped_column(SealedBytes)
    sign_count: Mapped[int] = mapped_column(BigInteger)
    label: Mapped[str] = mapped_column(Name)
    transports: Mapped[list[str]] = mapped_column(JSON)
    created_day: Mapped[str] = mapped_column(DayText)
    last_used_day: Mapped[str | None] = mapped_column(DayText)
    warned_day: Mapped[str | None] = mapped_column(DayText)


class SpentChallenge(Base):
    """A challenge that was answered, kept until it would have run out: it is good for one answer."""

    __tablename__ = "spent_challenge"

    digest: Mapped[bytes] = mapped_column(Digest, primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(Moment)


class DeviceOffer(Base):
    """A one-time right, given by an admin, to enroll a device for one interviewer in one study."""

    __tablename__ = "device_offer"

    code_hash: Mapped[bytes] = mapped_column(Digest, primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    study_id: Mapped[UUID] = mapped_column(ForeignKey("study.id"))
    offered_by: Mapped[UUID]
    expires_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment)


class Device(Base):
    """A phone or client enrolled for one interviewer in one study; it can only submit.

    ``scopes`` and ``expires_at`` bound what a client may and until when; a phone has neither.
    ``kind`` is the protocol that it speaks.
    """

    __tablename__ = "device"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(Digest, unique=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    study_id: Mapped[UUID] = mapped_column(ForeignKey("study.id"))
    enrolled_by: Mapped[UUID | None]
    enrolled_day: Mapped[str] = mapped_column(DayText)
    last_seen_day: Mapped[str | None] = mapped_column(DayText)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)
    label: Mapped[str | None] = mapped_column(Name)
    scopes: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    expires_at: Mapped[datetime | None] = mapped_column(Moment)
    kind: Mapped[str] = mapped_column(Name, server_default="native")


class Throttle(Base):
    """Failures of one bucket; the key is an HMAC, so no address or name rests here."""

    __tablename__ = "throttle"

    bucket: Mapped[bytes] = mapped_column(Digest, primary_key=True)
    failures: Mapped[int]
    window_ends_at: Mapped[datetime] = mapped_column(Moment)
    blocked_until: Mapped[datetime | None] = mapped_column(Moment)
