"""What the board of escalations reads: tickets with signals of late, and those whose next moment is near."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import literal_column, select

from connector.domain.history import Event
from connector.domain.ticket import ENDED
from connector.ports import Stored
from connector.store.sql import SqlStore, SqlTx
from connector.store.tables import events, tickets

_SIGNALS: Final = events.c.kind.in_([literal_column(f"'{kind}'") for kind in ("clock", "escalated", "acknowledged")])
_OPEN: Final = (~tickets.c.deleted, tickets.c.state.not_in(sorted(ENDED)))
Found = tuple[Stored, list[Event]]


class BoardQueries:
    """Reads only."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store

    def signalled(self, since: datetime, limit: int) -> list[Found]:
        """Open tickets that breached, were escalated or acknowledged since, the latest first, with their histories."""
        with self.store.read() as tx:
            newest = tx.run(
                select(events.c.ticket).join_from(events, tickets, tickets.c.key == events.c.ticket)
                .where(_SIGNALS, events.c.at >= since, *_OPEN).order_by(events.c.at.desc()).limit(limit * 8))
            return self._whole(tx, list(dict.fromkeys(newest.scalars()))[:limit])

    def near(self, now: datetime, until: datetime, limit: int) -> list[Found]:
        """Open tickets to be looked at again soon, the nearest first, with their histories."""
        with self.store.read() as tx:
            found = tx.run(select(tickets.c.key).where(tickets.c.next_check_at.between(now, until), *_OPEN)
                           .order_by(tickets.c.next_check_at).limit(limit))
            return self._whole(tx, list(found.scalars()))

    @staticmethod
    def _whole(tx: SqlTx, keys: Sequence[int]) -> list[Found]:
        found, histories = tx.by_key(keys), tx.history(keys)
        return [(found[key], histories[key]) for key in keys if key in found]
