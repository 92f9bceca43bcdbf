"""The day on which a file came, by which one person's share of two days is counted.

Keep locks short, and let the code of the version before go on running: add first, remove a release later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("file", sa.Column("arrived_day", sa.CHAR(10)))
    op.add_column("waiting_part", sa.Column("arrived_day", sa.CHAR(10)))


def downgrade() -> None:
    op.drop_column("waiting_part", "arrived_day")
    op.drop_column("file", "arrived_day")
