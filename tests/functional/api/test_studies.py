"""Studies and their people: creating, admitting, confirming, removing, expiring, and the keys that follow."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import Any

import httpx
import pytest

from app.access import Role
from tests.functional import steps
from tests.functional.caller import Caller, code_of
from tests.functional.steps import Json, base, ok
from tests.people import Person
from tests.system import StudyPlace, System

NAMES = count(1)
NOBODY = "00000000-0000-4000-8000-00000000dead"


def stranger(system: System) -> Person:
    """Somebody with an account and no study."""
    return system.person(f"newcomer{next(NAMES)}")


def key_of(system: System, person: Person) -> str:
    """The fingerprint that a person reads aloud."""
    return system.actor(person).unlocked().fingerprint.hex()


def admit(
    call: Caller, place: StudyPlace, person: Person, *roles: str, who: str = "lead", **changed: Any
) -> httpx.Response:
    """Put somebody on the roster."""
    body = {"roles": list(roles), "fingerprint": key_of(call.system, person)} | changed
    return call(who, "PUT", f"{base(place)}/members/{person.id}", place=place, json=body)


def confirm(call: Caller, place: StudyPlace, person: Person, who: str | Person, **changed: Any) -> httpx.Response:
    """Hand the keys over."""
    body = {"fingerprint": key_of(call.system, person)} | changed
    return call(who, "POST", f"{base(place)}/members/{person.id}/confirmation", place=place, json=body)


def remove(call: Caller, place: StudyPlace, person: Person, who: str | Person = "lead") -> httpx.Response:
    """Take somebody off."""
    return call(who, "DELETE", f"{base(place)}/members/{person.id}", place=place)


def member(call: Caller, place: StudyPlace, person: Person) -> Json:
    """How the study shows a member; empty for nobody."""
    rows = ok(call("lead", "GET", base(place), place=place))["members"]
    return next((row for row in rows if row["user"] == str(person.id)), {})


def study_body(system: System, person: Person, **changed: Any) -> Json:
    """A new study, led by this person."""
    return {"name": f"New {next(NAMES)}", "lead": str(person.id), "fingerprint": key_of(system, person)} | changed


def test_created_by_the_admin_for_a_lead(call: Caller, shared: System) -> None:
    """The lead is in with the lead's role alone; the admin is not in at all."""
    lead = stranger(shared)

    made = ok(call("admin", "POST", "/v1/studies", json=study_body(shared, lead)), 201)["study"]

    assert ok(call(lead, "GET", f"/v1/studies/{made}"))["roles"] == ["lead"]
    assert call("admin", "GET", f"/v1/studies/{made}").status_code == 404
    assert ok(call("admin", "GET", "/v1/studies"))["studies"] == []


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"fingerprint": "0" * 64}, 409, "digest-differs"),
        ({"lead": NOBODY.replace("-", "") + "x"}, 422, "invalid"),
        ({"lead": NOBODY}, 404, "not-found"),
        ({"name": "   "}, 422, "invalid"),
        ({"policy": {"collect_identities": True}}, 422, "invalid"),
        ({"policy": {"extensions": ["Z"]}}, 422, "invalid"),
        ({"is_open": True}, 422, "invalid"),
    ],
)
def test_study_that_is_not_made(call: Caller, shared: System, changed: Json, status: int, code: str) -> None:
    """Another key, nobody, no name, or a policy that nobody knows."""
    answer = call("admin", "POST", "/v1/studies", json=study_body(shared, stranger(shared), **changed))

    assert (answer.status_code, code_of(answer)) == (status, code)


def test_admin_is_never_lead(call: Caller, shared: System) -> None:
    """Not the one who asks, and nobody else with that account."""
    answer = call("admin", "POST", "/v1/studies", json=study_body(shared, shared.admin))

    assert (answer.status_code, code_of(answer)) == (403, "forbidden")


def test_two_studies_of_one_name(call: Caller, shared: System) -> None:
    """Names are told apart."""
    body = study_body(shared, stranger(shared))
    ok(call("admin", "POST", "/v1/studies", json=body), 201)

    assert call("admin", "POST", "/v1/studies", json=body).status_code == 409


def test_admission_alone_gives_no_key(call: Caller, shared: System, study: StudyPlace) -> None:
    """An admitted researcher reads nothing until a present member hands the key over."""
    record = steps.released(call, study)
    newcomer = stranger(shared)
    ok(admit(call, study, newcomer, "researcher"), 204)
    path = f"{base(study)}/releases/{record}"
    assert member(call, study, newcomer)["confirmed"] is False
    assert call(newcomer, "GET", path).status_code == 404

    assert ok(confirm(call, study, newcomer, "researcher"))["boxes"] == 1

    assert member(call, study, newcomer)["confirmed"] is True
    assert call(newcomer, "GET", path).status_code == 200


def test_confirmed_by_their_own_team_only(call: Caller, shared: System, study: StudyPlace) -> None:
    """A guardian cannot hand over what guardians do not hold; nobody confirms themselves or a stranger."""
    newcomer = stranger(shared)
    ok(admit(call, study, newcomer, "researcher"), 204)

    assert confirm(call, study, newcomer, "guardian").status_code == 404
    assert confirm(call, study, newcomer, newcomer).status_code == 403
    assert confirm(call, study, stranger(shared), "researcher").status_code == 404


def test_unconfirmed_member_confirms_nobody(call: Caller, shared: System, study: StudyPlace) -> None:
    """Who holds no key has none to hand over."""
    first, second = stranger(shared), stranger(shared)
    for person in (first, second):
        ok(admit(call, study, person, "researcher"), 204)

    assert confirm(call, study, second, first).status_code == 409


def test_wrong_fingerprint(call: Caller, shared: System, study: StudyPlace) -> None:
    """Neither lead nor member goes on with a fingerprint that is not the person's."""
    newcomer = stranger(shared)

    refused = admit(call, study, newcomer, "researcher", fingerprint="0" * 64)
    assert (refused.status_code, code_of(refused)) == (409, "digest-differs")

    ok(admit(call, study, newcomer, "researcher"), 204)
    refused = confirm(call, study, newcomer, "researcher", fingerprint="0" * 64)
    assert (refused.status_code, code_of(refused)) == (409, "digest-differs")


@pytest.mark.parametrize(
    "roles",
    [
        ["guardian", "auditor"],
        ["guardian", "researcher"],
        ["guardian", "lead"],
        ["auditor", "interviewer"],
        ["admin"],
        [],
        ["owner"],
    ],
)
def test_roles_that_exclude_each_other(call: Caller, shared: System, roles: list[str]) -> None:
    """Refused, and the person is not in."""
    study, newcomer = shared.first(), stranger(shared)

    answer = admit(call, study, newcomer, *roles)

    assert (answer.status_code, code_of(answer)) == (422, "invalid")
    assert member(call, study, newcomer) == {}


def test_nobody_admits_themselves(call: Caller, study: StudyPlace) -> None:
    """A lead does not take further roles."""
    answer = admit(call, study, study["lead"], "lead", "approver")

    assert (answer.status_code, code_of(answer)) == (403, "forbidden")


def test_admin_is_never_admitted(call: Caller, shared: System, study: StudyPlace) -> None:
    """An administrator holds no other role."""
    assert admit(call, study, shared.admin, "researcher").status_code == 403


def test_membership_ends_at_its_second(call: Caller, shared: System, study: StudyPlace) -> None:
    """One second before the agreement ends the member is in; at that second out, session or not."""
    newcomer = stranger(shared)
    ends = (shared.clock.now + timedelta(minutes=10)).replace(microsecond=0)
    ok(admit(call, study, newcomer, "researcher", expires=ends.isoformat()), 204)
    token = shared.sign_in(newcomer)

    shared.clock.now = ends - timedelta(seconds=1)
    assert call.send(token, "GET", base(study)).status_code == 200

    shared.clock.now = ends
    assert call.send(token, "GET", base(study)).status_code == 404
    assert ok(call.send(token, "GET", "/v1/studies"))["studies"] == []


def test_agreement_in_the_past(call: Caller, shared: System, study: StudyPlace) -> None:
    """Nobody is admitted until yesterday."""
    past = (shared.clock.now - timedelta(seconds=1)).isoformat()

    answer = admit(call, study, stranger(shared), "researcher", expires=past)

    assert (answer.status_code, code_of(answer)) == (422, "invalid")


def test_removed_member_is_out_at_once(call: Caller, study: StudyPlace) -> None:
    """The session goes on, the study does not."""
    token = call.token("researcher", study)
    assert call.send(token, "GET", base(study)).status_code == 200

    ok(remove(call, study, study["researcher"]), 204)

    assert call.send(token, "GET", base(study)).status_code == 404


def test_removal_starts_a_new_epoch(call: Caller, study: StudyPlace) -> None:
    """Old grants wait to be moved; once moved the others read as before, and the old epoch is gone."""
    record = steps.released(call, study)
    ok(remove(call, study, study["researcher"]), 204)
    before = {row["team"]: row for row in ok(call("lead", "GET", base(study), place=study))["teams"]}["researchers"]
    assert (before["number"], before["left"]) == (2, 1)

    moved = ok(call("lead", "POST", f"{base(study)}/teams/researchers/moves", place=study))

    assert moved == {"moved": 1, "done": 1, "left": 0, "ended": 1}
    assert steps.read(call, study, record, "lead")["version"] == 1
    assert steps.read(call, study, record, "approver")["version"] == 1


def preview(call: Caller, place: StudyPlace, person: Person) -> Json:
    """What removing somebody would do."""
    return ok(call("lead", "GET", f"{base(place)}/members/{person.id}/removal", place=place))


def test_removal_does_what_its_preview_said(call: Caller, shared: System, study: StudyPlace) -> None:
    """The epochs that start, the grants that then wait, the boxes, devices and work that go."""
    second = stranger(shared)
    ok(admit(call, study, second, "redactor"), 204)
    ok(confirm(call, study, second, "redactor"))
    steps.drafted(call, study)

    told = preview(call, study, study["redactor"])
    ok(remove(call, study, study["redactor"]), 204)

    remaining = sorted([str(study["approver"].id), str(second.id)])
    assert told == {
        "user": str(study["redactor"].id),
        "roles": ["redactor"],
        "obstacles": [],
        "teams": [{"team": "redaction", "number": 2, "grants": 1, "remaining": remaining}],
        "boxes": 1,
        "devices": 0,
        "assigned": 1,
    }
    team = {row["team"]: row for row in ok(call("lead", "GET", base(study), place=study))["teams"]}["redaction"]
    assert (team["number"], team["left"]) == (2, 1)


def test_preview_counts_devices_of_this_study(call: Caller, study: StudyPlace) -> None:
    """Those that removal revokes: neither revoked ones nor those of other studies."""
    mine = {"user": str(study["interviewer"].id), "study": str(study.id)}
    devices = [ok(call("admin", "POST", "/v1/devices", json=mine), 201)["device"] for _ in range(2)]
    ok(call("admin", "DELETE", f"/v1/devices/{devices[0]}"), 204)

    told = preview(call, study, study["interviewer"])

    assert (told["devices"], told["teams"], told["boxes"]) == (1, [], 0)


def test_preview_tells_why_somebody_stays(call: Caller, study: StudyPlace) -> None:
    """What the removal itself would answer, before anybody tries."""
    ok(remove(call, study, study["guardian2"]), 204)

    assert preview(call, study, study["guardian"])["obstacles"] == ["last-holder:guardians"]
    assert preview(call, study, study["lead"])["obstacles"] == ["last-lead"]


def test_removal_ends_offers_of_devices(call: Caller, study: StudyPlace) -> None:
    """A code that was not redeemed yet enrolls nothing any more."""
    mine = {"user": str(study["interviewer"].id), "study": str(study.id)}
    code = ok(call("admin", "POST", "/v1/devices/offers", json=mine), 201)["code"]
    ok(remove(call, study, study["interviewer"]), 204)

    assert call(None, "POST", "/v1/devices/redemption", json={"code": code}).status_code == 404


def test_moves_are_counted_as_they_go(call: Caller, study: StudyPlace) -> None:
    """One record at a time: any member of the team sees how far it is."""
    for _ in range(2):
        steps.submit(call, study)
    ok(remove(call, study, study["guardian2"]), 204)
    path = f"{base(study)}/teams/guardians/moves"

    seen = [ok(call("guardian", "GET", path, place=study))]
    for _ in range(2):
        ok(call("guardian", "POST", f"{path}?limit=1", place=study))
        seen.append(ok(call("guardian", "GET", path, place=study)))

    # Two grants of each record are the guardians'.
    assert seen == [{"done": 0, "left": 4}, {"done": 2, "left": 2}, {"done": 4, "left": 0}]


@pytest.mark.parametrize("limit", [0, 501, -1])
def test_batches_are_bounded(call: Caller, study: StudyPlace, limit: int) -> None:
    """One call's work stays within one request."""
    answer = call("guardian", "POST", f"{base(study)}/teams/guardians/moves?limit={limit}", place=study)

    assert (answer.status_code, code_of(answer)) == (422, "invalid")


def test_last_holder_stays(call: Caller, study: StudyPlace) -> None:
    """Whoever alone holds a team's key cannot go before another is confirmed."""
    ok(remove(call, study, study["guardian2"]), 204)

    answer = remove(call, study, study["guardian"])

    assert (answer.status_code, code_of(answer)) == (409, "last-holder")
    assert member(call, study, study["guardian"])["confirmed"] is True


def test_last_lead_stays(call: Caller, study: StudyPlace) -> None:
    """A study is never without a lead, also by the lead's own wish."""
    answer = remove(call, study, study["lead"])

    assert (answer.status_code, code_of(answer)) == (409, "conflict")


def test_lead_goes_after_another_came(call: Caller, shared: System, study: StudyPlace) -> None:
    """With a second, confirmed lead the first may be removed, and is out."""
    second = stranger(shared)
    ok(admit(call, study, second, "lead"), 204)
    ok(confirm(call, study, second, "researcher"))

    ok(remove(call, study, study["lead"], second), 204)

    assert call("lead", "GET", base(study), place=study).status_code == 404
    assert ok(call(second, "GET", base(study)))["roles"] == ["lead"]


def test_members_lose_no_team_by_a_change(call: Caller, study: StudyPlace) -> None:
    """A change of roles that would leave keys behind is a removal, and has to be one."""
    answer = admit(call, study, study["approver"], "researcher")

    assert (answer.status_code, code_of(answer)) == (409, "conflict")


def test_team_is_founded_once(call: Caller, shared: System) -> None:
    """The first member makes the key; nobody makes another, and nobody makes a team's they are not in."""
    lead = stranger(shared)
    made = ok(call("admin", "POST", "/v1/studies", json=study_body(shared, lead)), 201)["study"]
    path = f"/v1/studies/{made}/teams"

    ok(call(lead, "POST", f"{path}/researchers"), 204)

    assert call(lead, "POST", f"{path}/researchers").status_code == 409
    assert call(lead, "POST", f"{path}/guardians").status_code == 403
    assert [team["team"] for team in ok(call(lead, "GET", f"/v1/studies/{made}"))["teams"]] == ["researchers"]


def test_removed_assignee_frees_the_record(call: Caller, shared: System, study: StudyPlace) -> None:
    """What a removed redactor worked on is offered to the next."""
    second = stranger(shared)
    ok(admit(call, study, second, "redactor"), 204)
    ok(confirm(call, study, second, "redactor"))
    record = steps.drafted(call, study)

    ok(remove(call, study, study["redactor"]), 204)

    assert ok(call(second, "POST", f"{base(study)}/queue/next"))["record"] == record
    assert call(second, "GET", f"{base(study)}/records/{record}/source").status_code == 200


def test_reset_account_needs_a_new_admission(call: Caller, shared: System, study: StudyPlace) -> None:
    """A new password and key by the admin's word open nothing: the roster names the old fingerprint."""
    person = study["researcher"]
    token = ok(call("admin", "POST", f"/v1/users/{person.id}/reset"), 201)["token"]
    again = shared._accept(token)
    assert again.id == person.id

    assert call.send(shared.sign_in(again), "GET", base(study)).status_code == 404
    assert confirm(call, study, again, "approver").status_code == 409

    ok(admit(call, study, again, Role.RESEARCHER), 204)
    ok(confirm(call, study, again, "approver"))
    assert call.send(shared.sign_in(again), "GET", base(study)).status_code == 200


def test_candidates_are_found_by_whole_names(call: Caller, shared: System, study: StudyPlace) -> None:
    """A lead finds the person whose name is known, in any case, and nobody by a part of it."""
    person = stranger(shared)
    path = f"{base(study)}/candidates"

    found = ok(call("lead", "GET", path, place=study, params={"name": person.name.upper()}))

    assert found["fingerprint"] == key_of(shared, person)
    for part in (person.name[1:], person.name + "%", "%", "_"):
        assert call("lead", "GET", path, place=study, params={"name": part}).status_code == 404
