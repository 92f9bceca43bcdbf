"""The gate: where passwords are worked on, a few at a time.

    a = Argon2id(password);  mac = custody.mac(pepper, a);  key = HKDF(a | mac);  the bundle opens or it does not.

One attempt costs exactly one Argon2id and one custody call, for unknown accounts too: they get a dummy bundle that
nobody can open. Argon2id takes 64 MiB each, so a bounded number run at once and a bounded number wait for a bounded
time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from os import urandom
from typing import Self
from uuid import UUID, uuid4

from app.accounts.factors import new_factor
from app.accounts.models import User
from app.collaborators import Collaborators
from app.crypto import contexts, envelope
from app.crypto.passwords import SALT_BYTES, Argon2Params, Bundle, stretch, unlock_key
from app.crypto.principals import PRIVATE_BYTES
from app.crypto.sealed import Sealed
from app.crypto.secrets import Secret
from app.errors import BadEncoding, SignInRefused, Tampered, TamperedField, Throttled

__all__ = ["PEPPER", "Gate", "Locked"]

# The custody key that new bundles are sealed with; a row names the one it needs.
PEPPER = "pepper-1"


@dataclass(frozen=True, slots=True)
class Locked:
    """A bundle under a password, with everything its context names: what a user's row holds of it."""

    user: UUID
    key_id: UUID
    pepper_id: str
    params: Argon2Params
    salt: bytes
    sealed: Sealed

    @classmethod
    def of(cls, row: User) -> Self:
        """The bundle of a user's row.

        Raises:
            Tampered: the row's Argon2 cost is outside the limits.
        """
        try:
            params = Argon2Params(row.argon_m, row.argon_t, row.argon_p)
        except BadEncoding:
            raise Tampered from None
        return cls(row.id, row.key_id, row.pepper_id, params, row.salt, row.bundle)

    def columns(self) -> dict[str, object]:
        """The columns of a user's row that hold it."""
        return {
            "key_id": self.key_id,
            "pepper_id": self.pepper_id,
            "argon_m": self.params.m_kib,
            "argon_t": self.params.t,
            "argon_p": self.params.p,
            "salt": self.salt,
            "bundle": self.sealed,
        }


class Gate:
    """Seals and opens bundles under passwords; one per process, shared by its threads.

    At most ``at_once`` work, at most ``waiting`` more wait, each at most ``patience`` seconds; the rest are Throttled.
    """

    def __init__(
        self,
        *,
        at_once: int = 2,
        waiting: int = 8,
        patience: float = 10.0,
        params: Argon2Params = Argon2Params.DEFAULT,
        pepper: str = PEPPER,
    ) -> None:
        self._seats = threading.BoundedSemaphore(at_once)
        self._room = threading.BoundedSemaphore(at_once + waiting)
        self._patience = patience
        self._params = params
        self._pepper = pepper
        self._dummy: Locked | None = None

    def lock(self, collaborators: Collaborators, user: UUID, key_id: UUID, bundle: Bundle, password: str) -> Locked:
        """Seal a bundle under a password with a fresh salt. No transaction should be open meanwhile.

        Raises:
            Throttled: too many work here already.
            CustodyUnavailable: the pepper is not here.
        """
        shape = Locked(user, key_id, self._pepper, self._params, urandom(SALT_BYTES), Sealed())
        key = self._key(collaborators, shape, password)
        return replace(shape, sealed=envelope.seal(key, _context(collaborators, shape), bundle.encode()))

    def unlock(self, collaborators: Collaborators, locked: Locked, password: str) -> Bundle:
        """Open a bundle: the one check of a password. No transaction should be open meanwhile.

        Raises:
            SignInRefused: it does not open.
            Throttled: too many work here already.
            CustodyUnavailable: the pepper is not here.
        """
        key = self._key(collaborators, locked, password)
        try:
            return Bundle.decode(envelope.unseal(key, _context(collaborators, locked), locked.sealed))
        except (TamperedField, BadEncoding):
            raise SignInRefused from None

    def dummy(self, collaborators: Collaborators) -> Locked:
        """A bundle for accounts that do not exist: as much work as a real one, and no password opens it."""
        if self._dummy is None:
            shape = Locked(uuid4(), uuid4(), self._pepper, self._params, urandom(SALT_BYTES), Sealed())
            bundle = Bundle(Secret.random(PRIVATE_BYTES), new_factor())
            self._dummy = replace(
                shape, sealed=envelope.seal(Secret.random(), _context(collaborators, shape), bundle.encode())
            )
        return self._dummy

    def _key(self, collaborators: Collaborators, locked: Locked, password: str) -> Secret:
        with self._seat():
            argon = stretch(password, locked.salt, locked.params)
        message = contexts.pepper(
            collaborators.deployment, user=locked.user, key_id=locked.key_id, argon=argon.reveal()
        )
        return unlock_key(argon, collaborators.custody.mac(locked.pepper_id, message), locked.salt)

    @contextmanager
    def _seat(self) -> Iterator[None]:
        if not self._room.acquire(blocking=False):
            raise Throttled(self._retry_after())
        try:
            if not self._seats.acquire(timeout=self._patience):
                raise Throttled(self._retry_after())
            try:
                yield
            finally:
                self._seats.release()
        finally:
            self._room.release()

    def _retry_after(self) -> int:
        return max(1, round(self._patience))


def _context(collaborators: Collaborators, locked: Locked) -> bytes:
    return contexts.user(
        collaborators.deployment,
        user=locked.user,
        key_id=locked.key_id,
        pepper_id=locked.pepper_id,
        params=locked.params,
        salt=locked.salt,
    )
