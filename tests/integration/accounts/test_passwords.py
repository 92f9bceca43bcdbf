from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select, update

from app.access import Actor
from app.accounts.models import User
from app.accounts.passwords import PasswordChange
from app.accounts.phases import run
from app.audit.models import Event
from app.errors import Conflict, Invalid, SignInRefused, Throttled, Unauthenticated
from tests.people import House, Person

NEW = "eleven herons by the weir"


def change(house: House, token: str, old: str, new: str) -> int:
    """Change the password of whoever holds the token."""
    actor = house.authenticate(token)
    attempt = PasswordChange(house.collaborators, house.gate, house.throttling, actor, token=token, old=old, new=new)
    return run(house.transaction, attempt)


def test_new_password_opens_the_same_keys(house: House, amal: Person) -> None:
    """The key pair and the second factor stay; only the lock is new."""
    signed_in = house.sign_in(amal)
    before = house.authenticate(signed_in.token)

    change(house, signed_in.token, amal.password, NEW)

    after = house.actor(replace(amal, password=NEW))
    assert (after.unlocked().fingerprint, after.key_id) == (before.unlocked().fingerprint, before.key_id)


def test_old_password_opens_nothing_any_more(house: House, amal: Person) -> None:
    """Whoever knows only the old one is refused."""
    change(house, house.sign_in(amal).token, amal.password, NEW)

    with pytest.raises(SignInRefused):
        house.sign_in(amal)


def test_old_bundle_put_back_opens_without_its_salt_nothing(house: House, amal: Person) -> None:
    """The old sealed bundle in the changed row opens neither by the old nor by the new password."""
    token = house.sign_in(amal).token
    with house.transaction() as session:
        old = session.get_one(User, amal.id).bundle
    change(house, token, amal.password, NEW)
    with house.transaction() as session:
        session.execute(update(User).where(User.id == amal.id).values(bundle=old))

    for password in (amal.password, NEW):
        with pytest.raises(SignInRefused):
            house.sign_in(replace(amal, password=password))


def test_change_ends_all_sessions(house: House, amal: Person) -> None:
    """This session and every other one of the person end."""
    tokens = [house.sign_in(amal).token for _ in range(3)]

    assert change(house, tokens[0], amal.password, NEW) == 3

    for token in tokens:
        with pytest.raises(Unauthenticated):
            house.authenticate(token)


def test_change_leaves_others_signed_in(house: House, admin: Actor, amal: Person) -> None:
    """Somebody else's session goes on."""
    noor = house.person(admin, "noor")
    token = house.sign_in(noor).token

    change(house, house.sign_in(amal).token, amal.password, NEW)

    assert house.authenticate(token).id == noor.id


def test_wrong_old_password_changes_nothing(house: House, amal: Person) -> None:
    """It is a flaw of the input, pointed at, and the sessions go on."""
    token = house.sign_in(amal).token

    for wrong in ("not this one at all", "", "\ud800" * 12, "x" * 5_000):
        with pytest.raises(Invalid) as caught:
            change(house, token, wrong, NEW)
        assert [flaw.pointer for flaw in caught.value.flaws] == ["/old"]

    assert house.sign_in(amal).user == amal.id


def test_refused_new_password_changes_nothing(house: House, amal: Person) -> None:
    """The rules hold for changes too, and name the new one."""
    with pytest.raises(Invalid) as caught:
        change(house, house.sign_in(amal).token, amal.password, "short")

    assert [flaw.pointer for flaw in caught.value.flaws] == ["/new"]
    assert house.sign_in(amal).user == amal.id


def test_wrong_old_passwords_are_throttled(house: House, amal: Person) -> None:
    """With a stolen token nobody tries passwords at will."""
    token = house.sign_in(amal).token
    for _ in range(5):
        with pytest.raises(Invalid):
            change(house, token, "not this one at all", NEW)

    with pytest.raises(Throttled):
        change(house, token, amal.password, NEW)


def test_change_overtaken_by_another_is_a_conflict(house: House, amal: Person) -> None:
    """Two changes at once: the later one does not bury the earlier."""
    token = house.sign_in(amal).token
    actor = house.authenticate(token)
    late = PasswordChange(
        house.collaborators,
        house.gate,
        house.throttling,
        actor,
        token=token,
        old=amal.password,
        new="yet another one here",
    )
    with house.transaction() as session:
        late.plan(session)
    late.work()
    change(house, token, amal.password, NEW)

    with house.transaction() as session, pytest.raises(Conflict):
        late.store(session)
    assert house.sign_in(replace(amal, password=NEW)).user == amal.id


def test_change_leaves_an_event(house: House, amal: Person) -> None:
    """The event says whose and how many sessions ended."""
    change(house, house.sign_in(amal).token, amal.password, NEW)

    with house.transaction() as session:
        event = session.scalars(select(Event).where(Event.action == "password.changed")).one()
    assert (event.actor_id, event.details) == (amal.id, {"count": 1})
