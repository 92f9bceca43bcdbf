from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.crypto.passwords import Bundle
from app.crypto.principals import KeyPair
from app.crypto.secrets import Secret, join, split
from app.errors import BadEncoding
from tests.unit.crypto.factories import pair

CANARY = b"canary-bytes-of-the-secret-value"

HOLDERS: dict[str, Callable[[], Any]] = {
    "secret": lambda: Secret(CANARY),
    "pair": lambda: KeyPair.from_private(Secret(CANARY * 3)),
    "bundle": lambda: Bundle(Secret(CANARY * 3), Secret(CANARY)),
}
SHOWS: dict[str, Callable[[Any], str]] = {
    "repr": repr,
    "str": str,
    "format": lambda one: f"{one}",
    "percent": lambda one: "%s %r" % (one, one),  # noqa: UP031 - logging formats this way
    "in a list": lambda one: str([one]),
}
LEAVES: dict[str, Callable[[Any], object]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{f"pickle {n}": partial(pickle.dumps, protocol=n) for n in range(pickle.HIGHEST_PROTOCOL + 1)},
}


@pytest.mark.parametrize("show", SHOWS.values(), ids=SHOWS)
@pytest.mark.parametrize("make", HOLDERS.values(), ids=HOLDERS)
def test_shows_no_bytes(make: Callable[[], Any], show: Callable[[Any], str]) -> None:
    """No way of writing a holder of secrets out shows what it holds, raw or in hex."""
    shown = show(make())

    assert "canary" not in shown
    assert b"canary".hex() not in shown


def test_shows_no_bytes_in_a_wide_format() -> None:
    """A format specification changes nothing."""
    assert f"{Secret(CANARY):>40}" == "Secret(…)"


@pytest.mark.parametrize("leave", LEAVES.values(), ids=LEAVES)
@pytest.mark.parametrize("make", HOLDERS.values(), ids=HOLDERS)
def test_is_neither_copied_nor_pickled(make: Callable[[], Any], leave: Callable[[Any], object]) -> None:
    """Secrets do not spread to caches, queues and other processes by pickle or copy."""
    with pytest.raises(TypeError):
        leave(make())


@pytest.mark.parametrize("name", ["__reduce__", "__getstate__"])
@pytest.mark.parametrize("make", [HOLDERS["secret"], HOLDERS["pair"]], ids=["secret", "pair"])
def test_gives_no_state_by_the_older_ways(make: Callable[[], Any], name: str) -> None:
    """What asks for the state directly is refused too."""
    with pytest.raises(TypeError):
        getattr(make(), name)()


@pytest.mark.parametrize("make", HOLDERS.values(), ids=HOLDERS)
def test_cannot_be_changed(make: Callable[[], Any]) -> None:
    """What a holder holds stays the same while it lives."""
    holder = make()
    name = "_value" if isinstance(holder, Secret) else "private"

    with pytest.raises(AttributeError):
        setattr(holder, name, b"")
    with pytest.raises(AttributeError):
        delattr(holder, name)


@pytest.mark.parametrize("value", ["text", 32, [1, 2], None])
def test_takes_only_bytes(value: Any) -> None:
    """A number or a text given by mistake does not become a weak key."""
    with pytest.raises(TypeError):
        Secret(value)


def test_keeps_its_own_copy_of_a_buffer() -> None:
    """Changing the buffer it was made from does not change it."""
    buffer = bytearray(CANARY)
    secret = Secret(buffer)  # type: ignore[arg-type]
    buffer[0] = 0

    assert secret.reveal() == CANARY


def test_equals_another_of_the_same_value_only() -> None:
    """Two secrets are equal by value, and never equal to bare bytes."""
    assert Secret(CANARY) == Secret(CANARY)
    assert Secret(CANARY) != Secret(CANARY[::-1])
    assert Secret(CANARY) != CANARY


def test_hash_agrees_with_equality() -> None:
    """Equal secrets are one key of a dictionary."""
    assert len({Secret(CANARY), Secret(CANARY), Secret(b"")}) == 2


def test_random_has_the_size_asked_for_and_differs() -> None:
    """Fresh secrets have their size in bytes and never repeat."""
    one, two = Secret.random(48), Secret.random(48)

    assert len(one) == 48
    assert one != two


@given(st.binary(max_size=80))
def test_halves_join_to_the_key(value: bytes) -> None:
    """Both halves together give the key back, in either order."""
    first, second = split(Secret(value))

    assert join(first, second) == join(second, first) == Secret(value)


def test_halves_differ_each_time() -> None:
    """Splitting the same key twice gives unrelated halves, neither of them the key."""
    key = Secret(CANARY)

    halves = {*split(key), *split(key), key}

    assert len(halves) == 5


def test_refuses_to_join_halves_of_different_length() -> None:
    """A cut half is an error, not a shorter key."""
    with pytest.raises(BadEncoding):
        join(Secret(bytes(32)), Secret(bytes(31)))


def test_pair_shows_its_fingerprint() -> None:
    """A key pair can be told from another in a debugger."""
    assert repr(pair()) == f"KeyPair({pair().fingerprint[:4].hex()}…)"
