"""The trail's checks, chain and checkpoints; a turn on records and cases, by which their changes are counted.

Everything is added, so code of the version before runs on: its events carry no check and its rows count no turn, until
``testimony audit baseline`` takes them in.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("event", sa.Column("key_id", sa.String(length=64)))
    op.add_column("event", sa.Column("mac", sa.LargeBinary(32)))
    op.create_index(op.f("ix_event_record"), "event", ["record_id"])
    op.create_index(op.f("ix_event_case"), "event", ["case_id"])
    op.add_column("record", sa.Column("turn", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("case", sa.Column("turn", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "chain",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_chain")),
        sa.UniqueConstraint("event_id", name=op.f("uq_chain_event_id")),
    )
    op.create_table(
        "checkpoint",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.LargeBinary(length=64), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_checkpoint")),
    )
    op.create_table(
        "delivery",
        sa.Column("witness", sa.String(length=64), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("witness", name=op.f("pk_delivery")),
    )


def downgrade() -> None:
    op.drop_table("delivery")
    op.drop_table("checkpoint")
    op.drop_table("chain")
    op.drop_column("case", "turn")
    op.drop_column("record", "turn")
    op.drop_index(op.f("ix_event_case"), "event")
    op.drop_index(op.f("ix_event_record"), "event")
    op.drop_column("event", "mac")
    op.drop_column("event", "key_id")
