"""Looks at the tickets whose moment has come, and remembers what their clocks say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from connector.domain.agreements.assess import Assessment, assess
from connector.domain.agreements.engine import Result
from connector.domain.agreements.registry import Registry
from connector.domain.agreements.write_back import wanted
from connector.domain.errors import Refused
from connector.domain.history import Event, EventKind
from connector.domain.ticket import Kind, Value
from connector.flows.agreements import renewed
from connector.flows.editing import place
from connector.flows.escalate import climb
from connector.flows.escalate_ticket import Looked
from connector.flows.handoff_tick import look_at
from connector.flows.informing import inform
from connector.flows.reading import PLACEHOLDER
from connector.flows.requests import fulfil
from connector.ports import Deps, Stored, Tool, Tx

log = structlog.get_logger("connector.assess")
ACTOR = "clocks"
BATCH = 500
"""Tickets of one transaction."""
AGAIN = timedelta(hours=1)
"""When a ticket whose clocks could not be computed is tried again."""


@dataclass(slots=True)
class Report:
    looked: int = 0
    events: int = 0
    unmatched: int = 0
    """Tickets to which no profile applies, or more than one alike."""
    clamped: int = 0
    """Events told for a time before their ticket was opened."""
    failed: int = 0
    """Tickets whose clocks could not be computed: told in the log, tried again later."""
    written: int = 0
    """Values on their way to fields of tools."""
    escalated: int = 0
    """Steps of ladders that fired."""
    informed: int = 0
    """Things that requesters were told."""


def tick(deps: Deps, stop: Callable[[], bool] = lambda: False) -> Report:
    """Everything that is due now, in batches; the cost grows with what is due, not with what is open."""
    report = Report()
    if deps.registry is None:
        return report
    registry = deps.registry()
    renewed(deps, registry, stop)
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
        looked: list[Looked] = []
        for stored, told in _assessed(due, histories, registry, now):
            if told is None:
                report.failed += 1
                moments[stored.key] = now + AGAIN
                continue
            report.clamped += sum(event.kind is EventKind.CLAMPED for event in told.events)
            events.extend((stored.key, event) for event in told.events)
            moments[stored.key] = told.next_at
            report.unmatched += bool(told.result.problems)
            looked.append(Looked(stored, [*histories.get(stored.key, ()), *told.events], told.result))
        report.events += len(tx.append(events))
        climbed = climb(tx, deps, registry, _told(tx, deps, looked, report), now)
        report.escalated += climbed.fired
        report.informed += inform(tx, deps, registry, looked, now)
        for key, at in climbed.next_at.items():
            moments[key] = min(at, moments.get(key) or at)
        moments.update(dict.fromkeys(climbed.touched, now))
        for key, at in look_at(tx, deps, registry, due, histories, now).items():
            moments[key] = min(at, moments.get(key) or at)
        for key, at in fulfil(tx, deps, registry, _fresh(tx, looked), now).items():
            moments[key] = min(at, moments.get(key) or at)
        tx.schedule(moments)
    report.looked += len(due)
    return len(due)


def _fresh(tx: Tx, looked: Sequence[Looked]) -> list[Looked]:
    """The service requests among them, and tasks below one, as they are now."""
    asked = [one for one in looked if one.stored.ticket.kind in (Kind.SERVICE_REQUEST, Kind.TASK)]
    now = tx.by_key([one.stored.key for one in asked]) if asked else {}
    return [replace(one, stored=now.get(one.stored.key, one.stored)) for one in asked]


def _told(tx: Tx, deps: Deps, looked: Sequence[Looked], report: Report) -> list[Looked]:
    """The tickets looked at, as they are after their tools' fields were told."""
    written = {one.stored.key: count for one in looked if _tells(deps, one.stored)
               and (count := _tell(tx, deps, one.stored, one.result, one.events))}
    report.written += sum(written.values())
    fresh = tx.by_key(list(written))
    return [replace(one, stored=fresh.get(one.stored.key, one.stored)) for one in looked]


def _tells(deps: Deps, stored: Stored) -> bool:
    """Whether the ticket's tool wants to be told of clocks, and they are known: not before all history was read."""
    tool = deps.tools.get(stored.ticket.tool)
    if tool is None or not tool.mapping.clocks or stored.missing_since is not None:
        return False
    return not stored.history_due and stored.ticket.id[:1] != PLACEHOLDER


def _tell(tx: Tx, deps: Deps, stored: Stored, result: Result, history: Sequence[Event]) -> int:
    """Write what the clocks say into the tool's fields, where it differs: as the connector, so no clock minds."""
    tool = deps.tools[stored.ticket.tool]
    patch = {name: value for name, value in wanted(tool.mapping.clocks, result, stored.ticket, history).items()
             if _writes(tool, stored, name, value)}
    if patch:
        place(tx, deps, tool, stored, patch, ACTOR, f"clocks/{stored.key}/{stored.revision}")
    return len(patch)


def _writes(tool: Tool, stored: Stored, name: str, value: Value) -> bool:
    """A field may be there for some kinds of tickets only."""
    try:
        tool.mapping.write({name: value}, stored.ticket.kind)
    except Refused:
        return False
    return True


def _assessed(
    due: Sequence[Stored], histories: Mapping[int, Sequence[Event]], registry: Registry, now: datetime
) -> Iterator[tuple[Stored, Assessment | None]]:
    """One bad ticket never stops the rest."""
    for stored in due:
        try:
            told = assess(stored.ticket, histories.get(stored.key, ()), registry, now)
        except Exception:
            log.exception("clocks_failed", ticket=str(stored.ticket.ref))
            yield stored, None
            continue
        for event in told.events:
            if event.kind is EventKind.CLAMPED:
                log.warning("event_before_opening", ticket=str(stored.ticket.ref), key=event.data["event"],
                            told=event.data["told"], taken=event.data["taken"])
        yield stored, told
