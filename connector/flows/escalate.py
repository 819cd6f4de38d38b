"""Ladders at work: what a look at tickets makes due is recorded and put into the outbox, in the look's transaction.

An event with a key says that a step fired; the transaction that appends it also enqueues what the step does, so that
both happen or neither. What cannot be done is an event too, and the ticket is looked at again for what to do instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from connector.domain.agreements.registry import Registry
from connector.domain.errors import ConnectorError, Refused
from connector.domain.escalations.escalated import refusal
from connector.domain.escalations.ladder import outlook
from connector.domain.history import Event, EventKind, Origin, effective
from connector.flows import handing, surges, telling
from connector.flows.escalate_ticket import Climbed, Firings, Looked, Work
from connector.flows.reading import PLACEHOLDER
from connector.ports import Deps, Stored, Tx

log = structlog.get_logger("connector.escalate")
AGAIN: Final = timedelta(hours=1)
"""When a ticket whose steps could not be worked out is tried again."""
SETTLING: Final = surges.SETTLING
"""How long the history of a ticket new to us may keep us waiting: clocks read without it may be wrong."""


def climb(tx: Tx, deps: Deps, registry: Registry, looked: Sequence[Looked], now: datetime) -> Climbed:
    """One bad ticket never stops the rest; what it wanted is then seen as a refusal, or tried with the next look."""
    done, work = Climbed(), Work()
    if not registry.escalations:
        return done
    reached = surges.reached(tx, registry, [(one.stored.ticket, _first(one, now)) for one in looked], now)
    for one in looked:
        tool = deps.tools.get(one.stored.ticket.tool)
        if tool is None or one.stored.missing_since is not None or one.stored.ticket.id[:1] == PLACEHOLDER:
            continue
        line = effective(one.events)
        waits = _history_first(one, line, now)
        if waits is not None:
            done.next_at[one.stored.key] = waits
            continue
        try:
            crowd = reached.get(one.stored.ticket.ref, [])
            seen = outlook(one.stored.ticket, line, one.result, registry, now,
                           frozenset((rule.name, step.name) for rule, step in crowd))
        except Exception:
            log.exception("ladders_failed", ticket=str(one.stored.ticket.ref))
            continue
        if seen.next_at is not None:
            done.next_at[one.stored.key] = seen.next_at
        for problem in seen.problems:
            log.warning("ladder_cannot_be_computed", ticket=str(one.stored.ticket.ref), problem=problem)
        firings = [firing for firing in seen.firings if surges.first(tx, crowd, firing, one.stored, now)]
        if not firings:
            continue
        own = Work()
        try:
            Firings(tx, deps, tool, one, line, registry, now, done, own).act(firings)
        except ConnectorError:
            raise
        except Exception:
            log.exception("ladders_failed", ticket=str(one.stored.ticket.ref))
            done.next_at[one.stored.key] = now + AGAIN
            continue
        work.take(own)
    _write(tx, deps, work, done, now)
    return done


def _first(one: Looked, now: datetime) -> bool:
    return all(event.kind is not EventKind.AGREED or event.at == now for event in one.events)


def _history_first(one: Looked, line: Sequence[Event], now: datetime) -> datetime | None:
    """Until when to wait for the history of a ticket that is new to us."""
    if not one.stored.history_due:
        return None
    first = min((event.at for event in line if event.kind is EventKind.AGREED), default=now)
    return first + SETTLING if now < first + SETTLING else None


def _write(tx: Tx, deps: Deps, work: Work, done: Climbed, now: datetime) -> None:
    if work.changes:
        tx.save(work.changes)
    tx.append(work.events)
    for n, (stored, event, why) in enumerate(telling.tell(tx, deps, work.told, now), 1):
        _not_done(tx, done, stored, event, why, now, -n)
    tx.enqueue(work.orders, now)
    for n, (stored, what, event, once) in enumerate(work.offers, len(work.told) + 1):
        done.touched.add(stored.key)
        try:
            handing.offer(tx, deps, stored, what, once, now)
        except Refused as error:
            _not_done(tx, done, stored, event, error.reason, now, -n)


def _not_done(tx: Tx, done: Climbed, stored: Stored, event: Event, why: str, now: datetime, n: int) -> None:
    """Seen on the ticket; what is done instead comes with the next look. `n`: apart from the firing's other refusals.
    """
    done.refused += 1
    done.touched.add(stored.key)
    tx.append([(stored.key, refusal(event, why, now, n))])
    log.warning("escalation_refused", ticket=str(stored.ticket.ref), step=event.data["step"], reason=why)


def refused(tx: Tx, deps: Deps, ticket: int, payload: Mapping[str, Any], delivery: int, reason: str) -> int:
    """A target refused what firings wanted: it is seen on the ticket, and their fallbacks come. How many there were."""
    keys = payload.get("escalations")
    if not isinstance(keys, (list, tuple)) or not keys:
        return 0
    now = deps.now()
    behind = [event for event in tx.history([ticket])[ticket]
              if event.kind is EventKind.ESCALATED and event.origin is Origin.CONNECTOR and event.key in keys]
    tx.append((ticket, refusal(event, reason, now, delivery)) for event in behind)
    tx.schedule({ticket: now})
    return len(behind)
