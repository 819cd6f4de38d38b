"""Handoffs: the record, its hash-linked entries, the files that travelled."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

UTC = sa.BigInteger().with_variant(TIMESTAMP(timezone=True), "postgresql")
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "handoffs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("ticket", KEY, nullable=False),
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("turn", sa.Text(), nullable=False),
        sa.Column("ours", sa.Text(), nullable=False),
        sa.Column("theirs", sa.Text(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("silent", sa.Boolean(), nullable=False),
        sa.Column("decision_due", sa.Boolean(), nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.Column("changed_at", UTC, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_handoffs"),
        sa.ForeignKeyConstraint(["ticket"], ["tickets.key"], name="fk_handoffs_ticket"),
    )
    op.create_index("ix_handoffs_ticket", "handoffs", ["ticket", "id"])
    op.create_index("ix_handoffs_state", "handoffs", ["state", "changed_at", "id"])
    op.create_index("ix_handoffs_receiver", "handoffs", ["receiver", "changed_at", "id"])
    op.create_index("ix_handoffs_theirs", "handoffs", ["theirs"])
    op.create_index("ix_handoffs_ours", "handoffs", ["ours"])
    op.create_table(
        "handoff_entries",
        sa.Column("handoff", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", UTC, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("handoff", "seq", name="pk_handoff_entries"),
        sa.ForeignKeyConstraint(["handoff"], ["handoffs.id"], name="fk_handoff_entries_handoff"),
    )
    marked = sa.text("mark <> ''")
    op.create_index("uq_handoff_entries_mark", "handoff_entries", ["handoff", "mark"], unique=True,
                    sqlite_where=marked, postgresql_where=marked)
    op.create_table(
        "handoff_files",
        sa.Column("handoff", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("handoff", "digest", name="pk_handoff_files"),
        sa.ForeignKeyConstraint(["handoff"], ["handoffs.id"], name="fk_handoff_files_handoff"),
    )
    op.create_index("ix_handoff_files_digest", "handoff_files", ["digest"])


def downgrade() -> None:
    for table in ("handoff_files", "handoff_entries", "handoffs"):
        op.drop_table(table)
