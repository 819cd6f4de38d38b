"""Ladders rehearsed over the tickets in the store; nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from connector.domain.agreements.conditions import ALWAYS, Condition
from connector.domain.agreements.facts import moments
from connector.domain.agreements.profile import Responder
from connector.domain.agreements.registry import Registry
from connector.domain.escalations.rehearsal import Fired, Tally, ahead, always, past
from connector.domain.history import Event, effective
from connector.domain.ticket import ENDED, Ticket
from connector.flows.backtest import parts
from connector.flows.reading import Stop, never
from connector.ports import Store, Stored

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Coming:
    """An open ticket with what would fire on it."""

    stored: Stored
    fired: tuple[Fired, ...]


def coming(store: Store, registry: Registry, now: datetime, until: datetime, where: Condition = ALWAYS,
           progress: Progress | None = None, stop: Stop = never) -> Iterator[Coming]:
    """What would fire on every open ticket for which `where` holds, if nobody did anything until then."""
    for stored, events in _tickets(store, progress, stop):
        ticket = stored.ticket
        if ticket.state in ENDED or ticket.deleted or not _holds(where, ticket, events):
            continue
        found = tuple(ahead(ticket, events, registry, now, until))
        if found:
            yield Coming(stored, found)


def simulate(store: Store, registry: Registry, since: datetime, until: datetime, where: Condition = ALWAYS,
             progress: Progress | None = None, stop: Stop = never) -> Tally:
    """What the ladders would have fired between two moments, had they always been in force and every ticket known from
    its opening; tickets opened in that time."""
    tally, rules = Tally(), always(registry)
    for stored, events in _tickets(store, progress, stop):
        ticket = stored.ticket
        if since <= ticket.opened_at < until and _holds(where, ticket, events):
            tally.add(ticket, past(ticket, events, rules, until), registry.people, since)
    return tally


def _holds(where: Condition, ticket: Ticket, events: list[Event]) -> bool:
    if where is ALWAYS:
        return True
    return where.holds(moments(ticket, effective(events), where.fields, Responder())[-1].facts)


def _tickets(store: Store, progress: Progress | None, stop: Stop) -> Iterator[tuple[Stored, list[Event]]]:
    ranges = parts(store)
    for i, (first, last) in enumerate(ranges):
        if stop():
            return
        with store.read() as tx:
            found = tx.walk(first, last)
            histories = tx.history([stored.key for stored in found])
        for stored in found:
            yield stored, histories[stored.key]
        if progress is not None:
            progress(i + 1, len(ranges))
