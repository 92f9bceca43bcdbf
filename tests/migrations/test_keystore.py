from __future__ import annotations

from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect

from app import schema
from app.keystore.models import metadata
from tests.databases import Kind, opened


@pytest.fixture
def bare_engine(database_kind: Kind) -> Iterator[Engine]:
    """A database without any schema."""
    with opened(database_kind, None) as engine:
        yield engine


def test_the_schema_goes_up_down_and_up(bare_engine: Engine) -> None:
    """Each way ends where it says it does, and down leaves no table of ours."""
    assert schema.current(bare_engine) is None

    schema.upgrade(bare_engine, "keystore")
    assert schema.current(bare_engine) == schema.head("keystore")

    schema.downgrade(bare_engine, "keystore")
    assert schema.current(bare_engine) is None
    assert set(inspect(bare_engine).get_table_names()) == {"alembic_version"}

    schema.upgrade(bare_engine, "keystore")
    assert set(metadata.tables) < set(inspect(bare_engine).get_table_names())


def test_the_migrations_make_what_the_models_say(keystore_engine: Engine) -> None:
    """No column, constraint or index differs between the migrated database and the models."""
    with keystore_engine.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
