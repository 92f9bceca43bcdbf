"""Taking records in: once, only with consent, only from those who may, with a receipt that verifies."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import Engine, MetaData, func, select

from app.crypto.receipts import Receipt
from app.errors import BadSignature
from tests.functional.caller import Caller, code_of
from tests.functional.steps import Json, answers, base, case_of, ok, submit
from tests.system import StudyPlace, System

AT_ONCE = 50
# What reading and refusing leave behind: who was here when, nothing of a record.
BESIDE_RECORDS = {"event", "session", "user", "invitation", "throttle", "attempt", "device"}


def put(call: Caller, body: Json, number: UUID | None = None, who: str = "interviewer") -> httpx.Response:
    """Send a record."""
    return call(who, "PUT", f"/v1/records/{number or uuid4()}", json=body)


def device_of(call: Caller, place: StudyPlace, who: str = "interviewer") -> Json:
    """A device enrolled for somebody."""
    body = {"user": str(place[who].id), "study": str(place.id)}
    return ok(call("admin", "POST", "/v1/devices", json=body), 201)


def rows(engine: Engine) -> Counter[str]:
    """How many rows each table holds."""
    tables = MetaData()
    tables.reflect(engine)
    with engine.connect() as connection:
        counts = {
            name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in tables.tables.items()
            if name not in BESIDE_RECORDS
        }
    return Counter(counts)


def everything(system: System) -> list[Counter[str]]:
    """The rows of both databases."""
    return [rows(system.runtime.engine), rows(system.runtime.keystore_engine)]


def test_new_record(call_both: Caller, both: System) -> None:
    """201 with a receipt that names the record, a new case, the study and the submitter."""
    number, body = uuid4(), both.body()

    answer = put(call_both, body, number)

    receipt = ok(answer, 201)["receipt"]
    assert receipt["client_uuid"] == str(number)
    assert receipt["study"] == body["study"]
    assert receipt["submitter"] == str(both.first()["interviewer"].id)
    assert receipt["record"] != str(number)
    assert ok(call_both("interviewer", "GET", f"/v1/records/{number}/receipt"))["receipt"] == receipt


def test_receipt_verifies_offline(call: Caller, shared: System) -> None:
    """With the published key alone, and no longer once a letter is changed."""
    receipt = submit(call, shared.first())
    public = bytes.fromhex(ok(call(None, "GET", "/v1/receipt-keys"))["keys"][receipt["key_id"]])

    assert Receipt.check(receipt, public).record == UUID(receipt["record"])

    with pytest.raises(BadSignature):
        Receipt.check(receipt | {"record": str(uuid4())}, public)


def test_same_content_again(call_both: Caller, both: System) -> None:
    """200 and the same receipt, letter by letter; nothing is stored twice."""
    number, body = uuid4(), both.body()
    first = ok(put(call_both, body, number), 201)
    before = everything(both)

    again = ok(put(call_both, body, number), 200)

    assert again["receipt"] == first["receipt"]
    assert everything(both) == before


def test_same_content_in_another_order(call: Caller, shared: System) -> None:
    """The order of members is no content."""
    number, body = uuid4(), shared.body()
    first = ok(put(call, body, number), 201)

    turned = dict(reversed(body.items())) | {"answers": dict(reversed(body["answers"].items()))}

    assert ok(put(call, turned, number))["receipt"] == first["receipt"]


def test_other_content_under_the_same_id(call_both: Caller, both: System) -> None:
    """409, and the first content stays."""
    number, body = uuid4(), both.body()
    first = ok(put(call_both, body, number), 201)
    before = everything(both)

    other = put(call_both, body | {"answers": answers(call_both, both.first(), distress="none")}, number)

    assert (other.status_code, code_of(other)) == (409, "content-differs")
    assert everything(both) == before
    assert ok(put(call_both, body, number))["receipt"] == first["receipt"]


def test_another_submitters_id_is_free(call: Caller, shared: System) -> None:
    """Ids belong to their submitter: nobody learns or blocks another's."""
    number, body = uuid4(), shared.body()
    first = ok(put(call, body, number), 201)["receipt"]

    second = ok(put(call, body, number, who="guardian"), 201)["receipt"]

    assert first["record"] != second["record"]


def test_fifty_at_once(call_both: Caller, both: System) -> None:
    """Fifty identical requests make one record: one 201, else 200, one and the same receipt."""
    number, body = uuid4(), both.body()
    token = call_both.token("interviewer")
    before = everything(both)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        sent = [pool.submit(call_both.send, token, "PUT", f"/v1/records/{number}", json=body) for _ in range(AT_ONCE)]
        got = [each.result() for each in sent]

    assert Counter(answer.status_code for answer in got) == {201: 1, 200: AT_ONCE - 1}
    assert len({answer.json()["receipt"]["signature"] for answer in got}) == 1
    main, keys = (after - earlier for after, earlier in zip(everything(both), before, strict=True))
    assert (main["record"], main["case"], main["pack"], main["grant"]) == (1, 1, 3, 5)
    assert (keys["record"] >= 1, keys["share"]) == (True, 5)


def without_consent(call: Caller, place: StudyPlace) -> dict[str, Json]:
    """Answers whose consent fails, each in another way."""
    return {
        "refused": answers(call, place, consent_given=False),
        "not asked": answers(call, place, consent_given=None),
        "limits not explained": answers(call, place, confidentiality_limits_explained=False),
        "not understood": answers(call, place, consent_comprehension="not_done"),
        "as text": answers(call, place, consent_given="true"),
        "as one": answers(call, place, consent_given=1),
    }


@pytest.mark.parametrize(
    "flaw", ["refused", "not asked", "limits not explained", "not understood", "as text", "as one"]
)
def test_without_consent_nothing_is_stored(call_both: Caller, both: System, flaw: str) -> None:
    """422, and neither database holds a row more than before."""
    given = without_consent(call_both, both.first())[flaw]
    call_both.token("interviewer")
    before = everything(both)

    answer = put(call_both, both.body(answers=given))

    assert (answer.status_code, code_of(answer)) == (422, "consent-missing")
    assert everything(both) == before


def test_second_interview_of_a_case(call: Caller, shared: System) -> None:
    """A code is accepted from whoever submitted to the case, and the receipt names it again."""
    code = submit(call, shared.first())["case"]

    assert submit(call, shared.first(), case=code)["case"] == code


@pytest.mark.parametrize("code", ["AAAA-2222", "aaaa-2222", "not a code", "0000-OOOO"])
def test_unknown_case_codes(call: Caller, shared: System, code: str) -> None:
    """404 for a code that nobody has."""
    answer = put(call, shared.body(case=code))

    assert (answer.status_code, code_of(answer)) == (404, "not-found")


def test_case_code_of_another_submitter(call: Caller, shared: System) -> None:
    """Somebody else's code is answered as one that does not exist."""
    code = submit(call, shared.first(), who="guardian")["case"]

    theirs, unknown = put(call, shared.body(case=code)), put(call, shared.body(case="AAAA-2222"))

    assert theirs.status_code == unknown.status_code == 404
    assert theirs.json() | {"instance": ""} == unknown.json() | {"instance": ""}


def test_device_submits_for_its_interviewer(call: Caller, shared: System) -> None:
    """The receipt names the interviewer; the same content from the interviewer's session is the same record."""
    token, number = device_of(call, shared.first())["token"], uuid4()

    receipt = ok(call.send(token, "PUT", f"/v1/records/{number}", json=shared.body()), 201)["receipt"]

    assert receipt["submitter"] == str(shared.first()["interviewer"].id)
    assert ok(put(call, shared.body(), number))["receipt"] == receipt


def test_device_of_another_study(call: Caller, shared: System, study: StudyPlace) -> None:
    """A device submits to its own study only; any other reads like one that does not exist."""
    token = device_of(call, study)["token"]

    answer = call.send(token, "PUT", f"/v1/records/{uuid4()}", json=shared.body())

    assert (answer.status_code, code_of(answer)) == (404, "not-found")


def test_device_reads_receipts_of_its_own_records_only(call: Caller, shared: System) -> None:
    """A found phone does not tell the receipts of what was sent otherwise."""
    token, mine, elsewhere = device_of(call, shared.first())["token"], uuid4(), uuid4()
    ok(call.send(token, "PUT", f"/v1/records/{mine}", json=shared.body()), 201)
    ok(put(call, shared.body(), elsewhere), 201)

    assert call.send(token, "GET", f"/v1/records/{mine}/receipt").status_code == 200
    assert call.send(token, "GET", f"/v1/records/{elsewhere}/receipt").status_code == 404


def test_revoked_device(call: Caller, shared: System) -> None:
    """Revoked by its owner, it is nobody's at once."""
    device = device_of(call, shared.first())
    ok(call("interviewer", "DELETE", f"/v1/devices/{device['device']}"), 204)

    answer = call.send(device["token"], "PUT", f"/v1/records/{uuid4()}", json=shared.body())

    assert (answer.status_code, code_of(answer)) == (401, "unauthenticated")


def test_device_is_enrolled_for_submitters_only(call: Caller, shared: System) -> None:
    """An admin cannot give a researcher a device."""
    place = shared.first()
    body = {"user": str(place["researcher"].id), "study": str(place.id)}

    assert call("admin", "POST", "/v1/devices", json=body).status_code == 404


def test_removed_interviewer_is_out(call: Caller, shared: System, study: StudyPlace) -> None:
    """After the removal neither session nor device submits, repeats, or reads a receipt."""
    device, number = device_of(call, study)["token"], uuid4()
    sent = {"json": shared.body(study)}
    token = call.token("interviewer", study)
    ok(call.send(device, "PUT", f"/v1/records/{number}", **sent), 201)
    ok(call("lead", "DELETE", f"{base(study)}/members/{study['interviewer'].id}", place=study), 204)

    for path in (f"/v1/records/{number}", f"/v1/records/{uuid4()}"):
        assert call.send(token, "PUT", path, **sent).status_code == 404
        assert call.send(device, "PUT", path, **sent).status_code == 401
    assert call.send(token, "GET", f"/v1/records/{number}/receipt").status_code == 404


def test_instrument_that_is_not_published(call: Caller, shared: System) -> None:
    """Only a published version of the study's own questionnaires is taken."""
    for reference in ({"id": "defector-testimony", "version": "9.9.9"}, {"id": "x", "version": "1.0.0"}):
        answer = put(call, shared.body(instrument=reference))

        assert (answer.status_code, code_of(answer)) == (422, "invalid")
        assert [error["pointer"] for error in answer.json()["errors"]] == ["/instrument"]


def test_study_without_its_people(call: Caller, shared: System) -> None:
    """Nothing is taken in until those are there who could open, check and protect it."""
    lead = shared.person("early.lead")
    body: dict[str, Any] = {"name": "Early", "lead": str(lead.id)}
    body["fingerprint"] = shared.actor(lead).unlocked().fingerprint.hex()
    early = ok(call("admin", "POST", "/v1/studies", json=body), 201)["study"]
    place = shared.first()
    person = place["interviewer"]
    fingerprint = shared.actor(person).unlocked().fingerprint.hex()
    admitted = {"roles": ["interviewer"], "fingerprint": fingerprint}
    ok(call(lead, "PUT", f"/v1/studies/{early}/members/{person.id}", json=admitted), 204)

    answer = put(call, shared.body() | {"study": early})

    assert (answer.status_code, code_of(answer)) == (409, "study-not-open")


def test_withdrawn_case_takes_nothing_in(call_both: Caller, both: System) -> None:
    """A second interview of a frozen case is refused, and no share of it stays."""
    place = both.first()
    receipt = submit(call_both, place)
    ok(call_both("interviewer", "POST", f"{base(place)}/cases/{receipt['case']}/withdrawal"), 204)
    before = everything(both)

    answer = put(call_both, both.body(case=receipt["case"]))

    assert (answer.status_code, code_of(answer)) == (409, "frozen")
    assert everything(both) == before


def test_erased_record_is_gone(call_both: Caller, both: System) -> None:
    """After the erasure its id answers 410, for the same content and for any other; a new id is taken."""
    place, number, body = both.first(), uuid4(), both.body()
    receipt = ok(put(call_both, body, number), 201)["receipt"]
    code = case_of(call_both, place, receipt["record"])
    for who in ("guardian", "lead"):
        ok(call_both(who, "POST", f"{base(place)}/cases/{code}/erasure", json={"preference": "erase_all"}))

    for sent in (body, body | {"answers": answers(call_both, place, distress="none")}):
        answer = put(call_both, sent, number)
        assert (answer.status_code, code_of(answer)) == (410, "gone")
    assert call_both("interviewer", "GET", f"/v1/records/{number}/receipt").status_code == 404
    assert put(call_both, body).status_code == 201
