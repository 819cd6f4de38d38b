"""Looks at the tickets whose moment has come, and remembers what their clocks say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from connector.domain.assess import Assessment, assess
from connector.domain.history import Event
from connector.domain.registry import Registry
from connector.ports import Deps, Stored

BATCH = 500
"""Tickets of one transaction."""


@dataclass(slots=True)
class Report:
    looked: int = 0
    events: int = 0
    unmatched: int = 0
    """Tickets to which no profile applies, or more than one alike."""


def tick(deps: Deps, stop: Callable[[], bool] = lambda: False) -> Report:
    """Everything that is due now, in batches; the cost grows with what is due, not with what is open."""
    report = Report()
    if deps.registry is None:
        return report
    registry = deps.registry()
    while not stop():
        if _batch(deps, registry, report) < BATCH:
            break
    return report


def _batch(deps: Deps, registry: Registry, report: Report) -> int:
    """One transaction: look, remember, set the next moment. Done twice, it remembers the same once."""
    with deps.store.begin() as tx:
        now = deps.now()
        due = tx.due(now, BATCH)
        if not due:
            return 0
        histories = tx.history([stored.key for stored in due])
        events: list[tuple[int, Event]] = []
        moments: dict[int, datetime | None] = {}
        for stored, told in _assessed(due, histories, registry, now):
            events.extend((stored.key, event) for event in told.events)
            moments[stored.key] = told.next_at
            report.unmatched += bool(told.result.problems)
        report.events += len(tx.append(events))
        tx.schedule(moments)
    report.looked += len(due)
    return len(due)


def _assessed(
    due: Sequence[Stored], histories: Mapping[int, Sequence[Event]], registry: Registry, now: datetime
) -> list[tuple[Stored, Assessment]]:
    return [(stored, assess(stored.ticket, histories.get(stored.key, ()), registry, now)) for stored in due]
