"""Runs the keystore's migrations on the connection that ``app.schema`` opened, in its transaction."""

from __future__ import annotations

from alembic import context

from app.keystore.models import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
