"""Pages of protection: threats that wait, triage, hiding a case from research, contact notes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from tests.functional.portal.visitor import Seen, Visitor
from tests.system import StudyPlace, System

Visit = Callable[..., Visitor]
CANARY = "Kestrel-Zanzibar"


@pytest.fixture(scope="module")
def place(shared: System) -> StudyPlace:
    """One study for the module."""
    return shared.first()


def base(place: StudyPlace) -> str:
    """Where the pages stand."""
    return f"/studies/{place.id}/protection"


def threat(shared: System, place: StudyPlace) -> UUID:
    """A record in which a threat came up."""
    answers = shared.body(place)["answers"] | {"threat_disclosed": {"value": "child_at_risk"}}
    return UUID(shared.submit(place, shared.body(place, answers=answers))["record"])


def opened(visit: Visit, place: StudyPlace, record: UUID, who: str = "guardian") -> Seen:
    """The page of a record."""
    return visit(who, place).get(f"{base(place)}/{record}")


def triage(visit: Visit, place: StudyPlace, record: UUID, **changed: str) -> Seen:
    """Send the form of the page that comes, with a decision."""
    guardian = visit("guardian", place)
    path = f"{base(place)}/{record}/triage"
    version = guardian.get(f"{base(place)}/{record}").form(path).fields["version"]
    form = {"version": version, "outcome": "watch", "research": "hide", "note": ""} | changed
    return guardian.submit(path, form)


def test_threats_stand_first(visit: Visit, shared: System, place: StudyPlace) -> None:
    """Those that nobody has looked at stand before all others, under a heading of their own."""
    shared.submit(place)
    record = threat(shared, place)

    page = visit("guardian").get(base(place))

    assert page.reader.headings[1][1].startswith("Threats that nobody has looked at")
    links = [link for link in page.links if link.startswith(f"{base(place)}/")]
    assert links.index(f"{base(place)}/{record}") == 0


def test_a_triaged_threat_waits_no_longer(visit: Visit, shared: System, place: StudyPlace) -> None:
    """The decision is shown with who and when; the list no longer calls it one that nobody has looked at."""
    record = threat(shared, place)

    assert triage(visit, place, record, outcome="act").to == f"{base(place)}?notice=case-hidden"

    words = opened(visit, place, record, "guardian2").words
    assert "Act: somebody is in danger" in words
    assert f"by {place['guardian'].name} on" in words
    page = visit("guardian").get(base(place)).text
    assert page.index("Hidden from research") < page.index(str(record))


def test_a_note_outlives_somebody_elses_triage(visit: Visit, shared: System, place: StudyPlace) -> None:
    """Of two guardians at once the second is told, sees what was decided, and keeps what they wrote."""
    record = threat(shared, place)
    triage(visit, place, record)

    late = triage(visit, place, record, version="0", note="called the sister at noon")

    assert late.status == 409
    assert "Somebody changed this meanwhile" in late.words
    assert "called the sister at noon" in late.words
    assert triage(visit, place, record, version="x").status == 422


def test_page_shows_what_was_said_about_danger(visit: Visit, shared: System, place: StudyPlace) -> None:
    """In the words of the form, and nothing of another compartment."""
    record = threat(shared, place)

    page = opened(visit, place, record)

    assert "A child at risk" in page.words
    assert "Sameer" not in page.text
    assert "barrel bombs" not in page.text.lower()


def test_hiding_and_showing(visit: Visit, shared: System, study: StudyPlace) -> None:
    """A hidden case leaves the researchers' list at once, and comes back when it is shown again."""
    record = shared.released(study)
    address = f"/studies/{study.id}/releases"
    assert str(record) in visit("researcher", study).get(address).text

    triage(visit, study, record, research="hide")
    assert str(record) not in visit("researcher", study).get(address).text

    assert triage(visit, study, record, research="show").to == f"{base(study)}?notice=triaged"
    assert str(record) in visit("researcher", study).get(address).text


def test_notes_are_dated_and_signed(visit: Visit, shared: System, place: StudyPlace) -> None:
    """The newest stands first; a note of a triage stands among them."""
    record = threat(shared, place)
    triage(visit, place, record, note="first word")

    done = visit("guardian2").submit(f"{base(place)}/{record}/notes", {"text": "reached the sister"})

    assert done.to == f"{base(place)}/{record}?notice=noted"
    words = opened(visit, place, record).words
    assert words.index("reached the sister") < words.index("first word")
    assert place["guardian2"].name in words


def test_notes_rest_sealed(visit: Visit, shared: System, place: StudyPlace) -> None:
    """No file of the database holds a word of a note."""
    record = threat(shared, place)
    triage(visit, place, record, note=CANARY)
    visit("guardian").submit(f"{base(place)}/{record}/notes", {"text": CANARY})
    assert opened(visit, place, record).text.count(CANARY) == 2

    files = [path for url in shared.urls for path in _files(url)]

    assert files
    assert not any(CANARY.encode() in content for content in files)


def _files(url: str) -> list[bytes]:
    path = Path(url.partition("///")[2])
    return [each.read_bytes() for each in path.parent.glob(f"{path.name}*")]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"outcome": ""}, "Choose what was decided."),
        ({"research": ""}, "Choose whether research may see the case."),
        ({"note": "x" * 10_001}, "A note has at most 10,000 characters."),
    ],
    ids=["outcome", "research", "note"],
)
def test_triage_that_says_too_little(
    visit: Visit, shared: System, place: StudyPlace, changed: dict[str, str], told: str
) -> None:
    """The page comes again with what is wrong."""
    done = triage(visit, place, threat(shared, place), **changed)

    assert done.status == 422
    assert told in done.words


def test_triage_keeps_what_was_typed(visit: Visit, shared: System, place: StudyPlace) -> None:
    """A note is not lost for a missing choice."""
    done = triage(visit, place, threat(shared, place), outcome="", note=CANARY)

    assert done.status == 422
    assert CANARY in done.text


def test_an_empty_note_is_none(visit: Visit, shared: System, place: StudyPlace) -> None:
    """The page says so."""
    record = threat(shared, place)

    done = visit("guardian").submit(f"{base(place)}/{record}/notes", {"text": " "})

    assert done.status == 422
    assert "Write something." in done.words


def test_an_older_page_decides_nothing(visit: Visit, shared: System, place: StudyPlace) -> None:
    """Somebody decided meanwhile: the page says so, and theirs stands."""
    record = threat(shared, place)
    triage(visit, place, record, outcome="act")

    late = triage(visit, place, record, version="0", outcome="no_action")

    assert late.status == 409
    assert "Act: somebody is in danger" in opened(visit, place, record).words


@pytest.mark.parametrize("who", ["interviewer", "redactor", "approver", "researcher", "lead", "auditor"])
def test_only_guardians_come_in(visit: Visit, shared: System, place: StudyPlace, who: str) -> None:
    """Neither the list nor a record is for anybody else."""
    record = threat(shared, place)

    assert visit(who).get(base(place)).status == 403
    assert opened(visit, place, record, who).status == 403


def test_a_frozen_case_is_listed_and_stays_shut(visit: Visit, shared: System, place: StudyPlace) -> None:
    """The list says that it is frozen; its page does not open."""
    answers = shared.body(place)["answers"] | {"threat_disclosed": {"value": "child_at_risk"}}
    receipt = shared.submit(place, shared.body(place, answers=answers))
    visit("guardian").submit(f"/studies/{place.id}/withdrawals", {"code": receipt["case"]})

    assert "Nothing of a frozen case opens." in visit("guardian").get(base(place)).words
    assert opened(visit, place, UUID(receipt["record"])).status == 409
