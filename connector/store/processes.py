"""Tickets that are major incidents or go through the catalogue, the latest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import func, literal_column, select

from connector.domain.history import Event, effective
from connector.ports import Stored
from connector.store.sql import SqlStore
from connector.store.tables import events


def found(store: SqlStore, kind: Literal["major", "request"], since: datetime,
          limit: int = 500) -> list[tuple[Stored, Sequence[Event]]]:
    """Tickets with an event of the kind since then, and their effective events in order."""
    latest = func.max(events.c.at)
    # The kind is written into the statement, so that the partial index serves it.
    asked = (select(events.c.ticket).where(events.c.kind == literal_column(f"'{kind}'"), events.c.at >= since)
             .group_by(events.c.ticket).order_by(latest.desc(), events.c.ticket).limit(limit))
    with store.read() as tx:
        keys = [int(key) for key in tx.run(asked).scalars()]
        stored, histories = tx.by_key(keys), tx.history(keys)
    return [(stored[key], effective(histories.get(key, ()))) for key in keys if key in stored]
