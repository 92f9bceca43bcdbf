"""Administration in pages: people, invitations, devices, studies."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import count

import pytest

from tests.functional.portal.visitor import Seen, Visitor
from tests.people import Person
from tests.system import System

Visit = Callable[..., Visitor]
NUMBERS = count(1)
LINK = re.compile(r"http://[^\s<]+/invitations#(ti_[A-Za-z0-9_-]{43})")
CODE = re.compile(r">(to_[A-Za-z0-9_-]{43})<")


@pytest.fixture
def admin(visit: Visit) -> Visitor:
    """The administrator, on the page of people."""
    visitor = visit("admin")
    visitor.get("/admin/people")
    return visitor


@pytest.fixture
def person(shared: System) -> Person:
    """Somebody of the test's own."""
    return shared.person(f"person{next(NUMBERS)}")


def _link(seen: Seen) -> str:
    found = LINK.search(seen.text)
    assert found is not None, seen.words
    return found[1]


def test_invitation_is_shown_once(shared: System, admin: Visitor) -> None:
    """As a link whose code browsers send to nobody, and as a picture; later only that it is open."""
    seen = admin.submit("/admin/invitations", {"name": "new.person"})

    token = _link(seen)
    assert shared.client().accounts.preview(token)["name"] == "new.person"
    later = admin.get("/admin/people")
    assert "new.person" in later.words
    assert token not in later.text


def test_invitation_is_canceled(shared: System, admin: Visitor) -> None:
    """From then on its link is worth nothing."""
    token = _link(admin.submit("/admin/invitations", {"name": "wrong.person"}))
    listed = shared.signed_in("admin").accounts.invitations()
    action = next(one["id"] for one in listed if one["name"] == "wrong.person")

    done = admin.submit(f"/admin/invitations/{action}/cancel")

    assert done.to == "/admin/people?notice=invitation-canceled"
    nobody = admin
    assert nobody.submit("/invitations", {"token": token}).status == 422


@pytest.mark.parametrize("name", ["", "Ünïcode", "two words", "root.admin"])
def test_refused_name_is_said(admin: Visitor, name: str) -> None:
    """No account of such a name, or there is one."""
    seen = admin.submit("/admin/invitations", {"name": name})

    assert seen.status == 422
    assert LINK.search(seen.text) is None


def test_person_is_switched_off_and_on(visit: Visit, admin: Visitor, person: Person) -> None:
    """Off ends the sessions at once."""
    theirs = visit(person, fresh=True)

    assert admin.submit(f"/admin/people/{person.id}/off").to == f"/admin/people/{person.id}?notice=switched-off"
    assert theirs.get("/account").status == 303

    assert admin.submit(f"/admin/people/{person.id}/on").to == f"/admin/people/{person.id}?notice=switched-on"
    assert visit(person, fresh=True).get("/account").status == 200


def test_admin_is_not_offered_to_switch_themselves_off(shared: System, admin: Visitor) -> None:
    """And the server refuses anyway."""
    own = f"/admin/people/{shared.admin.id}"

    assert [form.action for form in admin.get(own).forms if form.action.startswith(own)] == []
    assert admin.submit(f"{own}/off").status == 409


def test_reset_gives_an_invitation(shared: System, admin: Visitor, person: Person) -> None:
    """Nothing of the person changes until it is accepted."""
    token = _link(admin.submit(f"/admin/people/{person.id}/reset"))

    assert shared.client().accounts.preview(token)["replaces"] is True
    assert shared.sign_in(person)


def test_reset_of_the_last_holder_is_refused(shared: System, admin: Visitor) -> None:
    """Nobody else holds the redactors' keys of this study: a reset would lose testimony for good."""
    study = shared.study("Alone", prefix="alone.")
    with shared.signed_in("lead", study) as client:
        client.studies.remove(study.id, study["approver"].id)

    seen = admin.submit(f"/admin/people/{study['redactor'].id}/reset")

    assert seen.status == 409
    assert LINK.search(seen.text) is None


def test_device_is_offered_redeemed_and_revoked(shared: System, admin: Visitor) -> None:
    """The code is shown once, in a link too; the device that redeems it is listed to the day, and revoked at once."""
    study = shared.first()
    form = {"name": study["interviewer"].name, "study": str(study.id)}
    offered = admin.submit("/admin/devices", form)
    code = CODE.search(offered.text)
    assert code is not None
    assert f"{shared.settings.origin}/collect#code={code[1]}" in offered.text
    device = shared.client().accounts.redeem_offer(code[1])
    listed = admin.get("/admin/devices")
    assert code[1] not in listed.text
    assert "never" in listed.words
    headers = {"authorization": f"Bearer {device['token']}", "accept": "application/json"}
    address = f"/v1/studies/{study.id}/instruments"
    assert admin.http.get(address, headers=headers).status_code == 200

    assert admin.submit(f"/admin/devices/{device['device']}/revoke").to == "/admin/devices?notice=device-revoked"

    assert admin.http.get(address, headers=headers).status_code == 401


@pytest.mark.parametrize("name", ["redactor", "nobody.there", "root.admin"])
def test_device_is_for_interviewers_only(shared: System, admin: Visitor, name: str) -> None:
    """Whether somebody is there and does not interview, or is not there at all, reads the same."""
    seen = admin.submit("/admin/devices", {"name": name, "study": str(shared.first().id)})

    assert seen.status == 422
    assert "Nobody of this name interviews in that study." in seen.words


def test_study_is_created_with_its_lead(visit: Visit, admin: Visitor, person: Person) -> None:
    """The lead is looked up, the fingerprint compared, and from then on the lead alone admits."""
    page = admin.get(f"/admin/studies?lead={person.name}")
    fields = page.form("/admin/studies").fields
    form = {"lead": person.name, "fingerprint": fields["fingerprint"], "name": "A new study", "compared": "on"}

    done = admin.submit("/admin/studies", form | {"extensions": "D", "released_languages": "ar, en"})

    assert done.to == "/admin/studies?notice=study-created"
    assert "A new study" in admin.follow(done).words
    assert "A new study" in visit(person).get("/").words
    assert "A new study" not in admin.get("/").words


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"compared": None}, 422),
        ({"fingerprint": "00" * 32}, 409),
        ({"fingerprint": "x"}, 422),
        ({"name": ""}, 422),
        ({"released_languages": "Arabic!"}, 422),
        ({"extensions": "Z"}, 422),
    ],
    ids=["not compared", "other key", "no key", "no name", "language", "extension"],
)
def test_study_is_refused(admin: Visitor, person: Person, changed: dict[str, str | None], status: int) -> None:
    """Nothing is created by half."""
    fields = admin.get(f"/admin/studies?lead={person.name}").form("/admin/studies").fields
    form = {"lead": person.name, "fingerprint": fields["fingerprint"], "name": "Refused", "compared": "on"} | changed

    seen = admin.submit("/admin/studies", {name: value for name, value in form.items() if value is not None})

    assert seen.status == status
    assert "Refused" not in admin.get("/admin/studies").words


def test_admin_is_no_lead(admin: Visitor) -> None:
    """Whoever looks after accounts belongs to no study."""
    seen = admin.get("/admin/studies?lead=root.admin")

    assert seen.status == 422
    assert "An administrator cannot be lead." in seen.words
