"""API tokens on the account's pages: made with a fresh factor, shown once, listed, revoked."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import uuid4

import pytest

from tests.functional.portal.visitor import Seen, Visitor
from tests.system import System

Visit = Callable[..., Visitor]
TOKEN = re.compile(r"tu_[A-Za-z0-9_-]{43}")


def wish(shared: System, **changed: str) -> dict[str, str]:
    """What the form sends."""
    form = {"label": "Bridge", "study": str(shared.first().id), "scopes": "record.submit", "days": "7"}
    return form | changed


def make(visitor: Visitor, form: dict[str, str]) -> Seen:
    """Open the page and send its form."""
    visitor.get("/account/tokens")
    return visitor.submit("/account/tokens", form)


def test_token_is_shown_once_and_works(shared: System, visit: Visit) -> None:
    """The page after the form shows it; the list never does, and says what and until when."""
    visitor = visit("interviewer", fresh=True)

    made = make(visitor, wish(shared, label="Shown once"))

    (token,) = set(TOKEN.findall(made.text))
    with shared.client(token) as client:
        assert client.intake.submit(uuid4(), shared.body(), client.intake.receipt_keys()).receipt.case
    listed = visitor.get("/account/tokens")
    assert token not in listed.text
    assert "Shown once" in listed.words
    assert "Hand in interviews" in listed.words


def test_token_is_revoked(shared: System, visit: Visit) -> None:
    """With the button beside it, as any device."""
    visitor = visit("interviewer", fresh=True)
    make(visitor, wish(shared, label="Revoked soon"))
    before = [form.action for form in visitor.get("/account/tokens").forms if form.action.endswith("/revoke")]

    assert visitor.submit(before[0]).to == "/account?notice=device-revoked"

    after = [form.action for form in visitor.get("/account/tokens").forms if form.action.endswith("/revoke")]
    assert set(before) - set(after) == {before[0]}


def test_making_asks_for_a_code(shared: System, visit: Visit) -> None:
    """An old session is asked first, and with the code the token is made."""
    visitor = visit("interviewer", fresh=True)
    shared.clock.advance(minutes=6)

    asked = make(visitor, wish(shared))

    assert (asked.status, TOKEN.findall(asked.text)) == (403, [])
    code = shared.code(shared.first()["interviewer"])
    done = visitor.submit("/account/tokens", wish(shared) | {"step_up_code": code})
    assert (done.status, len(set(TOKEN.findall(done.text)))) == (200, 1)


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"label": ""}, "Between 1 and 64 letters, digits or signs."),
        ({"scopes": "source.read"}, "Choose at least one of the scopes that there are."),
        ({"days": "9999"}, "Choose how long it lasts."),
        ({"study": "none"}, "Choose a study."),
    ],
    ids=["label", "scope", "days", "study"],
)
def test_refused_wish_is_explained(shared: System, visit: Visit, changed: dict[str, str], text: str) -> None:
    """The page says why, and makes nothing."""
    seen = make(visit("interviewer"), wish(shared) | changed)

    assert (seen.status, text in seen.words, TOKEN.findall(seen.text)) == (422, True, [])


def test_who_hands_in_nothing_gets_no_form(visit: Visit) -> None:
    """A redactor's program could do nothing in a redactor's name."""
    seen = visit("redactor").get("/account/tokens")

    assert "/account/tokens" not in [form.action for form in seen.forms]
    assert "There is no study in which you hand in interviews" in seen.words


def test_account_page_lists_phones_apart(shared: System, visit: Visit) -> None:
    """Tokens have a page of their own; the account's list of devices shows none of them."""
    visitor = visit("guardian", fresh=True)
    make(visitor, wish(shared, label="Guardian's program"))

    seen = visitor.get("/account")

    assert "/account/tokens" in [link.partition("?")[0] for link in seen.links]
    assert not [form.action for form in seen.forms if form.action.endswith("/revoke")]
