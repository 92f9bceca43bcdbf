"""Pages of a study's people: looking up, admitting, confirming, removing, moving grants."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest

from tests.functional.portal.visitor import Seen, Visitor
from tests.people import Person
from tests.system import StudyPlace, System

Visit = Callable[..., Visitor]


@pytest.fixture
def place(shared: System) -> StudyPlace:
    """A study of the test's own, with everybody in it."""
    prefix = uuid4().hex[:6]
    return shared.study(f"Study {prefix}", prefix=f"{prefix}.")


def admit(visitor: Visitor, place: StudyPlace, person: Person, **form: str) -> Seen:
    """Look somebody up and send the form of the page that comes."""
    page = visitor.get(f"/studies/{place.id}/candidates?name={person.name}")
    sent = page.form(f"/studies/{place.id}/members/{person.id}").fields
    filled = {name: sent[name] for name in ("name", "fingerprint")} | {
        "compared": "on",
        "roles": "researcher",
        "expires": "",
    }
    return visitor.submit(f"/studies/{place.id}/members/{person.id}", filled | form)


def test_members_and_teams_are_listed(visit: Visit, place: StudyPlace) -> None:
    """Everybody of the study sees its people, their roles and the teams."""
    page = visit("researcher", place).get(f"/studies/{place.id}/members")
    assert page.status == 200
    assert all(word in page.words for word in (place["lead"].name, "Guardian", "handed over", "number 1"))


def test_only_a_lead_is_offered_to_admit_and_remove(visit: Visit, place: StudyPlace) -> None:
    """What somebody may not do is not offered."""
    address = f"/studies/{place.id}/members"
    assert any(link.endswith("/removal") for link in visit("lead", place).get(address).links)
    assert not any(link.endswith("/removal") for link in visit("researcher", place).get(address).links)


def test_candidate_page_shows_the_words_to_compare(visit: Visit, shared: System, place: StudyPlace) -> None:
    """The lead sees what the person reads aloud."""
    person = shared.person(f"new-{uuid4().hex[:6]}")
    page = visit("lead", place).get(f"/studies/{place.id}/candidates?name={person.name}")
    own = visit(person).get("/account")
    shown = [word for word in page.reader.texts if word in own.reader.texts and word.isalpha() and word.islower()]
    assert len(shown) >= 32


def test_unknown_candidate_is_said_so(visit: Visit, place: StudyPlace) -> None:
    """A name that nobody has."""
    page = visit("lead", place).get(f"/studies/{place.id}/candidates?name=nobody-of-this-name")
    assert page.status == 404
    assert "no active account" in page.words


def test_admission_and_confirmation_by_pages(visit: Visit, shared: System, place: StudyPlace) -> None:
    """A lead admits, a present member confirms, and the newcomer then holds the keys."""
    person = shared.person(f"new-{uuid4().hex[:6]}")
    done = admit(visit("lead", place), place, person)
    assert done.to == f"/studies/{place.id}/members?notice=admitted"
    member = visit("researcher", place)
    address = f"/studies/{place.id}/members/{person.id}/confirmation"
    assert "waits for confirmation" in member.get(f"/studies/{place.id}/members").words
    fields = member.get(address).form(address).fields
    confirmed = member.submit(address, {"fingerprint": fields["fingerprint"], "compared": "on"})
    assert confirmed.to.endswith("?notice=confirmed")
    assert "waits for confirmation" not in member.follow(confirmed).words


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"roles": ""}, "Choose at least one role."),
        ({"expires": "soon"}, "Give a day"),
        ({"expires": "2001-01-01"}, "Must lie in the future."),
        ({"compared": ""}, ""),
    ],
    ids=["no role", "no day", "past", "compared"],
)
def test_flaws_of_an_admission_are_said_in_place(
    visit: Visit, shared: System, place: StudyPlace, form: dict[str, str], says: str
) -> None:
    """The page comes again with what is wrong, and what was entered."""
    person = shared.person(f"new-{uuid4().hex[:6]}")
    answer = admit(visit("lead", place), place, person, **form)
    if says:
        assert (answer.status, says in answer.words) == (422, True)
    else:
        assert answer.status == 303


def test_a_swapped_fingerprint_is_refused(visit: Visit, shared: System, place: StudyPlace) -> None:
    """What the form names must be the person's present key."""
    person = shared.person(f"new-{uuid4().hex[:6]}")
    assert admit(visit("lead", place), place, person, fingerprint="00" * 32).status == 409


def test_removal_says_what_it_does_and_does_it(visit: Visit, shared: System, place: StudyPlace) -> None:
    """The preview counts; afterwards the person is out, and grants wait to be moved."""
    record = shared.drafted(place)
    lead, gone = visit("lead", place), place["guardian2"]
    address = f"/studies/{place.id}/members/{gone.id}/removal"
    preview = lead.get(address)
    assert "key number 2" in preview.words
    assert "wait to be moved" in preview.words or "waits to be moved" in preview.words
    assert lead.submit(address).to == f"/studies/{place.id}/members?notice=removed"
    assert visit(gone).get(f"/studies/{place.id}/members").status == 404
    guardian = visit("guardian", place)
    moves = f"/studies/{place.id}/teams/guardians/moves"
    assert "0 of" in guardian.get(moves).words
    done = guardian.submit(moves)
    assert done.to.startswith(f"/studies/{place.id}/members")
    assert record is not None


def test_moves_answer_a_script_with_numbers(visit: Visit, shared: System, place: StudyPlace) -> None:
    """The progress bar is fed by data, in the reader's language."""
    shared.drafted(place)
    lead = visit("lead", place)
    lead.submit(f"/studies/{place.id}/members/{place['guardian2'].id}/removal")
    answer = (
        visit("guardian", place).submit(f"/studies/{place.id}/teams/guardians/moves", accept="application/json").answer
    )
    assert answer.json()["left"] == 0
    assert answer.json()["done"] > 0


def test_last_lead_cannot_be_removed_and_the_page_says_why(visit: Visit, place: StudyPlace) -> None:
    """The action is disabled with a reason; the server refuses anyway."""
    lead = visit("lead", place)
    address = f"/studies/{place.id}/members/{place['lead'].id}/removal"
    page = lead.get(address)
    assert "last lead" in page.words
    assert any(tag == "button" and "disabled" in found for tag, found in page.reader.attributes)
    assert lead.submit(address).status == 409


def test_old_factor_asks_for_a_code_and_goes_on(visit: Visit, shared: System, place: StudyPlace) -> None:
    """Ten minutes after signing in, a page asks for a code, and then goes on with the form that was sent."""
    visitor = visit("lead", place, fresh=True)
    gone = place["guardian2"]
    address = f"/studies/{place.id}/members/{gone.id}/removal"
    visitor.get(address)
    shared.clock.advance(minutes=10)
    asked = visitor.submit(address)
    assert asked.status == 403
    assert "step_up_code" in asked.form(address).fields
    again = visitor.submit(address, {"step_up_code": "000000"})
    assert "wrong or was used" in again.words
    shared.clock.advance(seconds=30)
    done = visitor.submit(address, {"step_up_code": shared.code(place["lead"])})
    assert done.to.endswith("?notice=removed")
