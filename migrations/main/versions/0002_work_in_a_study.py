"""An index for what waits, and what is released, in one study."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_record_study_status"), "record", ["study_id", "status"])


def downgrade() -> None:
    op.drop_index(op.f("ix_record_study_status"), "record")
