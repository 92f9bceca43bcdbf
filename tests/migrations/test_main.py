from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect

from app import bootstrap, schema
from app.db import Base
from tests.databases import Kind, opened
from tests.system import System

FIRST = "0001"
# Whoever imports this module has imported every model, and with it filled the metadata.
MODELS = bootstrap.MODELS


@pytest.fixture
def bare_engine(database_kind: Kind) -> Iterator[Engine]:
    """A database without any schema."""
    with opened(database_kind, None) as engine:
        yield engine


def test_the_schema_goes_up_down_and_up(bare_engine: Engine) -> None:
    """Each way ends where it says it does, and down leaves no table of ours."""
    schema.upgrade(bare_engine, "main")
    assert schema.current(bare_engine) == schema.head("main")

    schema.downgrade(bare_engine, "main")
    assert schema.current(bare_engine) is None
    assert set(inspect(bare_engine).get_table_names()) == {"alembic_version"}

    schema.upgrade(bare_engine, "main")
    assert set(Base.metadata.tables) < set(inspect(bare_engine).get_table_names())


def test_the_migrations_make_what_the_models_say(main_engine: Engine) -> None:
    """No table, column, constraint or index differs between the migrated database and the models."""
    with main_engine.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_a_running_system_survives_a_way_down_and_up_again(system: System) -> None:
    """What services stored is read by services afterwards: nothing of it was touched on the way."""
    record: UUID = system.released()
    waiting: UUID = UUID(system.submit()["record"])

    schema.downgrade(system.runtime.engine, "main", FIRST)
    schema.upgrade(system.runtime.engine, "main")

    with system.signed_in("researcher") as client:
        assert client.research.release(system.first().id, record)["version"] == 1
    assert system.redact_all() == 1
    with system.signed_in("redactor") as client:
        assert UUID(client.review.take(system.first().id)["record"]) == waiting
