"""What holds for every migration of both trees: it keeps what is there, both ways, and lets older code run on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from app import schema
from app.schema import Tree
from tests.databases import Kind, opened
from tests.migrations.rows import insert_everywhere, reflected, stored

PROMISE = "let the code of the version before go on running"


def steps() -> list[tuple[Tree, str, str]]:
    """Each migration but the first of its tree, with the one before it."""
    return [
        (tree, script.down_revision, script.revision)
        for tree in get_args(Tree)
        for script in ScriptDirectory(str(schema.MIGRATIONS / tree)).walk_revisions()
        if isinstance(script.down_revision, str)
    ]


@pytest.fixture
def bare_engine(database_kind: Kind) -> Iterator[Engine]:
    """A database without any schema."""
    with opened(database_kind, None) as engine:
        yield engine


@pytest.mark.parametrize(("tree", "before", "after"), steps())
def test_a_step_keeps_every_row_up_and_down(bare_engine: Engine, tree: Tree, before: str, after: str) -> None:
    """What stood in the columns of the version before stands there after the step, and after it is undone."""
    schema.upgrade(bare_engine, tree, before)
    with bare_engine.begin() as connection:
        old = reflected(connection)
        rows = insert_everywhere(connection, old)

    schema.upgrade(bare_engine, tree, after)
    with bare_engine.begin() as connection:
        assert stored(connection, old) == rows

    schema.downgrade(bare_engine, tree, before)
    with bare_engine.begin() as connection:
        assert stored(connection, old) == rows
        assert {table.name for table in reflected(connection).sorted_tables} == rows.keys()


@pytest.mark.parametrize(("tree", "before", "after"), steps())
def test_code_of_the_version_before_runs_on_the_new_schema(
    bare_engine: Engine, tree: Tree, before: str, after: str
) -> None:
    """It knows the old tables, and writes and reads each of them while the first servers are replaced."""
    schema.upgrade(bare_engine, tree, before)
    with bare_engine.begin() as connection:
        old = reflected(connection)

    schema.upgrade(bare_engine, tree, after)

    with bare_engine.begin() as connection:
        rows = insert_everywhere(connection, old)
        assert stored(connection, old) == rows


@pytest.mark.parametrize("tree", get_args(Tree))
def test_the_first_step_takes_rows_and_can_be_undone(bare_engine: Engine, tree: Tree) -> None:
    """Down from the newest schema with a row in every table leaves no table of ours."""
    schema.upgrade(bare_engine, tree)
    with bare_engine.begin() as connection:
        insert_everywhere(connection, reflected(connection))

    schema.downgrade(bare_engine, tree)

    with bare_engine.begin() as connection:
        assert reflected(connection).sorted_tables == []


@pytest.mark.parametrize("tree", get_args(Tree))
def test_the_template_and_every_migration_say_it(tree: Tree) -> None:
    """Whoever writes the next migration reads the promise first."""
    assert PROMISE in (schema.MIGRATIONS / tree / "script.py.mako").read_text()
