"""Pages of disclosure: asking, answering, reading for an hour, reopening."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text

from app.audit.models import Event
from app.review.models import Ask
from tests.functional.portal.visitor import Seen, Visitor
from tests.system import StudyPlace, System

Visit = Callable[..., Visitor]
REASON = "His brother has to be warned today."
NAME = "Sameer Idris Rahmanov"
CODE = r"\b[2-9A-Z]{4}-[2-9A-Z]{4}\b"


@pytest.fixture(scope="module")
def place(shared: System) -> StudyPlace:
    """One study for the module."""
    return shared.first()


@pytest.fixture(scope="module")
def record(shared: System, place: StudyPlace) -> UUID:
    """A released record: identity and source need two people."""
    return shared.released(place)


def base(place: StudyPlace) -> str:
    """Where the pages stand."""
    return f"/studies/{place.id}/disclosures"


def asked(visit: Visit, shared: System, place: StudyPlace, record: UUID, *fields: str, kind: str = "identity") -> str:
    """Ask by the page; the address of the ask."""
    before = asks(shared)
    pairs = [("field", name) for name in fields or ("legal_name",)] + [("reason", REASON)]
    done = visit("guardian", place).submit(f"{base(place)}/records/{record}/{kind}", pairs)
    assert done.to == f"{base(place)}?notice=asked", done.text
    (new,) = asks(shared) - before
    return f"{base(place)}/{new}"


def asks(shared: System) -> set[UUID]:
    """Every ask there is."""
    with shared.runtime.glance() as session:
        return set(session.scalars(select(Ask.id)))


def approved(
    visit: Visit, shared: System, place: StudyPlace, record: UUID, *fields: str, kind: str = "identity"
) -> str:
    """Ask and approve by the pages; the address of the ask."""
    address = asked(visit, shared, place, record, *fields, kind=kind)
    auditor = visit("auditor", place)
    digest = auditor.get(address).form(f"{address}/approval").fields["digest"]
    assert auditor.submit(f"{address}/approval", {"digest": digest}).to == f"{base(place)}?notice=ask-approved"
    return address


def read(visit: Visit, address: str) -> Seen:
    """Open the fields as the guardian who asked."""
    return visit("guardian").submit(f"{address}/reading")


def test_named_fields_are_shown_to_the_asker(visit: Visit, shared: System, place: StudyPlace, record: UUID) -> None:
    """After the approval the page shows the named fields in words, and no other."""
    address = approved(visit, shared, place, record, "legal_name", "safe_contact")

    page = read(visit, address)

    assert page.status == 200
    assert all(word in page.words for word in (NAME, "+44 7700 900417", "Phone", "Legal name"))
    assert "Daoud" not in page.text


def test_the_form_is_the_same_for_every_record(visit: Visit, shared: System, place: StudyPlace, record: UUID) -> None:
    """Whether a name was given cannot be told from the form of an ask."""
    given = shared.body(place)["answers"]
    nameless = {name: answer for name, answer in given.items() if name not in {"legal_name", "safe_contact"}}
    other = UUID(shared.submit(place, shared.body(place, answers=nameless))["record"])
    guardian = visit("guardian")

    shown = [
        re.sub(CODE, "CODE", guardian.get(f"{base(place)}/records/{each}/identity").text.replace(str(each), "RECORD"))
        for each in (record, other)
    ]

    assert shown[0] == shown[1]
    assert "legal_name" in shown[0]


def test_auditors_find_what_waits(visit: Visit, shared: System, place: StudyPlace, record: UUID) -> None:
    """The list leads to the ask, which shows who asks, for what and why."""
    address = asked(visit, shared, place, record)
    auditor = visit("auditor")

    assert address in auditor.get(base(place)).links
    page = auditor.get(address)

    assert all(word in page.words for word in (REASON, "Legal name", place["guardian"].name))
    assert NAME not in page.text


def test_an_old_factor_is_given_again(visit: Visit, shared: System, place: StudyPlace, record: UUID) -> None:
    """Approving with a code of six minutes ago asks for a new one, and then approves the same ask."""
    address = asked(visit, shared, place, record)
    auditor = visit("auditor")
    digest = auditor.get(address).form(f"{address}/approval").fields["digest"]
    shared.clock.advance(minutes=6)

    step = auditor.submit(f"{address}/approval", {"digest": digest})
    assert step.status == 403
    assert step.form(f"{address}/approval").fields["digest"] == digest
    done = auditor.submit(f"{address}/approval", {"digest": digest, "step_up_code": shared.code(place["auditor"])})

    assert done.to == f"{base(place)}?notice=ask-approved"


def test_an_approval_of_something_else_is_refused(
    visit: Visit, shared: System, place: StudyPlace, record: UUID
) -> None:
    """The form names the digest of what was read."""
    address = asked(visit, shared, place, record)

    assert visit("auditor").submit(f"{address}/approval", {"digest": "0" * 64}).status == 409
    assert read(visit, address).status == 409


def test_a_refusal_reaches_the_asker(visit: Visit, shared: System, place: StudyPlace, record: UUID) -> None:
    """The guardian reads why, and nothing opens."""
    address = asked(visit, shared, place, record)

    done = visit("auditor").submit(f"{address}/refusal", {"reason": "Ask the family first."})

    assert done.to == f"{base(place)}?notice=ask-refused"
    assert "Ask the family first." in visit("guardian").get(address).words
    assert read(visit, address).status == 409


def test_a_refusal_needs_a_reason(visit: Visit, shared: System, place: StudyPlace, record: UUID) -> None:
    """Without one the page comes again and says so."""
    address = asked(visit, shared, place, record)

    done = visit("auditor").submit(f"{address}/refusal", {"reason": "  "})

    assert done.status == 422
    assert "Give a reason" in done.words
    assert f"{address}/approval" in [form.action for form in done.forms]


def test_an_ask_without_a_field_keeps_the_reason(visit: Visit, place: StudyPlace, record: UUID) -> None:
    """Flaws are told, and what was typed stays."""
    done = visit("guardian").submit(f"{base(place)}/records/{record}/identity", {"reason": REASON})

    assert done.status == 422
    assert REASON in done.text
    assert "Name fields of this compartment." in done.words


def test_an_ask_for_a_field_of_elsewhere_is_refused(visit: Visit, place: StudyPlace, record: UUID) -> None:
    """A form that names a field of another compartment asks for nothing."""
    pairs = [("field", "joining_account"), ("reason", REASON)]

    assert visit("guardian").submit(f"{base(place)}/records/{record}/identity", pairs).status == 422


def test_the_page_ends_at_its_second(visit: Visit, shared: System, place: StudyPlace, record: UUID) -> None:
    """It tells the browser when to leave it; at the hour the server shows nothing any more."""
    address = approved(visit, shared, place, record)
    begin = shared.clock.now.replace(microsecond=0)
    shared.clock.now = begin + timedelta(minutes=59, seconds=40)

    page = read(visit, address)
    left, _, back = page.answer.headers["refresh"].partition("; url=")
    assert NAME in page.text
    assert 0 < int(left) <= 20
    assert back == address

    shared.clock.now = begin + timedelta(minutes=60)
    late = read(visit, address)
    assert late.status == 410
    assert NAME not in late.text
    assert "The time is over." in visit("guardian").get(address).words


def test_nothing_is_kept_and_nothing_is_printed(visit: Visit, shared: System, place: StudyPlace, record: UUID) -> None:
    """No cache keeps the page, its title names nobody, and the style sheet prints nothing."""
    page = read(visit, approved(visit, shared, place, record))

    assert page.answer.headers["cache-control"] == "no-store"
    title = re.search(r"<title>(.*?)</title>", page.text)
    assert title is not None
    assert title[1] == "Disclosed fields · Testimony"
    sheet = next(found["href"] for tag, found in page.reader.attributes if found.get("rel") == "stylesheet")
    assert "@media print { body { display: none; } }" in visit("guardian").get(sheet).text


def test_what_is_left_in_a_history_shows_nothing(visit: Visit, shared: System, place: StudyPlace, record: UUID) -> None:
    """The same address, asked for as a history does, leads to the ask."""
    address = approved(visit, shared, place, record)

    again = visit("guardian").get(f"{address}/reading")

    assert again.to == address
    assert NAME not in visit("guardian").follow(again).text


def test_the_page_carries_the_readers_name(visit: Visit, shared: System, place: StudyPlace, record: UUID) -> None:
    """Many times over, and not as text that can be selected or is read aloud."""
    page = read(visit, approved(visit, shared, place, record))

    marks = [found["data-mark"] for _, found in page.reader.attributes if "data-mark" in found]

    assert len(marks) >= 48
    assert all(mark.startswith(place["guardian"].name) for mark in marks)


def test_only_the_asker_reads(visit: Visit, shared: System, place: StudyPlace, record: UUID) -> None:
    """Not another guardian, not the auditor who approved, not a lead."""
    address = approved(visit, shared, place, record)

    statuses = {who: visit(who).submit(f"{address}/reading").status for who in ("guardian2", "auditor", "lead")}

    assert statuses == {"guardian2": 404, "auditor": 403, "lead": 403}
    assert visit("guardian2").get(address).status == 404


def test_lists_hold_no_word_of_an_ask(visit: Visit, shared: System, place: StudyPlace, record: UUID) -> None:
    """Neither the reason nor the fields stand in a list."""
    approved(visit, shared, place, record)

    for who in ("guardian", "auditor"):
        page = visit(who).get(base(place))
        assert page.status == 200
        assert REASON not in page.text
        assert "Legal name" not in page.text


def test_source_opens_in_the_words_of_the_form(visit: Visit, shared: System, place: StudyPlace, record: UUID) -> None:
    """Countries, days and choices are shown as people say them."""
    address = approved(visit, shared, place, record, "nationality", "interview_date", "gender", kind="source")

    page = read(visit, address)

    assert all(word in page.words for word in ("United Kingdom", "May 18, 2016", "Man"))


def test_reopening_by_the_pages(visit: Visit, shared: System, study: StudyPlace) -> None:
    """An approved ask to reopen gives the redactors the source back; nobody reads it on the way."""
    sealed = shared.released(study)
    address = approved(visit, shared, study, sealed, kind="reopen")
    guardian = visit("guardian", study)
    assert f"{address}/reading" not in [form.action for form in guardian.get(address).forms]

    done = guardian.submit(f"{address}/reopening")

    assert done.to == f"{base(study)}?notice=reopened"
    assert str(sealed) in visit("redactor", study).get(f"/studies/{study.id}/queue").text


def test_an_ask_to_train_does_not_look_like_an_ask_to_read(
    visit: Visit, shared: System, place: StudyPlace, record: UUID
) -> None:
    """Whoever approves is told that whole texts go out; no page shows them."""
    with shared.signed_in("guardian", place) as client:
        asked = client.disclosures.ask(
            place.id, record, scope="source", fields=["joining_account"], reason="to find more names", purpose="train"
        )
    address = f"{base(place)}/{asked}"
    auditor = visit("auditor", place)

    assert "take whole texts out, with every name marked" in auditor.get(address).words
    assert "take whole texts out, with every name marked" in auditor.get(base(place)).words
    digest = auditor.get(address).form(f"{address}/approval").fields["digest"]
    auditor.submit(f"{address}/approval", {"digest": digest})
    guardian = visit("guardian", place)
    page = guardian.get(address)
    assert "A program fetches these texts" in page.words
    assert f"{address}/reading" not in [form.action for form in page.forms]
    assert guardian.submit(f"{address}/reading").status == 409


def test_nothing_is_asked_about_a_frozen_case(visit: Visit, shared: System, place: StudyPlace) -> None:
    """The form explains why its button does nothing, and the server refuses anyway."""
    receipt = shared.submit(place)
    visit("guardian").submit(f"/studies/{place.id}/withdrawals", {"code": receipt["case"]})
    address = f"{base(place)}/records/{receipt['record']}/identity"

    page = visit("guardian").get(address)
    assert 'aria-disabled="true" aria-describedby="why-ask"' in page.text
    pairs = [("field", "legal_name"), ("reason", REASON)]
    assert visit("guardian").submit(address, pairs).status == 409


@contextmanager
def trail_full(shared: System) -> Iterator[None]:
    """Nothing can be written to the trail."""
    with shared.runtime.engine.begin() as connection:
        connection.execute(text("CREATE TRIGGER full BEFORE INSERT ON event BEGIN SELECT RAISE(FAIL, 'full'); END"))
    try:
        yield
    finally:
        with shared.runtime.engine.begin() as connection:
            connection.execute(text("DROP TRIGGER full"))


def test_nothing_is_read_that_the_trail_cannot_hold(
    visit: Visit, shared: System, place: StudyPlace, record: UUID
) -> None:
    """The page says that it is not possible at the moment, and shows no field."""
    address = approved(visit, shared, place, record)
    guardian = visit("guardian")
    guardian.get(base(place))

    with trail_full(shared):
        refused = guardian.submit(f"{address}/reading")

    assert refused.status >= 500
    assert NAME not in refused.text
    assert "<h1>" in refused.text


def test_reading_is_written_each_time(visit: Visit, shared: System, place: StudyPlace, record: UUID) -> None:
    """Every look at the fields is an event of its own."""
    address = approved(visit, shared, place, record)

    for _ in range(2):
        read(visit, address)

    with shared.runtime.glance() as session:
        rows = session.scalars(select(Event).where(Event.action == "disclosure.read")).all()
    assert sum(row.details["ask"] == address.rpartition("/")[2] for row in rows) == 2
