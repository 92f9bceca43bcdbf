"""Two ways to give the second factor: a one-time code, or a passkey's answer to a challenge.

Both are judged after the password has opened the bundle, or inside a session whose token has, and both are good once.
"""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from sqlalchemy import or_, update
from sqlalchemy.orm import Session

from app.accounts import factors, queries
from app.accounts.ceremonies import Ceremonies
from app.accounts.models import Passkey, User
from app.collaborators import Collaborators
from app.crypto import contexts
from app.crypto.passkeys import open_public_key
from app.crypto.passwords import Bundle
from app.errors import Malformed, Tampered

__all__ = ["CodeProof", "PasskeyProof", "Proof"]


class Proof(Protocol):
    """One second factor as it was given."""

    def look(self, session: Session, user: UUID) -> None:
        """Read what is needed to judge it; as much work for people who do not exist."""

    def holds(self, user: UUID, bundle: Bundle) -> bool:
        """Whether it is right. No transaction is needed."""

    def spend(self, session: Session, user: UUID, *, key_id: UUID, salt: bytes | None = None) -> bool:
        """Use it up; False if it was used, or the account changed since it was read (``factors.spend_step``)."""

    def warn(self, session: Session) -> bool:
        """After a refusal: note what its owner should know; whether there was anything."""


class CodeProof:
    """A one-time code."""

    def __init__(self, collaborators: Collaborators, code: str) -> None:
        self._collaborators = collaborators
        self._code = code
        self._step: int | None = None

    def look(self, session: Session, user: UUID) -> None:
        """A code needs nothing but the bundle."""

    def holds(self, user: UUID, bundle: Bundle) -> bool:  # noqa: ARG002  a code is judged by the bundle alone
        """Look for the code's time step."""
        self._step = factors.matching_step(bundle.totp, self._code, self._collaborators.now())
        return self._step is not None

    def spend(self, session: Session, user: UUID, *, key_id: UUID, salt: bytes | None = None) -> bool:
        """Spend the time step."""
        return self._step is not None and factors.spend_step(session, user, self._step, key_id=key_id, salt=salt)

    def warn(self, session: Session) -> bool:  # noqa: ARG002
        """A wrong code tells its owner nothing."""
        return False


class PasskeyProof:
    """What a passkey answered, as the browser's JSON; ``bound`` names the session, for a step-up."""

    def __init__(
        self, collaborators: Collaborators, ceremonies: Ceremonies, text: str, *, purpose: str, bound: bytes = b""
    ) -> None:
        self._collaborators = collaborators
        self._ceremonies = ceremonies
        self._answer = ceremonies.read(text)
        self._purpose = purpose
        self._bound = bound
        self._row: Passkey | None = None
        self._count: int | None = None
        self._went_back = False

    def look(self, session: Session, user: UUID) -> None:
        """Read the person's passkey of this credential."""
        credential = b"" if self._answer is None else self._answer.credential
        self._row = queries.passkey(session, user, credential)

    def holds(self, user: UUID, bundle: Bundle) -> bool:
        """Open the public key with the bundle and verify the answer with it."""
        if self._answer is None or self._row is None:
            return False
        context = contexts.passkey(self._collaborators.deployment, user=user, credential=self._row.credential_id)
        try:
            public_key = open_public_key(bundle, context, self._row.sealed)
        except (Tampered, Malformed):
            return False
        self._count = self._ceremonies.verify(self._answer, user, public_key, self._purpose, self._bound)
        return self._count is not None

    def spend(self, session: Session, user: UUID, *, key_id: UUID, salt: bytes | None = None) -> bool:
        """Use the challenge up and move the counter on; a counter that does not grow may be a copy's."""
        if self._answer is None or self._row is None or self._count is None:
            return False
        if not _unchanged(session, user, key_id, salt) or not self._ceremonies.spend(session, self._answer.challenge):
            return False
        grows = or_(Passkey.sign_count < self._count, (Passkey.sign_count == 0) & (self._count == 0))
        moved = update(Passkey).where(Passkey.id == self._row.id, grows)
        today = self._collaborators.today()
        used = session.scalar(moved.values(sign_count=self._count, last_used_day=today).returning(Passkey.id))
        self._went_back = used is None and queries.passkey(session, user, self._answer.credential) is not None
        return used is not None

    def warn(self, session: Session) -> bool:
        """Mark a passkey whose counter went back."""
        if self._went_back and self._row is not None:
            marked = update(Passkey).where(Passkey.id == self._row.id)
            session.execute(marked.values(warned_day=self._collaborators.today()))
        return self._went_back


def _unchanged(session: Session, user: UUID, key_id: UUID, salt: bytes | None) -> bool:
    """Whether the account is as it was read; locks its row, so that it stays so until the transaction ends."""
    same = update(User).where(User.id == user, User.active, User.key_id == key_id)
    if salt is not None:
        same = same.where(User.salt == salt)
    return session.scalar(same.values(totp_step=User.totp_step).returning(User.id)) is not None
