"""What an event is as bytes, its check, and its link in the chain.

    check  HMAC-SHA256(event key, event bytes): made by whoever writes the event, with a key that no database holds
    link   SHA-256(enc("testimony/1/link", deployment, position, hash before, event bytes)): made by the sealer

The event key is the MAC of a fixed message under custody's key ``event-N``, asked once per process, so that writing an
event costs no call to custody.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from app.crypto import contexts
from app.crypto.encoding import sha256
from app.crypto.mac import event_mac
from app.crypto.secrets import Secret
from app.custody.base import Custody

__all__ = ["KEY", "START", "canonical", "carries_check", "check_of", "link_hash", "message", "microseconds"]

# The key that new events are checked with; each event names its own.
KEY = "event-1"
EVENT_KEY = re.compile(r"event-[1-9][0-9]{0,8}", re.ASCII)
# The hash before the first position.
START = bytes(32)
# Processes hold one custody each; tests hold several.
CUSTODIES = 16
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)

# The columns of an event by name.
Row = Mapping[Any, Any]


def message(deployment: UUID, row: Row) -> bytes:
    """The bytes of an event, from the columns of its row."""
    return contexts.event(
        deployment,
        key_id=row["key_id"] or "",
        event=row["id"],
        at=microseconds(row["at"]),
        action=row["action"],
        actor_kind=row["actor_kind"],
        actor=row["actor_id"],
        study=row["study_id"],
        case=row["case_id"],
        record=row["record_id"],
        details=canonical(row["details"]),
    )


def check_of(custody: Custody, deployment: UUID, key_id: str, content: bytes) -> bytes:
    """The check of an event's bytes, 32 bytes; CustodyUnavailable where custody does not hold the key."""
    return event_mac(_key(custody, deployment, key_id), content)  # type: ignore[arg-type]  # known by identity


def carries_check(custody: Custody, deployment: UUID, row: Row, content: bytes) -> bool:
    """Whether the row's check is one that a process of this deployment made over these bytes."""
    key_id, mac = row["key_id"], row["mac"]
    if key_id is None or mac is None or EVENT_KEY.fullmatch(key_id) is None or not custody.has(key_id):
        return False
    return hmac.compare_digest(check_of(custody, deployment, key_id, content), mac)


def link_hash(deployment: UUID, position: int, before: bytes, content: bytes) -> bytes:
    """The chain's hash at a position."""
    return sha256(contexts.link(deployment, position=position, before=before, event=content))


def microseconds(at: datetime) -> int:
    """A moment as microseconds since 1970 UTC."""
    return (at - EPOCH) // timedelta(microseconds=1)


def canonical(details: Any) -> bytes:
    """RFC 8785 of what details may hold (names, ids, counts), by the fast encoder; bytes of anything else too."""
    return _ENCODER.encode(details).encode(errors="surrogatepass")


@lru_cache(maxsize=CUSTODIES)
def _key(custody: Custody, deployment: UUID, key_id: str) -> Secret:
    return Secret(custody.mac(key_id, contexts.event_key(deployment)))
