"""Service requests at work: what comes next is recorded and put into the outbox, in the transaction of the look.

An event with a key says what was asked or started; only the transaction that appends it also asks or starts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog

from connector.domain.agreements.durations import Amount
from connector.domain.agreements.registry import Registry
from connector.domain.calendar import CalendarError
from connector.domain.errors import ConfigError, NotFound, Refused
from connector.domain.escalations.actions import Who
from connector.domain.escalations.effects import meant
from connector.domain.history import Event, EventKind, Origin, Role, effective
from connector.domain.requests import moves
from connector.domain.requests.catalogue import item_for
from connector.domain.requests.record import Record, TaskState, What, after, record
from connector.domain.ticket import ENDED, Kind, Ticket
from connector.flows.escalate_ticket import Looked
from connector.flows.majors import ticket_facts
from connector.flows.reading import PLACEHOLDER, retried
from connector.flows.request_effects import effect
from connector.flows.request_tasks import elsewhere
from connector.ports import Deps, Stored, Tx

log = structlog.get_logger("connector.requests")
FRESH: Final = timedelta(hours=4)
"""A ticket first seen longer after its opening starts nothing: it is being dealt with already."""
POLL: Final = timedelta(minutes=5)
"""How often tasks that are elsewhere are looked at, should nothing else tell of them."""
AGAIN: Final = timedelta(hours=1)
AT_ONCE: Final = (What.TASK_LATE, What.TASK_FAILED, What.APPROVAL_LATE)
"""Ladders may wait for them, so that the ticket is looked at again."""
Make = Callable[[Record, datetime], Event]
"""Makes the event of what a person does; raises Refused."""


def fulfil(tx: Tx, deps: Deps, registry: Registry, looked: Sequence[Looked], now: datetime) -> dict[int, datetime]:
    """Look at the requests among these tickets; gives, by ticket, when to look again."""
    moments: dict[int, datetime] = {}
    if not registry.catalogue and not any(_begun(one.events) for one in looked):
        return moments
    _parents(tx, looked, now, moments)
    for one in looked:
        stored = one.stored
        usable = stored.missing_since is None and stored.ticket.id[:1] != PLACEHOLDER
        if usable and stored.ticket.kind is Kind.SERVICE_REQUEST and stored.ticket.tool in deps.tools:
            at = _look(tx, deps, registry, stored, one.events, now)
            if at is not None:
                moments[stored.key] = min(at, moments.get(stored.key, at))
    return moments


def act(deps: Deps, key: int, make: Make, actor: str) -> Record:
    """What a person does to a request, with all that follows. Raises NotFound or Refused."""
    def work() -> Record:
        with deps.store.begin() as tx:
            stored, found = _standing(tx, key, lock=True)
            now = deps.now()
            event = make(found, now)
            if tx.append([(key, event)]):
                found = after(found, event)
                effect(tx, deps, _registry(deps), stored, found, event, now)
                tx.schedule({key: now})
                tx.audit(now, actor, f"request.{event.data['what']}", str(stored.ticket.ref), {"key": event.key})
            return found

    return retried(work)


def standing(deps: Deps, key: int) -> tuple[Stored, Record]:
    """Changes nothing. Raises NotFound, or Refused for a ticket without a request."""
    with deps.store.read() as tx:
        return _standing(tx, key)


def _standing(tx: Tx, key: int, *, lock: bool = False) -> tuple[Stored, Record]:
    stored = tx.by_key([key], lock=lock).get(key)
    if stored is None or stored.ticket.deleted:
        raise NotFound(f"no ticket {key}")
    found = record(effective(tx.history([key]).get(key, [])))
    if found is None:
        raise Refused("no item of the catalogue was requested with it")
    return stored, found


def _registry(deps: Deps) -> Registry:
    return deps.registry() if deps.registry is not None else Registry(())


def _begun(events: Iterable[Event]) -> bool:
    return any(event.kind is EventKind.REQUEST for event in events)


def _parents(tx: Tx, looked: Sequence[Looked], now: datetime, moments: dict[int, datetime]) -> None:
    """A task that changed lets its request be looked at."""
    for one in looked:
        ticket = one.stored.ticket
        if ticket.parent and ticket.kind is Kind.TASK:
            for parent in tx.tickets(ticket.tool, [ticket.parent]).values():
                if parent.ticket.kind is Kind.SERVICE_REQUEST:
                    tx.schedule({parent.key: now})


def _look(tx: Tx, deps: Deps, registry: Registry, stored: Stored, events: Sequence[Event],
          now: datetime) -> datetime | None:
    try:
        found, made = _plan(tx, deps, registry, stored, events, now)
    except (CalendarError, ConfigError, Refused) as error:
        log.warning("request_cannot_be_computed", ticket=str(stored.ticket.ref), problem=str(error))
        return now + AGAIN
    if found is None:
        return None
    new = {key for _, key in tx.append((stored.key, event) for event in made)}
    again = any(event.data["what"] in AT_ONCE for event in made)
    for event in made:
        if event.key in new:
            again |= effect(tx, deps, registry, stored, found, event, now)
    if again:
        return now
    running = any(doing.state is TaskState.STARTED for doing in found.tasks.values())
    moments = [at for at in (moves.next_at(found), now + POLL if running and found.active else None) if at is not None]
    return min((max(at, now + timedelta(seconds=1)) for at in moments), default=None)


def _plan(tx: Tx, deps: Deps, registry: Registry, stored: Stored, events: Sequence[Event],
          now: datetime) -> tuple[Record | None, list[Event]]:
    line, made = effective(events), list[Event]()
    found = record(line)
    ticket = stored.ticket
    if found is None:
        item = item_for(registry.catalogue, ticket_facts(ticket)) if _starts(ticket, line, now) else None
        if item is None:
            return None, []
        made.append(moves.start(item.plan, now))
        found = record(made)
        assert found is not None
    if found.active and (ticket.state in ENDED or ticket.deleted):
        said = f"the ticket is {'deleted' if ticket.deleted else ticket.state}"
        made.append(moves.cancel(found, now, moves.ACTOR, said, Role.CONNECTOR))
        return after(found, made[-1]), made
    for task in found.plan.tasks:
        event = elsewhere(tx, stored, found, task, now)
        if event is not None:
            made.append(event)
            found = after(found, event)
    came, found = moves.coming(found, now, _finder(registry, ticket, now), _dues(registry, found.plan.calendar))
    return found, [*made, *came]


def _starts(ticket: Ticket, line: Sequence[Event], now: datetime) -> bool:
    """Nothing is started for what was imported, ended, or known elsewhere long before we saw it."""
    if ticket.state in ENDED or ticket.deleted or any(event.origin is Origin.IMPORT for event in line):
        return False
    seen = min((event.at for event in line if event.kind is EventKind.AGREED), default=now)
    return seen - ticket.opened_at <= FRESH


def _finder(registry: Registry, ticket: Ticket, now: datetime) -> moves.Find:
    """Nobody approves what they ask for themselves."""
    people = registry.people
    asks = people.by_email(ticket.requester_email) or people.by_login(ticket.tool, ticket.requester)

    def find(to: Who | None, up: int) -> tuple[str, ...]:
        if to is not None:
            return tuple(person.id for person in meant(to, ticket, people, now) if person != asks)
        manager = people.manager(asks, up) if asks is not None else None
        return (manager.id,) if manager is not None else ()

    return find


def _dues(registry: Registry, calendar: str) -> moves.Due:
    def due(within: Amount, begins: datetime) -> datetime:
        hours = registry.calendar(within.calendar or calendar)
        return hours.add(begins, within.from_start(begins, hours))

    return due
