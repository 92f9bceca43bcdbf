from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from app.accounts import gate as module
from app.accounts.gate import Gate, Locked
from app.collaborators import Collaborators
from app.crypto.passwords import Argon2Params, Bundle, stretch
from app.crypto.principals import KeyPair
from app.crypto.sealed import Sealed
from app.crypto.secrets import Secret
from app.custody.base import KeyKind
from app.custody.file import FileCustody
from app.db import make_engine
from app.errors import CustodyUnavailable, SignInRefused, Throttled
from app.keystore.service import Keystore
from tests.clock import Clock
from tests.people import CHEAP, NO_FILES, PASSWORD, create_pepper


@pytest.fixture
def collaborators(custody: FileCustody, deployment: UUID, clock: Clock) -> Collaborators:
    """Custody with a pepper; the keystore is never asked."""
    create_pepper(custody)
    none = make_engine("sqlite://", journal="delete")
    return Collaborators(deployment, custody, Keystore(none, custody, deployment, clock), clock, NO_FILES)


@pytest.fixture
def gate() -> Gate:
    """A gate with the cheapest cost."""
    return Gate(params=CHEAP)


@pytest.fixture
def bundle() -> Bundle:
    """Somebody's keys and factor."""
    return Bundle(KeyPair.generate().private, Secret.random(20))


@pytest.fixture
def locked(gate: Gate, collaborators: Collaborators, bundle: Bundle) -> Locked:
    """The bundle under a password."""
    return gate.lock(collaborators, uuid4(), uuid4(), bundle, PASSWORD)


def test_right_password_opens(gate: Gate, collaborators: Collaborators, locked: Locked, bundle: Bundle) -> None:
    """What was sealed comes back."""
    assert gate.unlock(collaborators, locked, PASSWORD) == bundle


@pytest.mark.parametrize("password", ["", PASSWORD.upper(), PASSWORD + " ", " " + PASSWORD])
def test_wrong_password_is_refused(gate: Gate, collaborators: Collaborators, locked: Locked, password: str) -> None:
    """Nothing is trimmed or folded."""
    with pytest.raises(SignInRefused):
        gate.unlock(collaborators, locked, password)


@pytest.mark.parametrize(
    "change",
    [
        {"user": uuid4()},
        {"key_id": uuid4()},
        {"salt": bytes(16)},
        {"params": Argon2Params(7_168, 2, 1)},
        {"pepper_id": "pepper-2"},
        {"sealed": Sealed()},
    ],
    ids=lambda change: next(iter(change)),
)
def test_changed_row_opens_nothing(
    gate: Gate, collaborators: Collaborators, locked: Locked, change: dict[str, object]
) -> None:
    """Person, key, salt, cost and pepper are bound in: a row with another of them does not open."""
    collaborators.custody.create("pepper-2", KeyKind.MAC)

    with pytest.raises(SignInRefused):
        gate.unlock(collaborators, replace(locked, **change), PASSWORD)  # type: ignore[arg-type]


def test_other_deployment_opens_nothing(gate: Gate, collaborators: Collaborators, locked: Locked) -> None:
    """A row carried to another installation with the same pepper does not open there."""
    with pytest.raises(SignInRefused):
        gate.unlock(replace(collaborators, deployment=uuid4()), locked, PASSWORD)


def test_same_password_locks_differently(gate: Gate, collaborators: Collaborators, bundle: Bundle) -> None:
    """Two people with one password cannot be told to have it."""
    one, other = (gate.lock(collaborators, uuid4(), uuid4(), bundle, PASSWORD) for _ in range(2))

    assert one.salt != other.salt
    assert one.sealed != other.sealed


def test_dummy_looks_like_a_real_bundle(gate: Gate, collaborators: Collaborators, locked: Locked) -> None:
    """Same cost, same length, so the same work."""
    dummy = gate.dummy(collaborators)

    assert (dummy.params, len(dummy.sealed), len(dummy.salt)) == (locked.params, len(locked.sealed), len(locked.salt))


def test_dummy_opens_for_nobody(gate: Gate, collaborators: Collaborators) -> None:
    """There is no password for it."""
    with pytest.raises(SignInRefused):
        gate.unlock(collaborators, gate.dummy(collaborators), "")


def test_missing_pepper_is_no_wrong_password(gate: Gate, collaborators: Collaborators, locked: Locked) -> None:
    """Without custody nobody is told that the password was wrong."""
    collaborators.custody.destroy("pepper-1")

    with pytest.raises(CustodyUnavailable):
        gate.unlock(collaborators, locked, PASSWORD)


def test_no_more_than_so_many_work_at_once(
    collaborators: Collaborators, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twelve at the door of a gate with two seats: never three inside."""
    inside, most, lock = 0, 0, threading.Lock()

    def watched(password: str, salt: bytes, params: Argon2Params) -> Secret:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        try:
            return stretch(password, salt, params)
        finally:
            with lock:
                inside -= 1

    monkeypatch.setattr(module, "stretch", watched)
    gate = Gate(at_once=2, waiting=12, params=CHEAP)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda _: gate.lock(collaborators, uuid4(), uuid4(), bundle, PASSWORD), range(12)))

    assert most <= 2


def test_waiting_is_bounded_in_time(collaborators: Collaborators, bundle: Bundle) -> None:
    """Whoever waits longer than the gate's patience is sent away with a time to come back."""
    gate = Gate(at_once=1, waiting=1, patience=0.05, params=CHEAP)

    with gate._seat(), pytest.raises(Throttled) as caught:
        gate.lock(collaborators, uuid4(), uuid4(), bundle, PASSWORD)

    assert caught.value.retry_after >= 1


def test_waiting_is_bounded_in_number(collaborators: Collaborators, bundle: Bundle) -> None:
    """When the waiting room is full, nobody waits at all."""
    gate = Gate(at_once=1, waiting=0, patience=60, params=CHEAP)

    with gate._seat(), pytest.raises(Throttled):
        gate.lock(collaborators, uuid4(), uuid4(), bundle, PASSWORD)


def test_gate_is_free_again_after_refusals(collaborators: Collaborators, bundle: Bundle) -> None:
    """Neither work nor refusals use up a seat."""
    gate = Gate(at_once=1, waiting=0, patience=0.05, params=CHEAP)
    for _ in range(3):
        with gate._seat(), pytest.raises(Throttled):
            gate.lock(collaborators, uuid4(), uuid4(), bundle, PASSWORD)

    locked = gate.lock(collaborators, uuid4(), uuid4(), bundle, PASSWORD)
    assert gate.unlock(collaborators, locked, PASSWORD) == bundle
