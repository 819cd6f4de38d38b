"""Room of what may go: rows that nobody needs any more, removed in small parts."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, bindparam, delete, or_, select

from connector.domain.delivery import DeliveryState
from connector.domain.ticket import ENDED
from connector.store.attempts import AttemptRoom
from connector.store.tables import audit, deliveries, inbox, tickets

FINISHED: Final = (DeliveryState.DONE.value, DeliveryState.DROPPED.value)


class PruningRoom(AttemptRoom):
    def prune_deliveries(self, before: datetime, limit: int) -> int:
        """A delivery's key is what keeps it from happening twice, so it stays as long as its ticket is open."""
        d, t = deliveries.c, tickets.c
        over = or_(d.ticket.is_(None), t.deleted, t.state.in_(sorted(ENDED)))
        old = select(d.id).outerjoin(tickets, d.ticket == t.key).where(
            d.state.in_(FINISHED), d.finished_at < before, over).order_by(d.id).limit(limit)
        ids = [int(row.id) for row in self.run(old)]
        self.drop_attempts(ids)
        return self._gone(deliveries, d.id, ids)

    def prune_inbox(self, before: datetime, limit: int) -> int:
        i = inbox.c
        old = select(i.source, i.message).where(i.at < before).order_by(i.at).limit(limit)
        found = [{"from_": row.source, "id_": row.message} for row in self.run(old)]
        self.many(delete(inbox).where(i.source == bindparam("from_"), i.message == bindparam("id_")), found)
        return len(found)

    def prune_audit(self, before: datetime, limit: int) -> int:
        a = audit.c
        old = select(a.id).where(a.at < before).order_by(a.id).limit(limit)
        return self._gone(audit, a.id, [int(row.id) for row in self.run(old)])

    def _gone(self, table: Table, column: ColumnElement[Any], ids: list[int]) -> int:
        if ids:
            self.run(delete(table).where(self.bulk.among(column, ids)))
        return len(ids)
