"""Journeys through accounts, over HTTP and with real sign-ins."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import httpx
import pyotp
import pytest

from tests.authenticator import Authenticator
from tests.functional.web.conftest import People
from tests.people import PASSWORD, Person
from tests.site import Site

NEW_PASSWORD = "seven herons over slate"

# The same in every test process, so that all collect the same tests.
STRANGER = "7d5a0d9c-3f0e-4c1b-9a7e-0e6f6a0f2b11"


def test_from_an_invitation_to_signing_out(site: Site) -> None:
    """An admin invites; the person accepts, once; signs in; sees the session; signs out; the token is dead."""
    admin = site.sign_in(site.house.admin())
    token = site.call("POST", "/v1/invitations", json={"name": "noor"}, token=admin).json()["token"]

    accepted = site.call("POST", "/v1/invitations/accept", json={"token": token, "password": PASSWORD})
    again = site.call("POST", "/v1/invitations/accept", json={"token": token, "password": PASSWORD})
    code = pyotp.TOTP(accepted.json()["totp_secret"]).at(site.house.clock())
    body = {"name": "noor", "password": PASSWORD, "code": code}
    signed_in = site.call("POST", "/v1/sessions", json=body)
    replayed = site.call("POST", "/v1/sessions", json=body)
    mine = signed_in.json()["token"]
    listed = site.call("GET", "/v1/sessions", token=mine).json()["sessions"]
    profile = site.call("GET", "/v1/users/me", token=mine).json()
    out = site.call("DELETE", "/v1/sessions/current", token=mine)

    assert (accepted.status_code, again.status_code) == (201, 410)
    assert (signed_in.status_code, replayed.status_code) == (201, 401)
    assert [(one["id"], one["current"]) for one in listed] == [(signed_in.json()["session"], True)]
    assert profile["fingerprint"] == accepted.json()["fingerprint"]
    assert (out.status_code, out.content) == (204, b"")
    assert site.call("GET", "/v1/sessions", token=mine).status_code == 401


def test_every_wrong_sign_in_reads_alike(site: Site) -> None:
    """Unknown name, wrong password, wrong code: one answer."""
    root = site.house.admin()
    right = {"name": root.name, "password": root.password, "code": site.house.code(root)}

    answers = [
        site.call("POST", "/v1/sessions", json=right | wrong)
        for wrong in ({"name": "nobody"}, {"password": "wrong wrong wrong"}, {"code": "000000"})
    ]

    assert {answer.status_code for answer in answers} == {401}
    assert len({repr(sorted((answer.json() | {"instance": ""}).items())) for answer in answers}) == 1


def test_many_wrong_sign_ins_pause_their_source_alone(site: Site) -> None:
    """429 with the time to wait; from elsewhere the person still gets in."""
    root = site.house.admin()
    wrong = {"name": root.name, "password": "wrong wrong wrong", "code": "000000"}

    answers = [site.call("POST", "/v1/sessions", json=wrong, source="198.51.100.1") for _ in range(6)]

    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert site.sign_in(root)


def test_stepping_up_takes_a_fresh_code(site: Site, people: People) -> None:
    """A new code moves the factor on; a wrong one asks again."""
    token = site.sign_in(people.lead)
    site.house.clock.advance(seconds=60)

    good = site.call("POST", "/v1/sessions/current/step-up", json={"code": site.house.code(people.lead)}, token=token)
    spent = site.call("POST", "/v1/sessions/current/step-up", json={"code": site.house.code(people.lead)}, token=token)

    assert good.status_code == 200
    assert good.json()["factor_at"] == site.house.clock().isoformat().replace("+00:00", "Z")
    assert (spent.status_code, spent.json()["type"]) == (403, "urn:testimony:problem:step-up-required")


def test_changing_the_password_ends_every_session(site: Site, people: People) -> None:
    """The old password is asked for, the old sessions are gone, the new password opens."""
    first, second = site.sign_in(people.lead), site.sign_in(people.lead)
    wrong = site.call("PUT", "/v1/password", json={"old": "wrong wrong", "new": NEW_PASSWORD}, token=first)

    right = site.call("PUT", "/v1/password", json={"old": PASSWORD, "new": NEW_PASSWORD}, token=first)

    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/old")
    assert right.status_code == 204
    assert [site.call("GET", "/v1/sessions", token=token).status_code for token in (first, second)] == [401, 401]
    body = {"name": people.lead.name, "password": NEW_PASSWORD}
    site.house.clock.advance(seconds=30)
    assert site.call("POST", "/v1/sessions", json=body | {"code": site.house.code(people.lead)}).status_code == 201


def test_one_cannot_end_another_persons_session(site: Site, people: People) -> None:
    """Theirs and absent read alike; one's own ends."""
    mine, theirs = site.sign_in(people.lead), site.sign_in(people.interviewer)
    (target,) = [
        one["id"] for one in site.call("GET", "/v1/sessions", token=theirs).json()["sessions"] if one["current"]
    ]

    assert site.call("DELETE", f"/v1/sessions/{target}", token=mine).status_code == 404
    assert site.call("DELETE", f"/v1/sessions/{uuid4()}", token=mine).status_code == 404
    assert site.call("DELETE", f"/v1/sessions/{target}", token=theirs).status_code == 204
    assert site.call("GET", "/v1/sessions", token=theirs).status_code == 401


def test_a_deactivated_person_is_out_at_once(site: Site, people: People) -> None:
    """Until an admin lets them in again."""
    admin, token = site.sign_in(people.admin), site.sign_in(people.stranger)
    address = f"/v1/users/{people.stranger.id}"

    assert site.call("PATCH", address, json={"active": False}, token=admin).status_code == 204
    assert site.call("GET", "/v1/sessions", token=token).status_code == 401

    assert site.call("PATCH", address, json={"active": True}, token=admin).status_code == 204
    assert site.sign_in(people.stranger)


def test_a_reset_gives_a_new_account_key_and_no_study(site: Site, people: People) -> None:
    """The person accepts the admin's token, has another fingerprint, and is no member until admitted anew."""
    admin = site.sign_in(people.admin)
    before = site.call("GET", "/v1/users/me", token=site.sign_in(people.interviewer)).json()["fingerprint"]

    reset = site.call("POST", f"/v1/users/{people.interviewer.id}/reset", token=admin)
    accepted = site.call(
        "POST", "/v1/invitations/accept", json={"token": reset.json()["token"], "password": NEW_PASSWORD}
    )

    assert (reset.status_code, accepted.status_code) == (201, 201)
    assert accepted.json()["fingerprint"] != before


def test_a_device_is_enrolled_for_who_submits_in_the_study(site: Site, people: People) -> None:
    """Not for others, not for other studies; its token reads nothing; revoked it is refused."""
    admin = site.sign_in(people.admin)
    wanted = {"user": str(people.interviewer.id), "study": str(people.study)}

    enrolled = site.call("POST", "/v1/devices", json=wanted, token=admin)
    others = [
        site.call("POST", "/v1/devices", json=wanted | other, token=admin).status_code
        for other in ({"user": str(people.lead.id)}, {"study": str(uuid4())}, {"user": str(uuid4())})
    ]
    phone = enrolled.json()["token"]

    assert enrolled.status_code == 201
    assert others == [404, 404, 404]
    assert site.call("GET", f"/v1/studies/{people.study}/candidates?name=sol", token=phone).status_code == 403
    assert site.call("DELETE", f"/v1/devices/{enrolled.json()['device']}", token=admin).status_code == 204
    assert site.call("GET", "/v1/devices", token=phone).status_code == 401


def test_a_lead_finds_whom_to_admit_by_name(site: Site, people: People) -> None:
    """With the fingerprint to be read aloud; nobody else may look."""
    address = f"/v1/studies/{people.study}/candidates?name=sol"

    found = site.call("GET", address, token=site.sign_in(people.lead))

    assert found.json()["id"] == str(people.stranger.id)
    assert site.call("GET", address, token=site.sign_in(people.interviewer)).status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/invitations", {"name": "x.y"}),
        ("GET", "/v1/users", None),
        ("PATCH", f"/v1/users/{STRANGER}", {"active": False}),
        ("POST", f"/v1/users/{STRANGER}/reset", None),
        ("POST", "/v1/devices", {"user": STRANGER, "study": STRANGER}),
    ],
)
def test_what_admins_do_nobody_else_does(site: Site, people: People, method: str, path: str, body: object) -> None:
    """A lead neither."""
    token = site.sign_in(people.lead)

    assert site.call(method, path, json=body, token=token).status_code == 403


def test_from_registering_a_passkey_to_signing_in_with_it(site: Site, people: People) -> None:
    """Registered in a session, used at sign-in and for a step-up, removed, and then worth nothing."""
    key, token = Authenticator(), site.sign_in(people.lead)
    options = site.call("POST", "/v1/passkeys/challenge", token=token).json()
    added = site.call("POST", "/v1/passkeys", json={"label": "Phone", "passkey": key.make(options)}, token=token)
    site.house.clock.advance(minutes=10)

    signed_in = sign_in_by(site, people.lead, key)
    mine = signed_in.json()["token"]
    asked = site.call("POST", "/v1/sessions/current/step-up/challenge", token=mine).json()
    stepped = site.call("POST", "/v1/sessions/current/step-up", json={"passkey": key.answer(asked)}, token=mine)
    (listed,) = site.call("GET", "/v1/passkeys", token=mine).json()["passkeys"]
    removed = site.call("DELETE", f"/v1/passkeys/{listed['id']}", token=mine)

    assert (added.status_code, signed_in.status_code, stepped.status_code) == (201, 201, 200)
    assert (listed["label"], listed["transports"]) == ("Phone", ["internal"])
    assert (removed.status_code, sign_in_by(site, people.lead, key).status_code) == (204, 401)


def sign_in_by(site: Site, person: Person, key: Authenticator) -> httpx.Response:
    """Sign in with password and passkey."""
    answer = key.answer(site.call("POST", "/v1/sessions/challenge").json())
    return site.call("POST", "/v1/sessions", json={"name": person.name, "password": PASSWORD, "passkey": answer})


def test_wrong_passkeys_read_like_everything_else_that_is_wrong(site: Site, people: People) -> None:
    """With an unknown name, a wrong password, or a passkey that nobody registered: the answer of a wrong code."""
    key = Authenticator(user=people.lead.id.bytes)
    code = site.call(
        "POST", "/v1/sessions", json={"name": people.lead.name, "password": "wrong wrong", "code": "000000"}
    )
    unknown = sign_in_by(site, replace(people.lead, name="nobody"), key)
    unregistered = sign_in_by(site, people.lead, key)

    seen = {repr(sorted((answer.json() | {"instance": ""}).items())) for answer in (code, unknown, unregistered)}
    assert len(seen) == 1


BOTH = {"code": "123456", "passkey": Authenticator(user=b"x").answer({"challenge": "AA", "rpId": "x"})}


@pytest.mark.parametrize("given", [{}, BOTH], ids=["none", "two"])
def test_one_second_factor_is_given(site: Site, given: dict[str, Any]) -> None:
    """Not none and not two."""
    answer = site.call("POST", "/v1/sessions", json={"name": "noor", "password": PASSWORD, **given})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/code")


def test_an_invitation_is_looked_at_and_accepted_with_a_shown_factor(site: Site, people: People) -> None:
    """As a page does it: preview, secret shown, secret and code sent with the password; nothing rests in between."""
    admin = site.sign_in(people.admin)
    token = site.call("POST", "/v1/invitations", json={"name": "zahra"}, token=admin).json()["token"]
    open_ones = site.call("GET", "/v1/invitations", token=admin).json()["invitations"]
    seen = site.call("POST", "/v1/invitations/preview", json={"token": token}).json()
    secret = pyotp.random_base32()
    body = {"token": token, "password": PASSWORD, "totp_secret": secret}

    alone = site.call("POST", "/v1/invitations/accept", json=body)
    code = pyotp.TOTP(secret).at(site.house.clock())
    accepted = site.call("POST", "/v1/invitations/accept", json=body | {"code": code})

    assert (seen["name"], [each["name"] for each in open_ones]) == ("zahra", ["zahra"])
    assert (alone.status_code, accepted.status_code) == (422, 201)
    assert accepted.json()["totp_secret"] == secret
    assert len(accepted.json()["fingerprint_words"]) == 32
    assert site.call("POST", "/v1/invitations/preview", json={"token": token}).status_code == 410


def test_a_cancelled_invitation_is_accepted_by_nobody(site: Site, people: People) -> None:
    """The token is then unknown."""
    admin = site.sign_in(people.admin)
    token = site.call("POST", "/v1/invitations", json={"name": "zahra"}, token=admin).json()["token"]
    (row,) = site.call("GET", "/v1/invitations", token=admin).json()["invitations"]

    assert site.call("DELETE", f"/v1/invitations/{row['id']}", token=admin).status_code == 204
    body = {"token": token, "password": PASSWORD}
    assert site.call("POST", "/v1/invitations/accept", json=body).status_code == 404


def test_a_phone_enrolls_itself_with_a_code(site: Site, people: People) -> None:
    """Offered for somebody who submits there; once; the phone's token reads nothing of the account."""
    admin = site.sign_in(people.admin)
    wanted = {"user": str(people.interviewer.id), "study": str(people.study)}
    foreign = site.call("POST", "/v1/devices/offers", json=wanted | {"user": str(people.lead.id)}, token=admin)
    code = site.call("POST", "/v1/devices/offers", json=wanted, token=admin).json()["code"]

    first = site.call("POST", "/v1/devices/redemption", json={"code": code})
    second = site.call("POST", "/v1/devices/redemption", json={"code": code})

    assert (foreign.status_code, first.status_code, second.status_code) == (404, 201, 410)
    assert site.call("GET", "/v1/devices", token=first.json()["token"]).status_code == 403
    (listed,) = site.call("GET", "/v1/devices", token=admin).json()["devices"]
    assert listed["id"] == first.json()["device"]


def test_service_health_is_counts(site: Site, people: People) -> None:
    """People, sessions, invitations and devices; a phone that nobody saw for a month is told."""
    admin = site.sign_in(people.admin)
    wanted = {"user": str(people.interviewer.id), "study": str(people.study)}
    for _ in range(2):
        site.call("POST", "/v1/devices", json=wanted, token=admin)
    devices = site.call("GET", "/v1/devices", token=admin).json()["devices"]
    site.call("DELETE", f"/v1/devices/{devices[0]['id']}", token=admin)
    site.call("PATCH", f"/v1/users/{people.stranger.id}", json={"active": False}, token=admin)
    site.house.clock.advance(days=30)
    admin = site.sign_in(people.admin)
    site.call("POST", "/v1/invitations", json={"name": "zahra"}, token=admin)

    health = site.call("GET", "/v1/health/service", token=admin).json()

    assert (health["devices_active"], health["devices_revoked"], health["devices_silent"]) == (1, 1, 1)
    assert (health["users_off"], health["admins"], health["sessions"], health["invitations"]) == (1, 1, 1, 1)
    assert (health["stages"], health["oldest_days"], health["to_move"], health["outbox"]) == ({}, None, 0, 0)
