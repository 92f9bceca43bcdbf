"""Approval without a browser: what is shown, what is released, and who may not."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import update

from app.cases.models import Record
from tests.functional.portal.desks import at, change, on_approval
from tests.functional.portal.visitor import Seen, Visitor
from tests.system import StudyPlace, System

Visit = Callable[..., Visitor]


@pytest.fixture
def record(shared: System, study: StudyPlace) -> UUID:
    """A finished record that the approver took."""
    return on_approval(shared, study)


def digest_of(page: Seen) -> str:
    """The digest that a page shows."""
    found = re.search(r'<code class="digest"[^>]*>([0-9a-f]{64})</code>', page.text)
    assert found is not None
    return found[1]


def release(visitor: Visitor, page: Seen, path: str) -> Seen:
    """Send the form that releases what a page shows, with every doubt looked at."""
    return visitor.submit(f"{path}/release", page.form(f"{path}/release").fields)


def test_the_clean_text_comes_first(visit: Visit, study: StudyPlace, record: UUID) -> None:
    """The source is in a part of its own that is closed at first."""
    page = visit("approver", study).get(at(study, record, "approval")).text
    first = page.index("My name is <bdi")

    assert first < page.index("<details") < page.index("Sameer Rahmanov")


def test_exactly_what_is_shown_is_released(visit: Visit, shared: System, study: StudyPlace, record: UUID) -> None:
    """The digest shown is the one the service asks for; then the team no longer opens the source."""
    visitor, path = visit("approver", study), at(study, record, "approval")
    page = visitor.get(path)
    with shared.signed_in("approver", study) as client:
        assert client.review.preview(study.id, record)["digest"] == digest_of(page)
    done = release(visitor, page, path)

    assert done.to == f"/studies/{study.id}/queue?notice=released"
    assert visitor.get(path).status == 404


def test_a_release_asks_for_a_fresh_factor(visit: Visit, shared: System, study: StudyPlace, record: UUID) -> None:
    """The same form goes on with a code."""
    visitor, path = visit("approver", study), at(study, record, "approval")
    page = visitor.get(path)
    shared.clock.advance(minutes=6)
    asked = release(visitor, page, path)
    assert asked.status == 403
    assert "Confirm that it is you" in asked.words

    again = asked.form(f"{path}/release").fields | {"step_up_code": shared.code(study["approver"])}
    assert visitor.submit(f"{path}/release", again).to == f"/studies/{study.id}/queue?notice=released"


def test_what_changed_meanwhile_is_not_released(visit: Visit, shared: System, study: StudyPlace, record: UUID) -> None:
    """The page shown before names another digest."""
    visitor, path = visit("approver", study), at(study, record, "approval")
    page = visitor.get(path)
    with shared.signed_in("approver", study) as client:
        client.review.send_back(study.id, record, "once more")
    with shared.signed_in("redactor", study) as client:
        client.review.finish(study.id, record, version=2)
    with shared.signed_in("approver", study) as client:
        client.review.take(study.id)

    assert release(visitor, page, path).status == 409


def test_labels_are_joined_to_earlier_releases(visit: Visit, shared: System, study: StudyPlace) -> None:
    """The page leads to the case's earlier releases; what it then shows under a new label is what is released."""
    earlier = shared.released(study)
    with shared.signed_in("researcher", study) as client:
        case = client.research.release(study.id, earlier)["case"]
    record = on_approval(shared, study, body=shared.body(study, case=case))
    visitor, path = visit("approver", study), at(study, record, "approval")
    page = visitor.get(path)
    assert f"/studies/{study.id}/releases/{earlier}" in page.links
    assert "PERSON-01 Sameer Rahmanov" in page.words

    renamed = visitor.submit(f"{path}/renaming", {"label-PERSON-01": "person-77", "label-PERSON-02": "PERSON-02"})
    assert renamed.to == f"{path}?renaming=PERSON-01.PERSON-77"
    page = visitor.follow(renamed)
    assert "My name is [PERSON-77]" in page.words
    assert release(visitor, page, path).to.endswith("released")
    with shared.signed_in("researcher", study) as client:
        assert "[PERSON-77]" in str(client.research.release(study.id, record)["values"])


@pytest.mark.parametrize("label", ["PERSON-02", "PLACE-01", "Sameer"])
def test_labels_that_would_mix_things_up_are_refused(visit: Visit, study: StudyPlace, record: UUID, label: str) -> None:
    """Two people under one label, another kind, no label at all."""
    visitor, path = visit("approver", study), at(study, record, "approval")
    visitor.get(path)
    sent = visitor.submit(f"{path}/renaming", {"label-PERSON-01": label})
    page = visitor.follow(sent) if sent.to else sent

    assert page.status == 422


def test_doubts_have_to_be_looked_at(visit: Visit, study: StudyPlace, record: UUID) -> None:
    """They are marked in the clean text; without saying that they may stay, nothing is released."""
    visitor, path = visit("approver", study), at(study, record, "approval")
    page = visitor.get(path)
    marks = [found for tag, found in page.reader.attributes if tag == "mark" and found["class"] == "doubt"]
    fields = page.form(f"{path}/release").fields
    assert fields.pop("doubts") == str(len(marks)) != "0"
    refused = visitor.submit(f"{path}/release", fields)

    assert refused.status == 409
    assert "say how many of them may stay" in refused.words
    assert visitor.get(path).status == 200


def test_a_rare_combination_is_a_warning(visit: Visit, study: StudyPlace, record: UUID) -> None:
    """In a study without other releases, every combination is; it is named in words, answers and texts."""
    page = visit("approver", study).get(at(study, record, "approval"))

    assert "A rare combination There is no release of another case to compare with." in page.words
    assert "Gender: Man" in page.words
    assert "in no other case" not in page.words


def test_the_warning_counts_the_other_cases(visit: Visit, shared: System, study: StudyPlace) -> None:
    """How many share all of it, and what none of them tells."""
    shared.released(study)
    body = shared.body(study)
    body["answers"]["joining_account"] = {"value": "We crossed over from Mauritania in 1977."}
    page = visit("approver", study).get(at(study, on_approval(shared, study, body=body), "approval"))

    assert "0 of the other cases compared (1) tell all of this:" in page.words
    assert "Country or nationality: Mauritania in no other case" in page.words
    assert "Year: 1977 in no other case" in page.words


def test_sent_back_with_a_comment(visit: Visit, study: StudyPlace, record: UUID) -> None:
    """Without one it does not go, and one that is too long stays in the form; with one it is the redactor's again."""
    visitor, path = visit("approver", study), at(study, record, "approval")
    visitor.get(path)
    empty = visitor.submit(f"{path}/return", {"comment": " ", "renaming": ""})
    assert empty.status == 422
    assert "Say what is to be changed" in empty.words

    long = "Mind the bus. " * 200
    refused = visitor.submit(f"{path}/return", {"comment": long, "renaming": ""})
    assert refused.status == 422
    assert long.strip() in refused.words

    sent = visitor.submit(f"{path}/return", {"comment": "Mind the bus.", "renaming": ""})
    assert sent.to == f"/studies/{study.id}/queue?notice=sent-back"
    assert "Mind the bus." in visit("redactor", study).get(at(study, record, "desk")).words


def test_the_redactors_rating_and_reasons_are_shown(visit: Visit, shared: System, study: StudyPlace) -> None:
    """What stays in the text, why, and what risk is left."""
    record = shared.drafted(study)
    with shared.signed_in("redactor", study) as client:
        client.review.take(study.id)
        spans = client.review.source(study.id, record)["draft"]["texts"]["joining_account"]["spans"]
        spans[0] |= {"accepted": False, "why": "said in public"}
        client.review.edit(study.id, record, version=1, texts={"joining_account": spans})
    redactor = visit("redactor", study)
    redactor.get(at(study, record, "desk"))
    assert change(redactor, at(study, record, "desk"), 2, {}, rating="high", note="mind the bus").status == 200
    redactor.submit(at(study, record, "desk", "finish"), {"version": 3})
    with shared.signed_in("approver", study) as client:
        client.review.take(study.id)
    words = visit("approver", study).get(at(study, record, "approval")).words

    assert "High: somebody will recognize the speaker. mind the bus" in words
    assert "Sameer Rahmanov Person identifies directly Reason: said in public" in words


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        ("finished_by", "You may not approve your own work."),
        ("submitter_id", "You may not approve your own interview."),
    ],
)
def test_ones_own_work_is_explained_and_refused(
    visit: Visit, shared: System, study: StudyPlace, record: UUID, column: str, reason: str
) -> None:
    """The actions are there, off, with the reason; sending the forms all the same does nothing."""
    visitor, path = visit("approver", study), at(study, record, "approval")
    before = visitor.get(path)
    with shared.runtime.transaction() as session:
        mine = {column: study["approver"].id}
        session.execute(update(Record).where(Record.id == record).values(mine))
    page = visitor.get(path)
    off = [found for tag, found in page.reader.attributes if tag == "button" and found.get("aria-disabled") == "true"]

    assert reason in page.words
    assert [found["aria-describedby"] for found in off] == ["why-not", "why-not"]
    assert f"{path}/release" not in [form.action for form in page.forms]
    assert release(visitor, before, path).status == 403
    assert visitor.submit(f"{path}/return", {"comment": "no", "renaming": ""}).status == 403
    with shared.runtime.transaction() as session:
        assert session.get_one(Record, record).release_version == 0


def test_others_do_not_approve(visit: Visit, study: StudyPlace, record: UUID) -> None:
    """Roles that may not see it; the redactor who finished it may look, and not approve."""
    path = at(study, record, "approval")
    seen = {role: visit(role, study).get(path).status for role in ("researcher", "lead", "guardian", "auditor")}
    redactor = visit("redactor", study)

    assert set(seen.values()) == {403}
    assert "You cannot approve this draft." in redactor.get(path).words
    assert redactor.submit(f"{path}/release", {"digest": "00" * 32, "renaming": ""}).status == 403
