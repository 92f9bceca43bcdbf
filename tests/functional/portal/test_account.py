"""One's own account: fingerprint, sessions, password, passkeys, devices."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest

from app.accounts import devices
from tests.functional.portal.visitor import Visitor
from tests.people import PASSWORD, Person
from tests.system import System

Visit = Callable[..., Visitor]
NUMBERS = count(1)
NEW = "seven herons over the marsh"


@pytest.fixture
def person(shared: System) -> Person:
    """Somebody of the test's own."""
    return shared.person(f"person{next(NUMBERS)}")


def test_fingerprint_is_shown_three_ways(shared: System, visit: Visit, person: Person) -> None:
    """As words to read aloud, as digits, and as a picture without a style attribute."""
    profile = shared.signed_in(person).accounts.me()

    seen = visit(person).get("/account")

    assert profile["fingerprint_text"] in seen.words
    assert " ".join(profile["fingerprint_words"]) in seen.words
    assert [found["class"] for tag, found in seen.reader.attributes if tag == "svg"] == ["qr"]


def test_one_session_is_ended(visit: Visit, person: Person) -> None:
    """The one chosen ends at once, the others go on; one's own present one is not offered."""
    first, second = visit(person, fresh=True), visit(person, fresh=True)
    forms = [form.action for form in first.get("/account").forms if form.action.endswith("/end")]
    ends = [action for action in forms if action != "/account/sessions/end"]

    assert len(ends) == 1
    assert first.submit(ends[0]).to == "/account?notice=session-closed"

    assert second.get("/account").status == 303
    assert first.get("/account").status == 200


def test_nobody_ends_a_session_of_somebody_else(visit: Visit, person: Person) -> None:
    """Its id is no more than the id of nothing."""
    mine, other = visit(person, fresh=True), visit(person, fresh=True)
    action = next(form.action for form in mine.get("/account").forms if form.action.count("/") == 4)
    stranger = visit("lead")
    stranger.get("/account")

    assert stranger.submit(action).status == 404
    assert other.get("/account").status == 200


def test_all_sessions_are_ended(visit: Visit, person: Person) -> None:
    """This one too."""
    first, second = visit(person, fresh=True), visit(person, fresh=True)
    first.get("/account")

    assert first.submit("/account/sessions/end").to == "/sign-in?notice=sessions-closed"

    assert first.get("/account").status == 303
    assert second.get("/account").status == 303


def test_new_password_ends_every_session(shared: System, visit: Visit, person: Person) -> None:
    """The old one is no good any more, the new one is."""
    visitor = visit(person, fresh=True)
    visitor.get("/account/password")

    done = visitor.submit("/account/password", {"old": PASSWORD, "password": NEW, "again": NEW})

    assert done.to == "/sign-in?notice=password-changed"
    visitor.follow(done)
    old = {"name": person.name, "password": PASSWORD, "code": shared.code(person)}
    assert visitor.submit("/sign-in", old).status == 401
    new = {"name": person.name, "password": NEW, "code": shared.code(person)}
    assert visitor.submit("/sign-in", new).to == "/"


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"old": "not my password"}, "This is not your password."),
        ({"again": "something else here"}, "The two passwords are not the same."),
        ({"password": "short", "again": "short"}, "Use 12 to 256 characters."),
    ],
    ids=["old", "again", "short"],
)
def test_refused_password_changes_nothing(visit: Visit, person: Person, changed: dict[str, str], text: str) -> None:
    """The page says why, repeats no password, and the session goes on."""
    visitor = visit(person, fresh=True)
    visitor.get("/account/password")

    seen = visitor.submit("/account/password", {"old": PASSWORD, "password": NEW, "again": NEW} | changed)

    assert (seen.status, text in seen.words) == (422, True)
    assert not any(secret in seen.text for secret in (PASSWORD, NEW, *changed.values()))
    assert visitor.get("/account").status == 200


def test_passkey_needs_a_fresh_factor(shared: System, visit: Visit, person: Person) -> None:
    """An old session is asked for a code first, and with it goes on to where it wanted."""
    visitor = visit(person, fresh=True)
    shared.clock.advance(minutes=6)
    visitor.get("/account")

    asked = visitor.submit("/account/passkeys/new")

    assert (asked.status, asked.reader.headings[0]) == (403, (1, "Confirm that it is you"))
    wrong = visitor.submit("/account/passkeys/new", {"step_up_code": "000000"})
    assert "That code is wrong or was used before." in wrong.words
    right = visitor.submit("/account/passkeys/new", {"step_up_code": shared.code(person)})
    assert (right.status, right.reader.headings[0]) == (200, (1, "Add a passkey"))


def test_invented_passkey_is_refused(visit: Visit, person: Person) -> None:
    """What no authenticator made is not kept, and the page says so."""
    visitor = visit(person, fresh=True)
    visitor.get("/account")

    seen = visitor.submit("/account/passkeys", {"label": "Phone", "passkey": "{}"})

    assert seen.status == 422
    assert "This is no answer to a challenge of the last five minutes." in seen.words


def test_own_device_is_revoked(shared: System, visit: Visit) -> None:
    """Whoever lost a phone need not wait for an administrator."""
    study = shared.first()
    with shared.runtime.transaction() as session:
        admin = shared.actor(shared.admin)
        enrolled = devices.enrol(session, shared.collaborators, admin, study["interviewer"].id, study.id)
    visitor, action = visit("interviewer"), f"/account/devices/{enrolled.device}/revoke"
    assert action in [form.action for form in visitor.get("/account").forms]

    assert visitor.submit(action).to == "/account?notice=device-revoked"

    headers = {"authorization": f"Bearer {enrolled.token}"}
    assert visit(None).http.get(f"/v1/studies/{study.id}/instruments", headers=headers).status_code == 401
