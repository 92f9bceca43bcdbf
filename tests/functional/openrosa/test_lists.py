"""What phones load, as a client such as Collect reads it: lists, forms, headers, refusals, under the three servers."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from xml.etree.ElementTree import Element

import httpx
import pytest
from defusedxml.ElementTree import fromstring
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import select

from app.access import Permission
from app.accounts.models import Device
from app.audit.models import Event
from app.web.app import create_app, create_inner
from app.web.metrics import Metrics
from app.web.openrosa import FORMS
from app.web.openrosa.routing import SERVERS, OpenRosaRoute
from app.web.openrosa.settings_code import LONGEST
from tests.bridge import Bridge
from tests.functional.caller import Caller
from tests.system import HOST, StudyPlace, System

LIST = "{http://openrosa.org/xforms/xformsList}"
RESPONSE = "{http://openrosa.org/http/response}"
HEADERS = {"x-openrosa-version": "1.0", "user-agent": "org.odk.collect.android/v2026 Dalvik/2.1.0"}
KINDS = ("odk", "basic", "test")


@dataclass
class Phone:
    """A phone as an app knows it after enrolment."""

    answer: dict[str, Any]
    client: httpx.Client

    def get(self, address: str, **headers: str) -> httpx.Response:
        """Ask as Collect does: absolute addresses, its own parameters, user name and password if it has them."""
        basic = (self.answer["name"], self.answer["token"]) if self.answer["kind"] == "basic" else None
        whole = address if address.startswith("http") else f"{self.answer['server']}{address}"
        return self.client.get(whole, headers=HEADERS | headers, params={"deviceID": "collect:1"}, auth=basic)

    def listed(self) -> list[Element]:
        """The forms on its list."""
        answer = self.get("/formList")
        assert answer.status_code == 200, answer.text
        return list(fromstring(answer.content))


@pytest.fixture(scope="module")
def client(shared: System) -> Iterator[httpx.Client]:
    """The application without a socket."""
    bridge = Bridge(create_app(shared.web))
    with httpx.Client(transport=bridge, base_url=HOST, trust_env=False) as client:
        yield client
    bridge.shut_down()


@pytest.fixture(scope="module")
def place(shared: System) -> StudyPlace:
    """A study that a module's tests share."""
    return shared.study("Forms", prefix="f.")


@pytest.fixture(scope="module")
def forms(call: Caller, place: StudyPlace) -> dict[str, str]:
    """A published form and a draft."""
    made = {name: drafted(call, place, form_id=name) for name in ("published", "drafted")}
    path = f"/v1/studies/{place.id}/forms/{made['published']}/publication"
    assert call(place["approver"], "POST", path).status_code == 204
    return made


def drafted(call: Caller, place: StudyPlace, **wish: Any) -> str:
    """A draft of a form of the shipped questionnaire."""
    instruments = call(place["lead"], "GET", f"/v1/studies/{place.id}/instruments").json()["instruments"]
    wish = {"instrument": instruments[0]["id"], "encrypted": False} | wish
    answer = call(place["lead"], "POST", f"/v1/studies/{place.id}/forms", json=wish)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def enrolled(call: Caller, client: httpx.Client, place: StudyPlace, kind: str) -> Phone:
    """A phone of the study's interviewer."""
    body = {"user": str(place["interviewer"].id), "study": str(place.id), "kind": kind}
    answer = call("admin", "POST", "/v1/devices/phones", json=body)
    assert answer.status_code == 201, answer.text
    return Phone(answer.json(), client)


@pytest.fixture(scope="module")
def phones(call: Caller, client: httpx.Client, place: StudyPlace, forms: dict[str, str]) -> dict[str, Phone]:
    """One phone of each kind, when the forms are there."""
    assert forms
    return {kind: enrolled(call, client, place, kind) for kind in KINDS}


def message(answer: httpx.Response) -> str:
    """What the phone shows of an envelope."""
    tree = fromstring(answer.content)
    assert tree.tag == f"{RESPONSE}OpenRosaResponse"
    found = tree.find(f"{RESPONSE}message")
    assert found is not None
    assert found.attrib["nature"] == "error"
    return found.text or ""


@pytest.mark.parametrize("kind", KINDS)
def test_a_list_as_clients_demand_it(phones: dict[str, Phone], kind: str) -> None:
    """text/xml, the version header, a length that fits an int, no cache; nothing empty in an entry."""
    answer = phones[kind].get("/formList")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    assert answer.headers["x-openrosa-version"] == "1.0"
    assert 10_000_000 <= int(answer.headers["x-openrosa-accept-content-length"]) < 2**31
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["date"].endswith("GMT")
    assert answer.content.startswith(b"<?xml")
    tree = fromstring(answer.content)
    assert tree.tag == f"{LIST}xforms"
    for entry in tree:
        assert [each.tag.removeprefix(LIST) for each in entry] == ["formID", "name", "version", "hash", "downloadUrl"]
        assert all(each.text for each in entry)


@pytest.mark.parametrize("kind", KINDS)
def test_a_form_is_what_the_list_says(phones: dict[str, Phone], kind: str) -> None:
    """The address is absolute and under the phone's own server, and the bytes have the MD5 of the list."""
    phone = phones[kind]
    entry = phone.listed()[0]
    address = entry.findtext(f"{LIST}downloadUrl") or ""
    assert address.startswith(f"{phone.answer['server']}/forms/")
    answer = phone.get(address)
    digest = hashlib.md5(answer.content, usedforsecurity=False).hexdigest()
    assert entry.findtext(f"{LIST}hash") == f"md5:{digest}"
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    instance = fromstring(answer.content).find(".//{*}instance")
    assert instance is not None
    assert instance[0].attrib == {
        "id": entry.findtext(f"{LIST}formID"),
        "version": entry.findtext(f"{LIST}version"),
    }
    assert len(fromstring(phone.get(address.removesuffix(".xml") + "/manifest").content)) == 0


def test_drafts_are_for_trying_alone(phones: dict[str, Phone], forms: dict[str, str]) -> None:
    """Phones for testimony see no draft, and phones for drafts nothing else; not by address either."""
    names = {kind: [each.findtext(f"{LIST}formID") for each in phone.listed()] for kind, phone in phones.items()}
    assert names == {"odk": ["published"], "basic": ["published"], "test": ["drafted"]}
    assert phones["odk"].get(f"/forms/{forms['drafted']}.xml").status_code == 404
    assert phones["test"].get(f"/forms/{forms['published']}.xml").status_code == 404


def test_one_form_by_its_name(phones: dict[str, Phone], client: httpx.Client) -> None:
    """A client may ask for one form."""
    server = phones["odk"].answer["server"]
    for name, count in (("published", 1), ("other", 0)):
        answer = client.get(f"{server}/formList", params={"formID": name}, headers=HEADERS)
        assert len(fromstring(answer.content)) == count


def test_head_is_answered(phones: dict[str, Phone], client: httpx.Client) -> None:
    """HEAD has the headers and no body."""
    answer = client.head(f"{phones['odk'].answer['server']}/formList", headers=HEADERS)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["x-openrosa-version"] == "1.0"


@pytest.mark.parametrize("kind", KINDS)
def test_other_protocols_are_refused(phones: dict[str, Phone], kind: str) -> None:
    """Without OpenRosa's own header it is no client of these addresses; its date may be wrong."""
    phone = phones[kind]
    assert phone.get("/formList", **{"x-openrosa-version": "2.0"}).status_code == 400
    assert phone.get("/formList", date="yesterday").status_code == 200


@pytest.mark.parametrize("token", ["a" * 64, "short", "%2e%2e", "a" * 63 + "-"])
@pytest.mark.parametrize("server", ["key", "test"])
def test_unknown_tokens_are_403(client: httpx.Client, place: StudyPlace, server: str, token: str) -> None:
    """A 401 would make the app ask for a password, so a token that is none is a 403, in an envelope."""
    answer = client.get(f"{HOST}/v1/{server}/{token}/studies/{place.id}/formList", headers=HEADERS)
    assert answer.status_code == 403
    assert "www-authenticate" not in answer.headers
    assert message(answer) == "This phone may not send to this study."


def test_a_token_of_one_kind_opens_no_other_server(phones: dict[str, Phone], client: httpx.Client) -> None:
    """A token for drafts sends no testimony, one for testimony sees no drafts; neither is a password or a bearer."""
    for mine, theirs in (("odk", "test"), ("test", "odk")):
        swapped = phones[theirs].answer["server"].replace(phones[theirs].answer["token"], phones[mine].answer["token"])
        assert client.get(f"{swapped}/formList", headers=HEADERS).status_code == 403
    basic, token = phones["basic"].answer, phones["odk"].answer["token"]
    address = f"{basic['server']}/formList"
    assert client.get(address, headers=HEADERS, auth=(basic["name"], token)).status_code == 401
    bearer = {"authorization": f"Bearer {token}"}
    assert client.get(f"{HOST}/v1/sessions", headers=bearer).status_code == 401


def test_basic_asks_and_tells_nothing(phones: dict[str, Phone], client: httpx.Client, place: StudyPlace) -> None:
    """Without the app's own password: 401 with what it asks for, the same for the account's own password."""
    basic = phones["basic"].answer
    person = place["interviewer"]
    answers = [
        client.get(f"{basic['server']}/formList", headers=HEADERS, auth=auth)
        for auth in (None, (person.name, person.password), ("nobody", basic["token"]), (person.name, "x" * 500))
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert {answer.headers["www-authenticate"] for answer in answers} == {'Basic realm="Testimony", charset="UTF-8"'}
    assert len({answer.content for answer in answers}) == 1


def test_a_password_may_be_typed_as_people_type(phones: dict[str, Phone], client: httpx.Client) -> None:
    """Lower case and blanks are the same password, and the name is folded as at sign-in."""
    basic = phones["basic"].answer
    auth = (basic["name"].upper(), basic["token"].lower().replace("-", " "))
    assert client.get(f"{basic['server']}/formList", headers=HEADERS, auth=auth).status_code == 200


@pytest.mark.parametrize("kind", KINDS)
def test_another_study_is_closed_to_it(
    shared: System, phones: dict[str, Phone], client: httpx.Client, kind: str
) -> None:
    """A phone is enrolled for one study."""
    other = shared.study("Elsewhere", prefix="e.") if kind == "odk" else None
    stranger = other.id if other is not None else UUID(int=7)
    basic = phones[kind].answer
    address = basic["server"].rpartition("/")[0] + f"/{stranger}/formList"
    auth = (basic["name"], basic["token"]) if kind == "basic" else None
    assert client.get(address, headers=HEADERS, auth=auth).status_code == (401 if kind == "basic" else 403)


@pytest.mark.parametrize("kind", KINDS)
def test_revoked_at_once(call: Caller, client: httpx.Client, place: StudyPlace, kind: str) -> None:
    """A revoked phone loads nothing any more."""
    phone = enrolled(call, client, place, kind)
    assert phone.get("/formList").status_code == 200
    assert call("admin", "DELETE", f"/v1/devices/{phone.answer['device']}").status_code == 204
    assert phone.get("/formList").status_code == (401 if kind == "basic" else 403)


def test_a_closed_form_leaves_the_list(call: Caller, client: httpx.Client, place: StudyPlace) -> None:
    """Phones that match the list exactly delete it."""
    phone = enrolled(call, client, place, "test")
    form = drafted(call, place, form_id="leaving")
    assert "leaving" in [each.findtext(f"{LIST}formID") for each in phone.listed()]
    assert call(place["lead"], "POST", f"/v1/studies/{place.id}/forms/{form}/closing").status_code == 204
    assert "leaving" not in [each.findtext(f"{LIST}formID") for each in phone.listed()]


def test_only_days_are_kept_of_a_phone(shared: System, phones: dict[str, Phone]) -> None:
    """Rows of phones hold a hash of the token, and the day they were last seen."""
    assert phones["odk"].get("/formList").status_code == 200
    with shared.runtime.transaction() as session:
        row = session.get_one(Device, UUID(phones["odk"].answer["device"]))
        assert row.last_seen_day == shared.clock.now.date().isoformat()
        assert row.token_hash == hashlib.sha256(phones["odk"].answer["token"].encode()).digest()


def test_the_picture_sets_up_an_app(phones: dict[str, Phone]) -> None:
    """The code is Collect's settings: JSON, zlib, base64, short enough; one server, sent by itself, then deleted."""
    for kind, phone in phones.items():
        text = phone.answer["settings"]
        assert len(text) <= LONGEST
        settings = json.loads(zlib.decompress(base64.b64decode(text)))
        general = settings["general"]
        assert general["server_url"] == phone.answer["server"]
        assert general["form_update_mode"] == "match_exactly"
        assert general["delete_send"] is True
        assert general["analytics"] is False
        assert settings["admin"]["change_server"] is False
        assert ("password" in general) is (kind == "basic")


def test_tokens_reach_no_metric_no_event_and_no_log(
    shared: System, phones: dict[str, Phone], client: httpx.Client, call: Caller, capfd: pytest.CaptureFixture[str]
) -> None:
    """Addresses hold tokens: metrics, the trail and the log know templates only."""
    token = phones["odk"].answer["token"]
    phones["odk"].get("/formList")
    phones["odk"].get("/nowhere")
    server = phones["odk"].answer["server"]
    client.post(f"{server}/formList", headers=HEADERS)
    client.get(f"{server}/forms/{UUID(int=9)}.xml", headers=HEADERS)
    metrics = call("admin", "GET", "/metrics").text
    assert list(text_string_to_metric_families(metrics))
    told = capfd.readouterr()
    with shared.runtime.transaction() as session:
        events = [json.dumps(event.details) for event in session.scalars(select(Event))]
    assert any("/v1/key/{token}/studies/{study}/forms/{form}.xml" in event for event in events)
    for text in (metrics, told.out, told.err, *events):
        assert token not in text


def test_every_address_stands_under_each_server_and_asks(shared: System) -> None:
    """No OpenRosa route is open: each has a permission that devices have, under all three servers."""
    inner = create_inner(shared.web, (), Metrics(), forms=FORMS)
    routes = [route for route in inner.routes if isinstance(route, OpenRosaRoute)]
    declared = [one for each in FORMS for one in each.declared]
    assert len(routes) == len(declared) * len(SERVERS)
    assert {route.permission for route in routes} <= {Permission.INSTRUMENT_READ, Permission.RECORD_SUBMIT}
