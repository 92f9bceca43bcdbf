"""When the keystore may serve: the states of a record and the floor of its study's roster."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from app.errors import RecordDead, RecordFrozen, StaleRoster
from app.keystore.models import RecordState

__all__ = ["check_floor", "check_serving"]


def check_serving(state: str, dead_scopes: Collection[str], scopes: Iterable[str], *, moving: bool) -> None:
    """Refuse what is erased, and what is frozen unless grants are only being moved.

    Raises:
        RecordDead: the record or one of the scopes was erased.
        RecordFrozen: the record is frozen.
    """
    if state == RecordState.DEAD or not set(dead_scopes).isdisjoint(scopes):
        raise RecordDead
    if state == RecordState.FROZEN and not moving:
        raise RecordFrozen


def check_floor(stored: int, offered: int) -> None:
    """Refuse a roster older than one that was seen before.

    Raises:
        StaleRoster: it is older.
    """
    if offered < stored:
        raise StaleRoster
