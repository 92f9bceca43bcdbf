"""Encrypted forms: what waits, what is opened, and what is refused with nothing left of it."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from app.access import Actor
from app.audit.models import Event
from app.cases.models import Case, Record
from app.cases.sealing import Compartment, open_pack
from app.errors import StoreFull
from app.forms import service as forms
from app.intake.models import Submission, WaitingPart
from app.intake.openrosa import waiting
from app.intake.openrosa.envelope import open_envelope
from app.intake.openrosa.submissions import ENVELOPE, REMEMBERED, WAITS
from app.operations.sweep import sweep
from app.review import drafts
from app.review.drafts import OpenSource
from app.review.files import ListFiles, OpenFile
from app.web.openrosa.multipart import Sink
from tests.collect import OPENROSA, Filled, Sealed, close, fill, key_running_over, publish, seal, seal_as
from tests.databases import Kind
from tests.functional.openrosa.conftest import Field, opened_field
from tests.functional.openrosa.test_submission import case_of, record_of, said, sent_of
from tests.system import Mold

FILES = {"photo.jpg": b"\xff\xd8\xff\xe0 a photo", "voice.m4a": bytes(range(256)) * 40}
Spoil = Callable[[Sealed], Sealed]


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory, mold: Callable[[Kind], Mold]) -> Iterator[Field]:
    """On SQLite alone; that parts wait on each database is tested with the table."""
    yield from opened_field(tmp_path_factory.mktemp("field") / "data", "sqlite", mold)


def filled_in(field: Field, name: str = "sealed") -> Filled:
    """An interview with two files."""
    return field.fill(name, files=[file for file in FILES if name == "sealed"])


def stored(field: Field) -> set[UUID]:
    """Every file in the store."""
    return set(field.system.web.collaborators.files.files())


def parts_of(field: Field) -> set[UUID]:
    """Every part that waits."""
    with field.system.runtime.glance() as session:
        return set(session.scalars(select(WaitingPart.id)))


def full(*_arguments: object, **_named: object) -> Sink:
    """There is no room for the files of a record."""
    raise StoreFull


def code_of(field: Field, record: Record) -> str:
    """The code of a record's case."""
    with field.system.runtime.glance() as session:
        return session.get_one(Case, record.case_id).code


def release(field: Field, record: Record) -> None:
    """Let redactor and approver release a record."""
    system, place = field.system, field.place.id
    reviewing(field, record)
    redactor = system.signed_in("redactor").review
    redactor.finish(place, record.id, version=redactor.source(place, record.id)["version"])
    with system.web.transaction() as session:
        drafts.take_one(session, system.web.collaborators, system.acting("approver"), record.id)
    approver = system.signed_in("approver").review
    shown = approver.preview(place, record.id)
    approver.release(place, record.id, digest=shown["digest"], doubts=len(shown["doubts"]))


def nothing_waits(field: Field, filled: Filled) -> bool:
    """Whether no row of a form is left; its parts go with it."""
    return sent_of(field, filled) is None and record_of(field, filled) is None


def reviewing(field: Field, record: Record) -> Actor:
    """The redactor, with this record taken."""
    system = field.system
    system.redact_all()
    actor = system.acting("redactor")
    with system.web.transaction() as session:
        drafts.take_one(session, system.web.collaborators, actor, record.id)
    return actor


def read_back(field: Field, record: Record) -> dict[tuple[str, bool], bytes]:
    """The files of a record, as its redactor reads them, by name and whether the form names them."""
    system, actor = field.system, reviewing(field, record)
    parts = system.web.collaborators
    found = {}
    for each in system.web.read(ListFiles(parts, actor, record.id)):
        opened = system.web.read(OpenFile(parts, actor, record.id, each.id))
        found[each.name, each.expected] = b"".join(opened.read(0, opened.size))
    return found


def assert_whole(field: Field, filled: Filled) -> None:
    """There is a record, and it has every file as it was sent."""
    record = record_of(field, filled)
    assert record is not None
    assert read_back(field, record) == {(name, True): content for name, content in FILES.items()}


def original_of(field: Field, record: Record) -> dict[str, str]:
    """How a record came, as its source keeps it."""
    system = field.system
    reading = OpenSource(system.web.collaborators, system.acting("redactor"), record.id)
    with system.web.transaction() as session:
        reading.look(session)
    opened = open_pack(reading.place, reading.key(), Compartment.SOURCE, 0, reading.packed[0], [ENVELOPE])
    original: dict[str, str] = opened[ENVELOPE]["value"]
    return original


def test_whole_at_once(field: Field) -> None:
    """Answers, files and the envelope itself: all of it under the case's own keys, and nothing waits any more."""
    filled = filled_in(field)
    sealed = seal(filled, FILES)

    case_of(field.collect.post(sealed.xml, sealed.parts))

    record, sent = record_of(field, filled), sent_of(field, filled)
    assert record is not None
    assert sent is not None
    assert (sent.envelope, sent.expires_at, sent.plaintext) == (None, None, False)
    assert read_back(field, record) == {(name, True): content for name, content in FILES.items()}
    original = original_of(field, record)
    assert base64.b64decode(original["envelope"]) == sealed.xml
    assert base64.b64decode(original["submission"]) == sealed.parts["submission.xml.enc"]


def test_as_enketo_writes_it(field: Field) -> None:
    """Another namespace, an element of its own around each file's name, and a mark on each file inside: the same."""
    filled = filled_in(field)
    named = list(filled.root.iter("attachment-image"))
    for each in named:
        each.set("type", "file")
    sealed = seal(filled, FILES)
    xml = sealed.xml.replace(b"http://www.opendatakit.org/xforms/encrypted", b"http://opendatakit.org/submissions")
    xml = xml.replace(b"</ns0:file><ns0:file>", b"</ns0:file></ns0:media><ns0:media><ns0:file>")
    assert xml.count(b"<ns0:media>") == len(named) == len(FILES)

    case_of(field.collect.post(xml, sealed.parts))

    assert_whole(field, filled)


def test_the_source_shows_the_questionnaire_alone(field: Field) -> None:
    """Whoever reviews sees the same fields as of any record."""
    filled = filled_in(field)
    sealed = seal(filled, FILES)
    field.collect.post(sealed.xml, sealed.parts)
    record = record_of(field, filled)
    assert record is not None

    reading = OpenSource(field.system.web.collaborators, reviewing(field, record), record.id)

    assert ENVELOPE not in field.system.web.read(reading).values


def test_split_and_out_of_order(field: Field) -> None:
    """Until the last part is there nothing is a record, whatever the order; what comes twice is kept once."""
    filled = filled_in(field)
    sealed = seal(filled, FILES)
    names = ["submission.xml.enc", "voice.m4a.enc", "voice.m4a.enc"]

    early = [field.collect.post(sealed.xml, {name: sealed.parts[name]}) for name in names]

    assert [said(answer) for answer in early] == [
        "Received. Parts that are still to come: 2.",
        "Received. Parts that are still to come: 1.",
        "Received. Parts that are still to come: 1.",
    ]
    assert record_of(field, filled) is None
    last = field.collect.post(sealed.xml, {"photo.jpg.enc": sealed.parts["photo.jpg.enc"]})
    again = field.collect.post(sealed.xml, sealed.parts)
    assert said(last) == said(again)
    assert case_of(last)


def test_what_waits_is_sealed_once_more(field: Field) -> None:
    """A client that sends plaintext under the name of a sealed part does not find it in the store."""
    filled = filled_in(field)
    sealed = seal(filled, FILES)
    before = stored(field)
    canary = b"the canary sings at noon" * 100

    field.collect.post(sealed.xml, {"voice.m4a.enc": canary})

    new = stored(field) - before
    assert len(new) == 1
    found = b"".join(path.read_bytes() for path in field.system.folder.rglob("*") if path.is_file())
    assert b"canary sings" not in found
    assert filled.instance.encode() not in found


@pytest.mark.parametrize("column", [pytest.param(each, id=str(each)) for each in (0, 1)])
def test_what_enketo_sends(field: Field, column: int) -> None:
    """Its bytes that run over are understood."""
    filled = filled_in(field)
    sealed = seal(filled, FILES, wraps=False, key=key_running_over(filled.instance, column))

    case_of(field.collect.post(sealed.xml, sealed.parts))


def test_an_edit_inside(field: Field) -> None:
    """The earlier form is named inside alone: the record takes its place in the same case."""
    first = filled_in(field)
    sealed = seal(first, FILES)
    case = case_of(field.collect.post(sealed.xml, sealed.parts))
    second = first.edited()
    again = seal(second, FILES)

    assert case_of(field.collect.post(again.xml, again.parts)) == case

    newest, earlier = record_of(field, second), record_of(field, first)
    assert newest is not None
    assert earlier is not None
    assert earlier.superseded_by == newest.id


def test_a_file_that_the_envelope_does_not_name(field: Field) -> None:
    """It is kept with the others, marked as not of the form."""
    filled = field.fill("sealed")
    sealed = seal(filled, {})

    answer = field.collect.post(sealed.xml, {"stray.bin": b"stray", **sealed.parts})

    record = record_of(field, filled)
    assert answer.status_code == 201
    assert record is not None
    assert read_back(field, record) == {("stray.bin", False): b"stray"}


def test_a_late_file_that_the_envelope_does_not_name(field: Field) -> None:
    """After the record is made it is kept all the same."""
    filled = field.fill("sealed")
    sealed = seal(filled, {})
    field.collect.post(sealed.xml, sealed.parts)

    answer = field.collect.post(sealed.xml, {"stray.bin": b"stray"})

    record = record_of(field, filled)
    assert answer.status_code == 201, answer.text
    assert record is not None
    assert read_back(field, record) == {("stray.bin", False): b"stray"}


@pytest.mark.parametrize(("content", "status"), [(b"stray", 201), (b"another", 409)], ids=["the same", "another"])
def test_a_file_of_no_name_sent_again(field: Field, content: bytes, status: int) -> None:
    """While others are awaited, one that the envelope does not name is kept once; with other content it is refused."""
    filled = filled_in(field)
    sealed = seal(filled, FILES)
    field.collect.post(sealed.xml, {"stray.bin": b"stray"})

    assert field.collect.post(sealed.xml, {"stray.bin": content}).status_code == status


def swapped(sealed: Sealed) -> Sealed:
    """Two parts change places."""
    first, second, *_ = sealed.parts
    turned = {first: sealed.parts[second], second: sealed.parts[first]}
    return replace(sealed, parts=sealed.parts | turned)


def cut(sealed: Sealed) -> Sealed:
    """The last part ends early."""
    return replace(sealed, parts=sealed.parts | {"submission.xml.enc": sealed.parts["submission.xml.enc"][:-1]})


def empty(sealed: Sealed) -> Sealed:
    """The last part is empty."""
    return replace(sealed, parts=sealed.parts | {"submission.xml.enc": b""})


def altered(sealed: Sealed) -> Sealed:
    """One bit of a file is another."""
    voice = bytearray(sealed.parts["voice.m4a.enc"])
    voice[100] ^= 1
    return replace(sealed, parts=sealed.parts | {"voice.m4a.enc": bytes(voice)})


def in_clear(sealed: Sealed) -> Sealed:
    """The parts say that they are encrypted, and are not."""
    return replace(sealed, parts=dict.fromkeys(sealed.parts, b"<data id='sealed'/>"))


def other_version(sealed: Sealed) -> Sealed:
    """The envelope's signature is another's."""
    signed = re.compile(rb"(ElementSignature>)[^<]+")
    return replace(sealed, xml=signed.sub(rb"\1" + base64.b64encode(bytes(256)), sealed.xml))


@pytest.mark.parametrize("spoil", [swapped, cut, empty, altered, in_clear, other_version])
def test_parts_that_do_not_belong_together(field: Field, spoil: Spoil) -> None:
    """They are refused, nothing of them stays, and the right ones are taken afterwards."""
    filled, before = filled_in(field), stored(field)
    sealed = seal(filled, FILES)
    spoiled = spoil(sealed)

    assert field.collect.post(spoiled.xml, spoiled.parts).status_code == 400

    assert nothing_waits(field, filled)
    assert stored(field) == before
    case_of(field.collect.post(sealed.xml, sealed.parts))


def no_key(sealed: Sealed) -> Sealed:
    """There is no key."""
    return replace(sealed, xml=re.sub(rb"<ns0:base64EncryptedKey>.*?</ns0:base64EncryptedKey>", b"", sealed.xml))


def foreign_key(sealed: Sealed) -> Sealed:
    """The key is for nobody here."""
    key = base64.b64encode(bytes(256))
    return replace(sealed, xml=re.sub(rb"(EncryptedKey>)[^<]+", rb"\1" + key, sealed.xml, count=1))


def no_base64(sealed: Sealed) -> Sealed:
    """The key is not even base64."""
    return replace(sealed, xml=re.sub(rb"(EncryptedKey>)[^<]+", rb"\1!!", sealed.xml, count=1))


def no_signature(sealed: Sealed) -> Sealed:
    """There is no signature."""
    return replace(sealed, xml=re.sub(rb"<ns0:base64EncryptedElementSignature>.*Signature>", b"", sealed.xml))


def no_instance(sealed: Sealed) -> Sealed:
    """There is no instance."""
    return replace(sealed, xml=re.sub(rb"<orx:meta>.*</orx:meta>", b"", sealed.xml))


def twice(sealed: Sealed) -> Sealed:
    """A part is named twice."""
    return replace(sealed, xml=sealed.xml.replace(b"voice.m4a.enc", b"photo.jpg.enc"))


def not_sealed(sealed: Sealed) -> Sealed:
    """A part is named that is not encrypted."""
    return replace(sealed, xml=sealed.xml.replace(b"voice.m4a.enc", b"voice.m4a"))


@pytest.mark.parametrize("spoil", [no_key, foreign_key, no_base64, no_signature, no_instance, twice, not_sealed])
def test_a_claim_of_encryption_without_it(field: Field, spoil: Spoil) -> None:
    """It is refused before a part is kept."""
    filled, before = filled_in(field), stored(field)
    sealed = spoil(seal(filled, FILES))

    assert field.collect.post(sealed.xml, sealed.parts).status_code == 400

    assert nothing_waits(field, filled)
    assert stored(field) == before


@pytest.mark.parametrize("what", ["instance", "version", "form"])
def test_an_inside_that_is_not_the_outside(field: Field, what: str) -> None:
    """It is set aside: no record, kept for a while, told in the trail, and refused however often it comes."""
    filled, other = filled_in(field), filled_in(field)
    xml = filled.xml
    if what == "instance":
        xml = xml.replace(filled.instance.encode(), other.instance.encode())
    if what == "version":
        xml = xml.replace(filled.form.version.encode(), b"1999010101")
    if what == "form":
        xml = xml.replace(b'id="sealed"', b'id="plain"')
    sealed = seal_as(filled.form, filled.instance, xml, FILES)

    answers = [field.collect.post(sealed.xml, sealed.parts) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [409, 409]
    assert record_of(field, filled) is None
    sent = sent_of(field, filled)
    assert sent is not None
    assert sent.state == "set-aside"
    with field.system.runtime.glance() as session:
        told = session.scalars(select(Event.action).where(Event.action == "submission.set-aside")).all()
    assert told


def test_without_consent_inside(field: Field) -> None:
    """It is refused, and nothing of it stays."""
    before = stored(field)
    filled = field.fill("sealed", without="consent_given")
    sealed = seal(filled, {})

    answer = field.collect.post(sealed.xml, sealed.parts)

    assert answer.status_code == 400
    assert "consent" in said(answer)
    assert nothing_waits(field, filled)
    assert stored(field) == before


def test_another_envelope_for_the_same_instance(field: Field) -> None:
    """Whoever encrypts anew has another form: refused while the first one waits, and once it is a record."""
    filled = filled_in(field)
    first, second = seal(filled, FILES), seal(filled, FILES)
    field.collect.post(first.xml, {"photo.jpg.enc": first.parts["photo.jpg.enc"]})

    waiting = field.collect.post(second.xml, second.parts)
    field.collect.post(first.xml, first.parts)
    made = field.collect.post(second.xml, second.parts)

    assert (waiting.status_code, made.status_code) == (409, 409)


def test_trying_an_encrypted_form(field: Field) -> None:
    """Its envelope is checked, and nothing of it is kept."""
    phone, filled = field.phone("test"), filled_in(field)
    sealed = seal(filled, FILES)

    assert "nothing of it was kept" in said(phone.post(sealed.xml, sealed.parts))

    assert nothing_waits(field, filled)


@pytest.mark.parametrize("preference", ["erase_all", "erase_identity_keep_anonymised"])
def test_an_erasure_takes_what_still_waits(field: Field, monkeypatch: pytest.MonkeyPatch, preference: str) -> None:
    """Parts that were not taken into their record before its case is erased go at once, and their envelope too."""
    before, waiting, filled, system = stored(field), parts_of(field), filled_in(field), field.system
    sealed = seal(filled, FILES)
    with monkeypatch.context() as failing:
        failing.setattr("app.web.openrosa.encrypted.attachment", full)
        field.collect.post(sealed.xml, sealed.parts)
    record = record_of(field, filled)
    assert record is not None
    assert stored(field) > before
    if preference != "erase_all":
        release(field, record)

    case = system.signed_in("guardian").cases
    code = code_of(field, record)
    case.erase(field.place.id, code, preference=preference)
    system.signed_in("lead").cases.erase(field.place.id, code, preference=preference)

    assert stored(field) == before
    sent = sent_of(field, filled)
    assert sent is None if preference == "erase_all" else sent is not None and sent.envelope is None
    assert parts_of(field) == waiting


def test_parts_do_not_wait_for_ever(field: Field) -> None:
    """After their time the sweep takes rows and files, and tells how many."""
    before, filled = stored(field), filled_in(field)
    sealed = seal(filled, FILES)
    field.collect.post(sealed.xml, {"photo.jpg.enc": sealed.parts["photo.jpg.enc"]})
    assert stored(field) > before

    field.system.clock.advance(days=WAITS.days, hours=1)
    swept = sweep(field.system.runtime)

    assert swept.expired_forms >= 1
    sent = sent_of(field, filled)
    assert sent is not None
    assert (sent.state, sent.envelope) == ("expired", None)
    assert parts_of(field) == set()
    with field.system.runtime.glance() as session:
        assert session.scalar(select(func.count()).where(Submission.envelope.is_not(None))) == 0
    assert stored(field) <= before
    field.system.clock.advance(days=REMEMBERED.days, hours=1)
    sweep(field.system.runtime)
    assert sent_of(field, filled) is None


def test_files_that_are_nowhere_else_wait_on(field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record whose files were not taken in yet: no sweep takes them away, and the next try takes them in."""
    filled = filled_in(field)
    sealed = seal(filled, FILES)
    with monkeypatch.context() as failing:
        failing.setattr("app.web.openrosa.encrypted.attachment", full)
        field.collect.post(sealed.xml, sealed.parts)
    record = record_of(field, filled)
    assert record is not None

    field.system.clock.advance(days=WAITS.days, hours=1)
    sweep(field.system.runtime)
    case_of(field.collect.post(sealed.xml, sealed.parts))

    assert read_back(field, record) == {(name, True): content for name, content in FILES.items()}


def test_files_that_nothing_opens_wait_no_longer(field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once their form's key is destroyed they go when their time is over."""
    before, form = stored(field), publish(field.system, field.place, "locked", encrypted=True)
    filled = fill(form, field.answers)
    sealed = seal(filled, {"a.bin": b"a"})
    with monkeypatch.context() as failing:
        failing.setattr("app.web.openrosa.encrypted.attachment", full)
        field.collect.post(sealed.xml, sealed.parts)
    assert stored(field) > before
    close(field.system, field.place, form)
    with field.system.web.transaction() as session:
        lead = field.system.acting("lead")
        forms.destroy_key(session, field.system.web.collaborators, lead, field.place.id, form.id)

    field.system.clock.advance(days=WAITS.days, hours=1)
    sweep(field.system.runtime)

    assert record_of(field, filled) is not None
    assert stored(field) <= before


def test_a_part_that_is_cut_off_leaves_nothing(field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was durable of it goes from the store at once, and its row too."""
    monkeypatch.setattr(waiting, "PIECE_BYTES", 1000)
    filled, before, parts = filled_in(field), stored(field), parts_of(field)
    sealed = seal(filled, FILES)
    whole = field.http.build_request(
        "POST",
        f"{field.collect.server}/submission",
        files=[
            ("xml_submission_file", ("submission.xml", sealed.xml, "text/xml")),
            ("voice.m4a.enc", ("voice.m4a.enc", sealed.parts["voice.m4a.enc"], "application/octet-stream")),
        ],
        headers=OPENROSA,
    )
    kind = {"content-type": whole.headers["content-type"]}

    cut = field.http.post(whole.url, content=whole.read()[:-5000], headers={**OPENROSA, **kind})

    assert cut.status_code == 400
    assert parts_of(field) == parts
    assert stored(field) == before


def test_a_share_of_parts_that_wait(field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond it a new part is refused, one that is here is not; parts that came before yesterday count no more."""
    filled = filled_in(field)
    sealed = seal(filled, FILES)
    first, later = {"voice.m4a.enc": sealed.parts["voice.m4a.enc"]}, {"photo.jpg.enc": sealed.parts["photo.jpg.enc"]}
    field.system.clock.advance(days=2)  # what other tests left counts no more
    monkeypatch.setattr("app.intake.quota.GIB", len(first["voice.m4a.enc"]) // 20)
    field.collect.post(sealed.xml, first)

    assert field.collect.post(sealed.xml, later).status_code == 503
    assert field.collect.post(sealed.xml, first).status_code == 201
    field.system.clock.advance(days=2)
    assert field.collect.post(sealed.xml, later).status_code == 201


def test_completing_a_form_takes_no_share_again(field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its last part reached the share: the files are taken into their record all the same."""
    filled = filled_in(field)
    sealed = seal(filled, FILES)
    parts = dict(sorted(sealed.parts.items(), key=lambda part: len(part[1])))
    field.system.clock.advance(days=2)  # what other tests left counts no more
    monkeypatch.setattr("app.intake.quota.GIB", sum(map(len, parts.values())) // 20)

    case_of(field.collect.post(sealed.xml, parts))

    assert_whole(field, filled)


def test_the_rest_of_a_form_whose_parts_are_gone(field: Field) -> None:
    """A phone that sends the last part after a long time is told to send all of it again; then there is a record."""
    filled = filled_in(field)
    sealed = seal(filled, FILES)
    first, *others = sealed.parts
    field.collect.post(sealed.xml, {first: sealed.parts[first]}, more=True)
    field.system.clock.advance(days=WAITS.days, hours=1)
    sweep(field.system.runtime)

    late = field.collect.post(sealed.xml, {name: sealed.parts[name] for name in others})

    assert late.status_code == 409
    assert "Send all of it again" in said(late)
    assert case_of(field.collect.post_split(sealed.xml, sealed.parts)[-1])


def test_a_form_whose_parts_are_gone_comes_whole(field: Field) -> None:
    """It is taken at once."""
    filled = filled_in(field)
    sealed = seal(filled, FILES)
    first = next(iter(sealed.parts))
    field.collect.post(sealed.xml, {first: sealed.parts[first]}, more=True)
    field.system.clock.advance(days=WAITS.days, hours=1)
    sweep(field.system.runtime)

    assert case_of(field.collect.post(sealed.xml, sealed.parts))


def test_a_closed_form_takes_what_waited(field: Field) -> None:
    """Closing a form stops new ones; a submission that began before is completed."""
    form = publish(field.system, field.place, "ending", encrypted=True)
    filled = fill(form, field.answers)
    sealed = seal(filled, {"a.bin": b"a"})
    field.collect.post(sealed.xml, {"a.bin.enc": sealed.parts["a.bin.enc"]})
    close(field.system, field.place, form)

    case_of(field.collect.post(sealed.xml, sealed.parts))

    late = seal(fill(form, field.answers), {})
    assert field.collect.post(late.xml, late.parts).status_code == 409


def test_a_record_whose_files_were_not_taken_in_yet(field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the store fails in between, the parts wait on, and the next try goes on from there."""
    filled = filled_in(field)
    sealed = seal(filled, FILES)

    with monkeypatch.context() as failing:
        failing.setattr("app.web.openrosa.encrypted.attachment", full)
        assert field.collect.post(sealed.xml, sealed.parts).status_code == 503
    record = record_of(field, filled)
    assert record is not None

    case_of(field.collect.post(sealed.xml, sealed.parts))

    assert read_back(field, record) == {(name, True): content for name, content in FILES.items()}


def test_completed_by_another_request_meanwhile(field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parts are gone from the store when they are read: the same receipt."""
    filled = filled_in(field)
    sealed = seal(filled, FILES)
    others: list[str] = []

    def later(*given: Any) -> Any:
        monkeypatch.undo()
        others.append(said(field.collect.post(sealed.xml, sealed.parts)))
        return open_envelope(*given)

    monkeypatch.setattr("app.web.openrosa.encrypted.open_envelope", later)
    answer = field.collect.post(sealed.xml, sealed.parts)

    assert [said(answer)] == others
    assert case_of(answer)


def test_the_log_of_the_app_stays_out(field: Field) -> None:
    """What the app logged of whoever held the phone is opened with the rest, and not kept."""
    filled = field.fill("sealed", audit="audit.csv")
    sealed = seal(filled, {"audit.csv": b"event,node,start,end"})

    case_of(field.collect.post(sealed.xml, sealed.parts))

    record = record_of(field, filled)
    assert record is not None
    assert read_back(field, record) == {}
