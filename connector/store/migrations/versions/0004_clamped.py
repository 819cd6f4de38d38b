"""Impossible events are counted without reading all others."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    where = sa.text("kind = 'clamped'")
    op.create_index("ix_events_clamped", "events", ["ticket"], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.drop_index("ix_events_clamped", table_name="events")
