"""A client that does what ODK Collect does: fills a form, encrypts it if the form says so, posts it and its files.

form = publish(system, place, encrypted=True, attachments=("image",))
collect = Collect(http, enrolled(system, place))
filled = fill(form, body["answers"], files=["photo.jpg"])
answer = collect.post(filled.xml, {"photo.jpg": b"..."})
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4
from xml.etree.ElementTree import Element, SubElement, tostring

import httpx
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from sqlalchemy import select

from app.accounts import phones
from app.accounts.phones import Phone
from app.forms import queries, service
from app.forms.drafting import Drafting, Wish
from app.forms.mapping import Place
from app.forms.queries import FormView
from app.studies.models import InstrumentVersion
from tests.system import StudyPlace, System
from tests.vectors import reference

OPENROSA = {"X-OpenRosa-Version": "1.0"}
ENCRYPTED = "http://www.opendatakit.org/xforms/encrypted"
META = "http://openrosa.org/xforms"


def publish(
    system: System,
    place: StudyPlace,
    form_id: str = "interview",
    *,
    encrypted: bool = False,
    policy: str = "reject",
    attachments: tuple[str, ...] = (),
    published: bool = True,
) -> FormView:
    """A form of the study's questionnaire, drafted by the lead and published by the approver."""
    parts, name = system.collaborators, system.body(place)["instrument"]["id"]
    with system.runtime.glance() as session:
        wanted = select(InstrumentVersion.id).where(
            InstrumentVersion.study_id == place.id, InstrumentVersion.name == name
        )
        instrument = session.scalars(wanted).first()
    assert instrument is not None
    wish = Wish(form_id, "Household", encrypted=encrypted, plaintext_policy=policy, attachments=attachments)
    form = system.runtime.run(Drafting(parts, system.acting("lead", place), place.id, instrument, wish))
    with system.runtime.transaction() as session:
        if published:
            service.publish(session, parts, system.acting("approver", place), place.id, form)
    with system.runtime.glance() as session:
        return queries.one(session, system.acting("lead", place), place.id, form)


def close(system: System, place: StudyPlace, form: FormView) -> None:
    """Close a form."""
    with system.runtime.transaction() as session:
        service.close(session, system.collaborators, system.acting("lead", place), place.id, form.id)


def enrolled(system: System, place: StudyPlace, kind: str = "odk", who: str = "interviewer") -> Phone:
    """A phone of one of the study's people."""
    with system.runtime.transaction() as session:
        admin = system.actor(system.admin)
        return phones.enrol_phone(session, system.collaborators, admin, place[who].id, place.id, kind)


@dataclass(frozen=True)
class Filled:
    """A form that somebody filled in."""

    form: FormView
    root: Element
    instance: str

    @property
    def xml(self) -> bytes:
        """What is sent, if it is not encrypted."""
        return b"<?xml version='1.0' ?>" + tostring(self.root)

    def edited(self, **texts: str) -> Filled:
        """The same form with a new instance that takes the old one's place, and other texts at some paths."""
        again = fill_meta(Filled(self.form, _copy(self.root), f"uuid:{uuid4()}"), deprecated=self.instance)
        for path, text in texts.items():
            _at(again.root, path).text = text
        return again


def fill(
    form: FormView,
    answers: Mapping[str, Any],
    *,
    files: Sequence[str] = (),
    instance: str | None = None,
    audit: str | None = None,
) -> Filled:
    """Fill a form with the answers of a body, and name its files."""
    root = Element(f"{{http://example.org/{form.form_id}}}data", {"id": form.form_id, "version": form.version})
    for name, answer in answers.items():
        _answer(root, form.mapping.fields[name], answer)
    for file in files:
        section, group, last = form.mapping.binary[0].split("/")
        SubElement(SubElement(_at(root, section), group), last).text = file
    filled = Filled(form, root, instance or f"uuid:{uuid4()}")
    return fill_meta(filled, audit=audit)


def fill_meta(filled: Filled, *, deprecated: str | None = None, audit: str | None = None) -> Filled:
    """Write the element in which clients tell of themselves."""
    for old in filled.root.findall(f"{{{META}}}meta"):
        filled.root.remove(old)
    meta = SubElement(filled.root, f"{{{META}}}meta")
    SubElement(meta, f"{{{META}}}instanceID").text = filled.instance
    if deprecated is not None:
        SubElement(meta, f"{{{META}}}deprecatedID").text = deprecated
    if audit is not None:
        SubElement(meta, f"{{{META}}}audit").text = audit
    return filled


@dataclass(frozen=True)
class Sealed:
    """A form that the client encrypted: the envelope, and the parts in their order."""

    xml: bytes
    parts: dict[str, bytes]


def seal(filled: Filled, files: Mapping[str, bytes], *, wraps: bool = True, key: bytes | None = None) -> Sealed:
    """Encrypt a form and its files as clients do; ``wraps=False`` as Enketo does where a byte runs over."""
    return seal_as(filled.form, filled.instance, filled.xml, files, wraps=wraps, key=key)


def seal_as(
    form: FormView,
    instance: str,
    xml: bytes,
    files: Mapping[str, bytes],
    *,
    wraps: bool = True,
    key: bytes | None = None,
) -> Sealed:
    """Encrypt any answers as those of this form and instance."""
    assert form.public_key is not None
    public = load_der_public_key(form.public_key)
    assert isinstance(public, RSAPublicKey)
    own = key or os.urandom(32)
    contents = [*files.items(), ("submission.xml", xml)]
    ivs = reference.odk_ivs(instance, own, len(contents), wraps=wraps)
    wrapped = base64.b64encode(reference.rsa_seal(public, own)).decode()
    digest = reference.odk_digest(form.form_id, form.version, wrapped, instance, contents)
    root = Element(f"{{{ENCRYPTED}}}data", {"id": form.form_id, "version": form.version, "encrypted": "yes"})
    SubElement(root, f"{{{ENCRYPTED}}}base64EncryptedKey").text = wrapped
    SubElement(SubElement(root, f"{{{META}}}meta"), f"{{{META}}}instanceID").text = instance
    media = SubElement(root, f"{{{ENCRYPTED}}}media")
    for name in files:
        SubElement(media, f"{{{ENCRYPTED}}}file").text = f"{name}.enc"
    SubElement(root, f"{{{ENCRYPTED}}}encryptedXmlFile").text = "submission.xml.enc"
    signature = base64.b64encode(reference.rsa_seal(public, digest)).decode()
    SubElement(root, f"{{{ENCRYPTED}}}base64EncryptedElementSignature").text = signature
    parts = {
        f"{name}.enc": reference.odk_file(own, iv, content) for (name, content), iv in zip(contents, ivs, strict=True)
    }
    return Sealed(tostring(root), parts)


def key_running_over(instance: str, column: int) -> bytes:
    """A key with which the seed's byte in this column runs over at its first turn."""
    while True:
        key = os.urandom(32)
        if hashlib.md5(instance.encode() + key).digest()[column] == 0xFF:  # noqa: S324  the format's own
            return key


class Collect:
    """One phone, and the server it was given."""

    def __init__(self, http: httpx.Client, phone: Phone) -> None:
        self.http = http
        self.phone = phone
        head = {"odk": f"/v1/key/{phone.token}", "test": f"/v1/test/{phone.token}", "basic": "/v1"}[phone.kind]
        self.server = f"{head}/studies/{phone.study}"
        # httpx knows no other way to say that there is none.
        self.auth = httpx.BasicAuth(phone.name, phone.token) if phone.kind == "basic" else httpx.Auth()

    def head(self) -> httpx.Response:
        """Ask whether one may send."""
        return self.http.head(f"{self.server}/submission?deviceID=collect%3Axyz", headers=OPENROSA, auth=self.auth)

    def post(self, xml: bytes, files: Mapping[str, bytes] | None = None, *, more: bool = False) -> httpx.Response:
        """One POST: the form, then files; ``more`` says that others will follow."""
        parts: list[Any] = [("xml_submission_file", ("submission.xml", xml, "text/xml"))]
        parts += [(name, (name, content, "application/octet-stream")) for name, content in (files or {}).items()]
        if more:
            parts.append(("*isIncomplete*", (None, b"yes")))
        return self.send(parts)

    def send(self, parts: Iterable[Any]) -> httpx.Response:
        """One POST of these parts."""
        address = f"{self.server}/submission?deviceID=collect%3Axyz"
        return self.http.post(address, files=list(parts), headers=OPENROSA, auth=self.auth)

    def post_split(self, xml: bytes, files: Mapping[str, bytes]) -> list[httpx.Response]:
        """A POST for each file, the same form before each."""
        names = list(files)
        return [self.post(xml, {name: files[name]}, more=name != names[-1]) for name in names]


def _answer(root: Element, place: Place, answer: Mapping[str, Any]) -> None:
    if "status" in answer:
        _at(root, place.why).text = answer["status"]
        return
    value = answer["value"]
    if place.group:
        _objects(root, place, value)
    elif place.half:
        year, _, half = value.partition("-")
        _at(root, place.at).text = year
        _at(root, place.half).text = half
    else:
        _at(root, place.at).text = _text(value)


def _objects(root: Element, place: Place, value: Any) -> None:
    items = value if isinstance(value, list) else [value]
    if place.at:
        _at(root, place.at).text = str(len(items)) if isinstance(value, list) else "true"
    above, _, last = place.group.rpartition("/")
    for item in items:
        group = SubElement(_at(root, above) if above else root, last)
        for name, member in item.items():
            _at(group, place.members[name]).text = _text(member)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "\n".join(map(str, value)) if isinstance(value, list) else str(value)


def _at(root: Element, path: str) -> Element:
    """The element at a path below another one; made if it is missing."""
    for name in path.split("/"):
        found = root.find(name)
        root = SubElement(root, name) if found is None else found
    return root


def _copy(root: Element) -> Element:
    again = Element(root.tag, dict(root.attrib))
    again.text, again.tail = root.text, root.tail
    again.extend(_copy(child) for child in root)
    return again
