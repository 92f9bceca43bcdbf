"""Turning the intake keys: the next one is made when it is due, and those whose time is over are destroyed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from app.access import Actor
from app.bootstrap import Runtime
from app.intake import keys
from app.intake.keys import Lifetimes
from app.intake.models import IntakeKey
from app.settings import Settings

__all__ = ["Turned", "turn"]

# A daily timer does not fire at the same second: a key that is due within this time is due.
TIMERS_WANDER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Turned:
    """What a turn did, by the numbers of the keys."""

    made: int | None
    destroyed: list[int]


def turn(runtime: Runtime, actor: Actor) -> Turned:
    """Do what is due. Safe to repeat, and to interrupt at any step: the next call goes on from there."""
    with runtime.transaction() as session:
        made = keys.make(session, runtime.collaborators, actor, _lifetimes(runtime.settings))
    with runtime.glance() as session:
        over = keys.over(session, runtime.clock())
    return Turned(None if made is None else made.number, [key.number for key in over if _destroy(runtime, actor, key)])


def _destroy(runtime: Runtime, actor: Actor, key: IntakeKey) -> bool:
    """The custody key first: a row without it opens nothing, the other way round it would be forgotten."""
    runtime.collaborators.custody.destroy(keys.custody_name(key.number))
    with runtime.transaction() as session:
        return keys.forget(session, runtime.collaborators, actor, key)


def _lifetimes(settings: Settings) -> Lifetimes:
    return Lifetimes(
        rotate=timedelta(hours=settings.intake_key_hours) - TIMERS_WANDER,
        seal=timedelta(days=settings.intake_seal_days),
        open=timedelta(days=settings.intake_open_days),
    )
