from __future__ import annotations

import re

import pytest

from app.crypto.tokens import (
    PREFIXES,
    new_token,
    new_withdrawal_token,
    session_key,
    token_hash,
    token_secret,
    withdrawal_hash,
)
from app.errors import BadEncoding


@pytest.mark.parametrize(("kind", "prefix"), PREFIXES.items())
def test_a_token_says_what_it_is_for(kind: str, prefix: str) -> None:
    """Prefix, underscore and 43 characters of base64url: 256 bits."""
    assert re.fullmatch(rf"{prefix}_[A-Za-z0-9_-]{{43}}", new_token(kind))


def test_prefixes_differ() -> None:
    """No two kinds of token look alike."""
    assert len(set(PREFIXES.values())) == len(PREFIXES)


def test_refuses_an_unknown_kind() -> None:
    """Kinds are listed in one place."""
    with pytest.raises(BadEncoding):
        new_token("anything")


def test_tokens_never_repeat() -> None:
    """Neither kind of token comes twice."""
    assert len({new_token("session") for _ in range(100)}) == 100
    assert len({new_withdrawal_token() for _ in range(100)}) == 100


@pytest.mark.parametrize("text", ["", "x", "ts_é", "\ud800"])
def test_any_text_has_a_hash(text: str) -> None:
    """A malformed token is looked up and not found, like any unknown one."""
    assert len(token_hash(text)) == 32


@pytest.mark.parametrize("change", [lambda t: t[:-1], lambda t: t + "A", lambda t: "xx" + t[2:], lambda t: t + "\n"])
def test_refuses_key_material_from_what_is_no_token(change: object) -> None:
    """Keys come from tokens of ours only."""
    assert callable(change)
    token = change(new_token("session"))

    with pytest.raises(BadEncoding):
        token_secret(token)
    with pytest.raises(BadEncoding):
        session_key(token, context=b"")


def test_a_session_key_depends_on_token_and_context() -> None:
    """Another token or another row gives another key, and the same ones the same key."""
    one, two = new_token("session"), new_token("session")

    keys = {session_key(one, context=b"a"), session_key(one, context=b"b"), session_key(two, context=b"a")}

    assert len(keys) == 3
    assert session_key(one, context=b"a") in keys


def test_the_hash_in_the_row_is_not_the_key() -> None:
    """Who reads the row's hash has no key material."""
    token = new_token("session")

    assert token_secret(token).reveal() != token_hash(token)


def test_a_withdrawal_token_can_be_written_down() -> None:
    """128 bits in base32, in groups of four."""
    assert re.fullmatch(r"([A-Z2-7]{4}-){6}[A-Z2-7]{2}", new_withdrawal_token())


@pytest.mark.parametrize(
    "spelling",
    [str.lower, lambda t: t.replace("-", ""), lambda t: t.replace("-", " "), lambda t: f"\t{t}\n"],
    ids=["lower", "no dashes", "blanks", "around"],
)
def test_a_withdrawal_token_works_as_people_type_it(spelling: object) -> None:
    """Case, dashes and blanks do not matter."""
    assert callable(spelling)
    token = new_withdrawal_token()

    assert withdrawal_hash(spelling(token)) == withdrawal_hash(token)


def test_withdrawal_tokens_hash_apart() -> None:
    """One token withdraws one case."""
    assert withdrawal_hash(new_withdrawal_token()) != withdrawal_hash(new_withdrawal_token())
