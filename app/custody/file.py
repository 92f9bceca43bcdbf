"""Custody in files, for development and for small deployments without a security module.

The keys of web nodes, of worker nodes, of the trail, of intake and of the keystore rest in five files, and a process
loads only those of its groups: a web node cannot use the worker's key. Intake keys have a file of their own, which no
backup holds, because they are destroyed one by one. Whoever can read a file has its keys; SECURITY.md says what that
means.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Collection
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.crypto import envelope
from app.crypto.sealed import Sealed
from app.crypto.secrets import Secret
from app.custody.base import KeyKind
from app.custody.keyfile import Entry, KeyFile
from app.errors import Conflict, CustodyUnavailable

__all__ = ["FileCustody"]

# Which file holds the keys of a purpose.
GROUP_OF_PURPOSE = {
    "pepper": "web",
    "roster": "web",
    "receipt": "web",
    "intake": "intake",
    "form": "web",
    "worker": "worker",
    "audit": "audit",
    "event": "audit",
    "kk": "kk",
}
GROUPS = frozenset(GROUP_OF_PURPOSE.values())
NAME = re.compile(r"([a-z]+)-[1-9][0-9]{0,8}", re.ASCII)


class FileCustody:
    """Keys in JSON files of mode 0600 in a folder of mode 0700; implements ``Custody``.

    ``groups`` names the files this process may open, of ``web``, ``worker``, ``audit``, ``intake`` and ``kk``.
    """

    def __init__(self, folder: Path, groups: Collection[str]) -> None:
        if not groups or not GROUPS.issuperset(groups):
            detail = "Custody groups are web, worker, audit, intake and kk."
            raise CustodyUnavailable(detail)
        self._files = {group: KeyFile(folder / f"{group}.keys") for group in groups}
        self._public = KeyFile(folder / "public.keys")

    def create(self, name: str, kind: KeyKind) -> None:
        """Make a random key; the public half of a signing key is published to every group."""
        with self._file(name).change() as entries:
            held = entries.get(name)
            known = self._public.get(name)
            moved = self._rested_with_web(name) if held is None else None
            if moved is None and (known is not None or (held is not None and not (held.kind is kind is KeyKind.SIGN))):
                detail = "This key name was used before."
                raise Conflict(detail)
            entries[name] = held or moved or Entry(kind, Secret.random())
            new = entries[name]
        if kind is KeyKind.SIGN:
            with self._public.change() as published:
                published[name] = Entry(kind, Secret(_signer(new).public_key().public_bytes_raw()))

    def public(self, name: str) -> bytes:
        """The public half, also of a destroyed key: what it signed must stay verifiable."""
        entry = self._public.get(name)
        if entry is None:
            raise CustodyUnavailable
        return entry.key.reveal()

    def mac(self, name: str, data: bytes) -> bytes:
        """HMAC-SHA256 (FIPS 198-1)."""
        return hmac.digest(self._entry(name, KeyKind.MAC).key.reveal(), data, "sha256")

    def sign(self, name: str, data: bytes) -> bytes:
        """Ed25519 (RFC 8032)."""
        return _signer(self._entry(name, KeyKind.SIGN)).sign(data)

    def wrap(self, name: str, plaintext: Secret, context: bytes) -> Sealed:
        """Seal in an envelope under the wrapping key."""
        return envelope.seal(self._entry(name, KeyKind.WRAP).key, context, plaintext.reveal())

    def unwrap(self, name: str, blob: bytes, context: bytes) -> Secret:
        """Open an envelope under the wrapping key."""
        return Secret(envelope.unseal(self._entry(name, KeyKind.WRAP).key, context, blob))

    def destroy(self, name: str) -> None:
        """Remove the key and overwrite the file that held it."""
        with self._file(name).change() as entries:
            entries.pop(name, None)

    def has(self, name: str) -> bool:
        """Whether one of this process's files holds the key."""
        try:
            return self._file(name).get(name) is not None
        except CustodyUnavailable:
            return False

    def _rested_with_web(self, name: str) -> Entry | None:
        """A key that rests in the web nodes' file since before its group had one of its own: it is taken over."""
        web = self._files.get("web")
        return web.get(name) if web is not None and self._file(name) is not web else None

    def _file(self, name: str) -> KeyFile:
        match = NAME.fullmatch(name)
        file = self._files.get(GROUP_OF_PURPOSE.get(match[1], "")) if match else None
        if file is None:
            raise CustodyUnavailable
        return file

    def _entry(self, name: str, kind: KeyKind) -> Entry:
        entry = self._file(name).get(name)
        if entry is None or entry.kind is not kind:
            raise CustodyUnavailable
        return entry


def _signer(entry: Entry) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(entry.key.reveal())
