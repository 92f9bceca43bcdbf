from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from app.access import Actor
from app.accounts import sessions, upkeep, users
from app.accounts.models import Session, User
from app.accounts.phases import run
from app.accounts.sign_in import SignIn
from app.accounts.step_up import StepUp
from app.audit.models import Event
from app.crypto.sealed import Sealed
from app.crypto.tokens import new_token, token_hash
from app.errors import NotFound, StepUpRequired, Throttled, Unauthenticated
from tests.people import House, Person


def is_in(house: House, token: str) -> bool:
    """Whether this token is somebody."""
    try:
        house.authenticate(token)
    except Unauthenticated:
        return False
    return True


def row_of(house: House, token: str) -> Session:
    """The row of a session."""
    with house.transaction() as session:
        return session.scalars(select(Session).where(Session.token_hash == token_hash(token))).one()


def change(house: House, token: str, **values: Any) -> None:
    """Write into a session's row as a database administrator could."""
    with house.transaction() as session:
        session.execute(update(Session).where(Session.token_hash == token_hash(token)).values(values))


def step_up(house: House, actor: Actor, token: str, code: str) -> Actor:
    """Give a code inside a session."""
    return run(house.transaction, StepUp(house.collaborators, house.throttling, actor, token=token, code=code))


@pytest.mark.parametrize(
    "token", ["", "ts_", "nonsense", "ts_" + "A" * 43, "td_" + "A" * 43, "ts_\ud800", "ts_" + "A" * 9_999]
)
def test_unknown_token_is_nobody(house: House, token: str) -> None:
    """Whatever is not a live session's token is nobody."""
    assert not is_in(house, token)


def test_idle_session_ends(house: House, amal: Person) -> None:
    """After half an hour without a request the token is nobody."""
    token = house.sign_in(amal).token

    house.clock.advance(minutes=29, seconds=59)
    assert is_in(house, token)
    house.clock.advance(minutes=30)
    assert not is_in(house, token)


def test_busy_session_ends_too(house: House, amal: Person) -> None:
    """However busy it is, a session ends after twelve hours."""
    token = house.sign_in(amal).token

    for _ in range(35):
        house.clock.advance(minutes=20)
        assert is_in(house, token)
    house.clock.advance(minutes=20)
    assert not is_in(house, token)


def test_limits_are_the_deployments(house: House, amal: Person) -> None:
    """What the settings say holds, for one's own list too."""
    limits = replace(house.collaborators, idle_limit=timedelta(minutes=5), session_limit=timedelta(minutes=20))
    strict = House(house.engine, limits, house.clock, house.gate)
    busy, idle = strict.sign_in(amal), strict.sign_in(amal)

    assert idle.expires_at - house.clock.now == timedelta(minutes=20)
    house.clock.advance(minutes=4, seconds=29)
    actor = strict.authenticate(busy.token)
    house.clock.advance(seconds=31)
    assert is_in(strict, busy.token)
    assert not is_in(strict, idle.token)
    with strict.transaction() as session:
        listed = sessions.list_sessions(session, strict.collaborators, actor, token=busy.token)
    assert [view.current for view in listed] == [True]


def test_longer_expiry_in_the_row_ends_the_session(house: House, amal: Person) -> None:
    """The expiry is in the context: whoever prolongs a session in the database ends it."""
    signed_in = house.sign_in(amal)

    change(house, signed_in.token, expires_at=signed_in.expires_at + timedelta(days=1))

    assert not is_in(house, signed_in.token)


def test_seen_is_noted_once_a_minute(house: House, amal: Person) -> None:
    """Requests within a minute do not write."""
    token = house.sign_in(amal).token
    begun = house.clock.now

    house.clock.advance(seconds=59)
    house.authenticate(token)
    assert row_of(house, token).seen_at == begun
    house.clock.advance(seconds=1)
    house.authenticate(token)
    assert row_of(house, token).seen_at == house.clock.now


def test_session_moved_to_another_person_opens_nothing(house: House, admin: Actor, amal: Person) -> None:
    """With another's id and key id in it, a session row gives neither person's keys."""
    noor = house.person(admin, "noor")
    token = house.sign_in(amal).token
    with house.transaction() as session:
        key_id = session.get_one(User, noor.id).key_id

    change(house, token, user_id=noor.id, key_id=key_id)

    assert not is_in(house, token)


def test_bundle_of_another_session_opens_nothing(house: House, admin: Actor, amal: Person) -> None:
    """Noor's sealed bundle in amal's session row does not make amal noor."""
    noor = house.person(admin, "noor")
    amals, noors = house.sign_in(amal).token, house.sign_in(noor).token

    change(house, amals, sealed=row_of(house, noors).sealed)

    assert not is_in(house, amals)


@pytest.mark.parametrize("where", [0, 40, 80, 200, -1])
def test_changed_bundle_opens_nothing(house: House, amal: Person, where: int) -> None:
    """A flipped bit anywhere in the sealed bundle ends the session."""
    token = house.sign_in(amal).token
    blob = bytearray(row_of(house, token).sealed)
    blob[where] ^= 1

    change(house, token, sealed=Sealed(bytes(blob)))

    assert not is_in(house, token)


def test_new_key_ends_sessions_of_the_old_one(house: House, amal: Person) -> None:
    """A session made under another key id is nobody, even if its row was kept."""
    token = house.sign_in(amal).token
    with house.transaction() as session:
        session.execute(update(User).where(User.id == amal.id).values(key_id=uuid4()))

    assert not is_in(house, token)


def test_foreign_public_key_ends_the_session(house: House, admin: Actor, amal: Person) -> None:
    """Somebody whose row holds another's fingerprint is not let in with their own keys."""
    token = house.sign_in(amal).token
    with house.transaction() as session:
        other = session.get_one(User, admin.user()).fingerprint
        session.execute(update(User).where(User.id == amal.id).values(fingerprint=other))

    assert not is_in(house, token)


def test_deactivated_person_is_out_at_once(house: House, admin: Actor, amal: Person) -> None:
    """Deactivation ends sessions that are open."""
    token = house.sign_in(amal).token

    with house.transaction() as session:
        users.deactivate(session, house.collaborators, admin, amal.id)

    assert not is_in(house, token)


def test_session_kept_through_deactivation_is_nobody(house: House, amal: Person) -> None:
    """A session row put back after a deactivation opens nothing while the person is inactive."""
    token = house.sign_in(amal).token
    with house.transaction() as session:
        session.execute(update(User).where(User.id == amal.id).values(active=False))

    assert not is_in(house, token)


def test_sign_out_ends_this_session_only(house: House, amal: Person) -> None:
    """The other session of the same person goes on."""
    first, second = house.sign_in(amal).token, house.sign_in(amal).token

    with house.transaction() as session:
        sessions.sign_out(session, house.collaborators, house.authenticate(first), first)

    assert (is_in(house, first), is_in(house, second)) == (False, True)


def test_sessions_are_listed_with_the_current_one_marked(house: House, amal: Person) -> None:
    """A person sees their own live sessions, newest first."""
    first, second = house.sign_in(amal), house.sign_in(amal)
    actor = house.authenticate(second.token)

    with house.transaction() as session:
        listed = sessions.list_sessions(session, house.collaborators, actor, token=first.token)

    assert [(view.id, view.current) for view in listed] == [(second.session, False), (first.session, True)]


def test_nobody_ends_anothers_session(house: House, admin: Actor, amal: Person) -> None:
    """Somebody else's session is not found, and lives."""
    signed_in = house.sign_in(amal)

    with house.transaction() as session, pytest.raises(NotFound):
        sessions.end_session(session, house.collaborators, admin, signed_in.session)

    assert is_in(house, signed_in.token)


def test_own_session_is_ended_by_its_id(house: House, amal: Person) -> None:
    """A forgotten session elsewhere can be ended from here."""
    elsewhere, here = house.sign_in(amal), house.sign_in(amal)

    with house.transaction() as session:
        actor = sessions.authenticate(session, house.collaborators, here.token)
        sessions.end_session(session, house.collaborators, actor, elsewhere.session)

    assert (is_in(house, elsewhere.token), is_in(house, here.token)) == (False, True)


def test_end_all_ends_all(house: House, amal: Person) -> None:
    """Everything of this person ends, with one event; others go on."""
    tokens = [house.sign_in(amal).token for _ in range(3)]
    with house.transaction() as session:
        count = sessions.end_all(
            session, house.collaborators, sessions.authenticate(session, house.collaborators, tokens[0])
        )

    assert count == 3
    assert not any(is_in(house, token) for token in tokens)


def test_session_end_leaves_an_event(house: House, amal: Person) -> None:
    """The event names the session that ended."""
    signed_in = house.sign_in(amal)
    with house.transaction() as session:
        actor = sessions.authenticate(session, house.collaborators, signed_in.token)
        sessions.sign_out(session, house.collaborators, actor, signed_in.token)

    with house.transaction() as session:
        event = session.scalars(select(Event).where(Event.action == "session.ended")).one()
    assert (event.actor_id, event.details) == (amal.id, {"session": str(signed_in.session)})


def test_step_up_freshens_the_factor(house: House, amal: Person) -> None:
    """After a code the actor's factor is of this moment, in this and in later requests."""
    token = house.sign_in(amal).token
    house.clock.advance(minutes=10)

    actor = step_up(house, house.authenticate(token), token, house.code(amal))

    assert actor.factor_at == house.authenticate(token).factor_at == house.clock.now


def test_step_up_takes_no_code_twice(house: House, amal: Person) -> None:
    """The code of the sign-in is no step-up."""
    token = house.sign_in(amal).token

    with pytest.raises(StepUpRequired):
        step_up(house, house.authenticate(token), token, house.code(amal))


def test_code_of_a_step_up_is_no_sign_in(house: House, amal: Person) -> None:
    """A code spent inside a session cannot be used to sign in."""
    token = house.sign_in(amal).token
    house.clock.advance(seconds=30)
    step_up(house, house.authenticate(token), token, house.code(amal))

    with pytest.raises(Unauthenticated):
        house.try_sign_in(house.credentials(amal))


def test_wrong_codes_are_throttled(house: House, amal: Person) -> None:
    """After five wrong codes this session has to wait, and signing in anew does not."""
    token = house.sign_in(amal).token
    house.clock.advance(seconds=30)
    actor, wrong = house.authenticate(token), f"{(int(house.code(amal)) + 1) % 1_000_000:06d}"
    for _ in range(5):
        with pytest.raises(StepUpRequired):
            step_up(house, actor, token, wrong)

    with pytest.raises(Throttled):
        step_up(house, actor, token, house.code(amal))
    assert house.sign_in(amal).user == amal.id


def test_sign_in_overtaken_by_a_new_salt_stores_nothing(house: House, amal: Person) -> None:
    """A password changed while a sign-in was at work makes that sign-in void."""
    house.clock.advance(seconds=30)
    attempt = SignIn(house.collaborators, house.gate, house.throttling, house.credentials(amal))
    with house.transaction() as session:
        attempt.plan(session)
    attempt.work()
    with house.transaction() as session:
        session.execute(update(User).where(User.id == amal.id).values(salt=bytes(16)))

    with house.transaction() as session, pytest.raises(Unauthenticated):
        attempt.store(session)


def test_sweep_deletes_ended_sessions_only(house: House, amal: Person) -> None:
    """Idle sessions leave no trace; live ones stay."""
    house.sign_in(amal)
    house.clock.advance(minutes=30)
    live = house.sign_in(amal)
    with house.transaction() as session:
        upkeep.sweep(session, house.collaborators)

    with house.transaction() as session:
        assert session.scalars(select(Session.id)).all() == [live.session]


def test_token_shows_in_no_repr(house: House, amal: Person) -> None:
    """Neither the new session nor what was typed shows a secret when printed."""
    signed_in = house.sign_in(amal)
    typed = replace(house.credentials(amal), source="192.0.2.77")

    assert signed_in.token not in repr(signed_in)
    assert not any(secret in repr(typed) for secret in (amal.password, typed.code, amal.name, "192.0.2.77"))


def test_new_token_is_no_session(house: House) -> None:
    """A well-formed token that nobody was given is nobody."""
    assert not is_in(house, new_token("session"))
