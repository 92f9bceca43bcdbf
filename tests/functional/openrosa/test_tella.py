"""A client that does what Tella for Android does: its order of requests, its headers, its parts, read off its source.

Tella knows no token in an address. It asks without a password, answers the challenge, and sends the password by itself
from then on. It asks before it sends, sends the form alone, and then once more with each file.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from uuid import uuid4
from xml.etree.ElementTree import Element, tostring

import httpx
import pytest
from defusedxml.ElementTree import fromstring

from app.accounts.phones import Phone
from app.web.app import create_app
from tests.bridge import Bridge
from tests.clock import Clock
from tests.collect import Collect, enrolled, publish
from tests.databases import Kind
from tests.functional.openrosa.conftest import Field
from tests.functional.openrosa.test_encrypted import read_back
from tests.functional.openrosa.test_submission import record_of
from tests.system import HOST, Mold, System

LIST = "{http://openrosa.org/xforms/xformsList}"
RESPONSE = "{http://openrosa.org/http/response}"
# The date is none of HTTP's: Tella writes it as old versions of Collect did.
HEADERS = {
    "X-OpenRosa-Version": "1.0",
    "Date": "Sun, 1 Feb 2026 09:05:54 GMT+00:00",
    "Connection": "Keep-Alive",
    "Accept-Encoding": "gzip",
    "User-Agent": "okhttp/4.12.0",
}
PHOTO = b"\xff\xd8\xff\xe0 a photo"


class Tella:
    """The app on one phone; ``server`` was typed in, ``asked`` has each request with the status of its answer."""

    def __init__(self, http: httpx.Client, phone: Phone) -> None:
        self.http = http
        self.phone = phone
        self.server = f"{HOST}/v1/studies/{phone.study}"
        self.asked: list[tuple[str, int]] = []
        self._known: dict[str, str] = {}

    def call(self, method: str, address: str, content: bytes = b"", **headers: str) -> httpx.Response:
        """One request, and once more with the password if that is asked for."""
        answer = self._once(method, address, content, headers)
        if answer.status_code == 401 and not self._known:
            assert answer.headers["www-authenticate"].lower().startswith("basic ")
            secret = base64.b64encode(f"{self.phone.name}:{self.phone.token}".encode()).decode()
            self._known["Authorization"] = f"Basic {secret}"
            answer = self._once(method, address, content, headers)
        return answer

    def _once(self, method: str, address: str, content: bytes, headers: dict[str, str]) -> httpx.Response:
        answer = self.http.request(method, address, content=content, headers=HEADERS | self._known | headers)
        self.asked.append((method, answer.status_code))
        return answer

    def forms(self) -> dict[str, str]:
        """The addresses of the forms on the list; an entry without one of these is an error there."""
        listed = fromstring(self.call("GET", f"{self.server}/formList").content)
        assert listed.tag == f"{LIST}xforms"
        entries = [{each.tag: each.text for each in entry} for entry in listed]
        wanted = {f"{LIST}{name}" for name in ("formID", "name", "hash", "downloadUrl")}
        assert all(wanted <= {tag for tag, text in entry.items() if text} for entry in entries)
        return {entry[f"{LIST}formID"]: entry[f"{LIST}downloadUrl"] for entry in entries}

    def may_send(self) -> bool:
        """Whether the server takes submissions, and where: 204 alone will do."""
        answer = self.call("HEAD", f"{self.server}/submission")
        return answer.status_code == 204 and "location" not in answer.headers

    def send(self, root: Element, file: str = "", content: bytes = b"") -> list[str]:
        """The form, written anew each time, with one file or none; the messages, of which there must be one."""
        boundary = str(uuid4())
        parts = [_part("xml_submission_file", "xml_submission_file.xml", "text/xml", tostring(root))]
        if file:
            # A file is named by its part; its file name is the number that it has in the app.
            parts.append(_part(file, str(uuid4()), "image/jpeg", content))
        body = b"".join(f"--{boundary}\r\n".encode() + part for part in parts) + f"--{boundary}--\r\n".encode()
        kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        answer = self.call("POST", f"{self.server}/submission", body, **kind)
        assert answer.is_success, answer.text
        return [each.text or "" for each in fromstring(answer.content).iter(f"{RESPONSE}message")]


def _part(name: str, filename: str, kind: str, content: bytes) -> bytes:
    head = (
        f'Content-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
        "Content-Transfer-Encoding: binary\r\n"
        f"Content-Type: {kind}\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content + b"\r\n"


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory, mold: Callable[[Kind], Mold]) -> Iterator[Field]:
    """On SQLite alone: the database has no part in how a client talks."""
    system = System(tmp_path_factory.mktemp("tella") / "data", "sqlite", Clock(), mold=mold("sqlite"))
    place = system.first()
    forms = {"plain": publish(system, place, "plain", attachments=("image",))}
    bridge = Bridge(create_app(system.web))
    with httpx.Client(transport=bridge, trust_env=False) as http:
        collect = Collect(http, enrolled(system, place, "basic"))
        yield Field(system, place, http, forms, collect, system.body(place)["answers"])
    bridge.shut_down()
    system.close()


def test_from_the_list_to_a_record(field: Field) -> None:
    """It gets the list and the form, asks, sends the form, then the file: one challenge, one record, one whole file."""
    tella = Tella(field.http, field.collect.phone)
    filled = field.fill(files=["IMG 2026.jpg"])

    form = tella.call("GET", tella.forms()[filled.form.form_id])
    assert fromstring(form.content).tag == "{http://www.w3.org/1999/xhtml}html"
    assert tella.may_send()
    first = tella.send(filled.root)
    assert first == tella.send(filled.root, "IMG 2026.jpg", PHOTO)

    assert [said.startswith("Receipt ") for said in first] == [True]
    answered = [("GET", 401), ("GET", 200), ("GET", 200), ("HEAD", 204), ("POST", 201), ("POST", 201)]
    assert tella.asked == answered
    record = record_of(field, filled)
    assert record is not None
    assert read_back(field, record) == {("IMG 2026.jpg", True): PHOTO}


def test_a_file_that_did_not_arrive(field: Field) -> None:
    """It starts again where it stopped: the form is known already, and the file is taken once."""
    tella = Tella(field.http, field.collect.phone)
    filled = field.fill(files=["one.jpg", "two.jpg"])
    tella.send(filled.root)
    tella.send(filled.root, "one.jpg", PHOTO)

    later = Tella(field.http, tella.phone)
    assert later.may_send()
    for name in ("one.jpg", "two.jpg"):
        later.send(filled.root, name, PHOTO)

    record = record_of(field, filled)
    assert record is not None
    assert read_back(field, record) == {(name, True): PHOTO for name in ("one.jpg", "two.jpg")}
