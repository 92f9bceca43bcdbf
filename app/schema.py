"""Bring a database to a version of its schema.

Each database has an Alembic tree of its own under ``migrations``, which lies beside ``app`` in a checkout and in an
installed package alike. One call is one transaction, so a migration that fails leaves the database as it was.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

__all__ = ["Tree", "current", "downgrade", "head", "upgrade"]

Tree = Literal["main", "keystore"]

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"


def upgrade(engine: Engine, tree: Tree, revision: str = "head") -> None:
    """Run the migrations up to a revision, the newest by default."""
    config = _config(tree)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def downgrade(engine: Engine, tree: Tree, revision: str = "base") -> None:
    """Undo the migrations down to a revision, all of them by default."""
    config = _config(tree)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def current(engine: Engine) -> str | None:
    """The revision a database is at; None for an empty one."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head(tree: Tree) -> str | None:
    """The newest revision of a tree."""
    return ScriptDirectory.from_config(_config(tree)).get_current_head()


def _config(tree: Tree) -> Config:
    config = Config()
    # The option is read through ConfigParser, which takes a lone % for the start of a variable.
    config.set_main_option("script_location", str(MIGRATIONS / tree).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
