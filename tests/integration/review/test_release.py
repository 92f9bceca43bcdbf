"""From the finished draft to the release: who may, what exactly, and who opens it afterwards."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from app.access import Role
from app.cases.grants import Scope
from app.cases.models import Grant, Record
from app.cases.queries import Status
from app.client import Client, Problem
from tests.system import StudyPlace, System

CONFLICT, FORBIDDEN, MISSING = 409, 403, 404
TEXT = "joining_account"


@pytest.fixture
def study(system: System) -> StudyPlace:
    """A study with its people."""
    return system.study()


def refusal(call: Any, *arguments: Any, **named: Any) -> tuple[int, str]:
    """The status and the code with which a call is refused."""
    with pytest.raises(Problem) as refused:
        call(*arguments, **named)
    return refused.value.status, refused.value.code


def taken(system: System, study: StudyPlace, who: str = "approver") -> Client:
    """Somebody who took the next record."""
    client = system.signed_in(who, study)
    client.review.take(study.id)
    return client


def scopes(system: System, record: UUID) -> set[str]:
    """The scopes that are granted."""
    with system.runtime.transaction() as session:
        return set(session.scalars(select(Grant.scope).where(Grant.record_id == record)))


def test_the_release_names_what_was_shown(system: System, study: StudyPlace) -> None:
    """Another renaming than the one shown is another release."""
    record = system.finished(study)
    with taken(system, study) as client:
        shown = client.review.preview(study.id, record)
        label = "PERSON-01"
        assert f"[{label}" in str(shown["texts"])
        joined = client.review.preview(study.id, record, renaming={label: "PERSON-77"})
        other, doubts = joined["digest"], len(joined["doubts"])

        assert refusal(client.review.release, study.id, record, digest=other) == (CONFLICT, "digest-differs")
        renamed = client.review.release(study.id, record, digest=other, doubts=doubts, renaming={label: "PERSON-77"})

    assert renamed == 1
    with system.signed_in("researcher", study) as client:
        text = str(client.research.release(study.id, record)["values"])
    assert "[PERSON-77" in text
    assert f"[{label}" not in text


def test_after_the_release_the_redaction_team_opens_nothing(system: System, study: StudyPlace) -> None:
    """The source is split between guardians and auditors; the old share is gone."""
    record = system.finished(study)
    before = set(system.collaborators.keystore.share_ids(record))
    with taken(system, study) as client:
        shown = client.review.preview(study.id, record)
        client.review.release(study.id, record, digest=shown["digest"], doubts=len(shown["doubts"]))
        assert refusal(client.review.source, study.id, record)[0] == MISSING

    assert scopes(system, record) == {
        Scope.IDENTITY_G,
        Scope.IDENTITY_A,
        Scope.PROTECTION,
        Scope.SOURCE_G,
        Scope.SOURCE_A,
        Scope.research(1),
    }
    assert len(before - set(system.collaborators.keystore.share_ids(record))) == 1


def test_nobody_releases_their_own_draft(system: System, study: StudyPlace) -> None:
    """Also not when a database says that they may."""
    record = system.finished(study)
    with taken(system, study) as client:
        digest = client.review.preview(study.id, record)["digest"]
        with system.runtime.transaction() as session:
            session.execute(update(Record).values(finished_by=study["approver"].id))

        assert refusal(client.review.release, study.id, record, digest=digest) == (FORBIDDEN, "own-work")


def test_nobody_releases_their_own_interview(system: System, study: StudyPlace) -> None:
    """Any interview of the case counts."""
    record = system.finished(study)
    with taken(system, study) as client:
        digest = client.review.preview(study.id, record)["digest"]
        with system.runtime.transaction() as session:
            session.execute(update(Record).values(submitter_id=study["approver"].id))

        assert refusal(client.review.release, study.id, record, digest=digest) == (FORBIDDEN, "own-work")
    with system.signed_in("approver", study) as client:
        assert client.review.queue(study.id) == []


def test_what_is_not_finished_is_not_released(system: System, study: StudyPlace) -> None:
    """The approver sent it back: it is the redactor's again, with the comment."""
    record = system.finished(study)
    with taken(system, study) as client:
        digest = client.review.preview(study.id, record)["digest"]
        client.review.send_back(study.id, record, "The village is named twice.")
        assert refusal(client.review.release, study.id, record, digest=digest)[0] == MISSING

    with taken(system, study, "redactor") as client:
        source = client.review.source(study.id, record)
    assert source["draft"]["comment"] == "The village is named twice."
    assert source["version"] == 2


def test_an_approver_cannot_release_a_draft_that_is_open_again(system: System, study: StudyPlace) -> None:
    """It may still change under the redactor's hands."""
    record = system.finished(study)
    with taken(system, study) as client:
        digest = client.review.preview(study.id, record)["digest"]
        with system.runtime.transaction() as session:
            session.execute(update(Record).values(status=Status.DRAFTED, redactor_id=None, finished_by=None))

        assert refusal(client.review.release, study.id, record, digest=digest)[0] == CONFLICT


def test_an_approver_who_is_somebody_else_waits(system: System, study: StudyPlace) -> None:
    """A record is one approver's at a time; to another one it is not there."""
    record = system.finished(study)
    with taken(system, study) as client:
        digest = client.review.preview(study.id, record)["digest"]
        with system.runtime.transaction() as session:
            session.execute(update(Record).values(approver_id=study["lead"].id))

        assert refusal(client.review.release, study.id, record, digest=digest)[0] == MISSING


def test_without_a_reading_scope_there_is_no_release(system: System, study: StudyPlace) -> None:
    """The participant agreed to be counted, not to be read."""
    body = system.body(study)
    body["answers"]["consent_scopes"] = {"value": ["aggregate_statistics"]}
    del body["answers"]["safe_contact"]
    record = system.finished(study, body=body)

    with taken(system, study) as client:
        digest = client.review.preview(study.id, record)["digest"]
        assert refusal(client.review.release, study.id, record, digest=digest)[0] == CONFLICT


def test_two_edits_of_one_version_do_not_both_win(system: System, study: StudyPlace) -> None:
    """The second is told to read again; nothing is overwritten."""
    record = system.drafted(study)
    with taken(system, study, "redactor") as client:
        source = client.review.source(study.id, record)
        spans = source["draft"]["texts"][TEXT]["spans"]
        client.review.edit(study.id, record, version=1, texts={TEXT: spans})

        assert refusal(client.review.edit, study.id, record, version=1, texts={TEXT: spans})[0] == CONFLICT
        assert refusal(client.review.finish, study.id, record, version=1)[0] == CONFLICT
        assert client.review.finish(study.id, record, version=2)


def test_the_queue_gives_each_record_to_one_person(system: System, study: StudyPlace) -> None:
    """Taking again gives the same one back; nothing else waits."""
    record = system.drafted(study)
    with taken(system, study, "redactor") as client:
        assert UUID(client.review.take(study.id)["record"]) == record
        client.review.finish(study.id, record, version=1)
        assert refusal(client.review.take, study.id)[0] == MISSING


def test_a_cut_replaces_the_release(system: System, study: StudyPlace) -> None:
    """By removal only; the version before has no share and no pack any more."""
    record = system.released(study)
    with system.signed_in("approver", study) as client:
        release = client.research.release(study.id, record)
        arguments = {"digest": release["digest"], "cuts": {TEXT: [[0, 9]]}, "drop": ["gender"]}
        assert client.review.cut(study.id, record, **arguments) == 2
        assert refusal(client.review.cut, study.id, record, **arguments) == (CONFLICT, "digest-differs")

    with system.signed_in("researcher", study) as client:
        after = client.research.release(study.id, record)
    assert after["version"] == 2
    assert after["values"][TEXT]["value"] == "[CUT]" + release["values"][TEXT]["value"][9:]
    assert after["values"]["gender"] == {"status": "withheld"}
    assert Scope.research(1) not in scopes(system, record)


@pytest.mark.parametrize("cuts", [[[0, 5], [4, 8]], [[5, 5]], [[0, 10**6]]])
def test_a_cut_lies_in_its_text(system: System, study: StudyPlace, cuts: list[list[int]]) -> None:
    """Ranges that overlap, are empty or end behind the text are refused."""
    record = system.released(study)
    with system.signed_in("approver", study) as client:
        digest = client.research.release(study.id, record)["digest"]

        assert refusal(client.review.cut, study.id, record, digest=digest, cuts={TEXT: cuts})[1] == "invalid"
        assert refusal(client.review.cut, study.id, record, digest=digest, drop=["legal_name"])[1] == "invalid"


def test_a_removed_redactor_leaves_no_record_behind(system: System, study: StudyPlace) -> None:
    """What they worked on waits for the next one."""
    record = system.drafted(study)
    taken(system, study, "redactor").close()
    newcomer = system.person("newcomer")
    read_aloud = system.actor(newcomer).unlocked().fingerprint.hex()
    with system.signed_in("lead", study) as client:
        client.studies.admit(study.id, newcomer.id, roles=[Role.REDACTOR], fingerprint=read_aloud)
    with system.signed_in("approver", study) as client:
        client.studies.confirm(study.id, newcomer.id, fingerprint=read_aloud)
    with system.signed_in("lead", study) as client:
        client.studies.remove(study.id, study["redactor"].id)

    with system.signed_in(newcomer) as client:
        assert UUID(client.review.take(study.id)["record"]) == record
        assert client.review.source(study.id, record)["values"]
