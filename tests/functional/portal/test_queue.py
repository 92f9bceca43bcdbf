"""The queue as a page: what waits, in which order, and taking it."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from sqlalchemy import update

from app.access import Role
from app.cases.models import Case, Record
from app.cases.queries import Status
from tests.functional.portal.desks import at, on_the_desk
from tests.functional.portal.visitor import Seen, Visitor
from tests.system import StudyPlace, System

Visit = Callable[..., Visitor]


def queue(study: StudyPlace) -> str:
    """The address of the queue."""
    return f"/studies/{study.id}/queue"


def order(page: Seen) -> list[str]:
    """The records to take, from the top."""
    actions = [form.action.rpartition("/")[2] for form in page.forms if "/queue/" in form.action]
    return [action for action in actions if action != "next"]


def test_priority_comes_first_then_the_oldest(visit: Visit, shared: System, study: StudyPlace) -> None:
    """Whatever the order in which they came in."""
    young, old, urgent = (shared.drafted(study) for _ in range(3))
    with shared.runtime.transaction() as session:
        case = session.get_one(Record, urgent).case_id
        here = Case.study_id == study.id
        session.execute(update(Case).where(here).values(priority=False))
        session.execute(update(Case).where(Case.id == case).values(priority=True))
        session.execute(update(Record).where(Record.id == old).values(received_day="2020-01-01"))

    page = visit("redactor", study).get(queue(study))

    assert order(page) == [str(urgent), str(old), str(young)]
    assert "priority" in page.words
    assert "Jan 1, 2020" in page.words


def test_the_next_one_leads_to_the_desk(visit: Visit, shared: System, study: StudyPlace) -> None:
    """And is then one's own."""
    record = shared.drafted(study)
    visitor = visit("redactor", study)
    visitor.get(queue(study))
    taken = visitor.submit(f"{queue(study)}/next")

    assert taken.to == at(study, record, "desk")
    assert taken.to in visitor.get(queue(study)).links


def test_one_can_be_chosen(visit: Visit, shared: System, study: StudyPlace) -> None:
    """Not only the first."""
    shared.drafted(study)
    second = shared.drafted(study)
    visitor = visit("redactor", study)
    visitor.get(queue(study))

    assert visitor.submit(f"{queue(study)}/{second}").to == at(study, second, "desk")


def test_what_somebody_else_took_cannot_be_taken(visit: Visit, shared: System, study: StudyPlace) -> None:
    """It is not in the queue, and asking for it finds nothing."""
    record = on_the_desk(shared, study)
    other = shared.person(f"second.{study['redactor'].name}")
    lead = shared.actor(study["lead"])
    shared.admit(study.id, lead, other, frozenset({Role.REDACTOR}), shared.actor(other).unlocked().fingerprint)
    visitor = visit(other)

    assert order(visitor.get(queue(study))) == []
    assert visitor.submit(f"{queue(study)}/{record}").status == 404


def test_an_empty_queue_says_so(visit: Visit, study: StudyPlace) -> None:
    """And taking the next one from it comes back with a word."""
    visitor = visit("redactor", study)

    assert "Nothing waits for you." in visitor.get(queue(study)).words
    assert visitor.submit(f"{queue(study)}/next").to == f"{queue(study)}?notice=nothing-waits"


def test_failed_and_finished_ones_stand_apart(visit: Visit, shared: System, study: StudyPlace) -> None:
    """A redactor sees what the machine could not draft; an approver what was finished."""
    shared.finished(study)
    failed = shared.drafted(study)
    with shared.runtime.transaction() as session:
        session.execute(update(Record).where(Record.id == failed).values(status=Status.FAILED))

    redactor, approver = (visit(role, study).get(queue(study)).words for role in ("redactor", "approver"))

    assert "The machine failed" in redactor
    assert "To approve" not in redactor
    assert "To approve 1" in approver
    assert "The machine failed" not in approver


def test_ones_own_finished_draft_waits_for_somebody_else(visit: Visit, shared: System, study: StudyPlace) -> None:
    """Who redacts and approves sees it with an action that is off and says why, and cannot take it."""
    record = shared.finished(study)
    both = frozenset({Role.REDACTOR, Role.APPROVER})
    own = shared.actor(study["redactor"]).unlocked().fingerprint
    shared.admit(study.id, shared.actor(study["lead"]), study["redactor"], both, own)
    visitor = visit("redactor", study)
    page = visitor.get(queue(study))
    off = [found for tag, found in page.reader.attributes if tag == "button" and found.get("aria-disabled") == "true"]

    assert "nobody approves their own draft" in page.words
    assert [found["aria-describedby"] for found in off] == ["why-own"]
    assert visitor.submit(f"{queue(study)}/{record}").status == 404


def test_others_have_no_queue(visit: Visit, study: StudyPlace) -> None:
    """Researchers, guardians and auditors do not even see how much waits."""
    for role in ("researcher", "guardian", "auditor", "interviewer"):
        assert visit(role, study).get(queue(study)).status == 403


def test_a_queue_of_another_study_is_not_there(visit: Visit, shared: System, study: StudyPlace) -> None:
    """As if it did not exist."""
    elsewhere: UUID = shared.first().id
    assert visit("redactor", study).get(f"/studies/{elsewhere}/queue").status == 404
