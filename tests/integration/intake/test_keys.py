"""Intake keys: made in turn, opened while their time lasts, destroyed for good, whatever dies on the way."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, select, update

from app.audit.models import Event
from app.bootstrap import Runtime
from app.crypto import intake
from app.crypto.intake import SealedBody
from app.errors import CustodyUnavailable, Forbidden, Tampered
from app.intake import keys
from app.intake.keys import Lifetimes, Opening
from app.intake.models import IntakeKey
from app.operations import intake_keys
from app.operations.intake_keys import Turned
from app.operations.setup import OPERATOR
from app.operations.status import look
from app.redaction.service import WORKER
from tests.databases import Kind
from tests.system import System

PLAINTEXT = b'{"answers":{}}'
STUDY, NUMBER = UUID(int=1), UUID(int=2)


class Crash(BaseException):
    """Stands for the process dying at that moment."""


class DyingCustody:
    """A real custody that dies at one call of one verb, before or after the call has had its effect."""

    def __init__(self, custody: Any, verb: str, *, after: bool) -> None:
        self._custody = custody
        self._verb = verb
        self._after = after

    def __getattr__(self, verb: str) -> Any:
        def call(*args: Any) -> Any:
            if verb == self._verb and not self._after:
                raise Crash
            result = getattr(self._custody, verb)(*args)
            if verb == self._verb:
                raise Crash
            return result

        return call


def with_custody(runtime: Runtime, custody: Any) -> Runtime:
    """The same process on another custody."""
    return replace(runtime, collaborators=replace(runtime.collaborators, custody=custody))


def turn(system: System) -> Turned:
    """What the daily rotation does with intake keys."""
    return intake_keys.turn(system.runtime, OPERATOR)


def stored(system: System) -> list[IntakeKey]:
    """Every key's row, oldest first."""
    with system.runtime.glance() as session:
        return list(session.scalars(select(IntakeKey).order_by(IntakeKey.number)))


def sealed(system: System, key: IntakeKey) -> SealedBody:
    """Something that a phone sealed to this key."""
    place = {"deployment": system.settings.deployment, "study": STUDY, "key_id": key.id, "client_uuid": NUMBER}
    return SealedBody.parse(intake.seal(key.public, **place, plaintext=PLAINTEXT))


def opened(runtime: Runtime, system: System, key: IntakeKey) -> bytes:
    """What this process opens of it."""
    return Opening(key).open(runtime.collaborators, sealed(system, key), NUMBER)


def events(system: System, action: str) -> list[dict[str, Any]]:
    """What the trail tells of this kind."""
    with system.runtime.glance() as session:
        return list(session.scalars(select(Event.details).where(Event.action == action).order_by(Event.id)))


def test_a_new_deployment_has_a_key_at_once(system: System) -> None:
    """Made with everything else, opened by web nodes, and told in the trail by its number and digest."""
    (key,) = stored(system)

    assert (key.number, opened(system.web, system, key)) == (1, PLAINTEXT)
    (told,) = events(system, "intake_key.made")
    assert (told["version"], told["expires"]) == (1, int(key.open_until.timestamp()))
    assert look(system.runtime).failing == []


def test_keys_turn_daily(system: System) -> None:
    """Within a day no other is made; after it one, however often it is asked; both open."""
    assert turn(system) == Turned(None, [])
    system.clock.advance(hours=22)
    assert turn(system) == Turned(None, [])

    system.clock.advance(hours=1, minutes=30)
    assert (turn(system), turn(system)) == (Turned(2, []), Turned(None, []))

    assert [opened(system.web, system, key) for key in stored(system)] == [PLAINTEXT] * 2


def test_a_key_is_destroyed_when_its_time_is_over(system: System) -> None:
    """Custody forgets it, its row goes, the trail says so; the one beside it stays."""
    (first,) = stored(system)
    system.clock.advance(days=89)
    turn(system)

    system.clock.advance(days=1)
    assert turn(system) == Turned(3, [1])

    assert not system.collaborators.custody.has("intake-1")
    assert [key.number for key in stored(system)] == [2, 3]
    assert [told["version"] for told in events(system, "intake_key.destroyed")] == [1]
    with pytest.raises(CustodyUnavailable):
        opened(system.web, system, first)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("verb", ["destroy", "create", "wrap", "sign"])
def test_a_turn_that_dies_is_gone_on_from(system: System, verb: str, after: bool) -> None:
    """Whatever had happened: the next turn leaves a newest key that opens, and none whose time is over."""
    system.clock.advance(days=60)
    turn(system)
    system.clock.advance(days=30)
    with pytest.raises(Crash):
        intake_keys.turn(
            with_custody(system.runtime, DyingCustody(system.collaborators.custody, verb, after=after)), OPERATOR
        )

    turn(system)

    assert [key.number for key in stored(system)] == [2, 3]
    assert [opened(system.web, system, key) for key in stored(system)] == [PLAINTEXT] * 2
    assert [system.collaborators.custody.has(f"intake-{number}") for number in (1, 2, 3, 4)] == [
        False,
        True,
        True,
        False,
    ]


def test_a_death_between_custody_and_row_leaves_nothing_open(system: System) -> None:
    """The custody key goes first: its row alone opens nothing, counts as over, and the next turn takes it away."""
    system.clock.advance(days=90)
    turn(system)
    (key,) = stored(system)
    system.clock.advance(days=90)
    custody = DyingCustody(system.collaborators.custody, "destroy", after=True)
    with pytest.raises(Crash):
        intake_keys._destroy(with_custody(system.runtime, custody), OPERATOR, key)

    assert look(system.runtime).intake_keys_over == 1
    with pytest.raises(CustodyUnavailable):
        opened(system.web, system, key)
    assert turn(system).destroyed == [2]
    assert len(events(system, "intake_key.destroyed")) == 2


def test_turns_at_once_make_one_key(system: System) -> None:
    """Several operators' commands at one moment: one key, and it opens."""
    system.clock.advance(days=1)

    with ThreadPoolExecutor(4) as pool:
        made = [each.made for each in pool.map(lambda _: turn(system), range(4))]

    assert sorted(made, key=str) == [2, None, None, None]
    assert opened(system.web, system, stored(system)[-1]) == PLAINTEXT


def test_first_keys_at_once(system: System) -> None:
    """Also with no row of a key to wait for: one key, and it opens."""
    with system.runtime.transaction() as session:
        session.execute(delete(IntakeKey))

    with ThreadPoolExecutor(4) as pool:
        made = [each.made for each in pool.map(lambda _: turn(system), range(4))]

    assert sorted(made, key=str) == [1, None, None, None]
    assert opened(system.web, system, stored(system)[-1]) == PLAINTEXT


def test_a_newest_key_that_does_not_open_is_followed_at_once(system: System) -> None:
    """Where custody lost it, phones must not go on sealing to it."""
    system.collaborators.custody.destroy("intake-1")

    assert turn(system).made == 2

    assert opened(system.web, system, stored(system)[-1]) == PLAINTEXT


@pytest.mark.parametrize(
    "changed",
    [
        lambda key: {"open_until": key.open_until + timedelta(days=1)},
        lambda key: {"seal_until": key.seal_until + timedelta(days=1)},
        lambda _key: {"public": bytes(31) + b"\x09"},
        lambda _key: {"id": UUID(int=3)},
    ],
    ids=["open until", "seal until", "public", "id"],
)
def test_a_changed_row_opens_nothing(system: System, changed: Callable[[IntakeKey], dict[str, Any]]) -> None:
    """Times, public half and id are bound to the private half: nobody lengthens a key's life in the database."""
    (key,) = stored(system)
    body = sealed(system, key)
    with system.runtime.transaction() as session:
        session.execute(update(IntakeKey).values(changed(key)))
    (other,) = stored(system)

    with pytest.raises(Tampered):
        Opening(other).open(system.web.collaborators, body, NUMBER)


def test_workers_open_no_sealed_body(system: System) -> None:
    """The private halves rest under keys of a group that a worker is not given."""
    (key,) = stored(system)

    with pytest.raises(CustodyUnavailable):
        opened(system.worker, system, key)


def test_only_the_operator_turns_keys(system: System) -> None:
    """Neither a worker nor a person makes or forgets one."""
    (key,) = stored(system)
    lifetimes = Lifetimes(timedelta(0), timedelta(days=1), timedelta(days=2))

    for actor in (WORKER, system.actor(system.admin)):
        with system.runtime.transaction() as session, pytest.raises(Forbidden):
            keys.make(session, system.collaborators, actor, lifetimes)
        with system.runtime.transaction() as session, pytest.raises(Forbidden):
            keys.forget(session, system.collaborators, actor, key)


def test_status_names_a_key_that_is_too_old(system: System) -> None:
    """Thirty days without a rotation: phones could not seal any more, and status fails."""
    system.clock.advance(days=29)
    before = look(system.runtime)
    system.clock.advance(days=1)
    after = look(system.runtime)

    assert (before.healthy, before.intake_key_days, before.intake_keys) == (True, 29, 1)
    assert (after.healthy, after.failing) == (False, ["intake key"])


def test_lifetimes_come_from_the_settings(tmp_path_factory: pytest.TempPathFactory, database_kind: Kind) -> None:
    """Shorter lives mean shorter times in the signed key."""
    folder = tmp_path_factory.mktemp("lifetimes") / str(uuid4())
    system = System(folder, database_kind, intake_key_hours=6, intake_seal_days=3, intake_open_days=7)
    (key,) = stored(system)
    system.close()

    assert (key.seal_until - key.made_at, key.open_until - key.made_at) == (timedelta(days=3), timedelta(days=7))
