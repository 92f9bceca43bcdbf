from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pyotp
import pytest
from sqlalchemy import func, select

from app.access import Actor, ActorKind, Permission
from app.accounts import factors, invitations, passwords, queries, users
from app.accounts.fingerprints import fingerprint_words
from app.accounts.invitations import Acceptance, Accepted, Confirmed, Preview
from app.accounts.models import Invitation, User
from app.audit.models import Event
from app.crypto.principals import fingerprint_text
from app.errors import Conflict, Forbidden, Gone, Invalid, NotFound, SignInRefused, TestimonyError
from tests.people import OPERATOR, PASSWORD, House, Person


def test_accepting_makes_somebody_who_can_sign_in(house: House, admin: Actor) -> None:
    """The whole way: invited, accepted, signed in with the code of the secret that was shown."""
    person = house.person(admin, "amal")

    assert house.actor(person).id == person.id


def test_acceptance_shows_the_fingerprint_and_the_factor(house: House, admin: Actor) -> None:
    """What is read aloud is the key's own, and the URI is of the secret and the name."""
    accepted = house.accept(house.invite(admin, "amal"))

    with house.transaction() as session:
        key = users.public_key(session, accepted.user)
    uri = pyotp.parse_uri(accepted.totp_uri)
    assert (accepted.fingerprint, accepted.fingerprint_text) == (key.fingerprint, fingerprint_text(key.fingerprint))
    assert (uri.secret, uri.name, uri.issuer) == (accepted.totp_secret, "amal", "Testimony")
    assert accepted.totp_secret not in repr(accepted)


def test_invitation_is_good_once(house: House, admin: Actor) -> None:
    """The second acceptance is told that it is over."""
    token = house.invite(admin, "amal")
    house.accept(token)

    with pytest.raises(Gone):
        house.accept(token)


def test_two_acceptances_at_once_make_one_person(house: House, admin: Actor) -> None:
    """Of several simultaneous acceptances exactly one wins."""
    token = house.invite(admin, "amal")

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(partial(outcome, house), [token] * 6))

    assert sorted(outcomes) == ["Accepted"] + ["Gone"] * 5
    with house.transaction() as session:
        assert session.scalar(select(func.count()).where(User.name == "amal")) == 1


def outcome(house: House, token: str) -> str:
    """The name of what came of an acceptance."""
    try:
        return type(house.accept(token)).__name__
    except TestimonyError as error:
        return type(error).__name__


def test_expired_invitation_is_over(house: House, admin: Actor) -> None:
    """At its last second it is refused."""
    token = house.invite(admin, "amal")
    house.clock.advance(days=7)

    with pytest.raises(Gone):
        house.accept(token)


def test_invitation_that_expires_during_the_work_is_over(house: House, admin: Actor) -> None:
    """The expiry is asked again when the person is written."""
    token = house.invite(admin, "amal")
    acceptance = invitations.Acceptance(house.collaborators, house.gate, token, PASSWORD)
    with house.transaction() as session:
        acceptance.plan(session)
    acceptance.work()
    house.clock.advance(days=7)

    with house.transaction() as session, pytest.raises(Gone):
        acceptance.store(session)


@pytest.mark.parametrize("token", ["", "ti_", "ti_" + "A" * 43, "\ud800"])
def test_unknown_invitation_is_not_found(house: House, token: str) -> None:
    """A token nobody issued leads nowhere, before any work."""
    with pytest.raises(NotFound):
        house.accept(token)


def test_newer_invitation_ends_the_older(house: House, admin: Actor) -> None:
    """A lost token stops working when a new one is issued for the name."""
    lost, fresh = house.invite(admin, "amal"), house.invite(admin, "amal")

    with pytest.raises(NotFound):
        house.accept(lost)
    assert house.accept(fresh).name == "amal"


def test_shorter_invitation(house: House, admin: Actor) -> None:
    """An admin may give less time."""
    with house.transaction() as session:
        token = invitations.invite(session, house.collaborators, admin, "amal", lasts=timedelta(hours=1))
    house.clock.advance(hours=1)

    with pytest.raises(Gone):
        house.accept(token)


@pytest.mark.parametrize("name", ["AMAL", "am", "-amal", "am al", "\u0430mal", "amal\n", "a" * 65, ""])
def test_name_out_of_form_is_refused(house: House, admin: Actor, name: str) -> None:
    """Upper case, homoglyphs, blanks and the like cannot become names."""
    with house.transaction() as session, pytest.raises(Invalid) as caught:
        invitations.invite(session, house.collaborators, admin, name)

    assert [flaw.pointer for flaw in caught.value.flaws] == ["/name"]


def test_taken_name_is_refused(house: House, admin: Actor, amal: Person) -> None:
    """Nobody is invited under the name of somebody else."""
    with house.transaction() as session, pytest.raises(Conflict):
        invitations.invite(session, house.collaborators, admin, amal.name)


def test_refused_password_leaves_the_invitation_open(house: House, admin: Actor) -> None:
    """Whoever chose a bad password tries again."""
    token = house.invite(admin, "amal")
    with pytest.raises(Invalid):
        house.accept(token, "password1234")

    assert house.accept(token).name == "amal"


@pytest.mark.parametrize("kind", [kind for kind in ActorKind if kind is not ActorKind.OPERATOR])
def test_only_the_operator_invites_the_first_admin(house: House, kind: ActorKind) -> None:
    """No other way of acting does."""
    with house.transaction() as session, pytest.raises(Forbidden):
        invitations.invite_first_admin(session, house.collaborators, Actor(kind), "root.admin")


@pytest.mark.usefixtures("admin")
def test_there_is_one_first_admin(house: House) -> None:
    """Once there is an admin, the operator makes no other."""
    with house.transaction() as session, pytest.raises(Conflict):
        invitations.invite_first_admin(session, house.collaborators, OPERATOR, "second.admin")


def test_only_admins_invite(house: House, amal: Person) -> None:
    """Neither a plain person nor the operator nor nobody invites."""
    for actor in (house.actor(amal), OPERATOR, Actor(ActorKind.NOBODY)):
        with house.transaction() as session, pytest.raises(Forbidden):
            invitations.invite(session, house.collaborators, actor, "noor")


def test_admin_may_manage_and_never_read(admin: Actor) -> None:
    """The account of an admin carries exactly the permissions of the role table, none of them on testimony."""
    assert admin.permissions() == {
        Permission.SESSION_OWN,
        Permission.FACTOR_CHANGE,
        Permission.TOKEN_MAKE,
        Permission.HEALTH_READ,
        Permission.USER_MANAGE,
        Permission.DEVICE_MANAGE,
        Permission.STUDY_CREATE,
        Permission.AUDIT_SYSTEM,
    }


def test_invited_admin_is_one(house: House, admin: Actor) -> None:
    """The mark of the invitation becomes that of the account; a plain one stays plain."""
    with house.transaction() as session:
        token = invitations.invite(session, house.collaborators, admin, "second.admin", admin=True)

    assert house.accept(token).admin
    assert not house.accept(house.invite(admin, "amal")).admin


def test_acceptance_leaves_an_event(house: House, admin: Actor) -> None:
    """The event names the person and the fingerprint, so that a lead can compare it later."""
    accepted = house.accept(house.invite(admin, "amal"))

    with house.transaction() as session:
        event = session.scalars(
            select(Event).where(Event.action == "user.created", Event.actor_id == accepted.user)
        ).one()
    assert event.details == {"user": str(accepted.user), "digest": accepted.fingerprint.hex()}


def test_reset_replaces_the_keys(house: House, admin: Actor, amal: Person) -> None:
    """After the acceptance the same person has another key pair, key id and second factor."""
    before = house.actor(amal)
    with house.transaction() as session:
        token = passwords.reset(session, house.collaborators, admin, amal.id)

    accepted = house.accept(token, "a different passphrase")

    renewed = Person(amal.id, amal.name, "a different passphrase", accepted.totp_secret)
    after = house.actor(renewed)
    assert (accepted.replaced, accepted.user, after.id) == (True, amal.id, amal.id)
    assert after.unlocked().fingerprint == accepted.fingerprint != before.unlocked().fingerprint
    assert after.key_id != before.key_id


def test_accepted_reset_ends_sessions_and_the_old_password(house: House, admin: Actor, amal: Person) -> None:
    """Neither the old token nor the old password and factor open anything."""
    token = house.sign_in(amal).token
    with house.transaction() as session:
        invitation = passwords.reset(session, house.collaborators, admin, amal.id)
    house.authenticate(token)
    house.accept(invitation, "a different passphrase")

    for attempt in (lambda: house.authenticate(token), lambda: house.sign_in(amal)):
        with pytest.raises(TestimonyError) as caught:
            attempt()
        assert caught.value.code in {"unauthenticated", "sign-in-refused"}


def test_accepted_reset_leaves_no_session_row(house: House, admin: Actor, amal: Person) -> None:
    """The old keys do not rest in a session row either."""
    house.sign_in(amal)
    with house.transaction() as session:
        invitation = passwords.reset(session, house.collaborators, admin, amal.id)
    house.accept(invitation, "a different passphrase")

    with house.transaction() as session:
        assert queries.sessions_of(session, amal.id) == []


def test_reset_leaves_an_event(house: House, admin: Actor, amal: Person) -> None:
    """The replacement stands in the trail as the person's own act, the invitation as the admin's."""
    with house.transaction() as session:
        token = passwords.reset(session, house.collaborators, admin, amal.id)
    house.accept(token, "a different passphrase")

    with house.transaction() as session:
        replaced = session.scalars(select(Event).where(Event.action == "key.replaced")).one()
        invited = session.scalars(select(Event).where(Event.action == "user.invited", Event.actor_id == admin.id)).all()
    assert replaced.actor_id == amal.id
    assert {"kind": "reset", "user": str(amal.id)} in [event.details for event in invited]


def test_only_admins_reset(house: House, amal: Person) -> None:
    """Nobody resets themselves or others without the permission."""
    actor = house.actor(amal)
    with house.transaction() as session, pytest.raises(Forbidden):
        passwords.reset(session, house.collaborators, actor, amal.id)


def test_reset_of_somebody_deactivated_is_over(house: House, admin: Actor, amal: Person) -> None:
    """A deactivation between reset and acceptance wins."""
    with house.transaction() as session:
        token = passwords.reset(session, house.collaborators, admin, amal.id)
        users.deactivate(session, house.collaborators, admin, amal.id)

    with pytest.raises(Gone):
        house.accept(token, "a different passphrase")
    with house.transaction() as session:
        assert session.scalars(select(Invitation.used_at).where(Invitation.user_id == amal.id)).one() is None


def confirmed(house: House, *, code: str | None = None) -> Confirmed:
    """A second factor that a page has shown, with the code that the person's phone shows now, or another."""
    secret = factors.from_base32(factors.base32(factors.new_factor()))
    return Confirmed(secret, code or pyotp.TOTP(factors.base32(secret)).at(house.clock.now))


def accept_confirmed(house: House, token: str, shown: Confirmed) -> Accepted:
    """Accept with a second factor that was shown before."""
    acceptance = Acceptance(house.collaborators, house.gate, token, PASSWORD, shown)
    with house.transaction() as session:
        acceptance.plan(session)
    acceptance.work()
    with house.transaction() as session:
        return acceptance.store(session)


def test_factor_shown_before_is_the_accounts(house: House, admin: Actor) -> None:
    """A page shows the secret first and sends it back with a code: that secret signs in."""
    shown = confirmed(house)

    accepted = accept_confirmed(house, house.invite(admin, "amal"), shown)

    assert accepted.totp_secret == factors.base32(shown.secret)
    assert house.sign_in(Person(accepted.user, "amal", PASSWORD, accepted.totp_secret)).user == accepted.user


def test_code_that_confirmed_a_factor_signs_nobody_in(house: House, admin: Actor) -> None:
    """It was used: whoever looked over the shoulder has nothing."""
    accepted = accept_confirmed(house, house.invite(admin, "amal"), confirmed(house))

    with pytest.raises(SignInRefused):
        house.try_sign_in(house.credentials(Person(accepted.user, "amal", PASSWORD, accepted.totp_secret)))


def test_wrong_code_leaves_the_invitation_open(house: House, admin: Actor) -> None:
    """Nobody is locked out by a secret that did not reach the phone."""
    token = house.invite(admin, "amal")

    with pytest.raises(Invalid) as caught:
        accept_confirmed(house, token, confirmed(house, code="000000"))

    assert [flaw.pointer for flaw in caught.value.flaws] == ["/code"]
    assert accept_confirmed(house, token, confirmed(house)).name == "amal"


@pytest.mark.parametrize("text", ["", "AAAA", "A" * 31, "A" * 40, "not base32 at all!", "\u0661" * 32])
def test_only_a_secret_of_ours_comes_back(text: str) -> None:
    """160 bits in base32; anything else is told by its pointer."""
    with pytest.raises(Invalid) as caught:
        factors.from_base32(text)

    assert [flaw.pointer for flaw in caught.value.flaws] == ["/totp_secret"]


def test_preview_uses_nothing_up(house: House, admin: Actor) -> None:
    """Whoever opens the link sees for whom it is, as often as they like, and then accepts."""
    token = house.invite(admin, "amal")
    with house.transaction() as session:
        seen = [invitations.preview(session, house.collaborators, token) for _ in range(2)]

    assert seen[0] == seen[1] == Preview("amal", False, False, house.clock.now + invitations.LASTS)
    assert house.accept(token).name == "amal"


def test_preview_of_what_is_over(house: House, admin: Actor) -> None:
    """Used, expired and unknown invitations are told apart only by whoever holds the token."""
    used, late = house.invite(admin, "amal"), house.invite(admin, "noor")
    house.accept(used)
    house.clock.advance(days=7)

    for token, error in ((used, Gone), (late, Gone), ("ti_unknown", NotFound)):
        with house.transaction() as session, pytest.raises(error):
            invitations.preview(session, house.collaborators, token)


def test_open_invitations_are_listed_and_cancelled(house: House, admin: Actor, amal: Person) -> None:
    """Used and expired ones are not; a cancelled one is accepted by nobody."""
    late = house.invite(admin, "late")
    house.clock.advance(days=7)
    token = house.invite(admin, "noor")
    with house.transaction() as session:
        invitations.invite(session, house.collaborators, admin, "boss", admin=True)
        passwords.reset(session, house.collaborators, admin, amal.id)
        rows = invitations.list_open(session, house.collaborators, admin)
        noor = next(row for row in rows if row.name == "noor")
        invitations.cancel(session, house.collaborators, admin, noor.id)

    assert [(row.name, row.admin, row.replaces) for row in rows] == [
        ("amal", False, True),
        ("boss", True, False),
        ("noor", False, False),
    ]
    for dead, error in ((token, NotFound), (late, Gone)):
        with pytest.raises(error):
            house.accept(dead)
    with house.transaction() as session, pytest.raises(NotFound):
        invitations.cancel(session, house.collaborators, admin, noor.id)


def test_only_admins_see_and_cancel_invitations(house: House, admin: Actor, amal: Person) -> None:
    """Who is invited is nobody else's business."""
    house.invite(admin, "noor")
    actor = house.actor(amal)
    with house.transaction() as session:
        (row,) = invitations.list_open(session, house.collaborators, admin)

    with house.transaction() as session, pytest.raises(Forbidden):
        invitations.list_open(session, house.collaborators, actor)
    with house.transaction() as session, pytest.raises(Forbidden):
        invitations.cancel(session, house.collaborators, actor, row.id)


def test_fingerprint_is_shown_as_words_too(house: House, admin: Actor) -> None:
    """The words at the end of accepting are those of one's profile."""
    accepted = house.accept(house.invite(admin, "amal"))
    actor = house.actor(Person(accepted.user, "amal", PASSWORD, accepted.totp_secret))

    with house.transaction() as session:
        profile = users.own_profile(session, house.collaborators, actor)
    assert accepted.fingerprint_words == profile.fingerprint_words == fingerprint_words(accepted.fingerprint)
