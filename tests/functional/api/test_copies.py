"""Attachments on their way to researchers: only as clean copies, only those that an approver opened and chose."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from app.cases.models import File, Grant, Record
from app.client import Client, Json, Problem
from tests import attachments
from tests.functional.caller import Caller
from tests.system import StudyPlace, System

SENT = {"Hassan at home.jpg": attachments.photograph, "Hassan speaks.m4a": attachments.mp4}


@dataclass(frozen=True)
class Waiting:
    """A finished record with two attachments that an approver has taken."""

    system: System
    place: StudyPlace
    record: UUID
    approver: Client
    files: dict[str, UUID]

    def copy(self, name: str, *, opened: bool = True) -> UUID:
        """The clean copy of one of them, opened or not."""
        copy = self.approver.review.make_copy(self.place.id, self.record, self.files[name])
        if opened:
            self.approver.review.read_file(self.place.id, self.record, copy)
        return copy

    def release(self, *copies: UUID, recordings: int = 0) -> int:
        """Release with these copies."""
        shown = self.approver.review.preview(self.place.id, self.record)
        return self.approver.review.release(
            self.place.id,
            self.record,
            digest=shown["digest"],
            doubts=len(shown["doubts"]),
            copies=copies,
            recordings=recordings,
        )

    def released(self) -> Json:
        """What a researcher reads."""
        with self.system.signed_in("researcher", self.place) as researcher:
            return researcher.research.release(self.place.id, self.record)

    def rows(self) -> dict[UUID, str]:
        """The stage of every file of the record."""
        with self.system.runtime.glance() as session:
            query = select(File.id, File.status).where(File.record_id == self.record)
            return {row.id: row.status for row in session.execute(query)}


@pytest.fixture
def waiting(shared: System, tmp_path: Path) -> Iterator[Waiting]:
    """Everything up to the approver."""
    yield from prepared(shared, tmp_path)


@pytest.fixture
def waiting_on_both(both: System, tmp_path: Path) -> Iterator[Waiting]:
    """The same on each database."""
    yield from prepared(both, tmp_path)


def prepared(system: System, tmp_path: Path) -> Iterator[Waiting]:
    """Submitted with its files, redacted, finished, taken by the approver, all through the service."""
    place, client_uuid = system.first(), uuid4()
    with system.signed_in("interviewer", place) as client:
        record = UUID(client.intake.submit(client_uuid, system.body(place), system.receipt_keys()).raw["record"])
        for name, make in SENT.items():
            (tmp_path / name).write_bytes(make())
            client.intake.upload(client_uuid, tmp_path / name, state=tmp_path / f"{name}.state")
    system.redact_all()
    with system.signed_in("redactor", place) as client:
        assert UUID(client.review.take(place.id)["record"]) == record
        client.review.finish(place.id, record, version=client.review.source(place.id, record)["version"])
    with system.signed_in("approver", place) as client:
        assert UUID(client.review.take(place.id)["record"]) == record
        files = {file["name"]: UUID(file["id"]) for file in client.review.files(place.id, record)}
        waiting = Waiting(system, place, record, client, files)
        yield waiting
        with suppress(Problem):  # the next test takes its own record
            waiting.release()


def test_researchers_read_the_chosen_copy_and_no_more(waiting_on_both: Waiting) -> None:
    """Under a name of ours, whole or in part; the other attachment and every name stay behind."""
    waiting = waiting_on_both
    chosen, left = waiting.copy("Hassan at home.jpg"), waiting.copy("Hassan speaks.m4a")
    waiting.release(chosen)

    release = waiting.released()
    with waiting.system.signed_in("researcher", waiting.place) as researcher:
        read = researcher.research.file(waiting.place.id, waiting.record, chosen)
        part = researcher.research.file(waiting.place.id, waiting.record, chosen, start=2, end=9)
        with pytest.raises(Problem) as refused:
            researcher.research.file(waiting.place.id, waiting.record, left)
        with pytest.raises(Problem) as original:
            researcher.research.file(waiting.place.id, waiting.record, waiting.files["Hassan at home.jpg"])

    assert [(file["id"], file["name"], file["type"]) for file in release["files"]] == [
        (str(chosen), "image-01.jpg", "image/jpeg")
    ]
    assert release["files"][0]["size"] == len(read)
    assert (read[:2], part) == (b"\xff\xd8", read[2:9])
    assert attachments.CANARY.encode() not in read
    assert (refused.value.status, original.value.status) == (404, 404)
    assert "Hassan at home" not in str(release)


def test_nothing_is_released_unless_it_is_chosen(waiting: Waiting) -> None:
    """A copy that was made and even opened is deleted with the release, its key too."""
    copy = waiting.copy("Hassan at home.jpg")
    waiting.release()

    assert waiting.released()["files"] == []
    assert copy not in waiting.rows()
    with waiting.system.runtime.glance() as session:
        scopes = session.scalars(select(Grant.scope).where(Grant.record_id == waiting.record)).all()
    assert f"file.{copy.hex}" not in scopes


def test_a_copy_that_nobody_opened_is_not_released(waiting: Waiting) -> None:
    """What the approver has not opened the approver cannot answer for."""
    copy = waiting.copy("Hassan at home.jpg", opened=False)

    with pytest.raises(Problem) as refused:
        waiting.release(copy)

    assert refused.value.code == "copies-unseen"
    assert waiting.rows()[copy] == "clean"


@pytest.mark.parametrize(
    ("method", "part", "opened"),
    [
        pytest.param("HEAD", None, False, id="its headers"),
        pytest.param("GET", "bytes=0-1", False, id="two bytes"),
        pytest.param("GET", "bytes=1-", False, id="all but a byte"),
        pytest.param("GET", "bytes=-9", False, id="its end"),
        pytest.param("GET", "bytes=0-", True, id="as players ask"),
        pytest.param("GET", "bytes=0-{last}", True, id="as other players ask"),
        pytest.param("GET", None, True, id="all of it"),
    ],
)
def test_a_copy_is_opened_by_whoever_asks_for_all_of_it(
    waiting: Waiting, call: Caller, method: str, part: str | None, *, opened: bool
) -> None:
    """A look at its first bytes, or at none, is no reason to let anybody answer for it."""
    copy = waiting.copy("Hassan speaks.m4a", opened=False)
    [seen] = waiting.approver.review.copies(waiting.place.id, waiting.record)
    path = f"/v1/studies/{waiting.place.id}/records/{waiting.record}/files/{copy}"
    headers = {} if part is None else {"range": part.format(last=seen["size"] - 1)}

    answer = call("approver", method, path, headers=headers)

    assert answer.status_code in {200, 206}, answer.text
    [now] = waiting.approver.review.copies(waiting.place.id, waiting.record)
    assert (seen["opened"], now["opened"]) == (False, opened)


def test_a_voice_is_released_only_with_a_word_for_it(waiting: Waiting) -> None:
    """A voice identifies: the number of recordings is confirmed beside the choice."""
    copy = waiting.copy("Hassan speaks.m4a")

    with pytest.raises(Problem) as refused:
        waiting.release(copy)
    waiting.release(copy, recordings=1)

    assert refused.value.code == "voices-unconfirmed"
    assert [file["name"] for file in waiting.released()["files"]] == ["recording-01.aac"]


def test_copies_are_for_whoever_is_to_approve(waiting: Waiting) -> None:
    """The redactor sees none being made; the approver sees what each is, under a neutral name."""
    copy = waiting.copy("Hassan speaks.m4a")
    with waiting.system.signed_in("redactor", waiting.place) as redactor, pytest.raises(Problem) as refused:
        redactor.review.make_copy(waiting.place.id, waiting.record, waiting.files["Hassan speaks.m4a"])

    listed = waiting.approver.review.copies(waiting.place.id, waiting.record)

    assert refused.value.status == 403
    assert [(each["id"], each["name"], each["recording"], each["opened"]) for each in listed] == [
        (str(copy), "recording.aac", True, True)
    ]
    assert listed[0]["origin"] == str(waiting.files["Hassan speaks.m4a"])


def test_another_copy_takes_the_place_of_the_first(waiting: Waiting) -> None:
    """Two copies of one attachment never wait together."""
    first, second = waiting.copy("Hassan at home.jpg"), waiting.copy("Hassan at home.jpg")

    assert [each["id"] for each in waiting.approver.review.copies(waiting.place.id, waiting.record)] == [str(second)]
    with pytest.raises(Problem):
        waiting.release(first)


def test_a_cut_takes_a_copy_away(waiting_on_both: Waiting) -> None:
    """Row and content go with the old release; what stays can be read by the next one."""
    waiting = waiting_on_both
    photo, voice = waiting.copy("Hassan at home.jpg"), waiting.copy("Hassan speaks.m4a")
    waiting.release(photo, voice, recordings=1)
    digest = waiting.released()["digest"]

    waiting.approver.review.cut(waiting.place.id, waiting.record, digest=digest, files=[voice])

    assert [file["id"] for file in waiting.released()["files"]] == [str(photo)]
    assert voice not in waiting.rows()
    with waiting.system.signed_in("researcher", waiting.place) as researcher:
        assert researcher.research.file(waiting.place.id, waiting.record, photo)
        with pytest.raises(Problem) as gone:
            researcher.research.file(waiting.place.id, waiting.record, voice)
    assert gone.value.status == 404


def test_auditors_read_the_copies_of_a_drawn_sample(waiting: Waiting) -> None:
    """Whoever checks a release checks its files too; without a sample there is nothing."""
    copy = waiting.copy("Hassan at home.jpg")
    waiting.release(copy)
    with waiting.system.signed_in("auditor", waiting.place) as auditor:
        with pytest.raises(Problem) as refused:
            auditor.research.sampled_file(waiting.place.id, waiting.record, copy)
        waiting.approver.research.draw_sample(waiting.place.id, waiting.record)

        assert auditor.research.sampled_file(waiting.place.id, waiting.record, copy).startswith(b"\xff\xd8")

    assert refused.value.status == 404


def test_what_cannot_be_cleaned_is_said_so(waiting: Waiting, tmp_path: Path) -> None:
    """The approver learns why, and no copy is there."""
    (tmp_path / "film.mp4").write_bytes(attachments.mp4(handler=b"vide"))
    with waiting.system.runtime.glance() as session:
        client_uuid = session.get_one(Record, waiting.record).client_uuid
    with waiting.system.signed_in("interviewer", waiting.place) as client:
        client.intake.upload(client_uuid, tmp_path / "film.mp4", state=tmp_path / "film.state")
    film = {file["name"]: file["id"] for file in waiting.approver.review.files(waiting.place.id, waiting.record)}

    with pytest.raises(Problem) as refused:
        waiting.approver.review.make_copy(waiting.place.id, waiting.record, film["film.mp4"])

    assert (refused.value.status, refused.value.code) == (422, "cannot-be-cleaned")
    assert waiting.approver.review.copies(waiting.place.id, waiting.record) == []


def test_an_erasure_that_keeps_the_release_keeps_its_copies(waiting: Waiting) -> None:
    """The attachments are gone, the copy that was released can still be read."""
    copy = waiting.copy("Hassan at home.jpg")
    waiting.release(copy)
    system, place = waiting.system, waiting.place
    code, keep = waiting.released()["case"], "erase_identity_keep_anonymised"
    with system.signed_in("guardian", place) as guardian:
        guardian.cases.withdraw(place.id, code)
        guardian.cases.erase(place.id, code, preference=keep)
    with system.signed_in("lead", place) as lead:
        assert lead.cases.erase(place.id, code, preference=keep)["done"]

    with system.signed_in("researcher", place) as researcher:
        assert researcher.research.file(place.id, waiting.record, copy).startswith(b"\xff\xd8")
    assert waiting.rows() == {copy: "released"}
