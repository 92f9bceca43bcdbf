"""Interviews that a phone sealed: opened once, known again by their bytes, bound to study, id and key."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import func, select

from app.cases.models import Record
from app.crypto.receipts import Receipt
from app.intake import keys
from app.operations import intake_keys
from app.operations.setup import OPERATOR
from tests.functional.caller import Caller, code_of
from tests.functional.steps import Json, ok
from tests.phone import SEALED, Phone
from tests.system import System

AT_ONCE = 8


@pytest.fixture(scope="module")
def phone_both(call_both: Caller, both: System) -> Phone:
    """The interviewer's phone, on each database."""
    return Phone(call_both, both.first())


@pytest.fixture(scope="module")
def phone(call: Caller, shared: System) -> Phone:
    """The interviewer's phone."""
    return Phone(call, shared.first())


@pytest.fixture
def turned(shared: System) -> Iterator[System]:
    """The shared system, its intake keys turned again at the end: tests may let them get old."""
    yield shared
    intake_keys.turn(shared.runtime, OPERATOR)


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    return answer.status_code, code_of(answer)


def receipt(answer: httpx.Response, status: int = 201) -> Json:
    """The receipt in an answer."""
    told: Json = ok(answer, status)["receipt"]
    return told


def test_redemption_tells_what_to_pin(phone: Phone, shared: System, call: Caller) -> None:
    """Deployment, receipt key and study, and a dull name for the app."""
    published = ok(call(None, "GET", "/v1/receipt-keys"))["keys"]

    assert phone.told["deployment"] == str(shared.settings.deployment)
    assert {phone.told["receipt_key"]["id"]: phone.pinned.hex()} == published
    named = [phone.told[name] for name in ("study_title", "app_name", "app_icon")]
    assert named == ["A study", "Notes", "notes"]


def test_intake_key_is_signed_with_its_times(phone: Phone, shared: System) -> None:
    """Signed by the pinned key; sealed to for thirty days and opened for ninety from its making."""
    key = phone.key()

    now = shared.clock.now.timestamp()
    assert key.deployment == shared.settings.deployment
    assert now < key.seal_until <= now + timedelta(days=30).total_seconds()
    assert key.open_until - key.seal_until == timedelta(days=60).total_seconds()
    assert phone.get("/v1/intake-key").json()["receipt_key"] == phone.told["receipt_key"]


def test_sealed_body_is_a_record_like_any_other(phone_both: Phone, both: System) -> None:
    """201, a receipt that names the sealed bytes, and the worker redacts it."""
    number, raw = phone_both.sealed()

    told = receipt(phone_both.put(number, raw))

    checked = Receipt.check(told, phone_both.pinned)
    assert (checked.client_uuid, checked.sealed_body) == (number, hashlib.sha256(raw).digest())
    assert both.redact_all() == 1
    with both.signed_in("redactor") as client:
        assert client.review.take(both.first().id)["record"] == told["record"]


def test_same_bytes_again(phone_both: Phone) -> None:
    """200 and the same receipt; the phone may ask for it by its id too."""
    number, raw = phone_both.sealed()
    first = receipt(phone_both.put(number, raw))

    assert receipt(phone_both.put(number, raw), 200) == first
    assert ok(phone_both.get(f"/v1/records/{number}/receipt"))["receipt"] == first


def test_same_bytes_many_times_at_once(phone_both: Phone, both: System) -> None:
    """One record and one receipt, however many connections carried it."""
    number, raw = phone_both.sealed()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda _: phone_both.put(number, raw), range(AT_ONCE)))

    assert {answer.status_code for answer in answers} <= {200, 201}
    assert len({str(answer.json()["receipt"]) for answer in answers}) == 1
    with both.runtime.glance() as session:
        stored = select(func.count()).select_from(Record).where(Record.client_uuid == number)
        assert session.scalar(stored) == 1


def test_same_content_sealed_anew_or_in_clear(phone: Phone, call: Caller, shared: System) -> None:
    """The content is what counts: the first receipt is given again, whatever it came in."""
    number, body = uuid4(), shared.body()
    first = receipt(phone.put(number, phone.key().seal(body, number)))

    assert receipt(phone.put(number, phone.key().seal(body, number)), 200) == first
    clear = call.send(phone.token, "PUT", f"/v1/records/{number}", json=body)
    assert receipt(clear, 200) == first


def test_other_content_under_the_same_id(phone: Phone, shared: System) -> None:
    """409, sealed or not."""
    number = uuid4()
    receipt(phone.put(number, phone.key().seal(shared.body(), number)))

    other = phone.put(number, phone.key().seal(shared.body(number=2), number))

    assert problem(other) == (409, "content-differs")


def test_known_bytes_need_no_key(phone: Phone, turned: System) -> None:
    """After the key is destroyed the same bytes get their receipt; other bytes to that key are lost."""
    (number, raw), (other, late) = phone.sealed(), phone.sealed()
    first = receipt(phone.put(number, raw))

    turned.clock.advance(days=90)
    intake_keys.turn(turned.runtime, OPERATOR)

    assert receipt(phone.put(number, raw), 200) == first
    assert problem(phone.put(other, late)) == (410, "intake-key-gone")


def test_key_ends_at_its_second(phone: Phone, turned: System) -> None:
    """At open-until nothing opens any more, although nobody destroyed the key yet; a second before it does."""
    (number, raw), (other, late) = phone.sealed(), phone.sealed()
    end = phone.key().open_until - turned.clock.now.timestamp()

    turned.clock.advance(seconds=end - 1)
    receipt(phone.put(number, raw))
    turned.clock.advance(seconds=1)

    assert problem(phone.put(other, late)) == (410, "intake-key-gone")
    with turned.runtime.glance() as session:
        assert keys.over(session, turned.clock.now)


def test_past_seal_until_what_was_sealed_still_opens(phone: Phone, turned: System) -> None:
    """A phone may have been offline, so the server goes by open-until; but it hands out no key that is too old."""
    number, raw = phone.sealed()

    turned.clock.advance(days=31)

    assert problem(phone.get("/v1/intake-key")) == (503, "unavailable")
    receipt(phone.put(number, raw))


def test_custody_that_lacks_the_key_loses_nothing(phone: Phone, turned: System) -> None:
    """A node that was not given the file says that it cannot now, never that the interview is lost."""
    number, raw = phone.sealed()
    with turned.runtime.glance() as session:
        newest = keys.newest(session)
    assert newest is not None
    turned.collaborators.custody.destroy(keys.custody_name(newest.number))

    assert problem(phone.put(number, raw)) == (503, "unavailable")
    assert problem(phone.get("/v1/intake-key")) == (503, "unavailable")


def test_different_interviews_at_once(phone_both: Phone) -> None:
    """They share their commits like those in clear; each has its own receipt."""
    sent = [phone_both.sealed() for _ in range(AT_ONCE)]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        told = list(pool.map(lambda each: receipt(phone_both.put(*each)), sent))

    assert {each["client_uuid"] for each in told} == {str(number) for number, _ in sent}
    assert len({each["record"] for each in told}) == AT_ONCE


def test_sealed_for_another_id(phone: Phone) -> None:
    """A body answers to the id that it was sealed for and to no other."""
    _, raw = phone.sealed()

    assert problem(phone.put(uuid4(), raw)) == (400, "malformed")


def test_sealed_for_another_study(phone: Phone, shared: System, call: Caller) -> None:
    """Neither the study outside nor the one inside can be exchanged: not the sealing one, not the device's."""
    other = shared.study("Sealed elsewhere", prefix="sealed.")
    number = uuid4()

    inside = phone.key().seal(shared.body(other), number, study=phone.place.id)
    outside = phone.key().seal(shared.body(), number, study=other.id)
    foreign = Phone(call, other).key().seal(shared.body(other), number)

    assert problem(phone.put(number, inside)) == (400, "malformed")
    assert problem(phone.put(number, outside)) == (404, "not-found")
    assert problem(phone.put(number, foreign)) == (404, "not-found")


def test_unknown_key(phone: Phone) -> None:
    """A key that never was is as gone as a destroyed one."""
    number, raw = phone.sealed()

    assert problem(phone.put(number, raw[:20] + uuid4().bytes + raw[36:])) == (410, "intake-key-gone")


@pytest.mark.parametrize(
    "spoiled",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{}", id="JSON"),
        pytest.param(b"TS\x01\x01" + bytes(300), id="too short"),
        pytest.param(b"TS\x01\x02" + bytes(400), id="another version"),
    ],
)
def test_no_sealed_body(phone: Phone, spoiled: bytes) -> None:
    """What is no sealed body of this version is refused before any key is looked for."""
    assert problem(phone.put(uuid4(), spoiled)) == (400, "malformed")


@pytest.mark.parametrize(("cut", "more"), [(1, b""), (0, b"\0"), (17, b"")], ids=["cut", "longer", "without its tag"])
def test_changed_length(phone: Phone, cut: int, more: bytes) -> None:
    """Not a byte less and not one more."""
    number, raw = phone.sealed()

    assert problem(phone.put(number, raw[: len(raw) - cut] + more)) == (400, "malformed")


def test_what_is_inside_is_judged_like_any_body(phone: Phone, shared: System) -> None:
    """Strict JSON, the same model, the same rules: with every flaw, and nothing stored."""
    number, key = uuid4(), phone.key()

    unknown = phone.put(number, key.seal(shared.body() | {"more": 1}, number))
    silent = phone.put(number, key.seal(shared.body(answers={}), number))

    assert problem(unknown) == (422, "invalid")
    assert silent.status_code == 422
    assert phone.get(f"/v1/records/{number}/receipt").status_code == 404


def test_media_types(phone: Phone) -> None:
    """Sealed bytes are known by their media type alone, and never compressed."""
    number, raw = phone.sealed()

    for headers in ({"content-type": "application/octet-stream"}, {"content-encoding": "gzip"}):
        assert problem(phone.put(number, raw, **headers)) == (415, "unsupported-media-type")


def test_description_names_both_media_types(call: Caller) -> None:
    """Who generates a client learns of either, and that a sealed body is bytes."""
    described = ok(call(None, "GET", "/v1/openapi.json"))

    body = described["paths"]["/v1/records/{client_uuid}"]["put"]["requestBody"]
    assert body["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/RecordBody"}
    assert body["content"][SEALED]["schema"] == {"type": "string", "format": "binary"}
    assert "SealedRecordBody" not in described["components"]["schemas"]


def test_revoked_phone_hands_in_nothing(call: Caller, shared: System) -> None:
    """Its token is nobody's at once; the same bytes are accepted once its interviewer has a phone again."""
    lost = Phone(call, shared.first())
    number, raw = lost.sealed()
    ok(call("admin", "DELETE", f"/v1/devices/{lost.told['device']}"), 204)

    assert problem(lost.put(number, raw)) == (401, "unauthenticated")
    assert lost.get("/v1/intake-key").status_code == 401
    receipt(Phone(call, shared.first()).put(number, raw))


@pytest.mark.parametrize("path", ["/v1/intake-key", "/v1/collect/instruments"])
@pytest.mark.parametrize("who", ["interviewer", "lead", "admin"])
def test_what_is_for_devices_only(call: Caller, path: str, who: str) -> None:
    """A device's study is known; whoever is signed in hands in over TLS and reads instruments by their study."""
    assert problem(call(who, "GET", path)) == (404, "not-found")
    assert problem(call(None, "GET", path)) == (401, "unauthenticated")


def test_a_session_may_send_what_its_phone_sealed(phone: Phone, call: Caller, shared: System) -> None:
    """The binding is to study and id; the interviewer may carry the bytes over by another way."""
    number, raw = phone.sealed()
    headers = {"content-type": SEALED}

    answer = call("interviewer", "PUT", f"/v1/records/{number}", content=raw, headers=headers)

    assert receipt(answer)["submitter"] == str(shared.first()["interviewer"].id)


def test_instruments_for_the_form(phone: Phone, shared: System) -> None:
    """The newest published questionnaire with its texts, what the study asks, and nothing of how it is released."""
    told = ok(phone.get("/v1/collect/instruments"))

    (form,) = told["instruments"]
    fields = [each for section in form["definition"]["sections"] for each in section["fields"]]
    assert told["study"] == str(shared.first().id)
    assert told["policy"]["collects_identities"] is True
    assert form["definition"]["id"] == shared.body()["instrument"]["id"]
    assert all(each["label"].keys() >= {"en", "ar", "fr", "de", "tr"} for each in fields)
    assert not {"class", "compartment", "release", "roster", "why"} & {name for each in fields for name in each}


def test_lead_names_the_app(call: Caller, shared: System, phone: Phone) -> None:
    """Phones hear of it when they ask, and new ones at once; a name that is none is refused."""
    address = f"/v1/studies/{shared.first().id}/app"
    before = ok(call("interviewer", "GET", address))

    ok(call("lead", "PUT", address, json={"name": "Kalender", "icon": "calendar"}), 204)

    assert ok(call("lead", "GET", address)) == {"name": "Kalender", "icon": "calendar"}
    told = ok(phone.get("/v1/collect/instruments"))
    assert (told["app_name"], told["app_icon"]) == ("Kalender", "calendar")
    assert Phone(call, shared.first()).told["app_name"] == "Kalender"
    for wrong in ({"name": " x", "icon": "notes"}, {"name": "x\u202e", "icon": "notes"}, {"name": "x", "icon": "gun"}):
        assert problem(call("lead", "PUT", address, json=wrong)) == (422, "invalid")
    ok(call("lead", "PUT", address, json=before), 204)
