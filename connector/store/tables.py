"""All tables. An index is here because a statement needs it; the statement is named beside it.

A ticket is two rows: `tickets` is narrow and holds what pages filter and sort by, `documents` holds the whole ticket,
so that searching a title reads a tenth of the bytes.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from connector.store.types import Json, Key, Utc, Words

WIDEST: Final = 255
"""Characters kept of a text in a filter column: an index entry of PostgreSQL holds at most 2,700 bytes."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _index(name: str, *columns: str, where: str = "", unique: bool = False) -> Index:
    condition = text(where) if where else None
    return Index(name, *columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


tickets = Table(
    "tickets",
    metadata,
    Column("key", Key, Identity(), primary_key=True),
    Column("tool", Words, nullable=False),
    Column("tool_id", Words, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("number", Words, nullable=False),
    Column("number_order", Words, nullable=False),
    Column("title", Words, nullable=False),
    Column("search", Words, nullable=False),
    Column("kind", Words, nullable=False),
    Column("state", Words, nullable=False),
    Column("pending_on", Words, nullable=False),
    Column("priority", Words, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("group", Words, nullable=False),
    Column("assignee", Words, nullable=False),
    Column("customer", Words, nullable=False),
    Column("service", Words, nullable=False),
    Column("supplier", Words, nullable=False),
    Column("opened_at", Utc, nullable=False),
    Column("updated_at", Utc, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("on_its_way", Boolean, nullable=False),
    Column("history_due", Boolean, nullable=False),
    Column("missing_since", Utc),
    Column("next_check_at", Utc),
    UniqueConstraint("tool", "tool_id"),  # intake: a page's ids; missing: all ids of a tool
    _index("ix_tickets_updated", "updated_at", "key"),  # pages: the four sort orders
    _index("ix_tickets_opened", "opened_at", "key"),
    _index("ix_tickets_rank", "rank", "key"),
    _index("ix_tickets_number", "number_order", "key"),
    _index("ix_tickets_state", "state", "tool", "deleted"),  # counts
    _index("ix_tickets_group", "group", "updated_at"),  # pages: the usual filters
    _index("ix_tickets_assignee", "assignee", "updated_at"),
    _index("ix_tickets_customer", "customer", "updated_at"),
    _index("ix_tickets_next_check", "next_check_at", where="next_check_at IS NOT NULL"),  # due
    _index("ix_tickets_history_due", "tool", "key", where="history_due"),  # history_backlog
    _index("ix_tickets_on_its_way", "updated_at", where="on_its_way"),
    sqlite_autoincrement=True,
)

documents = Table(
    "documents",
    metadata,
    Column("ticket", Key, ForeignKey("tickets.key"), primary_key=True, autoincrement=False),
    Column("document", Text, nullable=False),
    Column("base", Text),
)

events = Table(
    "events",
    metadata,
    Column("ticket", Key, ForeignKey("tickets.key"), nullable=False),
    Column("key", Words, nullable=False),
    Column("at", Utc, nullable=False),
    Column("kind", Words, nullable=False),
    Column("field", Words, nullable=False),
    Column("document", Text, nullable=False),
    PrimaryKeyConstraint("ticket", "key"),  # history; an event twice
    _index("ix_events_clamped", "ticket", where="kind = 'clamped'"),  # counted for the figures
    # board: the latest breaches, steps of ladders and acknowledgements
    _index("ix_events_signals", "at", "ticket", where="kind IN ('clock', 'escalated', 'acknowledged')"),
    _index("ix_events_processes", "kind", "at", "ticket", where="kind IN ('major', 'request')"),  # their lists
    sqlite_with_rowid=False,
)

ACTIVE: Final = "state IN ('waiting', 'leased')"

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Key, Identity(), primary_key=True),
    Column("key", Words, nullable=False, unique=True),  # enqueue: the same key twice
    Column("target", Words, nullable=False),
    Column("verb", Words, nullable=False),
    Column("lane", Words, nullable=False),
    Column("ticket", Key, ForeignKey("tickets.key")),
    Column("payload", Json, nullable=False),
    Column("state", Words, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("ready_at", Utc, nullable=False),
    Column("owner", Words),
    Column("lease_until", Utc),
    Column("finished_at", Utc),
    Column("reason", Words, nullable=False),
    Column("result", Json),
    _index("ix_deliveries_ready", "target", "ready_at", "id", where="state = 'waiting'"),  # claim: what is ready
    _index("ix_deliveries_lane", "lane", "id", where=ACTIVE),  # claim: is it the head of its lane
    # claim: at most one delivery of a lane is in work, whatever the code believes
    _index("uq_deliveries_lane_leased", "lane", where="state = 'leased'", unique=True),
    _index("ix_deliveries_ticket", "ticket", "id"),  # pending; a ticket's page
    _index("ix_deliveries_state", "state", "target", "id"),  # claim: expired leases; pages, counts, revive
    sqlite_autoincrement=True,
)

cursors = Table(
    "cursors",
    metadata,
    Column("tool", Words, primary_key=True),
    Column("stream", Words, primary_key=True),
    Column("cursor", Json, nullable=False),
    Column("moved_at", Utc, nullable=False),
)

hints = Table(
    "hints",
    metadata,
    Column("tool", Words, primary_key=True),
    Column("id", Words, primary_key=True),
    Column("at", Utc, nullable=False),
    _index("ix_hints_at", "tool", "at"),  # hints, oldest first
)

inbox = Table(
    "inbox",
    metadata,
    Column("source", Words, primary_key=True),
    Column("message", Words, primary_key=True),
    Column("digest", Words, nullable=False),
    Column("at", Utc, nullable=False),
    _index("ix_inbox_at", "at"),  # prune
)

links = Table(
    "links",
    metadata,
    Column("tool", Words, primary_key=True),
    Column("key", Words, primary_key=True),
    Column("id", Words, nullable=False),
    _index("ix_links_id", "tool", "id"),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("tool", Words, primary_key=True),
    Column("ticket", Words, primary_key=True),
    Column("problems", Json, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("first_at", Utc, nullable=False),
    Column("last_at", Utc, nullable=False),
    Column("next_at", Utc, nullable=False),
    _index("ix_quarantine_next", "tool", "next_at"),  # aside
)

leases = Table(
    "leases",
    metadata,
    Column("name", Words, primary_key=True),
    Column("owner", Words, nullable=False),
    Column("until", Utc, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Key, Identity(), primary_key=True),
    Column("at", Utc, nullable=False),
    Column("actor", Words, nullable=False),
    Column("action", Words, nullable=False),
    Column("subject", Words, nullable=False),
    Column("detail", Json, nullable=False),
    _index("ix_audit_actor", "actor", "id"),  # the audit page's filters
    _index("ix_audit_subject", "subject", "id"),
    sqlite_autoincrement=True,
)

connections = Table(
    "connections",
    metadata,
    Column("tool", Words, primary_key=True),
    Column("reachable", Boolean),
    Column("ok_at", Utc),
    Column("failed_at", Utc),
    Column("reason", Words, nullable=False),
    Column("skew", BigInteger),  # microseconds, the tool's clock minus ours
    Column("version", Words, nullable=False),
    Column("account", Words, nullable=False),
    Column("plugin", Words, nullable=False),
    Column("capabilities", Json, nullable=False),
    Column("remarks", Json, nullable=False),
    Column("diagnosed_at", Utc),
)

exchanges = Table(
    "exchanges",
    metadata,
    Column("tool", Words, primary_key=True),
    Column("hour", Utc, primary_key=True),
    Column("worked", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("id", Key, Identity(), primary_key=True),
    Column("login", Words, nullable=False),
    Column("login_folded", Words, nullable=False, unique=True),
    Column("name", Words, nullable=False),
    Column("email", Words, nullable=False),
    Column("role", Words, nullable=False),
    Column("supplier", Words, nullable=False),
    Column("language", Words, nullable=False),
    Column("password_hash", Words, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("locked_until", Utc),
    Column("created_at", Utc, nullable=False),
    Column("seen_at", Utc),
    sqlite_autoincrement=True,
)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", Key, Identity(), primary_key=True),
    Column("name", Words, nullable=False),
    Column("digest", Words, nullable=False, unique=True),
    Column("hint", Words, nullable=False),
    Column("scopes", Json, nullable=False),
    Column("user", Key, ForeignKey("users.id")),
    Column("created_at", Utc, nullable=False),
    Column("expires_at", Utc),
    Column("used_at", Utc),
    Column("revoked_at", Utc),
    _index("ix_api_tokens_user", "user"),
    sqlite_autoincrement=True,
)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", Words, primary_key=True),
    Column("user", Key, ForeignKey("users.id"), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("agent", Words, nullable=False),
    Column("opened_at", Utc, nullable=False),
    Column("seen_at", Utc, nullable=False),
    _index("ix_sessions_user", "user"),  # a user's sessions: shown, closed together
    _index("ix_sessions_opened", "opened_at"),  # removal of old ones
)

answers = Table(
    "answers",
    metadata,
    Column("owner", Words, primary_key=True),
    Column("key", Words, primary_key=True),
    Column("digest", Words, nullable=False),
    Column("at", Utc, nullable=False),
    Column("status", Integer),
    Column("headers", Json),
    Column("body", LargeBinary),
    _index("ix_answers_at", "at"),  # removal of old ones
)

agreements = Table(
    "agreements",
    metadata,
    Column("profile", Words, primary_key=True),
    Column("version", Words, primary_key=True),
    Column("document", Json, nullable=False),
    Column("kept_at", Utc, nullable=False),
)
