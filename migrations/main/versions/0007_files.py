"""Attachments, and what the store of files must still delete.

Keep locks short, and let the code of the version before go on running: add first, remove a release later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("client_uuid", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("segments", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("upload", sa.LargeBinary()),
        sa.Column("content", sa.LargeBinary(32)),
        sa.Column("expires_at", sa.BigInteger()),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["record_id"], ["record.id"], name=op.f("fk_file_record_id_record")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file")),
        sa.UniqueConstraint("record_id", "client_uuid", name=op.f("uq_file_record_id")),
    )
    op.create_index("ix_file_expires", "file", ["status", "expires_at"])
    op.create_table(
        "discarded_file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("written_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discarded_file")),
    )


def downgrade() -> None:
    op.drop_table("discarded_file")
    op.drop_table("file")
