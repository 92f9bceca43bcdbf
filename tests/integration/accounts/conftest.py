"""A house with one admin and one interviewer, on each database."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, insert

from app.access import Actor
from app.collaborators import Collaborators
from app.custody.file import FileCustody
from app.db import make_engine
from app.keystore.service import Keystore
from app.studies.models import Study
from tests.clock import Clock
from tests.people import NO_FILES, CountingCustody, House, Person, create_pepper


@pytest.fixture
def counting(custody: FileCustody) -> CountingCustody:
    """Custody with a pepper, that counts."""
    create_pepper(custody)
    return CountingCustody(custody)


@pytest.fixture
def house(main_engine: Engine, counting: CountingCustody, deployment: UUID, clock: Clock) -> Iterator[House]:
    """One node. Accounts never use the keystore, so it has none behind it."""
    none = make_engine("sqlite://", journal="delete")
    keystore = Keystore(none, counting, deployment, clock)
    yield House(main_engine, Collaborators(deployment, counting, keystore, clock, NO_FILES), clock)
    none.dispose()


@pytest.fixture
def admin(house: House) -> Actor:
    """The admin, signed in."""
    return house.actor(house.admin())


@pytest.fixture
def amal(house: House, admin: Actor) -> Person:
    """Somebody with an account, not signed in yet."""
    return house.person(admin, "amal")


@pytest.fixture
def study(house: House) -> UUID:
    """A study's row, for what refers to one."""
    study = uuid4()
    with house.transaction() as session:
        values = {"id": study, "name": "A study", "policy": {}, "created_day": house.collaborators.today()}
        session.execute(insert(Study).values(values))
    return study
