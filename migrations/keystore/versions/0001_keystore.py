"""Key versions, records, shares and roster floors."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "kk",
        sa.Column("n", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_kk")),
        sa.CheckConstraint("state IN ('current', 'retired')", name=op.f("ck_kk_state")),
    )
    op.create_table(
        "record",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("dead_scopes", sa.JSON, nullable=False),
        sa.Column("idem", sa.LargeBinary),
        sa.Column("kk", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record")),
        sa.ForeignKeyConstraint(["kk"], ["kk.n"], name=op.f("fk_record_kk_kk")),
        sa.CheckConstraint("state IN ('live', 'frozen', 'dead')", name=op.f("ck_record_state")),
        sa.CheckConstraint("(idem IS NULL) = (kk IS NULL)", name=op.f("ck_record_idem")),
    )
    op.create_index(op.f("ix_record_kk"), "record", ["kk"])
    op.create_table(
        "share",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("record", sa.Uuid, nullable=False),
        sa.Column("scope", sa.String(64), nullable=False),
        sa.Column("attempt", sa.Uuid, nullable=False),
        sa.Column("kk", sa.BigInteger, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share")),
        sa.ForeignKeyConstraint(["record"], ["record.id"], name=op.f("fk_share_record_record")),
        sa.ForeignKeyConstraint(["kk"], ["kk.n"], name=op.f("fk_share_kk_kk")),
    )
    for column in ("record", "attempt", "kk", "created", "expires_at"):
        op.create_index(op.f(f"ix_share_{column}"), "share", [column])
    op.create_table(
        "floor",
        sa.Column("study", sa.Uuid, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("study", name=op.f("pk_floor")),
    )


def downgrade() -> None:
    for table in ("floor", "share", "record", "kk"):
        op.drop_table(table)
