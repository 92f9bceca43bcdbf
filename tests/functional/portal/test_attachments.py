"""Attachments on the pages: played, shown or offered for download, and asked for by guardians."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from uuid import UUID, uuid4

import pytest
from PIL import Image

from app.web.uploading import Upload
from tests.functional.portal.visitor import Visitor
from tests.system import StudyPlace, System

Visit = Callable[..., Visitor]
AUDIO = b"OggS\x00\x02" + bytes(300)


def picture() -> bytes:
    """A small PNG."""
    made = BytesIO()
    Image.new("RGB", (4, 4), "green").save(made, "PNG")
    return made.getvalue()


FILES = {"zqvoice.ogg": AUDIO, "zqphoto.png": picture(), "zqpage.html": b"<html><script>alert(1)</script></html>"}


@pytest.fixture(scope="module")
def place(shared: System) -> StudyPlace:
    """The study of these tests."""
    return shared.first()


@pytest.fixture(scope="module")
def record(shared: System, place: StudyPlace) -> UUID:
    """A record with three attachments, on the redactor's desk."""
    made = UUID(shared.submit(place)["record"])
    for name, content in FILES.items():
        upload = Upload.begin(shared.web, shared.acting("interviewer", place), made, uuid4(), name=name)
        upload.write(content)
        upload.finish()
    shared.redact_all()
    with shared.signed_in("redactor", place) as client:
        assert UUID(client.review.take(place.id)["record"]) == made
    return made


def base(place: StudyPlace) -> str:
    """Where a study's pages begin."""
    return f"/studies/{place.id}"


def links_to_files(text: str, path: str) -> list[str]:
    """The addresses of attachments on a page, each once."""
    found = [part.split('"')[0] for part in text.split(f'"{path}/files/')[1:]]
    return list(dict.fromkeys(found))


def test_the_desk_plays_shows_and_offers(visit: Visit, place: StudyPlace, record: UUID) -> None:
    """A player for audio, a picture to open, and a download for anything else."""
    path = f"{base(place)}/records/{record}"

    seen = visit("redactor", place).get(f"{path}/desk")

    assert all(name in seen.text for name in FILES)
    assert seen.text.count("<audio controls") == 1
    assert seen.text.count("<img ") == 1
    assert len(links_to_files(seen.text, path)) == len(FILES)


def test_what_a_browser_may_do_with_them(visit: Visit, place: StudyPlace, record: UUID) -> None:
    """Known kinds are shown; a page comes as a download of unknown kind, under a name of ours, in a sandbox."""
    path, visitor = f"{base(place)}/records/{record}", visit("redactor", place)
    listed = links_to_files(visitor.get(f"{path}/desk").text, path)
    answers = [visitor.get(f"{path}/files/{file}").answer for file in listed]
    kinds = {answer.headers["content-type"]: answer for answer in answers}

    assert set(kinds) == {"application/ogg", "image/png", "application/octet-stream"}
    assert kinds["application/ogg"].content == AUDIO
    unknown = kinds["application/octet-stream"]
    assert unknown.headers["content-disposition"].startswith("attachment; ")
    assert all("zq" not in answer.headers["content-disposition"] for answer in answers)
    assert all(answer.headers["content-security-policy"].startswith("sandbox; ") for answer in answers)


def test_a_guardian_asks_for_one_of_them(visit: Visit, shared: System, place: StudyPlace, record: UUID) -> None:
    """By its number alone; after the auditor's approval the page leads to the content."""
    with shared.signed_in("redactor", place) as client:
        client.review.finish(place.id, record, version=client.review.source(place.id, record)["version"])
    with shared.signed_in("approver", place) as client:
        client.review.take(place.id)
        shown = client.review.preview(place.id, record)
        client.review.release(place.id, record, digest=shown["digest"], doubts=len(shown["doubts"]))
    guardian, form = visit("guardian", place), f"{base(place)}/disclosures/records/{record}/files"
    with shared.signed_in("guardian", place) as client:
        code = next(row["case"] for row in client.cases.protection_list(place.id) if row["record"] == str(record))
    case = guardian.get(f"{base(place)}/cases/{code}")
    files = [part.split('"')[0] for part in case.text.split(f'"{form}/')[1:]]

    refused = guardian.get(f"{form}/{uuid4()}")
    page = guardian.get(f"{form}/{files[0]}")
    empty = guardian.submit(f"{form}/{files[0]}", {"reason": ""})
    guardian.submit(f"{form}/{files[0]}", {"reason": "A life may depend on it."})
    with shared.signed_in("auditor", place) as client:
        ask = client.disclosures.asks(place.id)[0]["id"]
        client.disclosures.approve(place.id, ask, digest=client.disclosures.read_ask(place.id, ask)["digest"])
    asked = guardian.get(f"{base(place)}/disclosures/{ask}")
    content = guardian.get(f"{base(place)}/disclosures/{ask}/file")

    assert (len(files), refused.status, page.status, empty.status) == (len(FILES), 404, 200, 422)
    assert all(name not in case.text + page.text + asked.text for name in FILES)
    assert f"{base(place)}/disclosures/{ask}/file" in asked.text
    assert content.answer.content in FILES.values()
