"""What passkeys answer is read without harm, and only what is whole counts."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from webauthn.helpers import encode_cbor, parse_attestation_object

from app.accounts.ceremonies import LONGEST, SIGN_IN, STEP_UP, Ceremonies, RelyingParty, session_of
from app.collaborators import Collaborators
from app.custody.file import FileCustody
from app.db import make_engine
from app.keystore.service import Keystore
from tests.authenticator import ORIGIN, Authenticator, b64, unb64
from tests.clock import Clock
from tests.people import NO_FILES, create_pepper

TOKEN = "ts_" + "A" * 43
USER = UUID(int=7)


@pytest.fixture
def ceremonies(custody: FileCustody, deployment: UUID, clock: Clock) -> Ceremonies:
    """Custody with a pepper; the keystore is never asked."""
    create_pepper(custody)
    return of(custody, deployment, clock)


def of(custody: FileCustody, deployment: UUID, clock: Clock) -> Ceremonies:
    """One process's ceremonies."""
    none = make_engine("sqlite://", journal="delete")
    collaborators = Collaborators(deployment, custody, Keystore(none, custody, deployment, clock), clock, NO_FILES)
    return Ceremonies(collaborators, RelyingParty("localhost", ORIGIN))


def made(ceremonies: Ceremonies, key: Authenticator) -> bytes:
    """The public key of a passkey made in a session."""
    options = ceremonies.registration_options(TOKEN, USER, "amal", [])
    found = ceremonies.made(TOKEN, json.dumps(key.make(options)))
    assert found is not None
    return found.public_key


def judged(ceremonies: Ceremonies, answer: dict[str, Any], public_key: bytes, purpose: str = SIGN_IN) -> int | None:
    """What comes of an answer."""
    read = ceremonies.read(json.dumps(answer))
    return None if read is None else ceremonies.verify(read, USER, public_key, purpose)


def test_an_answer_gives_the_counter(ceremonies: Ceremonies) -> None:
    """Made with the counter at 1, answered with it at 2."""
    key = Authenticator()
    public_key = made(ceremonies, key)

    assert judged(ceremonies, key.answer(ceremonies.sign_in_options()), public_key) == 2


def test_any_process_knows_the_challenges_of_another(
    ceremonies: Ceremonies, custody: FileCustody, deployment: UUID, clock: Clock
) -> None:
    """No node keeps anything in memory."""
    key = Authenticator()
    public_key = made(ceremonies, key)

    answer = key.answer(of(custody, deployment, clock).sign_in_options())

    assert judged(ceremonies, answer, public_key) == 2


def test_challenges_of_another_deployment_are_unknown(
    ceremonies: Ceremonies, custody: FileCustody, clock: Clock
) -> None:
    """Even with the same custody."""
    key = Authenticator()
    public_key = made(ceremonies, key)

    assert judged(ceremonies, key.answer(of(custody, uuid4(), clock).sign_in_options()), public_key) is None


def test_a_challenge_is_for_one_purpose(ceremonies: Ceremonies) -> None:
    """An answer at sign-in is none for a step-up, and none for registering."""
    key = Authenticator()
    public_key = made(ceremonies, key)
    sign_in = ceremonies.sign_in_options()
    register = ceremonies.registration_options(TOKEN, USER, "amal", [])

    assert judged(ceremonies, key.answer(sign_in), public_key, STEP_UP) is None
    assert judged(ceremonies, key.answer(sign_in | {"challenge": register["challenge"]}), public_key) is None
    assert ceremonies.made(TOKEN, json.dumps(key.make(register | {"challenge": sign_in["challenge"]}))) is None


def test_a_browser_makes_discoverable_verified_passkeys(ceremonies: Ceremonies) -> None:
    """Without asking who made the authenticator; a passkey that is known is not made again."""
    key = Authenticator()
    first = ceremonies.registration_options(TOKEN, USER, "amal", [])
    found = ceremonies.made(TOKEN, json.dumps(key.make(first)))
    assert found is not None

    options = ceremonies.registration_options(TOKEN, USER, "amal", [found.credential])

    assert options["authenticatorSelection"] == {
        "residentKey": "required",
        "requireResidentKey": True,
        "userVerification": "required",
    }
    assert options["attestation"] == "none"
    assert options["user"] == {"id": b64(USER.bytes), "name": "amal", "displayName": "amal"}
    assert [each["id"] for each in options["excludeCredentials"]] == [b64(key.id)]
    assert options["challenge"] != first["challenge"]


def flipped(data: bytes, bit: int) -> bytes:
    """The same bytes but for one bit, counted round."""
    raw = bytearray(data)
    raw[bit // 8 % len(raw)] ^= 1 << bit % 8
    return bytes(raw)


PARTS = ("clientDataJSON", "authenticatorData", "signature")


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(part=st.sampled_from(PARTS), bit=st.integers(0, 10_000))
def test_any_flipped_bit_of_an_answer_refuses_it(ceremonies: Ceremonies, part: str, bit: int) -> None:
    """Whatever is changed on the way, nothing is raised and nothing is taken."""
    key = Authenticator()
    public_key = made(ceremonies, key)
    answer = key.answer(ceremonies.sign_in_options())
    answer["response"][part] = b64(flipped(unb64(answer["response"][part]), bit))

    assert judged(ceremonies, answer, public_key) is None


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(bit=st.integers(0, 10_000))
def test_a_damaged_registration_raises_nothing(ceremonies: Ceremonies, bit: int) -> None:
    """Damage is refused, or lies where attestation "none" vouches for nothing (the key, the counter, the maker)."""
    key = Authenticator()
    answer = key.make(ceremonies.registration_options(TOKEN, USER, "amal", []))
    raw = flipped(unb64(answer["response"]["attestationObject"]), bit)
    answer["response"]["attestationObject"] = b64(raw)

    found = ceremonies.made(TOKEN, json.dumps(answer))

    assert found is None or parse_attestation_object(raw).auth_data.flags.uv


@pytest.mark.parametrize("number", [2**20, 2**70])
def test_a_number_for_bytes_is_no_answer(ceremonies: Ceremonies, number: int) -> None:
    """It makes neither an error nor so many zeros."""
    answer = Authenticator().make(ceremonies.registration_options(TOKEN, USER, "amal", []))
    whole = {"fmt": "none", "attStmt": {}, "authData": number}
    answer["response"]["attestationObject"] = b64(encode_cbor(whole))
    text = json.dumps(answer)

    tracemalloc.start()
    try:
        assert ceremonies.made(TOKEN, text) is None
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


NAMES = st.sampled_from(["id", "rawId", "type", "response", "clientDataJSON", "attestationObject", "signature"])
TREES = st.recursive(st.none() | st.text(), lambda inner: st.dictionaries(NAMES, inner))


@given(text=st.text(max_size=400) | TREES.map(json.dumps))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
def test_any_text_is_read_without_harm(ceremonies: Ceremonies, text: str) -> None:
    """What is no answer is no answer."""
    assert ceremonies.read(text) is None
    assert ceremonies.made(TOKEN, text) is None


def test_longer_texts_are_not_read(ceremonies: Ceremonies) -> None:
    """An answer padded beyond reason is refused before it is parsed."""
    key = Authenticator()
    made(ceremonies, key)
    text = json.dumps(key.answer(ceremonies.sign_in_options()))

    assert ceremonies.read(text + " " * (LONGEST - len(text))) is not None
    assert ceremonies.read(text + " " * (LONGEST - len(text) + 1)) is None


def test_sessions_are_told_apart(ceremonies: Ceremonies) -> None:
    """A challenge of one session is none in another."""
    key = Authenticator()
    public_key = made(ceremonies, key)
    read = ceremonies.read(json.dumps(key.answer(ceremonies.step_up_options(TOKEN, []))))
    assert read is not None

    assert ceremonies.verify(read, USER, public_key, STEP_UP, session_of("ts_" + "B" * 43)) is None
    assert ceremonies.verify(read, USER, public_key, STEP_UP, session_of(TOKEN)) is not None
