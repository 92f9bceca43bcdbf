"""What a form that comes in is answered, row by row, and what stays of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4, uuid5

import httpx
import pytest
from sqlalchemy import func, select

from app.cases.models import File, Record
from app.intake.models import Submission
from app.operations.sweep import sweep
from app.review import drafts
from tests.collect import Filled, fill, seal
from tests.functional.openrosa.conftest import Field

PHOTO = {"photo.jpg": b"\xff\xd8\xff\xe0 a photo"}
Story = Callable[[Field], httpx.Response]


def said(answer: httpx.Response) -> str:
    """The message of an envelope, which says nothing else."""
    found = re.fullmatch(
        r'<\?xml version="1.0" encoding="utf-8"\?>\n<OpenRosaResponse xmlns="http://openrosa.org/http/response"'
        r' items="0"><message nature="(submit_success|error)">([^<]+)</message></OpenRosaResponse>',
        answer.text,
    )
    assert found is not None
    assert (found[1] == "submit_success") is (answer.status_code == 201)
    return found[2]


def case_of(answer: httpx.Response) -> str:
    """The case in a receipt."""
    assert answer.status_code == 201, answer.text
    return said(answer).rpartition("Case ")[2].rstrip(".")


def client_uuid(field: Field, filled: Filled) -> UUID:
    """The id by which a form is known."""
    return uuid5(field.place.id, f"{filled.form.form_id}\n{filled.instance}")


def record_of(field: Field, filled: Filled) -> Record | None:
    """The record of a form."""
    with field.system.runtime.glance() as session:
        return session.scalar(select(Record).where(Record.client_uuid == client_uuid(field, filled)))


def sent_of(field: Field, filled: Filled) -> Submission | None:
    """The submission of a form."""
    with field.system.runtime.glance() as session:
        return session.scalar(select(Submission).where(Submission.client_uuid == client_uuid(field, filled)))


def files_of(field: Field, record: UUID) -> list[File]:
    """The files of a record."""
    with field.system.runtime.glance() as session:
        return list(session.scalars(select(File).where(File.record_id == record)))


def new(field: Field) -> httpx.Response:
    """A form that nobody sent before."""
    return field.collect.post(field.fill().xml)


def same_again(field: Field) -> httpx.Response:
    """The very same bytes."""
    filled = field.fill()
    field.collect.post(filled.xml)
    return field.collect.post(filled.xml)


def same_rewritten(field: Field) -> httpx.Response:
    """The same XML, written differently by the client: other quotes, a comment, no declaration."""
    filled = field.fill()
    field.collect.post(filled.xml)
    body = filled.xml.partition(b"?>")[2].replace(b'id="plain"', b"id='plain'")
    return field.collect.post(b"<!-- again -->" + body)


def same_id_other_answers(field: Field) -> httpx.Response:
    """The same instance with something else in it."""
    filled = field.fill()
    field.collect.post(filled.xml)
    return field.collect.post(field.fill(without="birth_year", instance=filled.instance).xml)


def edit(field: Field) -> httpx.Response:
    """An edit of the newest version."""
    filled = field.fill()
    field.collect.post(filled.xml)
    return field.collect.post(filled.edited().xml)


def edit_again(field: Field) -> httpx.Response:
    """An edit, and the same once more."""
    filled = field.fill()
    field.collect.post(filled.xml)
    edited = filled.edited()
    field.collect.post(edited.xml)
    return field.collect.post(edited.xml)


def edit_of_an_edit(field: Field) -> httpx.Response:
    """An edit of an edit."""
    filled = field.fill()
    field.collect.post(filled.xml)
    edited = filled.edited()
    field.collect.post(edited.xml)
    return field.collect.post(edited.edited().xml)


def superseded(field: Field) -> httpx.Response:
    """A form whose edit is there already, sent again."""
    filled = field.fill()
    field.collect.post(filled.xml)
    field.collect.post(filled.edited().xml)
    return field.collect.post(filled.xml)


def stale(field: Field) -> httpx.Response:
    """A second edit of a form that was edited before."""
    filled = field.fill()
    field.collect.post(filled.xml)
    field.collect.post(filled.edited().xml)
    return field.collect.post(filled.edited().xml)


def used_id(field: Field) -> httpx.Response:
    """An edit under an id that another form has."""
    filled, other = field.fill(), field.fill()
    field.collect.post(filled.xml)
    field.collect.post(other.xml)
    edited = filled.edited()
    return field.collect.post(edited.xml.replace(edited.instance.encode(), other.instance.encode()))


def edit_of_nothing(field: Field) -> httpx.Response:
    """An edit of what nobody sent."""
    return field.collect.post(field.fill().edited().xml)


def edit_of_anothers(field: Field) -> httpx.Response:
    """An edit of what somebody else sent."""
    filled = field.fill()
    assert field.phone(who="guardian").post(filled.xml).status_code == 201
    return field.collect.post(filled.edited().xml)


def unknown_form(field: Field) -> httpx.Response:
    """A form of no such name."""
    return field.collect.post(field.fill().xml.replace(b'id="plain"', b'id="other"'))


def unknown_version(field: Field) -> httpx.Response:
    """A form of no such version."""
    version = field.forms["plain"].version.encode()
    return field.collect.post(field.fill().xml.replace(version, b"1999010101"))


def without_id(field: Field) -> httpx.Response:
    """A form that does not say which one it is."""
    return field.collect.post(field.fill().xml.replace(b'id="plain"', b""))


def closed(field: Field) -> httpx.Response:
    """A form that is closed."""
    return field.collect.post(field.fill("closed").xml)


def draft(field: Field) -> httpx.Response:
    """A draft, sent as if it were testimony."""
    return field.collect.post(field.fill("draft").xml)


def without_consent(field: Field) -> httpx.Response:
    """Consent is missing."""
    return field.collect.post(field.fill(without="consent_given").xml)


def clear_where_sealed(field: Field) -> httpx.Response:
    """In clear, where the form is to be encrypted."""
    return field.collect.post(field.fill("sealed").xml)


def sealed_where_clear(field: Field) -> httpx.Response:
    """A claim of encryption, where the form knows none."""
    return field.collect.post(field.fill().xml.replace(b'id="plain"', b'id="plain" encrypted="yes"'))


def no_form(field: Field) -> httpx.Response:
    """A POST without a form."""
    return field.collect.send([("photo.jpg", ("photo.jpg", b"x", "image/jpeg"))])


def no_multipart(field: Field) -> httpx.Response:
    """Something else than multipart."""
    headers = {"X-OpenRosa-Version": "1.0", "content-type": "text/xml"}
    return field.http.post(f"{field.collect.server}/submission", content=field.fill().xml, headers=headers)


def no_version(field: Field) -> httpx.Response:
    """A client that does not say that it speaks OpenRosa."""
    return field.http.post(f"{field.collect.server}/submission", files={"xml_submission_file": field.fill().xml})


def not_of_the_study(field: Field) -> httpx.Response:
    """A token that belongs to nobody."""
    unknown = f"/v1/key/{'x' * 64}/studies/{field.place.id}/submission"
    headers = {"X-OpenRosa-Version": "1.0"}
    return field.http.post(unknown, files={"xml_submission_file": field.fill().xml}, headers=headers)


ROWS: list[tuple[Story, int]] = [
    (new, 201),
    (same_again, 201),
    (same_rewritten, 201),
    (same_id_other_answers, 409),
    (edit, 201),
    (edit_again, 201),
    (edit_of_an_edit, 201),
    (superseded, 409),
    (stale, 409),
    (used_id, 409),
    (edit_of_nothing, 404),
    (edit_of_anothers, 404),
    (unknown_form, 404),
    (unknown_version, 404),
    (without_id, 400),
    (closed, 409),
    (draft, 404),
    (without_consent, 400),
    (clear_where_sealed, 400),
    (sealed_where_clear, 400),
    (no_form, 400),
    (no_multipart, 400),
    (no_version, 400),
    (not_of_the_study, 403),
]


@pytest.mark.parametrize(("story", "status"), ROWS, ids=[story.__name__ for story, _ in ROWS])
def test_the_table(field: Field, story: Story, status: int) -> None:
    """Each row of the table: the status, an envelope with one message, and the headers that clients ask for."""
    answer = story(field)

    assert answer.status_code == status, answer.text
    assert said(answer)
    assert answer.headers["x-openrosa-version"] == "1.0"
    assert int(answer.headers["x-openrosa-accept-content-length"]) > 10_000_000


def test_asking_before_sending(field: Field) -> None:
    """HEAD is answered without a body."""
    answer = field.collect.head()

    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["x-openrosa-version"] == "1.0"


def test_a_password_in_place_of_a_token(field: Field) -> None:
    """The same by user name and password."""
    assert field.phone("basic").post(field.fill().xml).status_code == 201


def test_one_record_whatever_is_sent_how_often(field: Field) -> None:
    """The same receipt, one record, one file."""
    filled = field.fill(files=["photo.jpg"])

    answers = [field.collect.post(filled.xml, PHOTO) for _ in range(3)]

    assert len({said(answer) for answer in answers}) == 1
    record = record_of(field, filled)
    assert record is not None
    assert len(files_of(field, record.id)) == 1


def test_files_one_by_one_as_tella_sends_them(field: Field) -> None:
    """The form alone, then with one file each."""
    filled = field.fill(files=["a.jpg", "b.jpg"])

    answers = [field.collect.post(filled.xml), *field.collect.post_split(filled.xml, {"a.jpg": b"a", "b.jpg": b"b"})]

    assert {answer.status_code for answer in answers} == {201}
    record = record_of(field, filled)
    assert record is not None
    assert {row.status for row in files_of(field, record.id)} == {"complete"}
    assert len(files_of(field, record.id)) == 2


def test_files_from_a_phone_that_was_enrolled_anew(field: Field) -> None:
    """Its interviewer goes on where the old phone stopped."""
    filled = field.fill(files=["a.jpg", "b.jpg"])
    field.collect.post(filled.xml, {"a.jpg": b"a"}, more=True)

    answer = field.phone().post(filled.xml, {"b.jpg": b"b"})

    record = record_of(field, filled)
    assert answer.status_code == 201, answer.text
    assert record is not None
    assert [row.status for row in files_of(field, record.id)] == ["complete"] * 2


def test_a_file_before_its_form(field: Field) -> None:
    """The order of the parts does not matter."""
    filled = field.fill(files=["photo.jpg"])

    answer = field.collect.send([("photo.jpg", ("photo.jpg", b"x", "image/jpeg")), ("xml_submission_file", filled.xml)])

    record = record_of(field, filled)
    assert answer.status_code == 201
    assert record is not None
    assert len(files_of(field, record.id)) == 1


def test_a_file_by_its_file_name(field: Field) -> None:
    """A part named otherwise is known by the name of its file, and one that nobody expects is kept as such."""
    filled = field.fill(files=["photo.jpg"])

    answer = field.collect.send(
        [
            ("xml_submission_file", filled.xml),
            ("file", ("photo.jpg", b"x", "image/jpeg")),
            ("extra", ("notes.txt", b"y", "text/plain")),
        ]
    )

    record = record_of(field, filled)
    assert answer.status_code == 201
    assert record is not None
    assert len(files_of(field, record.id)) == 2


def test_a_file_with_other_content_under_the_same_name(field: Field) -> None:
    """It is refused: which of the two is meant nobody knows."""
    filled = field.fill(files=["photo.jpg"])
    field.collect.post(filled.xml, PHOTO)

    assert field.collect.post(filled.xml, {"photo.jpg": b"another"}).status_code == 409


def test_the_log_of_the_app_is_not_kept(field: Field) -> None:
    """What the device tells of whoever held it stays out."""
    filled = field.fill(audit="audit.csv")

    answer = field.collect.post(filled.xml, {"audit.csv": b"event,node,start,end"})

    record = record_of(field, filled)
    assert answer.status_code == 201
    assert record is not None
    assert files_of(field, record.id) == []


def test_what_a_device_adds_is_dropped(field: Field) -> None:
    """A device's id, its number and its hours answer no question, and are no reason to refuse."""
    filled = field.fill()
    extra = b"<deviceid>collect:xyz</deviceid><phonenumber>+1 202 555 0100</phonenumber><start>2030-01-02</start>"

    answer = field.collect.post(filled.xml.replace(b"<section-consent>", extra + b"<section-consent>", 1))

    assert answer.status_code == 201, answer.text


def test_an_edit_is_a_record_of_the_same_case(field: Field) -> None:
    """With keys of its own; every earlier version names the newest, and inherited files are linked where they lie."""
    first = field.fill(files=["photo.jpg"])
    case = case_of(field.collect.post(first.xml, PHOTO))
    second = first.edited()
    third = second.edited()

    assert {case_of(field.collect.post(each.xml)) for each in (second, third)} == {case}

    records = [record_of(field, each) for each in (first, second, third)]
    assert records[0] is not None
    assert records[1] is not None
    assert records[2] is not None
    newest = records[2].id
    assert [row.superseded_by for row in records if row is not None] == [newest, newest, None]
    linked = sent_of(field, third)
    assert linked is not None
    assert linked.inherited == [str(files_of(field, records[0].id)[0].id)]
    assert files_of(field, newest) == []


def test_trying_a_draft_keeps_nothing(field: Field) -> None:
    """A phone for trying is told what is wrong, or that all is well; there is no record either way."""
    phone, filled = field.phone("test"), field.fill("draft")

    right, wrong = phone.post(filled.xml, PHOTO), phone.post(field.fill("draft", without="consent_given").xml)

    assert (right.status_code, wrong.status_code) == (201, 400)
    assert "nothing of it was kept" in said(right)
    assert record_of(field, filled) is None
    assert sent_of(field, filled) is None


def test_clear_testimony_for_a_sealed_form_is_flagged(field: Field) -> None:
    """Where the policy takes it, whoever reviews it is told that it came in clear."""
    filled, place = field.fill("lenient"), field.place

    assert field.collect.post(filled.xml).status_code == 201

    record, system = record_of(field, filled), field.system
    assert record is not None
    system.redact_all()
    with system.web.transaction() as session:
        drafts.take_one(session, system.web.collaborators, system.acting("redactor"), record.id)
    source = system.signed_in("redactor").review.source(place.id, record.id)
    assert (source["unsealed"], source["superseded"]) == (True, False)


def test_an_erased_form_does_not_come_back(field: Field) -> None:
    """Erasing its case takes the submission with it, and the same form is refused from then on, edits of it too."""
    filled, place = field.fill(files=["photo.jpg"]), field.place
    case = case_of(field.collect.post(filled.xml, PHOTO))
    for who in ("guardian", "lead"):
        field.system.signed_in(who).cases.erase(place.id, case, preference="erase_all")
    sweep(field.system.runtime)

    assert sent_of(field, filled) is None
    assert field.collect.post(filled.xml).status_code == 409
    assert field.collect.post(filled.edited().xml).status_code == 409


def test_parts_of_an_encrypted_form_wait_for_the_others(field: Field) -> None:
    """The record is made with the last of them."""
    filled = field.fill("sealed", files=["photo.jpg"])
    sealed = seal(filled, PHOTO)

    first, second = field.collect.post_split(sealed.xml, sealed.parts)

    assert said(first) == "Received. Parts that are still to come: 1."
    assert case_of(second)


def test_the_same_instance_from_two_people(field: Field) -> None:
    """An id is one's own: another person's form of that id is another form."""
    filled = field.fill()

    mine, theirs = field.collect.post(filled.xml), field.phone(who="guardian").post(filled.xml)

    assert case_of(mine) != case_of(theirs)


def test_a_form_without_an_instance(field: Field) -> None:
    """It gets one; so each time it is another interview."""
    filled = fill(field.forms["plain"], field.answers, instance=f"uuid:{uuid4()}")
    bare = re.sub(rb"<orx:meta>.*</orx:meta>", b"", filled.xml)

    assert case_of(field.collect.post(bare)) != case_of(field.collect.post(bare))


@pytest.mark.parametrize("name", ["plain", "sealed"])
def test_the_same_form_twice_at_once(field: Field, name: str) -> None:
    """One record; both are answered with its receipt, or one is asked to try again."""
    filled = field.fill(name)
    sealed = seal(filled, {}) if name == "sealed" else None
    xml, parts = (filled.xml, {}) if sealed is None else (sealed.xml, sealed.parts)

    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: field.collect.post(xml, parts), range(3)))

    assert {answer.status_code for answer in answers} <= {201, 409, 503}
    assert said(field.collect.post(xml, parts)) in {said(answer) for answer in answers}
    with field.system.runtime.glance() as session:
        made = select(func.count()).where(Record.client_uuid == client_uuid(field, filled))
        assert session.scalar(made) == 1


@pytest.mark.parametrize("second", ["photo.jpg", "xml_submission_file"])
def test_a_part_that_comes_twice(field: Field, second: str) -> None:
    """Which of the two is meant nobody knows."""
    filled = field.fill(files=["photo.jpg"])

    answer = field.collect.send(
        [
            ("xml_submission_file", ("a.xml", filled.xml)),
            ("photo.jpg", ("photo.jpg", b"x")),
            (second, (second, filled.xml)),
        ]
    )

    assert answer.status_code == 400
