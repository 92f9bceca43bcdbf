"""Forms that other clients fill, their keys, and kinds of devices.

Keep locks short, and let the code of the version before go on running: add first, remove a release later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "form",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("form_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("xml", sa.LargeBinary(), nullable=False),
        sa.Column("md5", sa.String(length=32), nullable=False),
        sa.Column("mapping", sa.JSON(), nullable=False),
        sa.Column("mapping_sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("plaintext_policy", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=64), nullable=False),
        sa.Column("drafted_by", sa.Uuid(), nullable=False),
        sa.Column("published_by", sa.Uuid()),
        sa.Column("published_at", sa.BigInteger()),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_form_study_id_study")),
        sa.ForeignKeyConstraint(["instrument_id"], ["instrument.id"], name=op.f("fk_form_instrument_id_instrument")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_form")),
        sa.UniqueConstraint("study_id", "form_id", "version", name=op.f("uq_form_study_id")),
    )
    op.create_table(
        "form_key",
        sa.Column("form_id", sa.Uuid(), nullable=False),
        sa.Column("public", sa.LargeBinary(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("wrapped_private", sa.LargeBinary()),
        sa.ForeignKeyConstraint(["form_id"], ["form.id"], name=op.f("fk_form_key_form_id_form")),
        sa.PrimaryKeyConstraint("form_id", name=op.f("pk_form_key")),
    )
    op.add_column("device", sa.Column("kind", sa.String(length=64), nullable=False, server_default="native"))
    op.create_table(
        "submission",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("form_id", sa.Uuid(), nullable=False),
        sa.Column("submitter_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid()),
        sa.Column("client_uuid", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("record_id", sa.Uuid()),
        sa.Column("raw", sa.LargeBinary(32)),
        sa.Column("canonical", sa.LargeBinary(32)),
        sa.Column("envelope", sa.LargeBinary()),
        sa.Column("plaintext", sa.Boolean(), nullable=False),
        sa.Column("inherited", sa.JSON(), nullable=False),
        sa.Column("expires_at", sa.BigInteger()),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_submission_study_id_study")),
        sa.ForeignKeyConstraint(["form_id"], ["form.id"], name=op.f("fk_submission_form_id_form")),
        sa.ForeignKeyConstraint(
            ["record_id"], ["record.id"], name=op.f("fk_submission_record_id_record"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submission")),
        sa.UniqueConstraint("submitter_id", "client_uuid", name=op.f("uq_submission_submitter_id")),
    )
    op.create_index("ix_submission_record_id", "submission", ["record_id"])
    op.create_index("ix_submission_expires", "submission", ["expires_at"])
    op.create_table(
        "waiting_part",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.LargeBinary()),
        sa.Column("pieces", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["submission.id"],
            name=op.f("fk_waiting_part_submission_id_submission"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waiting_part")),
        sa.UniqueConstraint("submission_id", "number", name=op.f("uq_waiting_part_submission_id")),
    )
    op.add_column("record", sa.Column("superseded_by", sa.Uuid()))


def downgrade() -> None:
    op.drop_column("record", "superseded_by")
    op.drop_table("waiting_part")
    op.drop_table("submission")
    op.drop_column("device", "kind")
    op.drop_table("form_key")
    op.drop_table("form")
