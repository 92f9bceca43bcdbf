"""Clean copies on the approval page and on a release, without a browser."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest

from tests import attachments
from tests.functional.portal.desks import at, on_approval
from tests.functional.portal.visitor import Seen, Visitor
from tests.system import StudyPlace, System

Visit = Callable[..., Visitor]
PHOTO, VOICE = "Hassan at home.jpg", "Hassan speaks.m4a"


@pytest.fixture(scope="module")
def study(shared: System) -> StudyPlace:
    """One study for the module."""
    return shared.first()


@pytest.fixture
def record(shared: System, study: StudyPlace) -> UUID:
    """A finished record with a photograph and a recording that the approver took."""
    record = on_approval(shared, study)
    shared.attach(record, PHOTO, attachments.photograph())
    shared.attach(record, VOICE, attachments.mp4())
    return record


def cleaned(visitor: Visitor, path: str) -> list[str]:
    """Make a clean copy of each attachment by the buttons of the page; their ids."""
    for form in [form for form in visitor.get(path).forms if form.action == f"{path}/copies"]:
        assert visitor.submit(f"{path}/copies", form.fields).to.startswith(path)
    listed = visitor.get(path).reader.attributes
    return [found["value"] for tag, found in listed if tag == "input" and found.get("name") == "copy"]


def of_type(visitor: Visitor, study: StudyPlace, record: UUID, copies: list[str], media_type: str) -> str:
    """The copy of this type, found by opening one after the other."""
    answers = {copy: visitor.get(at(study, record, "files", copy)).answer for copy in copies}
    return next(copy for copy, answer in answers.items() if answer.headers["content-type"] == media_type)


def release(visitor: Visitor, path: str, **ticked: str) -> Seen:
    """Send the form that releases, with these boxes ticked and every other copy left out."""
    fields = visitor.get(path).form(f"{path}/release").fields
    kept = {name: value for name, value in fields.items() if name not in {"copy", "voice"}}
    return visitor.submit(f"{path}/release", kept | ticked)


def test_only_the_chosen_copy_is_on_the_release(visit: Visit, study: StudyPlace, record: UUID) -> None:
    """Made by a button, opened, ticked: then researchers see it under a neutral name, and read a range of it."""
    visitor, path = visit("approver", study), at(study, record, "approval")
    photo = of_type(visitor, study, record, cleaned(visitor, path), "image/jpeg")

    done = release(visitor, path, copy=photo)

    page = visit("researcher", study).get(f"/studies/{study.id}/releases/{record}")
    address = f"/studies/{study.id}/releases/{record}/files/{photo}"
    part = visit("researcher", study).get(address, range="bytes=0-1")
    assert done.to.endswith("notice=released")
    assert page.links.count(address) == 1
    assert PHOTO not in page.text
    assert part.status == 206


def test_nothing_is_ticked_by_itself(visit: Visit, study: StudyPlace, record: UUID) -> None:
    """Default is that no copy goes along."""
    visitor, path = visit("approver", study), at(study, record, "approval")

    copies = cleaned(visitor, path)
    boxes = [found for tag, found in visitor.get(path).reader.attributes if found.get("name") in {"copy", "voice"}]

    assert len(copies) == 2
    assert len(boxes) == 3
    assert not any("checked" in found for found in boxes)
    assert release(visitor, path).to.endswith("notice=released")


def test_a_copy_that_was_not_opened_is_said_so(visit: Visit, study: StudyPlace, record: UUID) -> None:
    """The page comes back with the reason, and nothing is released."""
    visitor, path = visit("approver", study), at(study, record, "approval")

    refused = release(visitor, path, copy=cleaned(visitor, path)[0])

    assert refused.status == 409
    assert "Look at every clean copy" in refused.words
    release(visitor, path)


def test_a_cut_withholds_a_file(visit: Visit, study: StudyPlace, record: UUID) -> None:
    """The approver ticks it on the page that cuts."""
    visitor, path = visit("approver", study), at(study, record, "approval")
    copies = cleaned(visitor, path)
    voice = of_type(visitor, study, record, copies, "audio/aac")
    release(visitor, path, copy=voice, voice=voice)
    base = f"/studies/{study.id}/releases/{record}"

    form = visitor.get(f"{base}/cut").form(f"{base}/cut").fields
    done = visitor.submit(f"{base}/cut", form | {"file": voice})

    assert done.to.endswith("notice=cut")
    assert "recording-01" not in visitor.get(base).text
    assert visitor.get(f"{base}/files/{voice}").status == 404
