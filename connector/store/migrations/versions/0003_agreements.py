"""Versions of agreements that running clocks may hold."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

UTC = sa.BigInteger().with_variant(TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "agreements",
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("kept_at", UTC, nullable=False),
        sa.PrimaryKeyConstraint("profile", "version", name="pk_agreements"),
    )


def downgrade() -> None:
    op.drop_table("agreements")
