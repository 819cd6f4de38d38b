"""Major incidents and service requests are found without reading all events."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    where = sa.text("kind IN ('major', 'request')")
    op.create_index("ix_events_processes", "events", ["kind", "at", "ticket"], sqlite_where=where,
                    postgresql_where=where)


def downgrade() -> None:
    op.drop_index("ix_events_processes", table_name="events")
