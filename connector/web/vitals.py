"""Is this deployment ready to work? Store reachable, schema at head, a worker at work."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import select

from connector.store import schema
from connector.store.sql import SqlStore
from connector.store.tables import leases

HEARTBEAT: Final = "worker"
"""Lease that a worker renews while it lives (connector/jobs/local.py)."""


def reasons(store: SqlStore, now: datetime) -> tuple[str, ...]:
    """What is missing, in words; nothing when all is well. Raises TryLater when the store cannot answer."""
    with store.read() as tx:
        wrong = schema.problem(tx.conn)
        if wrong:
            return (wrong,)
        until = tx.run(select(leases.c.until).where(leases.c.name == HEARTBEAT)).scalar()
    if until is None or until < now:
        return ("no worker has reported for a while",)
    return ()
