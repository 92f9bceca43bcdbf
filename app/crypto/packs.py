"""Packs: the sealed fields of one compartment of one record, stored as one value.

For each field in the order of the names: u32be(len) name | u32be(len) blob. One spelling per pack, so its SHA-256 names
exactly what is stored; whoever approves, approves that digest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from app.crypto.encoding import check_name, sha256
from app.crypto.sealed import Sealed
from app.errors import BadEncoding

__all__ = ["digest", "marks", "pack", "unpack"]

MARK_BYTES = 4


def pack(fields: Mapping[str, Sealed]) -> Sealed:
    """Join sealed fields into one value, sorted by name.

    Raises:
        BadEncoding: a name with other characters than ``[a-z0-9_.-]``.
        TypeError: a blob is not Sealed.
    """
    if not all(isinstance(blob, Sealed) for blob in fields.values()):
        raise TypeError("a pack holds only Sealed")
    out: list[bytes] = []
    for name, blob in sorted(fields.items()):
        raw = check_name(name).encode("ascii")
        out += (len(raw).to_bytes(4, "big"), raw, len(blob).to_bytes(4, "big"), blob)
    return Sealed(b"".join(out))


def unpack(packed: bytes) -> dict[str, Sealed]:
    """Take a pack apart.

    Raises:
        BadEncoding: cut, with trailing bytes, names unsorted, repeated or not names.
    """
    chunks = list(_chunks(packed))
    try:
        names = [check_name(raw.decode("ascii")) for raw in chunks[::2]]
    except UnicodeDecodeError:
        raise BadEncoding from None
    if len(chunks) % 2 or any(one >= two for one, two in pairwise(names)):
        raise BadEncoding
    return {name: Sealed(blob) for name, blob in zip(names, chunks[1::2], strict=True)}


def digest(packed: bytes) -> bytes:
    """SHA-256 of a pack."""
    return sha256(packed)


def marks(packed: bytes) -> str:
    """The first four bytes of each field's SHA-256, in hex, in the order of the names: which field is another one.

    Of bytes that are no pack, as far as they look like one; ``digest`` is the check, this tells where.
    """
    found, view, at, end = [], memoryview(packed), 0, len(packed)
    while at < end:
        at += 4 + int.from_bytes(view[at : at + 4], "big")
        start = at + 4
        at = start + int.from_bytes(view[at:start], "big")
        found.append(sha256(view[start:at])[:MARK_BYTES])
    return b"".join(found).hex()


def _chunks(packed: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(packed):
        start = at + 4
        at = start + int.from_bytes(packed[at:start], "big")
        if at > len(packed):
            raise BadEncoding
        yield packed[start:at]
