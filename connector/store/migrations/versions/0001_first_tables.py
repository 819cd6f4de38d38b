"""The first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UTC = sa.BigInteger().with_variant(TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", KEY, sa.Identity(), nullable=False),
        sa.Column("at", UTC, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
        sqlite_autoincrement=True,
    )
    _index("ix_audit_actor", "audit", ["actor", "id"])
    _index("ix_audit_subject", "audit", ["subject", "id"])
    op.create_table(
        "connections",
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("reachable", sa.Boolean()),
        sa.Column("ok_at", UTC),
        sa.Column("failed_at", UTC),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("skew", sa.BigInteger()),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("plugin", sa.Text(), nullable=False),
        sa.Column("capabilities", sa.Text(), nullable=False),
        sa.Column("remarks", sa.Text(), nullable=False),
        sa.Column("diagnosed_at", UTC),
        sa.PrimaryKeyConstraint("tool", name="pk_connections"),
    )
    op.create_table(
        "cursors",
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=False),
        sa.Column("moved_at", UTC, nullable=False),
        sa.PrimaryKeyConstraint("tool", "stream", name="pk_cursors"),
    )
    op.create_table(
        "exchanges",
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("hour", UTC, nullable=False),
        sa.Column("worked", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tool", "hour", name="pk_exchanges"),
    )
    op.create_table(
        "hints",
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("at", UTC, nullable=False),
        sa.PrimaryKeyConstraint("tool", "id", name="pk_hints"),
    )
    _index("ix_hints_at", "hints", ["tool", "at"])
    op.create_table(
        "inbox",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("at", UTC, nullable=False),
        sa.PrimaryKeyConstraint("source", "message", name="pk_inbox"),
    )
    _index("ix_inbox_at", "inbox", ["at"])
    op.create_table(
        "leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("until", UTC, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )
    op.create_table(
        "links",
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tool", "key", name="pk_links"),
    )
    _index("ix_links_id", "links", ["tool", "id"])
    op.create_table(
        "quarantine",
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=False),
        sa.Column("problems", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("first_at", UTC, nullable=False),
        sa.Column("last_at", UTC, nullable=False),
        sa.Column("next_at", UTC, nullable=False),
        sa.PrimaryKeyConstraint("tool", "ticket", name="pk_quarantine"),
    )
    _index("ix_quarantine_next", "quarantine", ["tool", "next_at"])
    op.create_table(
        "tickets",
        sa.Column("key", KEY, sa.Identity(), nullable=False),
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("tool_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("number_order", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("search", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("pending_on", sa.Text(), nullable=False),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("group", sa.Text(), nullable=False),
        sa.Column("assignee", sa.Text(), nullable=False),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("supplier", sa.Text(), nullable=False),
        sa.Column("opened_at", UTC, nullable=False),
        sa.Column("updated_at", UTC, nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("on_its_way", sa.Boolean(), nullable=False),
        sa.Column("history_due", sa.Boolean(), nullable=False),
        sa.Column("missing_since", UTC),
        sa.Column("next_check_at", UTC),
        sa.PrimaryKeyConstraint("key", name="pk_tickets"),
        sa.UniqueConstraint("tool", "tool_id", name="uq_tickets_tool_tool_id"),
        sqlite_autoincrement=True,
    )
    _index("ix_tickets_assignee", "tickets", ["assignee", "updated_at"])
    _index("ix_tickets_customer", "tickets", ["customer", "updated_at"])
    _index("ix_tickets_group", "tickets", ["group", "updated_at"])
    _index("ix_tickets_history_due", "tickets", ["tool", "key"], where="history_due")
    _index("ix_tickets_next_check", "tickets", ["next_check_at"], where="next_check_at IS NOT NULL")
    _index("ix_tickets_number", "tickets", ["number_order", "key"])
    _index("ix_tickets_on_its_way", "tickets", ["updated_at"], where="on_its_way")
    _index("ix_tickets_opened", "tickets", ["opened_at", "key"])
    _index("ix_tickets_rank", "tickets", ["rank", "key"])
    _index("ix_tickets_state", "tickets", ["state", "tool", "deleted"])
    _index("ix_tickets_updated", "tickets", ["updated_at", "key"])
    op.create_table(
        "users",
        sa.Column("id", KEY, sa.Identity(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("login_folded", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("supplier", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until", UTC),
        sa.Column("created_at", UTC, nullable=False),
        sa.Column("seen_at", UTC),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("login_folded", name="uq_users_login_folded"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "api_tokens",
        sa.Column("id", KEY, sa.Identity(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("user", KEY),
        sa.Column("created_at", UTC, nullable=False),
        sa.Column("expires_at", UTC),
        sa.Column("used_at", UTC),
        sa.Column("revoked_at", UTC),
        sa.PrimaryKeyConstraint("id", name="pk_api_tokens"),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name="fk_api_tokens_user"),
        sa.UniqueConstraint("digest", name="uq_api_tokens_digest"),
        sqlite_autoincrement=True,
    )
    _index("ix_api_tokens_user", "api_tokens", ["user"])
    op.create_table(
        "deliveries",
        sa.Column("id", KEY, sa.Identity(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("ticket", KEY),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.Column("ready_at", UTC, nullable=False),
        sa.Column("owner", sa.Text()),
        sa.Column("lease_until", UTC),
        sa.Column("finished_at", UTC),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("result", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.ForeignKeyConstraint(["ticket"], ["tickets.key"], name="fk_deliveries_ticket"),
        sa.UniqueConstraint("key", name="uq_deliveries_key"),
        sqlite_autoincrement=True,
    )
    _index("ix_deliveries_lane", "deliveries", ["lane", "id"], where="state IN ('waiting', 'leased')")
    _index("ix_deliveries_ready", "deliveries", ["target", "ready_at", "id"], where="state = 'waiting'")
    _index("ix_deliveries_state", "deliveries", ["state", "target", "id"])
    _index("ix_deliveries_ticket", "deliveries", ["ticket", "id"])
    _index("uq_deliveries_lane_leased", "deliveries", ["lane"], unique=True, where="state = 'leased'")
    op.create_table(
        "documents",
        sa.Column("ticket", KEY, autoincrement=False, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("base", sa.Text()),
        sa.PrimaryKeyConstraint("ticket", name="pk_documents"),
        sa.ForeignKeyConstraint(["ticket"], ["tickets.key"], name="fk_documents_ticket"),
    )
    op.create_table(
        "events",
        sa.Column("ticket", KEY, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("at", UTC, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("ticket", "key", name="pk_events"),
        sa.ForeignKeyConstraint(["ticket"], ["tickets.key"], name="fk_events_ticket"),
        sqlite_with_rowid=False,
    )


def _index(name: str, table: str, columns: list[str], unique: bool = False, where: str = "") -> None:
    condition = sa.text(where) if where else None
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)
