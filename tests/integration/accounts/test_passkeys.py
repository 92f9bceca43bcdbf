"""Passkeys as second factor: they stand beside the password, are good once, and nobody can plant one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from app.access import Actor
from app.accounts import passkeys, passwords, upkeep
from app.accounts.models import Passkey, SpentChallenge, User
from app.accounts.passwords import PasswordChange
from app.accounts.phases import run
from app.accounts.sign_in import Credentials, SignIn
from app.accounts.step_up import StepUp
from app.audit.models import Event
from app.errors import Conflict, Invalid, NotFound, SignInRefused, StepUpRequired
from tests.authenticator import NOT_COUNTING, Authenticator
from tests.people import PASSWORD, SOURCE, House, Person


def options(house: House, actor: Actor, token: str) -> dict[str, Any]:
    """What the browser gets before it makes a passkey."""
    with house.transaction() as session:
        return passkeys.registration_options(session, house.collaborators, actor, house.ceremonies, token)


def register(house: House, token: str, made: dict[str, Any]) -> passkeys.PasskeyView:
    """Hand what the browser made over, in the session of this token."""
    actor = house.authenticate(token)
    with house.transaction() as session:
        return passkeys.register(
            session, house.collaborators, actor, house.ceremonies, token, label="Key", passkey=json.dumps(made)
        )


def events(house: House, action: str) -> list[Event]:
    """The events of one kind."""
    with house.transaction() as session:
        return list(session.scalars(select(Event).where(Event.action == action)))


def refused(house: House, credentials: Credentials) -> None:
    """See these credentials refused like any others."""
    with pytest.raises(SignInRefused):
        house.try_sign_in(credentials)


def test_passkey_takes_the_place_of_the_code(house: House, amal: Person) -> None:
    """Name, password and a passkey's answer open a session with a fresh factor and the person's own keys."""
    key = house.passkey(amal)

    actor = house.authenticate(house.try_sign_in(house.answered(amal, key)).token)

    assert (actor.id, actor.factor_at) == (amal.id, house.clock.now)
    assert actor.unlocked().fingerprint == house.actor(amal).unlocked().fingerprint


def test_passkey_without_the_password_is_nothing(house: House, amal: Person) -> None:
    """Whoever finds the phone unlocked still needs the password."""
    key = house.passkey(amal)

    refused(house, replace(house.answered(amal, key), password="not the password"))


def test_passkey_of_somebody_else_is_refused(house: House, admin: Actor, amal: Person) -> None:
    """A password opens its own account's passkeys only."""
    noor = house.person(admin, "noor")
    key = house.passkey(noor)
    house.passkey(amal)

    refused(house, replace(house.answered(noor, key), name=amal.name))


def test_challenge_says_nothing_about_accounts(house: House, amal: Person) -> None:
    """It is asked for without a name, and only the random part differs before and after somebody has a passkey."""
    before = house.ceremonies.sign_in_options()
    house.passkey(amal)
    after = house.ceremonies.sign_in_options()

    assert before.pop("challenge") != after.pop("challenge")
    assert before == after
    assert before["allowCredentials"] == []


def test_asking_for_challenges_writes_nothing(house: House) -> None:
    """Nobody fills the database by asking."""
    for _ in range(10):
        house.ceremonies.sign_in_options()

    with house.transaction() as session:
        assert session.scalars(select(SpentChallenge)).all() == []


def test_answer_is_good_once(house: House, amal: Person) -> None:
    """The same answer again is refused, also from an authenticator that keeps no counter."""
    key = house.passkey(amal, Authenticator(step=NOT_COUNTING))
    answered = house.answered(amal, key)
    house.try_sign_in(answered)

    refused(house, answered)


def test_challenge_lasts_five_minutes(house: House, amal: Person) -> None:
    """An answer to an older challenge is refused."""
    key = house.passkey(amal)
    in_time, late = house.answered(amal, key), house.answered(amal, key)
    house.clock.advance(minutes=4, seconds=58)
    house.try_sign_in(in_time)
    house.clock.advance(seconds=3)

    refused(house, late)


def test_spent_challenges_are_swept_when_they_would_have_run_out(house: House, amal: Person) -> None:
    """What remains of them is deleted, and not before the challenge itself is refused."""
    key = house.passkey(amal, Authenticator(step=NOT_COUNTING))
    answered = house.answered(amal, key)
    house.try_sign_in(answered)
    house.clock.advance(minutes=5)

    with house.transaction() as session:
        upkeep.sweep(session, house.collaborators)
        assert session.scalars(select(SpentChallenge)).all() == []
    refused(house, answered)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda key: replace(key, origin="https://testimony.example.evil.example"), id="another origin"),
        pytest.param(lambda key: replace(key, user_verified=False), id="nobody verified"),
        pytest.param(lambda key: replace(key, user=b"somebody else 16"), id="another user handle"),
        pytest.param(lambda key: replace(key, key=Authenticator().key), id="another key"),
        pytest.param(lambda key: replace(key, id=b"unknown"), id="unknown credential"),
    ],
)
def test_wrong_answers_are_refused(house: House, amal: Person, spoil: Callable[[Authenticator], Authenticator]) -> None:
    """Whatever is wrong with an answer, it is a wrong second factor."""
    key = house.passkey(amal)

    refused(house, house.answered(amal, spoil(key)))


def test_answer_for_another_host_is_refused(house: House, amal: Person) -> None:
    """An authenticator that was asked by another host signs that host."""
    key = house.passkey(amal)
    asked = house.ceremonies.sign_in_options() | {"rpId": "elsewhere.example"}

    refused(house, Credentials(amal.name, PASSWORD, "", SOURCE, json.dumps(key.answer(asked))))


def test_answer_from_inside_a_foreign_page_is_refused(house: House, amal: Person) -> None:
    """A page in a frame of another site's page is none of ours."""
    key = house.passkey(amal)
    answer = key.answer(house.ceremonies.sign_in_options(), crossOrigin=True)

    refused(house, Credentials(amal.name, PASSWORD, "", SOURCE, json.dumps(answer)))


def test_challenge_of_our_own_form_only(house: House, amal: Person) -> None:
    """A challenge that an attacker chose, or one for another purpose, is refused."""
    key = house.passkey(amal)
    token = house.sign_in(amal).token
    with house.transaction() as session:
        other = passkeys.step_up_options(
            session, house.collaborators, house.authenticate(token), house.ceremonies, token
        )

    for challenge in (other["challenge"], "AAAA", "A" * 75):
        answer = key.answer(house.ceremonies.sign_in_options() | {"challenge": challenge})
        refused(house, Credentials(amal.name, PASSWORD, "", SOURCE, json.dumps(answer)))


NO_ANSWERS = ["{}", "[]", "null", '{"id": 1}', "[" * 10_000, "\ud800", "x" * 100_000, '{"id":"AA","rawId":"AA"}']


@pytest.mark.parametrize("text", NO_ANSWERS, ids=range(len(NO_ANSWERS)))
def test_what_is_no_answer_is_refused(house: House, amal: Person, text: str) -> None:
    """Hostile text costs what a wrong answer costs and says as much."""
    house.passkey(amal)

    refused(house, Credentials(amal.name, PASSWORD, "", SOURCE, text))


def test_a_counter_that_goes_back_is_refused_and_its_owner_is_told(house: House, amal: Person) -> None:
    """A copy of a passkey that lags behind is refused; the owner's list and an event of the owner's say so."""
    key = house.passkey(amal)
    copied = key.copy()
    house.try_sign_in(house.answered(amal, key))

    refused(house, house.answered(amal, copied))

    actor = house.actor(amal)
    with house.transaction() as session:
        (view,) = passkeys.list_passkeys(session, house.collaborators, actor)
    assert view.warned_day == house.collaborators.today()
    assert [event.actor_id for event in events(house, "passkey.went_back")] == [amal.id]


def test_passkeys_without_a_counter_work_again_and_again(house: House, amal: Person) -> None:
    """Synchronized passkeys always say 0."""
    key = house.passkey(amal, Authenticator(step=NOT_COUNTING))

    house.try_sign_in(house.answered(amal, key))
    house.try_sign_in(house.answered(amal, key))

    assert events(house, "passkey.went_back") == []


def plant(house: House, amal: Person, key: Authenticator, **changed: Any) -> None:
    """Write another passkey's row for this person, as an administrator of the database could."""
    with house.transaction() as session:
        row = session.scalars(select(Passkey)).one()
        columns = {column.name: getattr(row, column.name) for column in Passkey.table().columns}
        planted = {"id": amal.id, "user_id": amal.id, "credential_id": key.id, "sign_count": 0}
        session.execute(insert(Passkey).values(columns | planted | changed))


def test_a_planted_row_signs_nobody_in(house: House, admin: Actor, amal: Person) -> None:
    """A passkey that was sealed in somebody else's session, or for another credential, does not open."""
    noor = house.person(admin, "noor")
    key = house.passkey(noor)
    stolen = replace(key, user=amal.id.bytes)
    with house.transaction() as session:
        session.execute(update(Passkey).values(user_id=amal.id))

    refused(house, house.answered(amal, stolen))

    other = Authenticator(user=amal.id.bytes)
    plant(house, amal, other)
    refused(house, house.answered(amal, other))


def test_registration_needs_a_fresh_factor(house: House, amal: Person) -> None:
    """A session left open adds no passkey and removes none."""
    key = house.passkey(amal)
    token = house.sign_in(amal).token
    view = listed(house, token)[0]
    made = Authenticator().make(options(house, house.authenticate(token), token))
    house.clock.advance(minutes=5, seconds=1)
    actor = house.authenticate(token)

    with pytest.raises(StepUpRequired):
        options(house, actor, token)
    with pytest.raises(StepUpRequired):
        register(house, token, made)
    with pytest.raises(StepUpRequired), house.transaction() as session:
        passkeys.remove(session, house.collaborators, actor, view.id)
    house.try_sign_in(house.answered(amal, key))


def listed(house: House, token: str) -> list[passkeys.PasskeyView]:
    """The passkeys that the holder of this session sees."""
    with house.transaction() as session:
        return passkeys.list_passkeys(session, house.collaborators, house.authenticate(token))


def test_registration_belongs_to_its_session(house: House, amal: Person) -> None:
    """What was made in one session is not taken in another, nor twice, nor after five minutes."""
    first, second = house.sign_in(amal).token, house.sign_in(amal).token
    asked = options(house, house.authenticate(first), first)
    made = Authenticator().make(asked)

    with pytest.raises(Invalid):
        register(house, second, made)
    register(house, first, made)
    with pytest.raises(Invalid):
        register(house, first, Authenticator().make(asked))


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param({"origin": "https://evil.example"}, id="another origin"),
        pytest.param({"user_verified": False}, id="nobody verified"),
    ],
)
def test_wrong_registrations_are_refused(house: House, amal: Person, spoil: dict[str, Any]) -> None:
    """The pointer names the passkey and nothing else."""
    token = house.sign_in(amal).token
    made = replace(Authenticator(), **spoil).make(options(house, house.authenticate(token), token))

    with pytest.raises(Invalid) as caught:
        register(house, token, made)

    assert [flaw.pointer for flaw in caught.value.flaws] == ["/passkey"]


def test_a_credential_is_known_once(house: House, admin: Actor, amal: Person) -> None:
    """Another person cannot register the same credential."""
    key = house.passkey(amal)
    noor = house.person(admin, "noor")

    with pytest.raises(Conflict):
        house.passkey(noor, replace(key))


def test_nobody_has_more_than_ten(house: House, amal: Person) -> None:
    """The list stays one that a person can watch over."""
    token = house.sign_in(amal).token
    for _ in range(passkeys.MOST):
        register(house, token, Authenticator().make(options(house, house.authenticate(token), token)))

    with pytest.raises(Conflict):
        options(house, house.authenticate(token), token)


def test_a_removed_passkey_signs_nobody_in(house: House, amal: Person) -> None:
    """It is refused at once, and the code remains."""
    key = house.passkey(amal)
    token = house.sign_in(amal).token
    actor = house.authenticate(token)
    with house.transaction() as session:
        passkeys.remove(session, house.collaborators, actor, listed(house, token)[0].id)

    refused(house, house.answered(amal, key))
    assert house.sign_in(amal).user == amal.id


def test_passkeys_of_others_do_not_exist(house: House, admin: Actor, amal: Person) -> None:
    """Nobody removes, lists or is asked for another person's."""
    house.passkey(amal)
    noor = house.person(admin, "noor")
    token = house.sign_in(noor).token
    actor = house.authenticate(token)
    (view,) = listed(house, house.sign_in(amal).token)

    assert listed(house, token) == []
    with pytest.raises(NotFound), house.transaction() as session:
        passkeys.remove(session, house.collaborators, actor, view.id)
    with pytest.raises(NotFound), house.transaction() as session:
        passkeys.step_up_options(session, house.collaborators, actor, house.ceremonies, token)


def test_passkeys_outlive_a_new_password(house: House, amal: Person) -> None:
    """The keys stay the same, and with them what they open."""
    key = house.passkey(amal)
    token = house.sign_in(amal).token
    new = "seven lanterns on the pier"
    change = PasswordChange(
        house.collaborators, house.gate, house.throttling, house.authenticate(token), token=token, old=PASSWORD, new=new
    )
    run(house.transaction, change)

    assert house.try_sign_in(replace(house.answered(amal, key), password=new)).user == amal.id


def test_sign_in_overtaken_by_a_change_of_the_account_stores_nothing(house: House, amal: Person) -> None:
    """A password changed between the check of the passkey and the session makes the sign-in void."""
    key = house.passkey(amal)
    credentials = house.answered(amal, key)
    attempt = SignIn(house.collaborators, house.gate, house.throttling, credentials, house.ceremonies)
    with house.transaction() as session:
        attempt.plan(session)
    attempt.work()
    with house.transaction() as session:
        session.execute(update(User).where(User.id == amal.id).values(salt=bytes(16)))

    with house.transaction() as session, pytest.raises(SignInRefused):
        attempt.store(session)


def test_replaced_keys_end_the_passkeys(house: House, admin: Actor, amal: Person) -> None:
    """Whoever starts anew registers anew: nothing of the old account signs in."""
    key = house.passkey(amal)
    with house.transaction() as session:
        token = passwords.reset(session, house.collaborators, admin, amal.id)
    house.accept(token)

    refused(house, house.answered(amal, key))
    with house.transaction() as session:
        assert session.scalars(select(Passkey)).all() == []


@pytest.mark.parametrize("label", ["", "  ", "x" * 65])
def test_label_is_one_that_a_person_reads(house: House, amal: Person, label: str) -> None:
    """Neither empty nor longer than a line."""
    token = house.sign_in(amal).token
    actor = house.authenticate(token)

    with pytest.raises(Invalid) as caught, house.transaction() as session:
        passkeys.register(session, house.collaborators, actor, house.ceremonies, token, label=label, passkey="{}")

    assert [flaw.pointer for flaw in caught.value.flaws] == ["/label"]


def step_up(house: House, token: str, key: Authenticator, *, asked_in: str | None = None) -> Actor:
    """Step up in a session with an answer that was asked for in it, or in another."""
    asking = asked_in or token
    with house.transaction() as session:
        asked = passkeys.step_up_options(
            session, house.collaborators, house.authenticate(asking), house.ceremonies, asking
        )
    stepping = StepUp(
        house.collaborators,
        house.throttling,
        house.authenticate(token),
        token=token,
        passkey=json.dumps(key.answer(asked)),
        ceremonies=house.ceremonies,
    )
    return run(house.transaction, stepping)


def test_step_up_by_passkey(house: House, amal: Person) -> None:
    """It counts as a code given in this session."""
    key = house.passkey(amal)
    token = house.sign_in(amal).token
    house.clock.advance(minutes=20)

    assert step_up(house, token, key).factor_at == house.clock.now
    assert house.authenticate(token).factor_at == house.clock.now


def test_step_up_belongs_to_its_session(house: House, amal: Person) -> None:
    """An answer asked for in one session is none in another."""
    key = house.passkey(amal)
    first, second = house.sign_in(amal).token, house.sign_in(amal).token

    with pytest.raises(StepUpRequired):
        step_up(house, second, key, asked_in=first)


def test_step_up_names_ones_own_passkeys(house: House, amal: Person) -> None:
    """The browser is told which to ask, since the session knows whose it is."""
    key = house.passkey(amal)
    token = house.sign_in(amal).token
    with house.transaction() as session:
        asked = passkeys.step_up_options(
            session, house.collaborators, house.authenticate(token), house.ceremonies, token
        )

    answer = key.answer(asked)
    assert [each["id"] for each in asked["allowCredentials"]] == [answer["id"]]
    assert asked["userVerification"] == "required"


def test_days_are_kept_and_no_moments(house: House, amal: Person) -> None:
    """A passkey's row says on which day it was made and last used."""
    key = house.passkey(amal)
    made = house.collaborators.today()
    house.clock.advance(hours=24)
    house.try_sign_in(house.answered(amal, key))

    (view,) = listed(house, house.sign_in(amal).token)

    assert (view.created_day, view.last_used_day) == (made, house.collaborators.today())
