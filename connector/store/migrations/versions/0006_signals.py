"""The board of escalations finds the latest breaches, steps and acknowledgements without reading all events."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    where = sa.text("kind IN ('clock', 'escalated', 'acknowledged')")
    op.create_index("ix_events_signals", "events", ["at", "ticket"], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.drop_index("ix_events_signals", table_name="events")
