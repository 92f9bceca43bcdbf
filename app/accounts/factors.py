"""The second factor: time-based one-time codes (RFC 6238), each good for one use.

A code's time step is spent by a conditional UPDATE: of two uses at the same moment one wins, whichever node they reach.
"""

from __future__ import annotations

import base64
import re
from datetime import datetime
from uuid import UUID

import pyotp
from sqlalchemy import update
from sqlalchemy.orm import Session

from app.accounts.models import User
from app.crypto.secrets import Secret
from app.errors import Flaw, Invalid

__all__ = ["base32", "from_base32", "matching_step", "new_factor", "provisioning_uri", "spend_step"]

# RFC 4226 asks for at least 128 bits and recommends 160.
SECRET_BYTES = 20
# One step of 30 seconds early or late: clocks of phones differ.
WINDOW_STEPS = 1
CODE = re.compile(r"[0-9]{6}", re.ASCII)
ISSUER = "Testimony"


def new_factor() -> Secret:
    """Make a fresh TOTP secret of 160 bits."""
    return Secret.random(SECRET_BYTES)


def base32(secret: Secret) -> str:
    """The secret as an authenticator app takes it by hand (RFC 4648, without padding)."""
    return base64.b32encode(secret.reveal()).decode("ascii").rstrip("=")


def from_base32(text: str) -> Secret:
    """The secret that ``base32`` wrote, as a form brings it back.

    Raises:
        Invalid: it is no such text (``/totp_secret``).
    """
    try:
        secret = Secret(base64.b32decode(text, casefold=True))
    except ValueError:
        secret = Secret(b"")
    if len(secret) != SECRET_BYTES:
        raise Invalid([Flaw("/totp_secret", "Send the secret that was shown.")])
    return secret


def provisioning_uri(secret: Secret, name: str) -> str:
    """The ``otpauth://`` URI that an authenticator app scans."""
    return _totp(secret).provisioning_uri(name=name, issuer_name=ISSUER)


def matching_step(secret: Secret, code: str, now: datetime) -> int | None:
    """The time step whose code this is, or None. Only six ASCII digits are a code: no blanks, no other digits."""
    if CODE.fullmatch(code) is None:
        return None
    try:
        return _totp(secret).verify_and_get_timecode(code, for_time=now, valid_window=WINDOW_STEPS)
    except pyotp.exceptions.OTPVerificationError:
        return None


def spend_step(session: Session, user: UUID, step: int, *, key_id: UUID, salt: bytes | None = None) -> bool:
    """Spend a step once; False if it or a later one is spent, or the account changed since it was read.

    ``salt`` names the state of the password that was opened, so that no session outlives a change made meanwhile.
    """
    statement = update(User).where(User.id == user, User.totp_step < step, User.active, User.key_id == key_id)
    if salt is not None:
        statement = statement.where(User.salt == salt)
    return session.scalar(statement.values(totp_step=step).returning(User.id)) is not None


def _totp(secret: Secret) -> pyotp.TOTP:
    return pyotp.TOTP(base32(secret))
