"""Key versions KK_n, under which shares rest.

A version is 32 random bytes, wrapped under the custody key ``kk-n`` and bound to the deployment and its number:

    context = enc("testimony/1/kk", D, n)

Only the current version is kept in memory. A retired one is unwrapped again for each use while a rotation runs, so that
no process remembers it after custody destroyed its key.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from app.crypto.encoding import enc
from app.crypto.sealed import Sealed
from app.crypto.secrets import Secret
from app.custody.base import Custody, KeyKind
from app.errors import KeystoreUnavailable
from app.keystore import queries

__all__ = ["KeyVersion", "KeyVersions", "custody_name"]


@dataclass(frozen=True, slots=True)
class KeyVersion:
    """A key version, unwrapped."""

    n: int
    key: Secret


class KeyVersions:
    """Unwraps key versions and remembers the current one."""

    def __init__(self, custody: Custody, deployment: UUID) -> None:
        self._custody = custody
        self._deployment = deployment
        self._current: KeyVersion | None = None

    def make(self, n: int) -> Sealed:
        """Make version ``n``, wrapped; its custody key is made, or taken over from an interrupted attempt."""
        if not self._custody.has(custody_name(n)):
            self._custody.create(custody_name(n), KeyKind.WRAP)
        return self._custody.wrap(custody_name(n), Secret.random(), self._context(n))

    def current(self, connection: Connection) -> KeyVersion:
        """The version that seals new shares, as the database names it now."""
        n = queries.current_version(connection)
        if n is None:
            raise KeystoreUnavailable
        self._current = KeyVersion(n, self.open(connection, n))
        return self._current

    def remembered(self) -> KeyVersion | None:
        """The version last known as current; whoever seals under it must see that it still is."""
        return self._current

    def open(self, connection: Connection, n: int) -> Secret:
        """Unwrap version ``n``.

        Raises:
            CustodyUnavailable: custody destroyed its key.
        """
        known = self._current
        if known is not None and known.n == n:
            return known.key
        wrapped = queries.wrapped_version(connection, n)
        return self._custody.unwrap(custody_name(n), wrapped, self._context(n))

    def forget(self) -> None:
        """Drop the remembered version."""
        self._current = None

    def _context(self, n: int) -> bytes:
        return enc("testimony/1/kk", self._deployment, n)


def custody_name(n: int) -> str:
    """The custody key that wraps version ``n``."""
    return f"kk-{n}"
