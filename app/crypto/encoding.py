"""The one binary encoding that every context, signature and digest of ours is taken over.

    enc(label, p1..pn) = u8(n+1) | for label and each p: u32be(len) | bytes

Under one label the number and the types of the parts are fixed, so two different tuples never give the same bytes.
Canonical JSON is RFC 8785. Parsing is strict: one spelling per value and no trailing bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any
from uuid import UUID

import rfc8785

from app.errors import BadEncoding

__all__ = ["NAME", "Part", "canonical_json", "check_digest", "check_name", "dec", "enc", "sha256"]

Part = UUID | int | str | bytes

NAME = re.compile(r"[a-z0-9_.-]+", re.ASCII)
DIGEST_BYTES = 32
# The count of parts, label included, is one byte.
MAX_PARTS = 255
MAX_U64 = 2**64 - 1
# RFC 8785 has no integers that a double cannot hold exactly.
MAX_EXACT = 2**53 - 1
ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True)


def enc(label: str, *parts: Part) -> bytes:
    """Encode a label and its parts: uuid 16 bytes, integer u64be, name ASCII ``[a-z0-9_.-]+``, bytes as they are.

    Raises:
        BadEncoding: a name with other characters, an integer outside u64, too many parts, a label that is not ASCII.
    """
    if len(parts) >= MAX_PARTS or not label.isascii():
        raise BadEncoding
    raw = label.encode("ascii")
    out = [(len(parts) + 1).to_bytes(1, "big"), len(raw).to_bytes(4, "big"), raw]
    for part in parts:
        raw = _raw(part)
        out += (len(raw).to_bytes(4, "big"), raw)
    return b"".join(out)


def dec(label: str, count: int, data: bytes) -> tuple[bytes, ...]:
    """Take ``enc(label, ...)`` of ``count`` parts apart again, as raw bytes.

    Raises:
        BadEncoding: another label or count, cut, or with trailing bytes.
    """
    found: list[bytes] = []
    at = 1
    while at < len(data):
        start = at + 4
        at = start + int.from_bytes(data[at:start], "big")
        found.append(data[start:at])
    whole = at == len(data) and len(found) == count + 1 == data[0]
    if not whole or found[0] != label.encode("ascii"):
        raise BadEncoding
    return tuple(found[1:])


def check_name(name: str) -> str:
    """Give the name back if it is one.

    Raises:
        BadEncoding: it is empty or has other characters than ``[a-z0-9_.-]``.
    """
    if NAME.fullmatch(name) is None:
        raise BadEncoding
    return name


def check_digest(digest: bytes) -> bytes:
    """Give the digest back if it has 32 bytes.

    Raises:
        BadEncoding: it has not.
    """
    if len(digest) != DIGEST_BYTES:
        raise BadEncoding
    return digest


def canonical_json(obj: Any) -> bytes:
    """Write JSON in the one spelling of RFC 8785.

    Raises:
        BadEncoding: the value has no JSON of that kind (NaN, integers beyond 2**53, lone surrogates, foreign types).
    """
    try:
        return ENCODER.encode(obj).encode() if _simple(obj) else rfc8785.dumps(obj)
    except (rfc8785.CanonicalizationError, UnicodeError, RecursionError):
        raise BadEncoding from None


def _simple(node: Any) -> bool:
    """Whether Python's own encoder, several times faster, writes the same: no fractions, and names in ASCII.

    RFC 8785 orders other names by UTF-16 and writes fractions as ECMAScript does.
    """
    kind = type(node)
    if kind is dict:
        return all(type(name) is str and name.isascii() for name in node) and all(map(_simple, node.values()))
    if kind is list:
        return all(map(_simple, node))
    return kind is str or node is None or kind is bool or (kind is int and -MAX_EXACT <= node <= MAX_EXACT)


def sha256(data: bytes | memoryview) -> bytes:
    """SHA-256 (FIPS 180-4), 32 bytes."""
    return hashlib.sha256(data).digest()


def _raw(part: Part) -> bytes:
    if isinstance(part, bytes):
        return part
    if isinstance(part, UUID):
        return part.bytes
    if isinstance(part, str):
        return check_name(part).encode("ascii")
    if isinstance(part, bool) or not 0 <= part <= MAX_U64:
        raise BadEncoding
    return part.to_bytes(8, "big")
