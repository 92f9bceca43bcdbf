from __future__ import annotations

from uuid import uuid4

import pytest
from sqlalchemy import select, update

from app.access import Actor, ActorKind, Role
from app.accounts import users
from app.accounts.models import User
from app.audit.models import Event
from app.errors import Conflict, Forbidden, NotFound, Tampered
from tests.people import House, Person


@pytest.mark.usefixtures("amal")
def test_admin_lists_everybody_by_name(house: House, admin: Actor) -> None:
    """Everybody stands there once, in order."""
    with house.transaction() as session:
        listed = users.list_users(session, house.collaborators, admin)

    assert [(view.name, view.admin, view.active) for view in listed] == [
        ("amal", False, True),
        ("root.admin", True, True),
    ]


def test_plain_person_lists_nobody(house: House, amal: Person) -> None:
    """Who else has an account is not everybody's business."""
    actor = house.actor(amal)

    with house.transaction() as session:
        with pytest.raises(Forbidden):
            users.list_users(session, house.collaborators, actor)
        with pytest.raises(Forbidden):
            users.find_user(session, house.collaborators, actor, "root.admin")


def test_lead_finds_whom_to_admit(house: House, amal: Person) -> None:
    """A lead looks a person up by name, however it is written, to compare the fingerprint."""
    lead = Actor(ActorKind.USER, uuid4(), study=uuid4(), roles=frozenset({Role.LEAD}))

    with house.transaction() as session:
        found = users.find_user(session, house.collaborators, lead, "Amal")
        key = users.public_key(session, amal.id)

    assert (found.id, found.fingerprint) == (amal.id, key.fingerprint.hex())


def test_unknown_and_deactivated_people_are_not_found(house: House, admin: Actor, amal: Person) -> None:
    """Nobody wraps a key to somebody who is switched off."""
    with house.transaction() as session:
        users.deactivate(session, house.collaborators, admin, amal.id)

    with house.transaction() as session:
        for name in ("amal", "nobody", "not a name"):
            with pytest.raises(NotFound):
                users.find_user(session, house.collaborators, admin, name)
        for user in (amal.id, uuid4()):
            with pytest.raises(NotFound):
                users.public_key(session, user)


def test_swapped_public_key_is_noticed(house: House, admin: Actor, amal: Person) -> None:
    """A public key whose fingerprint is another's is not handed out."""
    with house.transaction() as session:
        other = session.get_one(User, admin.user()).public
        session.execute(update(User).where(User.id == amal.id).values(public=other))

    with house.transaction() as session, pytest.raises(Tampered):
        users.public_key(session, amal.id)


def test_reactivated_person_signs_in_again(house: House, admin: Actor, amal: Person) -> None:
    """Switched off and on, the person has the keys of before."""
    before = house.actor(amal).unlocked().fingerprint
    with house.transaction() as session:
        users.deactivate(session, house.collaborators, admin, amal.id)
    with house.transaction() as session:
        users.reactivate(session, house.collaborators, admin, amal.id)

    assert house.actor(amal).unlocked().fingerprint == before


def test_nobody_switches_themselves_off(house: House, admin: Actor) -> None:
    """So there is always an admin left."""
    with house.transaction() as session, pytest.raises(Conflict):
        users.deactivate(session, house.collaborators, admin, admin.user())


def test_only_admins_switch(house: House, admin: Actor, amal: Person) -> None:
    """A plain person can do neither."""
    actor = house.actor(amal)

    for verb in (users.deactivate, users.reactivate):
        with house.transaction() as session, pytest.raises(Forbidden):
            verb(session, house.collaborators, actor, admin.user())


def test_unknown_person_is_not_found(house: House, admin: Actor) -> None:
    """Nobody who does not exist is switched."""
    for verb in (users.deactivate, users.reactivate):
        with house.transaction() as session, pytest.raises(NotFound):
            verb(session, house.collaborators, admin, uuid4())


def test_switching_leaves_one_event_each(house: House, admin: Actor, amal: Person) -> None:
    """Doing it twice says it once."""
    for verb in (users.deactivate, users.deactivate, users.reactivate, users.reactivate):
        with house.transaction() as session:
            verb(session, house.collaborators, admin, amal.id)

    with house.transaction() as session:
        wanted = select(Event.action).where(Event.action.like("user.%activated"))
        assert sorted(session.scalars(wanted)) == ["user.deactivated", "user.reactivated"]


def test_person_sees_their_own_fingerprint(house: House, amal: Person) -> None:
    """What is read aloud is found in one's own profile."""
    actor = house.actor(amal)

    with house.transaction() as session:
        profile = users.own_profile(session, house.collaborators, actor)

    assert (profile.id, profile.fingerprint) == (amal.id, actor.unlocked().fingerprint.hex())
