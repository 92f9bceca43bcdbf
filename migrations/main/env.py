"""Runs the main database's migrations on the connection that ``app.schema`` opened, in its transaction."""

from __future__ import annotations

from alembic import context

from app.accounts import models as accounts
from app.audit import models as audit
from app.cases import models as cases
from app.db import Base
from app.review import models as review
from app.studies import models as studies

# Importing the models is what makes their tables known to ``Base``.
MODELS = (accounts, audit, cases, review, studies)

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
