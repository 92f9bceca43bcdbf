"""Challenges: random bytes that a passkey signs, good for one answer within five minutes.

    head = random 16 | expiry u64be
    challenge = head | HMAC-SHA256(key, enc("testimony/1/challenge", purpose, bound, head))

The MAC says that we made it, for what, for which session and until when, so nothing is stored for those who only ask.
What was answered is stored until it would have run out, and is not taken a second time. The key comes from the pepper.
"""

from __future__ import annotations

import hmac
import os
from datetime import timedelta
from functools import cached_property

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.accounts.gate import PEPPER
from app.accounts.models import SpentChallenge
from app.collaborators import Collaborators
from app.crypto.encoding import enc, sha256

__all__ = ["LASTS", "Challenges", "sweep"]

LASTS = timedelta(minutes=5)
RANDOM_BYTES, EXPIRY_BYTES, MAC_BYTES = 16, 8, 32


class Challenges:
    """Makes and recognizes challenges; one per process, and any process recognizes those of another."""

    def __init__(self, collaborators: Collaborators, *, pepper: str = PEPPER) -> None:
        self._collaborators = collaborators
        self._pepper = pepper

    def issue(self, purpose: str, bound: bytes = b"") -> bytes:
        """Make a challenge for a purpose, bound to a session (SHA-256 of its token) or to none."""
        expires = int((self._collaborators.now() + LASTS).timestamp())
        head = os.urandom(RANDOM_BYTES) + expires.to_bytes(EXPIRY_BYTES, "big")
        return head + self._mac(purpose, bound, head)

    def good(self, challenge: bytes, purpose: str, bound: bytes = b"") -> bool:
        """Whether it is one of ours for this purpose and session, and has not run out."""
        head, mac = challenge[:-MAC_BYTES], challenge[-MAC_BYTES:]
        if len(head) != RANDOM_BYTES + EXPIRY_BYTES:
            return False
        ours = hmac.compare_digest(mac, self._mac(purpose, bound, head))
        return ours and self._collaborators.now().timestamp() < _expiry(head)

    def spend(self, session: Session, challenge: bytes) -> bool:
        """Use a good challenge up; False if it was used before."""
        dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
        row = dialect.insert(SpentChallenge).values(
            digest=sha256(challenge), expires_at=self._collaborators.now() + LASTS
        )
        spent = row.on_conflict_do_nothing(index_elements=["digest"]).returning(SpentChallenge.digest)
        return session.scalar(spent) is not None

    def _mac(self, purpose: str, bound: bytes, head: bytes) -> bytes:
        return hmac.digest(self._key, enc("testimony/1/challenge", purpose, bound, head), "sha256")

    @cached_property
    def _key(self) -> bytes:
        label = enc("testimony/1/challenges", self._collaborators.deployment)
        return self._collaborators.custody.mac(self._pepper, label)


def sweep(session: Session, collaborators: Collaborators) -> None:
    """Forget the challenges that have run out: their own expiry refuses them."""
    session.execute(delete(SpentChallenge).where(SpentChallenge.expires_at <= collaborators.now()))


def _expiry(head: bytes) -> int:
    return int.from_bytes(head[RANDOM_BYTES:], "big")
