"""What pages ask about the traffic with receivers: tries, failures, what waits."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import func, or_, select

from connector.store.sql import SqlStore
from connector.store.tables import deliveries, inbox


class Traffic(Struct, frozen=True, kw_only=True):
    """What was sent to one target since a moment. `tries` counts every try, `failed` those that did not succeed."""

    tries: int = 0
    failed: int = 0
    waiting: int = 0
    dead: int = 0
    last_done: datetime | None = None

    @property
    def error_rate(self) -> float | None:
        return self.failed / self.tries if self.tries else None


def traffic(store: SqlStore, prefix: str, since: datetime) -> dict[str, Traffic]:
    """Target -> what was sent to it; targets whose name begins with `prefix`."""
    c = deliveries.c
    done = c.state == "done"
    recent = or_(c.finished_at.is_(None), c.finished_at >= since)
    mine = c.target.startswith(prefix, autoescape=True)
    sums = select(
        c.target, func.sum(c.attempts).label("tries"), func.count().filter(done).label("done"),
        func.count().filter(c.state.in_(("waiting", "leased"))).label("waiting"),
    ).where(mine, recent).group_by(c.target)
    ever = select(c.target, func.max(c.finished_at).filter(done).label("last"),
                  func.count().filter(c.state == "dead").label("dead")).where(mine).group_by(c.target)
    with store.read() as tx:
        told = {row.target: row for row in tx.run(sums)}
        rest = tx.run(ever).all()
    return {row.target: _traffic(told.get(row.target), row) for row in rest}


def _traffic(row: Any, ever: Any) -> Traffic:
    tries, done, waiting = (int(row.tries or 0), int(row.done), int(row.waiting)) if row is not None else (0, 0, 0)
    return Traffic(tries=tries, failed=max(0, tries - done), waiting=waiting, dead=int(ever.dead), last_done=ever.last)


def taken(store: SqlStore, receiver: str, most: int) -> list[tuple[str, datetime]]:
    """Messages of a receiver that were taken: id and time, newest first."""
    mine = select(inbox.c.message, inbox.c.at).where(inbox.c.source == f"supplier/{receiver}")
    with store.read() as tx:
        return [(row.message, row.at) for row in tx.run(mine.order_by(inbox.c.at.desc()).limit(most))]
