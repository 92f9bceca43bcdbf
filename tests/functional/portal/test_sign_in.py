"""Signing in and out, and what a lost session looks like."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest

from tests.functional.portal.visitor import SESSION, Seen, Visitor
from tests.people import PASSWORD, Person
from tests.system import System

Visit = Callable[..., Visitor]


NUMBERS = count(1)


@pytest.fixture
def person(shared: System) -> Person:
    """Somebody of the test's own."""
    return shared.person(f"person{next(NUMBERS)}")


def sign_in(system: System, visitor: Visitor, person: Person, **changed: str) -> Seen:
    """Send the form with the next code."""
    visitor.get("/sign-in")
    form = {"name": person.name, "password": PASSWORD, "code": system.code(person)}
    return visitor.submit("/sign-in", form | changed)


def test_sign_in_begins_a_session(shared: System, visit: Visit, person: Person) -> None:
    """Name, password and code lead to the first page, with a cookie that scripts and other sites never see."""
    visitor = visit(None)

    done = sign_in(shared, visitor, person)

    assert (done.status, done.to) == (303, "/")
    assert visitor.follow(done).status == 200
    cookie = done.answer.headers["set-cookie"].lower()
    assert cookie.startswith("__host-session=ts_")
    assert {"secure", "httponly", "samesite=strict", "path=/"} <= set(cookie.split("; "))
    assert "domain" not in cookie
    assert "max-age" not in cookie


def test_blanks_in_the_code_do_no_harm(shared: System, visit: Visit, person: Person) -> None:
    """Apps show a code in two groups."""
    code = shared.code(person)

    assert sign_in(shared, visit(None), person, code=f" {code[:3]} {code[3:]} ").status == 303


@pytest.mark.parametrize("wrong", ["name", "password", "code"])
def test_refusal_does_not_say_what_is_wrong(shared: System, visit: Visit, person: Person, wrong: str) -> None:
    """One text for everything; what was typed is not repeated but for the name."""
    visitor = visit(None)

    seen = sign_in(shared, visitor, person, **{wrong: "000000 somebody else"})

    assert seen.status == 401
    assert "That is not right." in seen.words
    assert PASSWORD not in seen.text
    assert visitor.session is None


@pytest.mark.parametrize(
    ("then", "to"),
    [
        ("/account", "/account"),
        ("/studies/x/queue?page=2", "/studies/x/queue?page=2"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("", "/"),
    ],
)
def test_then_stays_on_this_site(shared: System, visit: Visit, person: Person, then: str, to: str) -> None:
    """The way back is an address of ours, whatever the form says."""
    assert sign_in(shared, visit(None), person, then=then).to == to


def test_signed_in_people_see_no_form(visit: Visit) -> None:
    """Whoever is signed in goes on to where they wanted."""
    assert visit("redactor").get("/sign-in?then=/account").to == "/account"


def test_signing_in_again_ends_the_session_before(shared: System, visit: Visit, person: Person) -> None:
    """A browser holds one session; the one it had is not left behind."""
    visitor = visit(person, fresh=True)
    before = visitor.session

    visitor.get("/account")
    form = {"name": person.name, "password": PASSWORD, "code": shared.code(person)}
    visitor.submit("/sign-in", form)

    assert visitor.session != before
    again = visit(None)
    again.hold(SESSION, str(before))
    assert again.get("/account").status == 303


def test_sign_out_ends_the_session(visit: Visit, person: Person) -> None:
    """The cookie goes, the session is over for whoever kept a copy, and the browser forgets its pages."""
    visitor = visit(person, fresh=True)
    token = visitor.session
    visitor.get("/account")

    done = visitor.submit("/sign-out")

    assert done.to == "/sign-in?notice=signed-out"
    assert done.answer.headers["clear-site-data"] == '"cache"'
    assert visitor.session is None
    assert "You are signed out." in visitor.follow(done).words
    thief = visit(None)
    thief.hold(SESSION, str(token))
    assert thief.get("/account").to.startswith("/sign-in")


def test_no_link_signs_out(visit: Visit, person: Person) -> None:
    """Only a form does: an address that somebody is led to changes nothing."""
    visitor = visit(person, fresh=True)

    seen = visitor.get("/sign-out")

    assert seen.status == 405
    assert seen.answer.headers["allow"] == "OPTIONS, POST"
    assert visitor.get("/account").status == 200


def test_ended_session_is_said_and_come_back_to(shared: System, visit: Visit, person: Person) -> None:
    """After half an hour without a request: the sign-in says so, and leads back to the page."""
    visitor = visit(person, fresh=True)
    shared.clock.advance(minutes=31)

    seen = visitor.get("/account/password")

    assert seen.to == "/sign-in?then=/account/password&notice=session-ended"
    assert visitor.session is None
    assert "Your session has ended." in visitor.follow(seen).words


def test_twelve_hours_are_the_limit(shared: System, visit: Visit, person: Person) -> None:
    """However busy it is: a session does not outlive a working day."""
    visitor = visit(person, fresh=True)
    for _ in range(24 * 2 - 1):
        shared.clock.advance(minutes=15)
        assert visitor.get("/forgotten").status == 200
        assert visitor.get("/account/password").status == 200

    shared.clock.advance(minutes=16)

    assert visitor.get("/account/password").to.startswith("/sign-in")


def test_link_from_elsewhere_does_not_end_the_session(visit: Visit) -> None:
    """The first request of a link from elsewhere comes without the cookie (SameSite); the answer must not delete it."""
    seen = visit(None).get("/account")

    assert seen.to == "/sign-in?then=/account"
    assert "set-cookie" not in seen.answer.headers


def test_forgotten_password_promises_no_way_back(visit: Visit) -> None:
    """Nobody can reset their way into testimony, and the page says what happens instead."""
    words = visit(None).get("/forgotten").words

    assert "You get a new key instead, and your studies admit you again." in words
    assert "Until then you cannot open any testimony" in words


def test_language_is_chosen_by_a_form(visit: Visit) -> None:
    """The choice rests in a cookie and leads back; a language that there is not changes nothing."""
    visitor = visit(None)
    visitor.get("/sign-in")

    done = visitor.submit("/language", {"language": "ar", "back": "/forgotten"})

    assert done.to == "/forgotten"
    page = visitor.follow(done)
    assert ("html", {"lang": "ar", "dir": "rtl"}) in page.reader.attributes
    visitor.submit("/language", {"language": "xx", "back": "//evil.example"})
    assert ("html", {"lang": "ar", "dir": "rtl"}) in visitor.get("/sign-in").reader.attributes
