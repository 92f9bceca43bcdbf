"""Intake keys, what a study's app is called, and tokens of clients with scopes and an end.

Keep locks short, and let the code of the version before go on running: add first, remove a release later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "intake_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("public", sa.LargeBinary(32), nullable=False),
        sa.Column("wrapped_private", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("seal_until", sa.BigInteger(), nullable=False),
        sa.Column("open_until", sa.BigInteger(), nullable=False),
        sa.Column("signed_by", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.LargeBinary(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intake_key")),
        sa.UniqueConstraint("number", name=op.f("uq_intake_key_number")),
    )
    op.create_table(
        "study_app",
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("icon", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_study_app_study_id_study")),
        sa.PrimaryKeyConstraint("study_id", name=op.f("pk_study_app")),
    )
    op.add_column("device", sa.Column("label", sa.String(length=64)))
    op.add_column("device", sa.Column("scopes", sa.JSON()))
    op.add_column("device", sa.Column("expires_at", sa.BigInteger()))


def downgrade() -> None:
    op.drop_column("device", "expires_at")
    op.drop_column("device", "scopes")
    op.drop_column("device", "label")
    op.drop_table("study_app")
    op.drop_table("intake_key")
