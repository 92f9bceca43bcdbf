"""How the service is doing: counts over all studies, for admins alone."""

from __future__ import annotations

import pytest

from app.cases.health import Health, service_health
from app.errors import Forbidden
from tests.system import System


def seen(system: System) -> Health:
    """What the admin sees now."""
    actor = system.actor(system.admin)
    with system.runtime.transaction() as session:
        return service_health(session, system.collaborators, actor)


def test_what_waits_is_counted_over_all_studies(system: System) -> None:
    """Records by stage, the age of the oldest that waits, and grants under keys that were replaced."""
    study, other = system.study(), system.study("Another", prefix="o.")
    system.drafted(study)
    system.clock.advance(days=3)
    for place in (study, other):
        system.submit(place)
    with system.signed_in("lead", study) as client:
        client.studies.remove(study.id, study["guardian2"].id)

    health = seen(system)

    assert (health.stages, health.oldest_days) == ({"drafted": 1, "received": 2}, 3)
    # Two grants of each of the study's two records are the guardians'.
    assert health.to_move == 4
    assert (health.users_off, health.admins, health.devices_active) == (0, 1, 0)


@pytest.mark.parametrize("who", ["lead", "researcher", "auditor"])
def test_only_admins_see_it(system: System, who: str) -> None:
    """The service asks, not only the route."""
    actor = system.acting(who)

    with system.runtime.transaction() as session, pytest.raises(Forbidden):
        service_health(session, system.collaborators, actor)
