"""Releases as pages: reading, reporting a passage, cutting, samples."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest

from tests.functional.portal.desks import TEXT
from tests.functional.portal.visitor import Seen, Visitor
from tests.system import StudyPlace, System

Visit = Callable[..., Visitor]
PASSAGE = "driving deliveries"


@pytest.fixture
def record(shared: System, study: StudyPlace) -> UUID:
    """A released record."""
    return shared.released(study)


def place(study: StudyPlace, record: UUID) -> str:
    """The address of a release."""
    return f"/studies/{study.id}/releases/{record}"


def report(visitor: Visitor, study: StudyPlace, record: UUID, passage: str = PASSAGE, why: str = "his job") -> Seen:
    """Report a passage."""
    form = {"field": TEXT, "passage": passage, "reason": why}
    return visitor.submit(f"{place(study, record)}/reports", form)


def test_readers_find_and_read_a_release(visit: Visit, study: StudyPlace, record: UUID) -> None:
    """Researchers, leads and approvers; with labels, and none of the names."""
    for role in ("researcher", "lead", "approver"):
        visitor = visit(role, study)
        listed = visitor.get(f"/studies/{study.id}/releases")
        assert place(study, record) in listed.links
        page = visitor.get(place(study, record))
        assert "My name is [PERSON-01]" in page.words
        assert "Year of birth 18-24" in page.words
        assert "Sameer" not in page.text


def test_others_read_nothing(visit: Visit, study: StudyPlace, record: UUID) -> None:
    """Redactors, guardians, auditors and interviewers."""
    for role in ("redactor", "guardian", "auditor", "interviewer"):
        assert visit(role, study).get(place(study, record)).status == 403


def test_a_report_hides_the_release_at_once(visit: Visit, study: StudyPlace, record: UUID) -> None:
    """From everybody but approvers, who see that it is reported."""
    visitor = visit("researcher", study)
    visitor.get(place(study, record))
    done = report(visitor, study, record)

    assert done.to == f"/studies/{study.id}/releases?notice=reported"
    assert place(study, record) not in visitor.follow(done).links
    assert visitor.get(place(study, record)).status == 404
    assert visit("lead", study).get(place(study, record)).status == 404
    assert f"{place(study, record)}/cut" in visit("approver", study).get(f"/studies/{study.id}/releases").links


def test_words_that_are_not_in_the_text_report_nothing(visit: Visit, study: StudyPlace, record: UUID) -> None:
    """And a report needs a reason; what was entered stays."""
    visitor = visit("researcher", study)
    visitor.get(place(study, record))
    for passage, why in (("zzyzx", "his job"), (PASSAGE, " ")):
        refused = report(visitor, study, record, passage, why)
        assert refused.status == 422
        assert passage in refused.words
    assert visitor.get(place(study, record)).status == 200


def test_blanks_do_not_matter_in_copied_words(visit: Visit, study: StudyPlace, record: UUID) -> None:
    """A browser breaks lines where the text has none."""
    visitor = visit("researcher", study)
    visitor.get(place(study, record))
    assert report(visitor, study, record, " driving\r\n  deliveries ").to.endswith("reported")


def test_a_cut_answers_the_reports(visit: Visit, study: StudyPlace, record: UUID) -> None:
    """The passage goes, and words and answers that the approver adds; readers see the next release."""
    reader, approver = visit("researcher", study), visit("approver", study)
    reader.get(place(study, record))
    report(reader, study, record)
    page = approver.get(f"{place(study, record)}/cut")
    assert f"{PASSAGE} Reason: his job" in page.words
    sent = page.form(f"{place(study, record)}/cut").fields
    form = {name: sent[name] for name in ("digest", "report", "passage")}
    cut = approver.submit(f"{place(study, record)}/cut", form | {f"words-{TEXT}": "sports bag", "drop": "gender"})

    assert cut.to == f"{place(study, record)}?notice=cut"
    page = reader.get(place(study, record))
    assert "I was [CUT] in [PLACE-01]" in page.words.replace(": distinctive event]", "]")
    assert PASSAGE not in page.words
    assert "sports bag" not in page.words
    assert "Gender withheld" in page.words


def test_words_are_cut_wherever_they_stand(visit: Visit, shared: System, study: StudyPlace) -> None:
    """In any case of letters; other words that only begin like them stay."""
    words = "We slept in the old barn. No old barns were safe. Old barn or not, we stayed in that old barn."
    answers = shared.body(study)["answers"] | {TEXT: {"value": words}}
    record = shared.released(study, body=shared.body(study, answers=answers))
    approver, path = visit("approver", study), f"{place(study, record)}/cut"
    digest = approver.get(path).form(path).fields["digest"]

    done = approver.submit(path, {"digest": digest, f"words-{TEXT}": "old barn"})

    assert done.to.endswith("notice=cut")
    shown = visit("researcher", study).get(place(study, record)).words.lower()
    assert "old barns were safe" in shown
    assert "old barn" not in shown.replace("old barns", "")


def test_a_report_of_words_cuts_them_everywhere(visit: Visit, shared: System, study: StudyPlace) -> None:
    """Of words that stand twice nobody can tell which were meant."""
    words = "They kept it near the red mill. Everybody knows the red mill."
    answers = shared.body(study)["answers"] | {TEXT: {"value": words}}
    record = shared.released(study, body=shared.body(study, answers=answers))
    reader, approver = visit("researcher", study), visit("approver", study)
    reader.get(place(study, record))
    report(reader, study, record, "the red mill")
    path = f"{place(study, record)}/cut"
    sent = approver.get(path).form(path).fields

    approver.submit(path, {name: sent[name] for name in ("digest", "report", "passage")})

    assert "red mill" not in reader.get(place(study, record)).words


def test_endless_words_are_not_looked_for(visit: Visit, study: StudyPlace, record: UUID) -> None:
    """Nobody copies that much from a text, and a search for it would take long."""
    reader, approver, path = visit("researcher", study), visit("approver", study), f"{place(study, record)}/cut"
    endless = "driving " * 100_000
    reader.get(place(study, record))
    assert report(reader, study, record, endless).status == 422
    digest = approver.get(path).form(path).fields["digest"]
    assert approver.submit(path, {"digest": digest, f"words-{TEXT}": endless}).status == 422


def test_a_cut_of_nothing_is_refused(visit: Visit, study: StudyPlace, record: UUID) -> None:
    """And so are words that do not stand there, and a page that is old."""
    approver, path = visit("approver", study), f"{place(study, record)}/cut"
    digest = approver.get(path).form(path).fields["digest"]

    assert approver.submit(path, {"digest": digest}).status == 422
    assert approver.submit(path, {"digest": digest, f"words-{TEXT}": "zzyzx"}).status == 422
    assert approver.submit(path, {"digest": "00" * 32, "drop": "gender"}).status == 409
    assert approver.submit(path, {"digest": "no", "drop": "gender"}).status == 422


def test_a_cut_asks_for_a_fresh_factor(visit: Visit, shared: System, study: StudyPlace, record: UUID) -> None:
    """As a release does."""
    approver, path = visit("approver", study), f"{place(study, record)}/cut"
    digest = approver.get(path).form(path).fields["digest"]
    shared.clock.advance(minutes=6)

    assert "Confirm that it is you" in approver.submit(path, {"digest": digest, "drop": "gender"}).words


def test_samples_are_drawn_for_auditors(visit: Visit, study: StudyPlace, record: UUID) -> None:
    """An approver draws; auditors find it in their list for two weeks."""
    auditor, listing = visit("auditor", study), f"/studies/{study.id}/samples"
    assert "No sample is drawn" in auditor.get(listing).words
    assert auditor.get(f"{listing}/{record}").status == 404

    approver = visit("approver", study)
    approver.get(place(study, record))
    assert approver.submit(f"{place(study, record)}/sample").to == f"{place(study, record)}?notice=sample-drawn"
    assert approver.submit(f"{place(study, record)}/sample").status == 409

    assert f"{listing}/{record}" in auditor.get(listing).links
    assert "My name is [PERSON-01]" in auditor.get(f"{listing}/{record}").words


def test_a_sample_ends_after_two_weeks(visit: Visit, shared: System, study: StudyPlace, record: UUID) -> None:
    """The list no longer names it."""
    approver, listing = visit("approver", study), f"/studies/{study.id}/samples"
    approver.get(place(study, record))
    approver.submit(f"{place(study, record)}/sample")
    shared.clock.advance(days=15)
    auditor = visit("auditor", study)

    assert "No sample is drawn" in auditor.get(listing).words
    assert auditor.get(f"{listing}/{record}").status in {404, 410}


def test_an_auditor_reports_what_a_sample_shows(visit: Visit, study: StudyPlace, record: UUID) -> None:
    """And comes back to the samples."""
    approver, auditor = visit("approver", study), visit("auditor", study)
    approver.get(place(study, record))
    approver.submit(f"{place(study, record)}/sample")
    auditor.get(f"/studies/{study.id}/samples/{record}")

    assert report(auditor, study, record).to == f"/studies/{study.id}/samples?notice=reported"
    assert auditor.get(f"/studies/{study.id}/samples/{record}").status == 404


def test_titles_and_addresses_hold_only_the_cases_code(visit: Visit, study: StudyPlace, record: UUID) -> None:
    """No words of a release."""
    page = visit("researcher", study).get(place(study, record))
    title = page.text[page.text.index("<title>") : page.text.index("</title>")]
    assert "PERSON" not in title
    assert title.startswith("<title>Release of ")
    assert page.answer.headers["cache-control"] == "no-store"
