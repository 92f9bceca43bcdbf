from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy import func, select, update

from app.access import Actor, ActorKind
from app.accounts import gate, users
from app.accounts.models import Session, User
from app.accounts.sign_in import Credentials
from app.audit.models import Event
from app.crypto.passwords import Argon2Params, stretch
from app.crypto.secrets import Secret
from app.errors import SignInRefused, TestimonyError, Throttled
from tests.people import PASSWORD, SOURCE, CountingCustody, House, Person


def count_sessions(house: House) -> int:
    """How many sessions rest in the database."""
    with house.transaction() as session:
        return session.scalar(select(func.count()).select_from(Session)) or 0


def refusal(house: House, credentials: Credentials) -> tuple[str, str, str]:
    """Everything that somebody who is refused can see."""
    with pytest.raises(SignInRefused) as caught:
        house.try_sign_in(credentials)
    return type(caught.value).__name__, caught.value.code, str(caught.value)


def test_right_credentials_unlock_the_keys(house: House, amal: Person) -> None:
    """The session's token gives an actor who carries the person's own key pair."""
    actor = house.authenticate(house.sign_in(amal).token)

    with house.transaction() as session:
        assert actor.unlocked().public == users.public_key(session, amal.id).public
    assert (actor.kind, actor.id, actor.admin) == (ActorKind.USER, amal.id, False)


def test_sign_in_counts_as_a_fresh_factor(house: House, amal: Person) -> None:
    """The code given at sign-in is the first step-up."""
    actor = house.actor(amal)

    assert actor.factor_at == house.clock.now


def test_case_of_the_name_does_not_matter(house: House, amal: Person) -> None:
    """Somebody who types ``AMAL`` is amal."""
    house.clock.advance(seconds=30)

    signed_in = house.try_sign_in(replace(house.credentials(amal), name="AMAL"))

    assert signed_in.user == amal.id


def test_decomposed_password_is_the_same_password(house: House, admin: Actor) -> None:
    """A keyboard that sends combining characters opens what a precomposed one sealed."""
    accepted = house.accept(house.invite(admin, "noor"), "caf\u00e9 by the river")
    person = Person(accepted.user, accepted.name, "cafe\u0301 by the river", accepted.totp_secret)

    assert house.sign_in(person).user == accepted.user


def test_every_wrong_thing_gives_the_same_answer(house: House, admin: Actor, amal: Person) -> None:
    """Unknown name, wrong password, wrong code, no code, odd names, deactivated: one answer."""
    house.clock.advance(seconds=30)
    right = house.credentials(amal)
    wrong_code = f"{(int(right.code) + 1) % 1_000_000:06d}"
    gone = house.person(admin, "gone")
    with house.transaction() as session:
        users.deactivate(session, house.collaborators, admin, gone.id)

    answers = {
        refusal(house, replace(credentials, source=f"198.51.100.{number}"))
        for number, credentials in enumerate(
            (
                replace(right, name="nobody"),
                replace(right, name=""),
                replace(right, name="a\x00b"),
                replace(right, name="\ud800\ud800\ud800"),
                replace(right, name="x" * 5_000),
                replace(right, password="wrong"),
                replace(right, password=""),
                replace(right, password="x" * 5_000),
                replace(right, password="\udc80" * 12),
                replace(right, code=wrong_code),
                replace(right, code=""),
                house.credentials(gone),
            )
        )
    }

    assert answers == {("SignInRefused", "sign-in-refused", "Name, password or code is wrong.")}


@pytest.mark.parametrize("shape", ["{a} {b}", " {a}{b}", "{a}{b} ", "{a}{b}\n", "{a}-{b}", "{a}{b}0", "0{a}{b}", "{a}"])
def test_code_is_six_digits_and_nothing_else(house: House, amal: Person, shape: str) -> None:
    """The right code with blanks, dashes or more digits is a wrong code."""
    house.clock.advance(seconds=30)
    right = house.credentials(amal)

    refusal(house, replace(right, code=shape.format(a=right.code[:3], b=right.code[3:])))

    assert house.try_sign_in(right).user == amal.id


def test_code_of_other_digits_is_refused(house: House, amal: Person) -> None:
    """Arabic-Indic and full-width digits are not taken for ASCII ones."""
    house.clock.advance(seconds=30)
    right = house.credentials(amal)

    for zero in ("\u0660", "\uff10"):
        refusal(house, replace(right, code="".join(chr(ord(zero) + int(digit)) for digit in right.code)))


def test_code_is_good_once(house: House, amal: Person) -> None:
    """The same code again, with the right password, is refused."""
    house.sign_in(amal)

    refusal(house, house.credentials(amal))


def test_older_code_is_refused_after_a_newer_one(house: House, amal: Person) -> None:
    """A code overseen one step ago cannot be used once the next is spent."""
    house.clock.advance(seconds=30)
    older = house.credentials(amal)
    house.sign_in(amal)

    refusal(house, older)


def test_one_code_twenty_times_at_once_gives_one_session(house: House, amal: Person) -> None:
    """Of twenty simultaneous sign-ins with one code exactly one succeeds."""
    house.clock.advance(seconds=30)
    before = count_sessions(house)
    tries = [house.credentials(amal, source=f"203.0.113.{number}") for number in range(20)]

    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(partial(outcome, house), tries))

    assert sorted(outcomes) == ["SignInRefused"] * 19 + ["SignedIn"]
    assert count_sessions(house) == before + 1


def outcome(house: House, credentials: Credentials) -> str:
    """The name of what came of it."""
    try:
        return type(house.try_sign_in(credentials)).__name__
    except TestimonyError as error:
        return type(error).__name__


@pytest.mark.parametrize("factor", ["code", "passkey"])
@pytest.mark.parametrize("case", ["right", "unknown", "wrong password", "impossible password", "deactivated"])
def test_every_attempt_costs_the_same(
    house: House,
    counting: CountingCustody,
    admin: Actor,
    amal: Person,
    case: str,
    factor: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One Argon2id at the same cost and one custody call, whoever it is and whatever is wrong."""
    key = house.passkey(amal)
    house.clock.advance(seconds=30)
    costs: list[Argon2Params] = []

    def counted(password: str, salt: bytes, params: Argon2Params) -> Secret:
        costs.append(params)
        return stretch(password, salt, params)

    monkeypatch.setattr(gate, "stretch", counted)
    right = house.answered(amal, key) if factor == "passkey" else house.credentials(amal)
    changes = {"unknown": {"name": "nobody"}, "wrong password": {"password": "wrong"}}
    changes["impossible password"] = {"password": "x" * 5_000}
    if case == "deactivated":
        with house.transaction() as session:
            users.deactivate(session, house.collaborators, admin, amal.id)
    counting.macs = 0

    outcome(house, replace(right, **changes.get(case, {})))

    assert (counting.macs, len(costs)) == (1, 1)
    assert costs == [Argon2Params(7_168, 1, 1)]


def test_refusal_leaves_an_event_without_a_name(house: House, amal: Person) -> None:
    """The event of a refusal is the same for those who exist and those who do not."""
    house.clock.advance(seconds=30)
    refusal(house, replace(house.credentials(amal), password="wrong"))
    refusal(house, replace(house.credentials(amal), name="nobody"))

    with house.transaction() as session:
        events = session.scalars(select(Event).where(Event.action == "sign_in.refused")).all()
    assert [(event.actor_kind, event.actor_id, event.details) for event in events] == [("nobody", None, {})] * 2


def test_sign_in_leaves_an_event(house: House, amal: Person) -> None:
    """The event names the person and the session."""
    signed_in = house.sign_in(amal)

    with house.transaction() as session:
        wanted = select(Event).where(Event.action == "signed_in", Event.actor_id == amal.id)
        event = session.scalars(wanted).one()
    assert event.details == {"session": str(signed_in.session)}


def test_cheaper_argon_cost_in_the_row_opens_nothing(house: House, amal: Person) -> None:
    """The cost is in the context: a changed row makes the password wrong instead of cheap."""
    with house.transaction() as session:
        session.execute(update(User).where(User.id == amal.id).values(argon_t=2))

    house.clock.advance(seconds=30)
    refusal(house, house.credentials(amal))


def test_bundle_moved_to_another_person_opens_nothing(house: House, admin: Actor, amal: Person) -> None:
    """With amal's bundle and salt in her row, noor does not become amal, nor sign in at all."""
    noor = house.person(admin, "noor")
    with house.transaction() as session:
        row = session.get_one(User, amal.id)
        moved = {"bundle": row.bundle, "salt": row.salt}
        session.execute(update(User).where(User.id == noor.id).values(moved))

    house.clock.advance(seconds=30)
    refusal(house, Credentials(noor.name, PASSWORD, house.code(amal), SOURCE))


def test_crowded_gate_charges_nothing(house: House, amal: Person) -> None:
    """Somebody turned away because the gate is full has not guessed: the next attempt is not delayed."""
    house.clock.advance(seconds=30)
    full = gate.Gate(at_once=1, waiting=0, patience=0.01, params=Argon2Params(7_168, 1, 1))
    open_gate, house.gate = house.gate, full
    with full._seat():
        for _ in range(8):
            with pytest.raises(Throttled):
                house.try_sign_in(house.credentials(amal))
    house.gate = open_gate

    assert house.try_sign_in(house.credentials(amal)).user == amal.id
