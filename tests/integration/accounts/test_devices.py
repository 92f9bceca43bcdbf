from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update

from app.access import DEVICE_PERMISSIONS, Actor, ActorKind, Role
from app.accounts import devices, upkeep, users
from app.accounts.devices import Enrolled
from app.accounts.models import Device, DeviceOffer
from app.audit.models import Event
from app.errors import Forbidden, Gone, NotFound, Unauthenticated
from tests.people import House, Person


@pytest.fixture
def phone(house: House, admin: Actor, amal: Person, study: UUID) -> Enrolled:
    """Amal's phone."""
    with house.transaction() as session:
        return devices.enrol(session, house.collaborators, admin, amal.id, study)


def authenticate(house: House, token: str) -> Actor:
    """Which device holds the token."""
    with house.transaction() as session:
        return devices.authenticate_device(session, house.collaborators, token)


def test_device_acts_for_its_interviewer_without_keys(house: House, phone: Enrolled, amal: Person, study: UUID) -> None:
    """The actor is the interviewer's device in that study, and unlocks nothing."""
    actor = authenticate(house, phone.token)

    assert (actor.kind, actor.id, actor.device, actor.study) == (ActorKind.DEVICE, amal.id, phone.device, study)
    with pytest.raises(Forbidden):
        actor.unlocked()


@pytest.mark.parametrize("role", Role)
def test_device_never_reads(house: House, phone: Enrolled, study: UUID, role: Role) -> None:
    """Whatever roles its owner has, a device has no permission beyond submitting."""
    actor = authenticate(house, phone.token).within(study, frozenset({role}))

    assert actor.permissions() <= DEVICE_PERMISSIONS


def test_revoked_device_is_out_at_once(house: House, admin: Actor, phone: Enrolled) -> None:
    """The next request of a revoked device is nobody's."""
    with house.transaction() as session:
        devices.revoke(session, house.collaborators, admin, phone.device)

    with pytest.raises(Unauthenticated):
        authenticate(house, phone.token)


def test_devices_asked_for_together_get_each_its_own_answer(
    house: House, admin: Actor, amal: Person, phone: Enrolled, study: UUID
) -> None:
    """Two phones are told apart; a revoked one, an unknown one and what is no device's token are nobody's."""
    with house.transaction() as session:
        other, lost = (devices.enrol(session, house.collaborators, admin, amal.id, study) for _ in range(2))
        devices.revoke(session, house.collaborators, admin, lost.device)
    tokens = [other.token, lost.token, "td_unknown", phone.token, "ts_session", other.token]

    with house.transaction() as session:
        found = devices.authenticate_devices(session, house.collaborators, tokens)

    expected = [other.device, None, None, phone.device, None, other.device]
    assert [None if actor is None else actor.device for actor in found] == expected


def test_owner_revokes_a_lost_phone(house: House, amal: Person, phone: Enrolled) -> None:
    """Whoever lost the phone need not wait for an admin."""
    actor = house.actor(amal)

    with house.transaction() as session:
        devices.revoke(session, house.collaborators, actor, phone.device)

    with pytest.raises(Unauthenticated):
        authenticate(house, phone.token)


def test_nobody_revokes_anothers_device(house: House, admin: Actor, phone: Enrolled) -> None:
    """Somebody else's device and one that does not exist are the same: not found."""
    actor = house.actor(house.person(admin, "noor"))

    for device in (phone.device, uuid4()):
        with house.transaction() as session, pytest.raises(NotFound):
            devices.revoke(session, house.collaborators, actor, device)
    assert authenticate(house, phone.token).device == phone.device


def test_device_of_a_deactivated_person_is_out(house: House, admin: Actor, amal: Person, phone: Enrolled) -> None:
    """Deactivation reaches the phone too."""
    with house.transaction() as session:
        users.deactivate(session, house.collaborators, admin, amal.id)

    with pytest.raises(Unauthenticated):
        authenticate(house, phone.token)


def test_only_admins_enrol(house: House, amal: Person, study: UUID) -> None:
    """A person does not enrol a device, not even for themselves."""
    actor = house.actor(amal)

    with house.transaction() as session, pytest.raises(Forbidden):
        devices.enrol(session, house.collaborators, actor, amal.id, study)


def test_nobody_is_no_owner(house: House, admin: Actor, study: UUID) -> None:
    """A device is not enrolled for somebody who does not exist."""
    with house.transaction() as session, pytest.raises(NotFound):
        devices.enrol(session, house.collaborators, admin, uuid4(), study)


def test_only_the_day_is_noted(house: House, phone: Enrolled) -> None:
    """When a device was last seen is kept to the day."""
    authenticate(house, phone.token)
    house.clock.advance(hours=1)
    authenticate(house, phone.token)

    with house.transaction() as session:
        assert session.scalars(select(Device.last_seen_day)).one() == house.clock.now.date().isoformat()


def test_lists_show_ones_own_and_admins_all(house: House, admin: Actor, amal: Person, phone: Enrolled) -> None:
    """Amal and the admin see the phone; noor sees none."""
    noor = house.actor(house.person(admin, "noor"))
    seen = {}
    for name, actor in (("amal", house.actor(amal)), ("noor", noor), ("admin", admin)):
        with house.transaction() as session:
            seen[name] = [view.id for view in devices.list_devices(session, house.collaborators, actor)]

    assert seen == {"amal": [phone.device], "noor": [], "admin": [phone.device]}


def test_session_token_is_no_device_token(house: House, amal: Person, phone: Enrolled) -> None:
    """Neither kind of token passes for the other."""
    with pytest.raises(Unauthenticated):
        authenticate(house, house.sign_in(amal).token)
    with pytest.raises(Unauthenticated):
        house.authenticate(phone.token)


def test_device_moved_to_another_person_acts_for_that_one_without_keys(
    house: House, admin: Actor, phone: Enrolled
) -> None:
    """A database administrator who moves a device gains a submitter, never a reader."""
    noor = house.person(admin, "noor")
    with house.transaction() as session:
        session.execute(update(Device).values(user_id=noor.id))

    actor = authenticate(house, phone.token)

    assert (actor.kind, actor.keys) == (ActorKind.DEVICE, None)


def test_enrolment_and_revocation_leave_events(house: House, admin: Actor, phone: Enrolled, study: UUID) -> None:
    """Both name the study and the device; revoking again adds none."""
    for _ in range(2):
        with house.transaction() as session:
            devices.revoke(session, house.collaborators, admin, phone.device)

    with house.transaction() as session:
        events = session.scalars(select(Event).where(Event.action.like("device.%"))).all()
    assert sorted(event.action for event in events) == ["device.enrolled", "device.revoked"]
    assert {(event.study_id, event.details["device"]) for event in events} == {(study, str(phone.device))}


def offer(house: House, admin: Actor, owner: Person, study: UUID) -> str:
    """A one-time code for somebody's phone."""
    with house.transaction() as session:
        return devices.offer(session, house.collaborators, admin, owner.id, study).code


def redeem(house: House, code: str) -> Enrolled:
    """What a phone does with the code."""
    with house.transaction() as session:
        return devices.redeem(session, house.collaborators, code)


def test_offer_becomes_a_device(house: House, admin: Actor, amal: Person, study: UUID) -> None:
    """The phone that reads the code acts for the interviewer, and the list says who offered it."""
    enrolled = redeem(house, offer(house, admin, amal, study))

    actor = authenticate(house, enrolled.token)
    assert (actor.id, actor.device, actor.study, enrolled.study) == (amal.id, enrolled.device, study, study)
    with house.transaction() as session:
        assert session.get_one(Device, enrolled.device).enrolled_by == admin.id


def test_offer_is_good_once(house: House, admin: Actor, amal: Person, study: UUID) -> None:
    """A photograph of a code that was used is worth nothing."""
    code = offer(house, admin, amal, study)
    redeem(house, code)

    with pytest.raises(Gone):
        redeem(house, code)


def test_offer_lasts_a_day(house: House, admin: Actor, amal: Person, study: UUID) -> None:
    """At its last second it is over, and after a month it is forgotten."""
    code = offer(house, admin, amal, study)
    house.clock.advance(hours=24)
    with pytest.raises(Gone):
        redeem(house, code)

    house.clock.advance(days=30)
    with house.transaction() as session:
        upkeep.sweep(session, house.collaborators)
    with pytest.raises(NotFound):
        redeem(house, code)


def test_offer_of_a_deactivated_person_is_over(house: House, admin: Actor, amal: Person, study: UUID) -> None:
    """Who was switched off meanwhile gets no device."""
    code = offer(house, admin, amal, study)
    with house.transaction() as session:
        users.deactivate(session, house.collaborators, admin, amal.id)

    with pytest.raises(Gone):
        redeem(house, code)
    with house.transaction() as session:
        assert session.scalars(select(Device)).all() == []


def test_only_admins_offer(house: House, amal: Person, study: UUID) -> None:
    """Not even for oneself; and a code of nobody's is none."""
    actor = house.actor(amal)

    with house.transaction() as session, pytest.raises(Forbidden):
        devices.offer(session, house.collaborators, actor, amal.id, study)
    with pytest.raises(NotFound):
        redeem(house, "to_" + "A" * 43)


def test_code_rests_as_a_hash(house: House, admin: Actor, amal: Person, study: UUID) -> None:
    """Whoever reads the database enrolls nothing."""
    code = offer(house, admin, amal, study)

    with house.transaction() as session:
        assert code.encode() not in repr(session.execute(select(DeviceOffer.table())).all()).encode()
