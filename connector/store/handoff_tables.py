"""Tables of handoffs: the record, its hash-linked entries, the files that travelled."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, Table, Text, text

from connector.store.tables import metadata
from connector.store.types import Key, Utc, Words

MARKED: Final = "mark <> ''"

handoffs = Table(
    "handoffs",
    metadata,
    Column("id", Words, primary_key=True),
    Column("ticket", Key, ForeignKey("tickets.key"), nullable=False),
    Column("receiver", Words, nullable=False),
    Column("state", Words, nullable=False),
    Column("turn", Words, nullable=False),
    Column("ours", Words, nullable=False),
    Column("theirs", Words, nullable=False),
    Column("late", Boolean, nullable=False),
    Column("silent", Boolean, nullable=False),
    Column("decision_due", Boolean, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("changed_at", Utc, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("document", Text, nullable=False),
    Index("ix_handoffs_ticket", "ticket", "id"),  # handoffs_of
    Index("ix_handoffs_state", "state", "changed_at", "id"),  # board
    Index("ix_handoffs_receiver", "receiver", "changed_at", "id"),  # a supplier's own; health of receivers
    Index("ix_handoffs_theirs", "theirs"),  # search by their number
    Index("ix_handoffs_ours", "ours"),  # search by ours
)

handoff_entries = Table(
    "handoff_entries",
    metadata,
    Column("handoff", Words, ForeignKey("handoffs.id"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("at", Utc, nullable=False),
    Column("kind", Words, nullable=False),
    Column("mark", Words, nullable=False),
    Column("hash", Words, nullable=False),
    Column("document", Text, nullable=False),
    PrimaryKeyConstraint("handoff", "seq"),
    # a comment, a file, a breach is told once, whatever the code believes
    Index("uq_handoff_entries_mark", "handoff", "mark", unique=True, sqlite_where=text(MARKED),
          postgresql_where=text(MARKED)),
)

handoff_files = Table(
    "handoff_files",
    metadata,
    Column("handoff", Words, ForeignKey("handoffs.id"), nullable=False),
    Column("digest", Words, nullable=False),
    Column("name", Words, nullable=False),
    Column("media_type", Words, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("side", Words, nullable=False),
    Column("seq", Integer, nullable=False),
    PrimaryKeyConstraint("handoff", "digest"),
    Index("ix_handoff_files_digest", "digest"),  # is a kept file still needed
)
