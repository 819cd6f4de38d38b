"""Removes once a day what the settings no longer want kept: finished deliveries, ids of messages, old audit lines."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog

from connector.domain.retention import Retention
from connector.ports import Deps, Tx

log = structlog.get_logger("connector.retention")
PART: Final = 1_000
"""Rows of one transaction, so that nobody waits long for the store."""
ACTOR: Final = "retention"
Prune = Callable[[Tx, datetime, int], int]
_STEPS: Final[dict[str, Prune]] = {
    "deliveries": lambda tx, before, limit: tx.prune_deliveries(before, limit),
    "inbox": lambda tx, before, limit: tx.prune_inbox(before, limit),
    "audit": lambda tx, before, limit: tx.prune_audit(before, limit),
}


def run(deps: Deps, stop: Callable[[], bool] = lambda: False) -> dict[str, int]:
    """How many rows went, by what they were; stands in the audit trail when any did. Stopped half-way it goes on the
    next time."""
    kept = deps.options.get("retention", Retention())
    gone = {name: _all(deps, prune, getattr(kept, name), stop) for name, prune in _STEPS.items()}
    removed = {name: count for name, count in gone.items() if count}
    if removed:
        with deps.store.begin() as tx:
            tx.audit(deps.now(), ACTOR, "pruned", "store", removed)
        log.info("pruned", **removed)
    return gone


def _all(deps: Deps, prune: Prune, kept: timedelta, stop: Callable[[], bool]) -> int:
    before, count = deps.now() - kept, 0
    while not stop():
        with deps.store.begin() as tx:
            part = prune(tx, before, PART)
        count += part
        if part < PART:
            break
    return count
