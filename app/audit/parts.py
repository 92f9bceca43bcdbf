"""Digests of rows, as events of changes carry them: so that a row which is not what its act made is found and named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.audit.entries import canonical, microseconds
from app.crypto.encoding import enc, sha256
from app.crypto.sealed import Sealed

__all__ = ["Parts", "digest_of"]

# What something is made of: a value, mostly a digest, by the name of each part.
Parts = dict[str, str]


def digest_of(kind: str, row: Any, names: Sequence[str]) -> str:
    """SHA-256, in hex, over the named columns of a row, given as mapping or as object; sealed bytes by their digest."""
    values = {name: _plain(row.get(name) if isinstance(row, Mapping) else getattr(row, name)) for name in names}
    return sha256(enc("testimony/1/part", kind, canonical(values))).hex()


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, Sealed):
        return sha256(value).hex()
    if isinstance(value, bytes):
        return value.hex()
    return microseconds(value) if isinstance(value, datetime) else value
