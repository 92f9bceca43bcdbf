"""Forms in Enketo, as it is: what it shows, what it sends, and what becomes of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pytest
from sqlalchemy import select

from app.cases.models import Record
from app.forms import queries, service
from app.forms.drafting import Uploading, Wish
from app.forms.queries import FormView
from app.intake.queries import arrival
from app.review import drafts
from app.review.drafts import OpenSource
from app.review.files import ListFiles, OpenFile
from app.studies.fields import LANGUAGES
from app.studies.instrument import bundled
from tests.browser.enketo.surveys import Survey, instance_of
from tests.collect import publish
from tests.serving import Served
from tests.system import StudyPlace
from tests.unit.forms.sheets import smallest, workbook
from tests.unit.forms.test_xlsform import ANSWERS

VOICE = b"\0\0\0\x18ftypM4A " + bytes(range(256)) * 300
PHOTO = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc0000003010100c9fe92ef"
    "0000000049454e44ae426082"
)


@pytest.fixture(scope="module")
def form(portal: Served, enketo_place: StudyPlace) -> FormView:
    """The shipped questionnaire with files."""
    return publish(portal, enketo_place, "enketo", attachments=("audio", "image", "file"))


@pytest.fixture(scope="module")
def small(portal: Served, enketo_place: StudyPlace) -> FormView:
    """An uploaded XLSForm."""
    parts, lead = portal.collaborators, portal.acting("lead", enketo_place)
    wish = Wish("", "", encrypted=False)
    made = portal.runtime.run(Uploading(parts, lead, enketo_place.id, workbook(smallest()), wish))
    with portal.runtime.transaction() as session:
        service.publish(session, parts, portal.acting("approver", enketo_place), enketo_place.id, made)
    with portal.runtime.glance() as session:
        return queries.one(session, lead, enketo_place.id, made)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A picture on the phone."""
    (tmp_path / "a photo.png").write_bytes(PHOTO)
    return tmp_path / "a photo.png"


@pytest.fixture
def voice(tmp_path: Path) -> Path:
    """A recording on the phone."""
    (tmp_path / "voice.m4a").write_bytes(VOICE)
    return tmp_path / "voice.m4a"


def case_of(said: str) -> str:
    """The case in what the page shows of a receipt."""
    assert said.startswith("201: Receipt "), said
    return said.rpartition("Case ")[2].rstrip(".")


def record_of(served: Served, place: StudyPlace, form: FormView, xml: str) -> UUID:
    """The record of what was sent."""
    known = uuid5(place.id, f"{form.form_id}\n{instance_of(xml)}")
    with served.runtime.glance() as session:
        found = session.scalar(select(Record.id).where(Record.client_uuid == known))
    assert found is not None
    return found


def read(served: Served, place: StudyPlace, record: UUID) -> tuple[Mapping[str, Any], list[tuple[str, bytes]]]:
    """What the study's redactor reads: the answers that there are, and the files."""
    served.redact_all()
    actor, web = served.acting("redactor", place), served.web
    with web.transaction() as session:
        drafts.take_one(session, web.collaborators, actor, record)
    values = web.read(OpenSource(web.collaborators, actor, record)).values
    files = []
    for each in web.read(ListFiles(web.collaborators, actor, record)):
        opened = web.read(OpenFile(web.collaborators, actor, record, each.id))
        files.append((each.name, b"".join(opened.read(0, opened.size))))
    return {name: value for name, value in values.items() if value != {"status": "absent"}}, files


def release(served: Served, place: StudyPlace, record: UUID) -> Mapping[str, Any]:
    """Finish and release what the redactor took; what researchers read of it."""
    with served.signed_in("redactor", place) as client:
        client.review.finish(place.id, record, version=client.review.source(place.id, record)["version"])
    with served.signed_in("approver", place) as client:
        assert UUID(client.review.take(place.id)["record"]) == record
        shown = client.review.preview(place.id, record)
        client.review.release(place.id, record, digest=shown["digest"], doubts=len(shown["doubts"]))
    with served.signed_in("researcher", place) as client:
        values: Mapping[str, Any] = client.research.release(place.id, record)["values"]
        return values


def in_order(answers: Mapping[str, Any]) -> dict[str, Any]:
    """The same answers with what was ticked in one order: a form sends it in its own."""

    def ordered(answer: Mapping[str, Any]) -> Any:
        value = answer.get("value")
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            return {**answer, "value": sorted(value)}
        return answer

    return {name: ordered(answer) for name, answer in answers.items()}


def test_the_shipped_questionnaire(
    survey: Survey, portal: Served, enketo_place: StudyPlace, form: FormView, photo: Path, voice: Path
) -> None:
    """It asks in every language; filled in, it is a record with every answer and file, and its release names nobody."""
    answers, first = portal.body(enketo_place)["answers"], bundled().fields["source_type"]
    survey.open(form)
    assert survey.languages == list(LANGUAGES)
    survey.speak("ar")
    assert (survey.shown(), survey.direction) == ([first.label["ar"]], "rtl")

    survey.fill(form, answers)
    paths = {path.rpartition("-")[2]: path for path in form.mapping.binary}
    survey.attach(paths["image"], photo)
    survey.repeat(paths["audio"].rpartition("/")[0])
    survey.attach(paths["audio"], voice, number=1)
    case_of(survey.send())

    xml, sent = survey.relay.last()
    record = record_of(portal, enketo_place, form, xml)
    found, files = read(portal, enketo_place, record)
    assert in_order(found) == in_order({name: answers[name] for name in found})
    assert {"exit_account", "turning_point", "nationality", "joined_period"} <= found.keys()
    assert re.findall("<relatives-name>(.*?)</", xml) == [each["name"] for each in answers["relatives"]["value"]]
    assert (dict(files), list(sent.values())) == (sent, [PHOTO, VOICE])
    text = release(portal, enketo_place, record)["exit_account"]["value"]
    assert "onions" in text
    assert "Hanan" not in text


def test_an_uploaded_form_and_its_edit(
    survey: Survey, portal: Served, enketo_place: StudyPlace, small: FormView, voice: Path
) -> None:
    """The author's form is filled in and sent with a recording; opened again, it is edited and takes its own place."""
    survey.open(small)
    survey.fill(small, ANSWERS)
    survey.attach(small.mapping.binary[0], voice)
    case = case_of(survey.send())
    xml, sent = survey.relay.last()
    survey.open(small, xml)
    survey.answer(small.mapping.fields["account"], {"value": "We left by day."})
    again = case_of(survey.send())
    edited, more = survey.relay.last()

    assert f"<deprecatedID>{instance_of(xml)}</deprecatedID>" in edited
    assert (again, list(sent.values()), more) == (case, [VOICE], {})
    earlier, later = (record_of(portal, enketo_place, small, each) for each in (xml, edited))
    wanted = ANSWERS | {"account": {"value": "We left by day."}}
    found, files = read(portal, enketo_place, later)
    assert in_order(found) == in_order({name: wanted[name] for name in found})
    assert {"account", "joined", "motive"} <= found.keys()
    assert re.findall("<relatives-relative_name>(.*?)</", edited) == ["Amal", "Sami"]
    with portal.runtime.glance() as session:
        actor = portal.acting("redactor", enketo_place)
        assert arrival(session, actor, earlier).superseded
        assert (files, arrival(session, actor, later).inherited) == ([], 1)


def test_a_needed_answer(survey: Survey, small: FormView) -> None:
    """Enketo sends nothing while an answer is missing that the form needs."""
    survey.open(small)
    survey.fill(small, {"source_type": ANSWERS["source_type"]})

    assert survey.send() == "Something is missing."

    assert survey.relay.sent == []
