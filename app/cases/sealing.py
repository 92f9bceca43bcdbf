"""Sealing the fields of one compartment of one record into a pack, and opening them again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from app.crypto import contexts, packs
from app.crypto.envelope import seal, unseal
from app.crypto.sealed import Sealed
from app.crypto.secrets import Secret
from app.errors import BadEncoding, TamperedField

# The consent scopes in force, sealed into each release, so that no change of a row widens who may read it.
SCOPES = "release.scopes"
# The clean copies of attachments that belong to a release, with their keys.
FILES = "release.files"

# Made once: json.dumps makes one for each value.
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


class Compartment(StrEnum):
    """The part of a record that one kind of role may open."""

    IDENTITY = "identity"
    PROTECTION = "protection"
    SOURCE = "source"
    RESEARCH = "research"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a field rests: part of what its envelope is bound to."""

    deployment: UUID
    study: UUID
    case: UUID
    record: UUID


def seal_pack(place: Place, key: Secret, compartment: str, values: Mapping[str, Any], version: int) -> Sealed:
    """Seal each field (any JSON value) by itself and join them into one pack."""
    sealed = {
        name: seal(key, _context(place, compartment, name, version), _encode(value)) for name, value in values.items()
    }
    return packs.pack(sealed)


def open_pack(
    place: Place,
    key: Secret,
    compartment: str,
    version: int,
    sealed: bytes,
    names: Iterable[str] | None = None,
) -> dict[str, Any]:
    """Open every field of a pack, or only the named ones, which must all be there.

    Raises:
        TamperedField: the pack or a field is not what was sealed here, or a named one is missing.
    """
    try:
        blobs = packs.unpack(sealed)
    except BadEncoding:
        raise TamperedField from None
    wanted = blobs.keys() if names is None else set(names)
    if not wanted <= blobs.keys():
        raise TamperedField
    return {
        name: json.loads(_open(key, _context(place, compartment, name, version), blobs[name]))
        for name in sorted(wanted)
    }


def _open(key: Secret, context: bytes, blob: bytes) -> bytes:
    try:
        return unseal(key, context, blob)
    except BadEncoding:
        # What rests in our own rows is never the caller's malformed input.
        raise TamperedField from None


def _context(place: Place, compartment: str, name: str, version: int) -> bytes:
    return contexts.field(
        place.deployment,
        study=place.study,
        case=place.case,
        record=place.record,
        compartment=compartment,
        name=name,
        version=version,
    )


def _encode(value: Any) -> bytes:
    return _ENCODER.encode(value).encode()
