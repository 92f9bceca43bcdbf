"""A study in numbers: right ones, and none that is about a person."""

from __future__ import annotations

import pytest

from app.access import Actor
from app.cases.dashboard import Count, Dashboard, dashboard
from app.errors import Forbidden
from tests.clock import Clock
from tests.functional.caller import Caller
from tests.system import StudyPlace, System


def seen(system: System, study: StudyPlace | None = None) -> Dashboard:
    """What the lead sees now."""
    actor = system.acting("lead", study)
    with system.runtime.transaction() as session:
        return dashboard(session, system.collaborators, actor)


def counts(told: tuple[Count, ...]) -> dict[str, int]:
    """The numbers that are told."""
    return {each.name: each.count for each in told if each.count is not None}


def test_fewer_than_five_are_not_told(system: System) -> None:
    """Four look like none; the fifth is seen, in its week, at its stage and at its age."""
    for _ in range(4):
        system.submit()
    week = "{}-W{:02d}".format(*system.clock.now.isocalendar())
    before = seen(system)

    system.submit()

    after = seen(system)
    assert [counts(part) for part in (before.weeks, before.stages, before.ages)] == [{}, {}, {}]
    assert [counts(part) for part in (after.weeks, after.stages, after.ages)] == [
        {week: 5},
        {"received": 5},
        {"0-6": 5},
    ]
    assert [each.name for each in before.weeks][-1] == week
    assert len(before.weeks) == 12


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> System:
    """A system whose first study has five drafted cases of a month ago and six fresh ones."""
    system = System(tmp_path_factory.mktemp("dashboard") / "data", "sqlite", Clock())
    codes = [system.submit()["case"] for _ in range(5)]
    system.redact_all()
    system.clock.advance(days=28)
    for _ in range(6):
        system.submit()
    system.submit(body=system.body(case=codes[0]))
    return system


def test_cases_are_counted_and_not_records(place: System) -> None:
    """A second interview makes no second case: it is as old as its oldest record and stands where the least stands."""
    told = seen(place)

    assert counts(told.ages) == {"0-6": 6, "28+": 5}
    assert counts(told.stages) == {"received": 7}
    assert sorted(counts(told.weeks).values()) == [5, 6]


def test_a_frozen_case_waits_for_nothing(place: System) -> None:
    """It stands by itself, and is too few to be told."""
    caller = Caller(place)
    before = seen(place)
    code = place.submit()["case"]
    study = place.first()
    assert caller("interviewer", "POST", f"/v1/studies/{study.id}/cases/{code}/withdrawal").status_code == 204
    caller.close()

    after = seen(place)

    assert (after.ages, after.stages) == (before.ages, before.stages)


def test_numbers_of_another_study_are_not_mixed_in(place: System) -> None:
    """Each lead sees the own study."""
    other = place.study("Another", prefix="o.")

    assert counts(seen(place, other).weeks) == {}


@pytest.mark.parametrize("who", ["researcher", "approver", "guardian", "auditor", "redactor", "interviewer"])
def test_only_leads_see_it(place: System, who: str) -> None:
    """The service asks, not only the route."""
    actor: Actor = place.acting(who)

    with place.runtime.transaction() as session, pytest.raises(Forbidden):
        dashboard(session, place.collaborators, actor)
