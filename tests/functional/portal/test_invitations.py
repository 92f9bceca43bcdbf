"""The way into an account: the link, the password, the second factor, the fingerprint."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pyotp
import pytest

from tests.functional.portal.visitor import Seen, Visitor
from tests.people import PASSWORD, Person
from tests.system import System

Visit = Callable[..., Visitor]
NUMBERS = count(1)
PAGE = "/invitations/acceptance"


@pytest.fixture
def token(shared: System) -> str:
    """An invitation's code."""
    return shared.signed_in("admin").accounts.invite(f"invited{next(NUMBERS)}")


@pytest.fixture
def visitor(visit: Visit, token: str) -> Visitor:
    """Somebody who opened the invitation."""
    visitor = visit(None)
    visitor.get("/invitations")
    assert visitor.submit("/invitations", {"token": token}).to == PAGE
    return visitor


def fill(system: System, seen: Seen, **changed: str) -> dict[str, Any]:
    """What somebody enters: a password twice, and the code that the app shows for the page's secret."""
    secret = seen.form(PAGE).fields["secret"]
    code = pyotp.TOTP(secret).at(system.clock.now)
    return {"secret": secret, "password": PASSWORD, "again": PASSWORD, "code": code} | changed


def test_invitation_is_accepted(shared: System, visitor: Visitor) -> None:
    """From the link to the first page, without an administrator ever knowing password or factor."""
    seen = visitor.get(PAGE)
    name = seen.reader.headings[0][1].removeprefix("Welcome, ")
    form = fill(shared, seen)

    done = visitor.submit(PAGE, form)

    assert (done.status, done.reader.headings[0]) == (200, (1, "Your account is ready"))
    shared.clock.advance(seconds=60)
    code = pyotp.TOTP(form["secret"]).at(shared.clock.now)
    assert visitor.submit("/sign-in", {"name": name, "password": PASSWORD, "code": code}).to == "/"
    words = shared.signed_in(Person(shared.admin.id, shared.admin.name, PASSWORD, shared.admin.totp_secret))
    profile = next(user for user in words.accounts.users() if user["name"] == name)
    assert " ".join(profile["fingerprint_words"]) in done.words


def test_code_of_the_invitation_stands_in_no_address(token: str, visitor: Visitor) -> None:
    """It rests in a cookie that scripts and other sites never see, and in no page."""
    assert token not in visitor.get(PAGE).text
    answer = visitor.submit("/invitations", {"token": token}).answer
    cookie = answer.headers["set-cookie"].lower()
    assert {"secure", "httponly", "samesite=strict", "path=/"} <= set(cookie.split("; "))


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"again": "something else here"}, "The two passwords are not the same."),
        ({"password": "short", "again": "short"}, "Use 12 to 256 characters."),
        ({"code": "000000"}, "code"),
    ],
    ids=["again", "short", "code"],
)
def test_flaw_leaves_the_invitation_open(shared: System, visitor: Visitor, changed: dict[str, str], text: str) -> None:
    """The page says what is wrong and keeps the second factor that the app has already scanned."""
    before = visitor.get(PAGE)

    seen = visitor.submit(PAGE, fill(shared, before, **changed))

    assert seen.status == 422
    assert text in seen.words
    assert PASSWORD not in seen.text
    assert seen.form(PAGE).fields["secret"] == before.form(PAGE).fields["secret"]
    assert visitor.submit(PAGE, fill(shared, seen)).status == 200


def test_invitation_is_good_once(shared: System, token: str, visitor: Visitor) -> None:
    """A used, an ended and an invented code look alike."""
    visitor.submit(PAGE, fill(shared, visitor.get(PAGE)))

    for tried in (token, "ti_" + "A" * 43, "", "anything"):
        seen = visitor.submit("/invitations", {"token": tried})
        assert seen.status == 422
        assert "This invitation does not exist, was used, or is over." in seen.words
    assert visitor.get(PAGE).to == "/invitations"


def test_reset_makes_a_new_key_and_no_way_into_a_study(shared: System, visit: Visit) -> None:
    """Whoever takes over an account this way stands outside every study until people admit the new key."""
    study = shared.study("Resets", prefix="reset.")
    person = study["redactor"]
    token = shared.signed_in("admin").accounts.reset(person.id)
    visitor = visit(None)
    visitor.get("/invitations")
    seen = visitor.follow(visitor.submit("/invitations", {"token": token}))
    assert "This gives your account a new password, a new second factor and a new key." in seen.words
    form = fill(shared, seen)
    assert visitor.submit(PAGE, form).status == 200

    shared.clock.advance(seconds=60)
    code = pyotp.TOTP(form["secret"]).at(shared.clock.now)
    visitor.submit("/sign-in", {"name": person.name, "password": PASSWORD, "code": code})

    assert "You belong to no study yet." in visitor.get("/").words
    assert visitor.get(f"/studies/{study.id}/queue").status == 404
